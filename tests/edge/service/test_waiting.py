"""What waits on the device survives a kill and a pulled plug: nothing is lost, and nothing is released twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings

from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import WindowMessage, decode
from edge.place_types import VisitPlaces
from edge.types import Visit
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from edge.vision.aggregate import Aggregator
from edge.vision.pool import Pool
from edge.vision.privacy import CohortRule
from edge.vision.waiting import Waiting
from tests.edge.uplink.boxes import pending
from tests.edge.vision.test_privacy import days
from tests.edge.vision.test_privacy import window as aggregate
from tests.support.brokers import free_port
from tests.support.messages import BOOT, MORNING, cohort, window


def visit(seconds: float = 12.0) -> Visit:
    return Visit(
        MORNING,
        MORNING,
        seconds,
        0.0,
        viewer=False,
        described=False,
        attributes={},
        places=VisitPlaces(stays={"till": 4.0}),
    )


@settings(deadline=None)
@given(days)
def test_what_is_kept_comes_back_as_it_was(minutes: list[list[tuple[str, str, str, int, int]]]) -> None:
    rule = CohortRule(k=5, profile="expression", max_cohort=50)
    for minute, people in enumerate(minutes):
        rule.release(aggregate(people, minute))
        waiting = Waiting(rule.pool, aggregate(people, minute + 1))
        assert Waiting.load(waiting.dump()) == waiting
        assert Waiting.load(Waiting(rule.pool).dump()) == Waiting(rule.pool)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"pool": {}, "window": null}', b"\xff", b'{"pool": 1'])
def test_what_is_damaged_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Waiting.load(text)


def test_an_open_window_goes_on_after_a_restart() -> None:
    first = Aggregator(window_s=60)
    for second in range(20):
        assert first.observe(MORNING + timedelta(seconds=second), float(second), 0, 0) == []
    first.add(visit())
    kept = Waiting.load(Waiting(Pool(), first.open_window).dump()).window
    second_run = Aggregator(window_s=60, resume=kept)
    for second in range(40, 60):
        assert second_run.observe(MORNING + timedelta(seconds=second), float(second), 0, 0) == []
    second_run.add(visit())
    (whole,) = second_run.observe(MORNING + timedelta(seconds=60), 60.0, 0, 0)
    assert (whole.visits, whole.dwell_sum_s, whole.places.zones["till"].stays.visits) == (2, 24.0, 2)
    assert whole.coverage.covered_s == pytest.approx(39.0)


def test_an_open_window_of_the_past_is_told_first() -> None:
    first = Aggregator(window_s=60)
    first.observe(MORNING, 0.0, 0, 0)
    first.add(visit())
    late = Aggregator(window_s=60, resume=first.open_window)
    (told,) = late.observe(MORNING + timedelta(hours=1), 0.0, 0, 0)
    assert (told.start, told.visits) == (MORNING, 1)


def test_a_shop_that_is_switched_off_at_night_gets_its_evening_in_the_morning() -> None:
    """An hour that came while the power was off is made up for by the first window."""
    evening = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)
    for hours_off, due, closing in (
        (0.1, False, False),
        (1, False, True),
        (13, False, True),
        (17, True, True),
    ):
        start = evening + timedelta(hours=hours_off)
        aggregator = Aggregator(
            window_s=60,
            counted=[(evening - timedelta(hours=9), evening)],
            closing_hour=20,
            release_hours=(12,),
            timezone=UTC,
        )
        aggregator.observe(start, 0.0, 0, 0)
        (first,) = aggregator.observe(start + timedelta(minutes=1), 60.0, 0, 0)
        assert (first.due, first.closing) == (due, closing), hours_off


def test_a_release_hour_marks_one_window() -> None:
    aggregator = Aggregator(window_s=900, closing_hour=20, release_hours=(12, 16), timezone=UTC)
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    told = [
        w for n in range(60) for w in aggregator.observe(start + timedelta(minutes=15 * n), 900.0 * n, 0, 0)
    ]
    assert [w.end.hour for w in told if w.due] == [12, 16]
    assert [w.end.hour for w in told if w.closing] == [20]


SERVICE = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from edge.uplink.outbox import Outbox, Progress
from edge.vision.pool import Pool
from edge.vision.privacy import CohortRule
from edge.vision.waiting import Waiting
from common.wire import encode, topic
from tests.support.messages import MORNING, window
from tests.edge.vision.test_privacy import person, window as aggregate

outbox = Outbox(Path(sys.argv[1]), max_messages=1000)
waiting = Waiting.load(outbox.waiting) if outbox.waiting else Waiting(Pool())
budget = float(sys.argv[2]) if len(sys.argv) > 2 else None
rule = CohortRule(k=5, profile="demographics", max_cohort=15, pool=waiting.pool, noise_budget=budget)
first = round((outbox.counted[-1][1] - MORNING).total_seconds()) // 60 if outbox.counted else 0
for minute in range(first, 40):
    release = rule.release(aggregate([person()] * 2, minute))
    message = window(minute, totals=release.totals, pending=release.pending, cohort=release.cohort)
    progress = Progress(message.start, message.end, Waiting(rule.pool).dump())
    print(minute, flush=True)
    outbox.put(topic(message), encode(message), message.end, progress=progress)
outbox.close()
"""


def killed_at(minute: int, command: list[str]) -> None:
    """Run the service, and kill it somewhere around the transaction of this window."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= minute:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.stdout.read()


def kept(outbox: Outbox) -> list[WindowMessage]:
    told = [decode(item.topic, item.payload) for item in pending(outbox, 1000)]
    return [message for message in told if isinstance(message, WindowMessage)]


@pytest.mark.parametrize("at", [1, 7, 8, 15, 16, 23])
def test_killed_at_any_moment_every_visit_is_in_one_cohort(tmp_path: Path, at: int) -> None:
    path = tmp_path / "outbox.db"
    command = [sys.executable, "-c", SERVICE, str(path)]
    killed_at(at, command)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    outbox = Outbox(path, max_messages=1000)
    windows = kept(outbox)
    assert sorted(w.start for w in windows) == [MORNING + timedelta(minutes=minute) for minute in range(40)]
    released = sum(w.cohort.visits for w in windows if w.cohort)
    assert outbox.waiting is not None
    assert released + Waiting.load(outbox.waiting).pool.visits == 80
    outbox.close()


@pytest.mark.parametrize("at", [8, 9, 15, 16, 23])
def test_killed_at_any_moment_what_a_cohort_tells_with_noise_stays_as_it_was_drawn(
    tmp_path: Path, at: int
) -> None:
    """Two draws for the same visits would be two budgets. What can be sent is on the disk, and what is on the disk is
    not drawn again."""
    path = tmp_path / "outbox.db"
    command = [sys.executable, "-c", SERVICE, str(path), "1.0"]
    killed_at(at, command)
    outbox = Outbox(path, max_messages=1000)
    before = kept(outbox)
    outbox.close()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    outbox = Outbox(path, max_messages=1000)
    windows = kept(outbox)
    assert windows[: len(before)] == before
    assert any(w.cohort for w in before)
    with_noise = [w.cohort for w in windows if w.cohort and w.cohort.noise]
    assert len(with_noise) == len([w for w in windows if w.cohort])
    assert outbox.waiting is not None
    assert sum(cohort.visits for cohort in with_noise) + Waiting.load(outbox.waiting).pool.visits == 80
    outbox.close()


def test_what_was_released_is_gone_from_the_disk(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", max_messages=10)
    for minute in range(20):
        outbox.remember(Waiting(Pool(since=MORNING + timedelta(minutes=minute), visits=77_007)).dump())
    assert b"77007" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    outbox.remember(Waiting(Pool()).dump())
    outbox.forget_history()
    assert b"77007" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    outbox.close()


def test_a_full_outbox_remembers_how_far_the_device_has_come(tmp_path: Path) -> None:
    """Or its visits would be released once more after a restart."""
    outbox = Outbox(tmp_path / "outbox.db", max_messages=10)
    uplink = Uplink(
        outbox, Broker("127.0.0.1", free_port()), site="shop", device="door", boot_id=BOOT, software="0.1.0",
        clock=SystemClock(), late_after_s=1e9,
    )  # fmt: skip
    for minute in range(10):
        uplink.send(window(minute), waiting=b"before")
    uplink.send(window(10, visits=8, cohort=cohort()), waiting=b"after")
    assert outbox.depth == 10
    assert (outbox.waiting, outbox.counted) == (b"after", [(MORNING, MORNING + timedelta(minutes=11))])
    uplink.stop(0)
