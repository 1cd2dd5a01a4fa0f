"""A simulated device counts everybody, and its faults show as those of a real one do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from cloud.simulation.chain import Camera, make_sites
from cloud.simulation.device import Arrival, Device, DeviceDay, Release
from cloud.simulation.faults import Faults
from cloud.simulation.visitors import Visitors, known_eyes, visitors
from common.wire import AlertMessage, HealthMessage, StatusMessage, WindowMessage
from tests.cloud.simulation.fleets import MONDAY, TUESDAY

pytestmark = [pytest.mark.mosquitto, pytest.mark.influxdb, pytest.mark.slow]


NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # ten o'clock in Berlin, when most stores open


def play(faults: Faults, *, days: Sequence[date] = (MONDAY,)) -> tuple[list[Arrival], list[DeviceDay], int]:
    """One device with ``faults``: all arrivals, its days, and how many came past it whom it does not leave out."""
    sites = make_sites(1, [MONDAY, TUESDAY], seed=3)
    (site,) = sites.chain.sites.values()
    character = sites.characters[site.name]
    rng = np.random.default_rng(7)
    device = Device(
        Camera("door", "entrance", 1.0),
        site,
        character,
        faults,
        window_s=300,
        until=datetime(2026, 4, 1, tzinfo=UTC),
        rng=rng,
    )
    release = Release("0.1.0", "1", known_eyes()[-1])
    played = [device.day(day, visitors(rng, character, site, day, 1.0), release) for day in days]
    came = sum(people_in(one.came.only(~one.came.beside.known)) for one in played)
    return [arrival for one in played for arrival in one.arrivals], played, came


def people_in(visitors: Visitors) -> int:
    return len(visitors.end_s)


def of(arrivals: Sequence[Arrival], kind: type[Any]) -> list[Any]:
    return [arrival.message for arrival in arrivals if isinstance(arrival.message, kind)]


def hours(first: float, last: float) -> tuple[datetime, datetime]:
    return NINE + timedelta(hours=first), NINE + timedelta(hours=last)


def test_a_device_without_faults_counts_everybody() -> None:
    arrivals, played, came = play(Faults())
    sent = of(arrivals, WindowMessage)
    assert sum(window.totals.visits for window in sent) == people_in(played[0].counted) == came > 50
    assert [window.seq for window in sent] == list(range(len(sent)))
    assert len({window.boot_id for window in sent}) == 1
    assert [status.online for status in of(arrivals, StatusMessage)] == [True]
    assert of(arrivals, AlertMessage) == []
    assert sent[-1].pending < sent[-1].k


def test_sequence_and_boot_go_on_from_day_to_day() -> None:
    arrivals, _, _ = play(Faults(), days=(MONDAY, TUESDAY))
    sent = of(arrivals, WindowMessage)
    assert [window.seq for window in sent] == list(range(len(sent)))
    assert len(of(arrivals, StatusMessage)) == 1


def test_a_blind_camera_is_no_data_and_says_so() -> None:
    since, until = hours(2, 4)
    arrivals, played, came = play(Faults(blind=[(since, until)]))
    blind = [window for window in of(arrivals, WindowMessage) if since <= window.start < until]
    assert len(blind) == 24
    assert all(window.totals.visits == 0 and window.coverage.share == 0 for window in blind)
    assert [(alert.fault, alert.active, alert.at) for alert in of(arrivals, AlertMessage)] == [
        ("camera", True, since),
        ("camera", False, until),
    ]
    assert not any(
        message.camera_open for message in of(arrivals, HealthMessage) if since < message.at <= until
    )
    assert people_in(played[0].counted) < came


def test_what_is_counted_without_a_network_comes_afterwards() -> None:
    since, until = hours(2, 4)
    arrivals, played, came = play(Faults(offline=[(since, until)]))
    late = [arrival for arrival in arrivals if getattr(arrival.message, "is_historical", False)]
    assert len(late) == 24
    assert {arrival.at for arrival in late} == {until}
    assert [status.online for status in of(arrivals, StatusMessage)] == [True, False, True]
    assert people_in(played[0].counted) == came


def test_a_full_outbox_shows_as_a_gap() -> None:
    arrivals, played, came = play(Faults(offline=[hours(2, 4)], outbox=10))
    sequence = [window.seq for window in of(arrivals, WindowMessage)]
    missing = set(range(sequence[-1] + 1)) - set(sequence)
    assert len(missing) == 13
    assert max(message.outbox_lost for message in of(arrivals, HealthMessage)) == len(missing)
    assert people_in(played[0].counted) < came
    assert people_in(played[0].counted) == sum(w.totals.visits for w in of(arrivals, WindowMessage))


def test_a_power_cut_starts_a_new_boot_with_a_clock_that_is_not_trusted() -> None:
    arrivals, _, _ = play(Faults(off=[hours(2, 4)]))
    sent = of(arrivals, WindowMessage)
    assert not [window for window in sent if hours(2, 4)[0] <= window.start < hours(2, 4)[1]]
    assert len({window.boot_id for window in sent}) == 2
    after = [window for window in sent if window.start >= hours(2, 4)[1]]
    assert after[0].seq == 0
    assert [window.clock_trusted for window in after[:2]] == [False, True]
    assert [status.online for status in of(arrivals, StatusMessage)] == [True, False, True]
