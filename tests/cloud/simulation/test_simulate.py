"""``footlight-cloud simulate``: a fleet that cannot be told from a real one, and whose truth is known."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud.__main__ import main
from cloud.domain.chain import Chain
from cloud.domain.tally import tally
from cloud.ingest.bridge import Bridge
from cloud.simulation.chain import KINDS, make_sites
from cloud.simulation.delivery import SimulatedClock, through_broker, through_intake
from cloud.simulation.device import Arrival, Device, DeviceDay, Release
from cloud.simulation.faults import Faults
from cloud.simulation.fleet import Fleet, SiteDay, Truth
from cloud.simulation.visitors import Visitors, known_eyes, visitors
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import DeadLetter, StoreRejected
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.vocabulary import ATTRIBUTES, UNKNOWN
from common.wire import (
    AlertMessage,
    Cells,
    HealthMessage,
    Message,
    ProbeMessage,
    StatusMessage,
    WindowMessage,
    decode,
    encode,
    topic,
)
from tests.support.brokers import Mosquitto, until
from tests.support.influxdb import PASSWORD, USER, Engine
from tests.support.paths import ROOT

pytestmark = [pytest.mark.mosquitto, pytest.mark.influxdb, pytest.mark.slow]

LAST_DAY = date(2026, 3, 30)
"""The clocks went forward the day before."""
NOON = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)


def fleet(*, seed: int = 1, sites: int = 12, days: int = 4, now: datetime = NOON) -> Fleet:
    return Fleet(sites=sites, days=days, last_day=LAST_DAY, until=now, window_s=300, seed=seed)


@pytest.fixture(scope="module")
def site_days() -> list[SiteDay]:
    return list(fleet().site_days())


def messages(site_days: Sequence[SiteDay]) -> list[Message]:
    return [arrival.message for each in site_days for arrival in each.arrivals]


def truths(site_days: Sequence[SiteDay]) -> list[Truth]:
    return [truth for each in site_days for truth in each.truths]


def windows(site_days: Sequence[SiteDay]) -> list[WindowMessage]:
    return [message for message in messages(site_days) if isinstance(message, WindowMessage)]


def test_every_message_passes_the_wire(site_days: list[SiteDay]) -> None:
    sent = messages(site_days)
    assert {type(message) for message in sent} >= {WindowMessage, HealthMessage, StatusMessage}
    for message in sent:
        assert decode(topic(message), encode(message)) == message


def test_equal_seeds_give_equal_messages_and_others_do_not(site_days: list[SiteDay]) -> None:
    few = list(fleet(sites=3, days=1).site_days())
    assert few == list(fleet(sites=3, days=1).site_days())
    assert few != list(fleet(sites=3, days=1, seed=2).site_days())


def test_the_truth_is_what_the_windows_count_while_the_store_is_open(site_days: list[SiteDay]) -> None:
    chain = fleet().chain
    by_site: dict[str, list[WindowMessage]] = defaultdict(list)
    for window in windows(site_days):
        by_site[window.site].append(window)
    compared = 0
    for truth in truths(site_days):
        site = chain.sites[truth.site]
        counted = tally(by_site[truth.site], site, truth.day, truth.role)
        assert (counted.open_s, counted.visits, counted.viewers) == (
            truth.open_s,
            truth.visits,
            truth.viewers,
        )
        for mix in (truth.gender, truth.age_band, truth.expression):
            assert sum(mix.values()) == truth.visits
        assert truth.visits <= truth.came
        assert truth.viewers <= truth.described <= truth.visits
        compared += truth.visits
    assert compared > 5000
    assert {truth.role for truth in truths(site_days)} == {"entrance", "display"}


def test_who_was_described_is_told_in_large_groups(site_days: list[SiteDay]) -> None:
    told = [w.cohort for w in windows(site_days) if w.cohort and w.cohort.described is not None]
    truth = truths(site_days)
    assert sum(cohort.visits for cohort in told) > 1000
    share = sum(cohort.described or 0 for cohort in told) / sum(cohort.visits for cohort in told)
    assert share == pytest.approx(sum(t.described for t in truth) / sum(t.visits for t in truth), abs=0.05)


def test_what_is_counted_is_more_than_the_opening_hours(site_days: list[SiteDay]) -> None:
    """The staff is there before and after: an analysis that forgets the opening hours shows."""
    assert sum(w.totals.visits for w in windows(site_days)) > sum(truth.visits for truth in truths(site_days))


def test_nothing_arrives_that_lies_in_the_future_and_no_order_is_broken(site_days: list[SiteDay]) -> None:
    for each in site_days:
        by_device: dict[str, list[datetime]] = defaultdict(list)
        for arrival in each.arrivals:
            by_device[arrival.message.device].append(arrival.at)
        for moments in by_device.values():
            assert moments == sorted(moments)
            assert moments[-1] <= NOON
    assert max(window.end for window in windows(site_days)) <= NOON


def cells(message: WindowMessage) -> Iterator[Cells]:
    cohort = message.cohort
    assert cohort is not None
    for table in (cohort.dwell, cohort.attention, cohort.gender, cohort.age_band, cohort.expression):
        if table is not None:
            yield table
    yield from (cohort.gender_age_band or {}).values()


def test_no_cell_below_k_can_be_read(site_days: list[SiteDay]) -> None:
    released = [window for window in windows(site_days) if window.cohort is not None]
    assert len(released) > 50
    withheld = 0
    for window in released:
        for table in cells(window):
            assert all(count is None or count == 0 or count >= window.k for count in table.values())
            withheld += list(table.values()).count(None)
    assert withheld > 0


def test_devices_err_as_the_confusion_matrices_say() -> None:
    eyes, rng, each = known_eyes()[-1], np.random.default_rng(5), 4000
    for attribute, names in ATTRIBUTES.items():
        labels = {name: np.zeros(each * len(names), dtype=np.int64) for name in ATTRIBUTES}
        labels[attribute] = np.repeat(np.arange(len(names)), each)
        seen = np.ones(each * len(names), dtype=np.bool_)
        position = list(ATTRIBUTES).index(attribute)
        said = np.array([verdict[position] for verdict in eyes.see(rng, labels, seen)]).reshape(
            len(names), each
        )
        for row, expected in zip(said, eyes.verdicts[attribute], strict=True):
            shares = [float((row == word).mean()) for word in (*names, UNKNOWN)]
            assert shares == pytest.approx(expected.tolist(), abs=4 * 0.5 / each**0.5)


def test_the_matrices_are_those_that_were_committed() -> None:
    path = ROOT / "models_tflite" / "confusion.json"
    committed = json.loads(path.read_text())
    for eyes in known_eyes():
        matrix = committed[eyes.calibration]["gender"]
        row, column = matrix["labels"].index("female"), matrix["verdicts"].index("male")
        expected = matrix["counts"][row][column] / sum(matrix["counts"][row])
        assert eyes.verdicts["gender"][0, 1] == pytest.approx(expected)


MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # ten o'clock in Berlin, when most stores open


def play(faults: Faults, *, days: Sequence[date] = (MONDAY,)) -> tuple[list[Arrival], list[DeviceDay], int]:
    """One device with ``faults``: all arrivals, its days, and how many people came past it."""
    sites = make_sites(1, [MONDAY, TUESDAY], seed=3)
    (site,) = sites.chain.sites.values()
    character = sites.characters[site.name]
    rng = np.random.default_rng(7)
    device = Device(
        "door",
        site,
        character,
        faults,
        window_s=300,
        until=datetime(2026, 4, 1, tzinfo=UTC),
        rng=rng,
    )
    release = Release("0.1.0", "1", known_eyes()[-1])
    crowd = [visitors(rng, character, site, day, 1.0) for day in days]
    played = [device.day(day, people, release) for day, people in zip(days, crowd, strict=True)]
    return [arrival for one in played for arrival in one.arrivals], played, sum(map(people_in, crowd))


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


def test_sites_differ_and_their_chain_file_is_one() -> None:
    sites = make_sites(40, [MONDAY, TUESDAY], seed=1)
    assert len({character.kind.visits_per_hour for character in sites.characters.values()}) == len(KINDS)
    assert {site.timezone for site in sites.chain.sites.values()} > {"Europe/Berlin", "Europe/Lisbon"}
    assert {len(character.cameras) for character in sites.characters.values()} == {1, 2, 4}
    for name, site in sites.chain.sites.items():
        assert site.cameras == {camera.name: camera.purpose for camera in sites.characters[name].cameras}


CONFIG = "store: {{path: {path}, retention_days: 3650}}\nmqtt: {{port: {port}}}\n"


def simulate(folder: Path, *arguments: str, port: int = 1883) -> int:
    config = folder / "cloud.yaml"
    config.write_text(CONFIG.format(path=folder / "store.sqlite", port=port))
    shape = ("--stores", "3", "--days", "2", "--last-day", "2026-03-03", "--window", "900")
    return main(["simulate", "--config", str(config), *shape, *arguments])


def stored(folder: Path) -> list[WindowMessage]:
    store = EmbeddedStore(folder / "store.sqlite", retention_days=3650, clock=SystemClock())
    try:
        span = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
        return [window for site in store.sites() for window in store.windows(site, *span)]
    finally:
        store.close()


def test_the_command_fills_the_store_and_a_second_run_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, truth = tmp_path / "chain.yaml", tmp_path / "truth.jsonl"
    assert simulate(tmp_path, "--json", "--chain-out", str(chain), "--truth-out", str(truth)) == 0
    result = json.loads(capsys.readouterr().out)
    first = stored(tmp_path)
    assert result["windows"] == len(first) > 200
    assert result["visits"] == sum(window.totals.visits for window in first)
    sites = Chain.load(chain).sites
    told = [json.loads(line) for line in truth.read_text().splitlines()]
    assert len(told) == 2 * sum(len(site.roles) for site in sites.values())
    for day in told:
        site = sites[day["site"]]
        mine = [window for window in first if window.site == day["site"]]
        assert tally(mine, site, date.fromisoformat(day["day"]), day["role"]).visits == day["visits"]
    assert simulate(tmp_path) == 0
    assert "windows with" in capsys.readouterr().out
    assert stored(tmp_path) == first


def test_through_a_broker_and_a_bridge_comes_the_same(tmp_path: Path) -> None:
    direct, bridged = tmp_path / "direct", tmp_path / "bridged"
    direct.mkdir()
    bridged.mkdir()
    assert simulate(direct) == 0
    store = EmbeddedStore(bridged / "store.sqlite", retention_days=3650, clock=SystemClock())
    with Mosquitto(bridged) as broker:
        bridge = Bridge(store, Broker("127.0.0.1", broker.port), client_id="bridge")
        working = threading.Thread(target=bridge.run)
        working.start()
        try:
            assert bridge.subscribed.wait(10)
            assert simulate(bridged, "--broker", port=broker.port) == 0
            expected = stored(direct)
            until(lambda: len(stored(bridged)) == len(expected), "the bridge has stored them all")
        finally:
            bridge.stop()
            working.join(20)
            store.close()
    assert stored(bridged) == expected


def test_a_broker_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(tmp_path, "--broker", port=1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "broker localhost:1: " in line
    assert "check mqtt.host" in line


def test_a_broker_that_refuses_is_told(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path, anonymous=False) as broker,
        pytest.raises(UserError, match=r"refuses this client: Not authorized; check mqtt\.username"),
    ):
        through_broker([], Broker("127.0.0.1", broker.port), SystemClock())


class Refusing:
    """A store that takes nothing (``reason``), or whose writing ends in a fault that nobody named."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def write(self, messages: Sequence[Message]) -> None:
        raise self._fault

    def contains(self, probe: ProbeMessage) -> bool:
        raise self._fault

    def record_dead_letter(self, letter: DeadLetter) -> None:
        raise self._fault

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        raise self._fault

    def close(self) -> None:
        """Nothing is open."""


def stream(site_days: Sequence[SiteDay]) -> Iterator[tuple[datetime, Message]]:
    for message in messages(site_days):
        yield NOON, message


def test_what_the_store_never_takes_is_an_error(site_days: list[SiteDay]) -> None:
    with pytest.raises(UserError, match=r"store: \d+ messages were refused; the first reason: too old"):
        through_intake(stream(site_days[:1]), Refusing(StoreRejected("too old")), SimulatedClock())


def test_a_fault_of_the_store_ends_the_command(site_days: list[SiteDay]) -> None:
    with pytest.raises(RuntimeError, match="nobody named it"):
        through_intake(stream(site_days), Refusing(RuntimeError("nobody named it")), SimulatedClock())


def test_a_database_that_is_not_there_ends_the_command(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, and at once; the chain file is whole all the same."""
    store = {"kind": "influx", "url": engine.url, "token": f"{USER}:{PASSWORD}", "bucket": "nowhere"}
    config, chain = tmp_path / "cloud.yaml", tmp_path / "chain.yaml"
    config.write_text(json.dumps({"store": store}))
    few = ["--sites", "2", "--days", "1", "--window", "900", "--chain-out", str(chain)]
    assert main(["simulate", "--config", str(config), *few]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "footlight-cloud:" in line]
    assert "store: InfluxDB answered 404: " in line
    assert "fix this, then run the command again" in line
    assert len(Chain.load(chain).sites) == 2


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(tmp_path, "--chain-out", str(tmp_path / "no" / "chain.yaml")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "chain.yaml: cannot be written" in line


@pytest.mark.parametrize(("option", "value"), [("--stores", "0"), ("--days", "-1"), ("--last-day", "monday")])
def test_a_wrong_value_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        simulate(tmp_path, option, value)
    assert ended.value.code == 2
    assert option in capsys.readouterr().err.splitlines()[-1]
