"""A Pi has no clock that runs while it is off: what a window says of its time when a time server has set the clock."""

from __future__ import annotations

import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from edge.service.run import Run
from edge.service.trust import ClockTrust
from edge.types import WindowAggregate
from edge.uplink.outbox import Outbox, Progress
from edge.vision.aggregate import Aggregator
from tests.edge.service.runs import LiveCamera, alerts, running, service, settings, statuses, windows
from tests.edge.vision.test_aggregate import a_visit
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.clock import SettableClock

NIGHT = timedelta(hours=12)


@pytest.mark.mosquitto
def test_a_window_from_before_the_clock_was_set_is_not_trusted_though_it_is_told_afterwards(
    tmp_path: Path,
) -> None:
    clock, is_set = SettableClock(-NIGHT), threading.Event()
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = service(
            settings(tmp_path), mosquitto.port, LiveCamera(clock), clock=clock, is_clock_set=is_set.is_set
        )
        with running(app):
            until(lambda: windows(listener), "a window is over")
            until(lambda: len(alerts(listener, "clock")) == 1, "the fault is told")
            clock.ahead = timedelta()
            is_set.set()
            set_at = clock.now()
            until(lambda: sum(w.clock_trusted for w in windows(listener)) >= 2, "windows are trusted")
        until(lambda: statuses(listener) == [True, False], "it has gone")
        came, (began, ended) = windows(listener), alerts(listener, "clock")
    assert (began.active, ended.active) == (True, False)
    assert {window.clock_trusted for window in came} == {False, True}
    for window in came:
        assert window.clock_trusted == (window.start > set_at - NIGHT / 2)
    assert [window.seq for window in came] == list(range(len(came))), "in between, no windows were made up"


@pytest.mark.mosquitto
def test_a_clock_that_was_set_back_before_a_restart_is_a_fault_until_it_has_caught_up(tmp_path: Path) -> None:
    clock = SettableClock()
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:

        def started() -> Run:
            return service(
                settings(tmp_path), mosquitto.port, LiveCamera(clock), clock=clock, is_clock_set=lambda: True
            )

        with running(started()):
            until(lambda: len(windows(listener)) >= 5, "windows are told")
        until(lambda: statuses(listener) == [True, False], "it has gone")
        before = windows(listener)
        clock.ahead = before[0].start - before[-1].start
        with running(started()):
            until(
                lambda: [one.active for one in alerts(listener, "clock")][-2:] == [True, False], "it is over"
            )
            until(lambda: len(windows(listener)) > len(before), "the next window is told")
        until(lambda: statuses(listener) == [True, False] * 2, "it has gone again")
        came, (told,) = windows(listener), [one for one in alerts(listener, "clock") if one.active]
    assert len({window.start for window in came}) == len(came)
    assert came[len(before)].start == before[-1].end
    assert f"is told at {came[len(before)].end:%Y-%m-%d %H:%M} UTC" in told.text


def test_one_moment_without_trust_is_enough_for_a_window_and_says_nothing_of_the_next() -> None:
    is_set = threading.Event()
    trust = ClockTrust(is_set.is_set)
    assert not trust.now()
    is_set.set()
    assert trust.now()
    assert not trust.until_now()
    assert trust.now()
    assert trust.until_now()
    is_set.clear()
    assert trust.until_now()
    is_set.set()
    assert not trust.until_now(), "it began while the clock was not set"


MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)

steps = st.one_of(st.just(0), st.integers(-90, 90), st.integers(-7200, 7200), st.integers(-400_000, 400_000))
"""By how many seconds somebody sets the clock."""
frames = st.tuples(st.one_of(st.floats(0.1, 1.0), st.floats(1, 400)), steps, st.integers(0, 2))
"""Seconds to the next frame, a step of the clock, and the visits that end then."""
runs = st.lists(st.lists(frames, min_size=1, max_size=8), min_size=1, max_size=5)


@pytest.mark.slow
@settings_of(deadline=None, max_examples=60)
@given(runs)
@example([[(60.0, 0, 1)] * 8, [(60.0, -5 * 3600, 1)] * 8])
def test_a_step_of_the_clock_over_restarts_publishes_no_window_twice_and_loses_nobody(
    made: list[list[tuple[float, int, int]]],
) -> None:
    """Each run of the service begins with what the outbox kept; a run that is ended tells its open window."""
    wall, monotonic_s, told = MIDNIGHT, 0.0, list[WindowAggregate]()
    with tempfile.TemporaryDirectory() as folder:
        for of_run in made:
            outbox = Outbox(Path(folder) / "outbox.sqlite", max_messages=10_000)
            aggregator = Aggregator(window_s=60, counted=outbox.counted)
            for gap_s, step_s, visits in of_run:
                monotonic_s += gap_s
                wall += timedelta(seconds=gap_s + step_s)
                over = aggregator.observe(wall, monotonic_s, visits, 0)
                for _ in range(visits):
                    aggregator.add(a_visit())
                told += keep(outbox, over)
            told += keep(outbox, aggregator.close())
            outbox.close()
    starts = [window.start for window in told]
    assert len(set(starts)) == len(starts)
    assert sum(window.visits for window in told) == sum(frame[2] for of_run in made for frame in of_run)
    assert all(0 <= window.coverage.covered_s <= 60 for window in told)
    watched = sum(frame[0] for of_run in made for frame in of_run)
    assert sum(window.coverage.covered_s for window in told) <= watched + 1e-3


def keep(outbox: Outbox, windows: list[WindowAggregate]) -> list[WindowAggregate]:
    for window in windows:
        assert outbox.put("t", b"", window.end, progress=Progress(window.start, window.end, b""))
    return windows
