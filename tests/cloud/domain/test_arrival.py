"""What the time of arrival says: a clock that runs ahead marks its device and harms nobody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.arrival import LONGEST, TOLERATED, checked
from cloud.ingest.intake import Delivery, Intake
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import points
from cloud.stores.measurement import moment
from cloud.stores.store import DeadLetter
from cloud.web.day import day_figures
from common.wire import Message, WireError, encode, topic
from tests.common.test_wire import TOPICS, mutated
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, health, notice, probe, status, window

pytestmark = pytest.mark.slow

NOW = MORNING + timedelta(hours=4)
BERLIN = ZoneInfo("Europe/Berlin")


@given(st.timedeltas(timedelta(days=-900), timedelta(days=900)))
def test_nothing_is_stored_under_a_time_that_is_far_from_its_arrival(ahead: timedelta) -> None:
    at = NOW + ahead
    said = (
        health(at=at),
        alert(active=True, at=at),
        notice(at=at),
        status(online=True, since=at),
        probe(at=at),
    )
    for message in said:
        if ahead > LONGEST:
            with pytest.raises(WireError, match="more than a day after its arrival"):
                checked(message, NOW)
        else:
            (point,) = points(checked(message, NOW), NOW)
            stored = moment(int(point.rpartition(" ")[2]))
            assert stored <= NOW + (LONGEST if message.kind.startswith("footlight.probe") else TOLERATED)


def test_a_window_of_a_clock_that_runs_ahead_is_marked_and_keeps_its_identity() -> None:
    on_time, ahead = window(4 * 60 - 1), window(5 * 60)
    assert checked(on_time, NOW) == on_time
    assert checked(ahead, NOW) == ahead.model_copy(update={"clock_trusted": False})
    with pytest.raises(WireError, match=r"footlight/v1/shop/door/window: dated 2026-03-04 .*; set the clock"):
        checked(window(2 * 24 * 60), NOW)


def test_one_device_whose_clock_runs_ahead_leaves_the_figures_of_the_others_untouched() -> None:
    others = [window(minute) for minute in range(4 * 60)]
    ahead = [window(minute, device="shelf") for minute in range(7 * 60, 7 * 60 + 5)]
    assert day_figures([*others, *ahead], NOW, BERLIN) == day_figures(others, NOW, BERLIN)
    day = day_figures([*others, *ahead], NOW, BERLIN)
    assert day.coverage == 1.0
    assert day.now is not None
    assert day.now.end <= NOW
    assert not day.now.stale


def test_an_alert_and_a_health_message_from_the_future_are_replaced_by_what_follows(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    store = EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)
    future = NOW + timedelta(hours=20)
    take(
        store,
        clock,
        alert(active=True, at=future),
        health(at=future, fps=1.0),
        status(online=True, since=future),
    )
    (state,) = store.devices("shop")
    assert len(state.alerts) == 1
    assert state.health is not None
    assert not state.health.clock_trusted
    clock.time += timedelta(minutes=1)
    take(store, clock, alert(active=False, at=clock.now()), health(at=clock.now(), fps=9.0))
    (state,) = store.devices("shop")
    assert state.alerts == ()
    assert state.health == health(at=clock.now(), fps=9.0)
    store.close()


def take(store: EmbeddedStore, clock: ManualClock, *messages: Message) -> list[DeadLetter]:
    """Send messages the way of the bridge."""
    return deliver(store, clock, [(topic(message), encode(message)) for message in messages])


def deliver(store: EmbeddedStore, clock: ManualClock, came: list[tuple[str, bytes]]) -> list[DeadLetter]:
    letters: list[DeadLetter] = []
    left = len(came)

    def acknowledge() -> None:
        nonlocal left
        left -= 1
        if not left:
            intake.stop()

    intake = Intake(store, letters.append, lambda _: None, clock=clock)
    for name, payload in came:
        intake.submit(Delivery(name, payload, acknowledge))
    if came:
        intake.run()
    assert left == 0, "each is acknowledged"
    assert intake.stats.stored + intake.stats.dead == len(came)
    return letters


arriving = st.tuples(st.sampled_from(TOPICS) | st.text(max_size=80), st.binary(max_size=80)) | mutated()


@given(st.lists(arriving, max_size=6))
def test_whatever_arrives_is_stored_or_a_dead_letter_and_stops_nothing(
    tmp_path_factory: pytest.TempPathFactory, came: list[tuple[str, bytes]]
) -> None:
    clock = ManualClock(NOW)
    store = EmbeddedStore(tmp_path_factory.mktemp("store") / "store.sqlite", retention_days=30, clock=clock)
    letters = deliver(store, clock, came)
    assert len(store.dead_letters(100)) == len(letters)
    for letter in letters:
        said = letter.topic + letter.reason + letter.site + letter.device
        assert said.isascii()
        assert said.isprintable()
        assert len(said) < 1000
    for site in store.sites():
        store.devices(site)
        day_figures(store.windows(site, NOW - timedelta(days=1), NOW + timedelta(days=2)), NOW, BERLIN)
    store.close()
