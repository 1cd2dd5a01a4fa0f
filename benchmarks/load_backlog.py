"""A chain comes back after hours without a network: its devices send what they kept, beside live windows.

One connection stands for all devices and sends at their pace, that of ``edge.uplink.delivery``; hundreds of real
devices would need more of this machine than broker, bridge and store. So it measures whether live windows queue there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.progress import Progress

from benchmarks.load_parts import bridge, connected, stored
from cloud.ingest.background import in_background
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.mqtt.session import Session
from common.wire import Coverage, Totals, WindowMessage, encode, topic
from edge.uplink.delivery import LATE_AT_ONCE, LATE_PER_S
from tests.support.influxdb import InfluxDB

LIVE_S = 10
"""Length of a live window: shorter than usual, for more of them. All devices send at the same moment, as real ones."""
LATE_S = 60
_STEP_S = 0.1
_LOOK_S, _COUNT_S = 0.5, 5.0
"""How often it looks for live windows, and counts the late ones."""
_GIVEN_UP_S = 120.0


def backlog(
    folder: Path, store: InfluxDB, devices: int, hours: float, progress: Progress, *, at_once: bool
) -> dict[str, Any]:
    """Return how long the backlog took, and the delays of live windows meanwhile, in seconds from device to store.

    ``at_once``: the devices send as fast as the broker takes it.
    """
    late = round(hours * 3600 / LATE_S) * devices
    task = progress.add_task("backlog", total=late)
    with connected(bridge, folder, store) as (broker, program):
        live = _Live(devices, store, broker.port)
        look = 0.0
        sending = _sending(devices, late, None if at_once else LATE_PER_S * devices, broker.port)
        began, most, there = time.monotonic(), 0.0, 0
        with live, in_background("late windows", sending):
            while there < late:
                live.go_on()
                most = max(most, program.rss_mib)
                if time.monotonic() >= look:  # not more often: counting costs InfluxDB time
                    there, look = live.late_stored(), time.monotonic() + _COUNT_S
                    progress.update(task, completed=there)
            drained = time.monotonic() - began
            live.finish()
        return {
            "at_once": at_once,
            "devices": devices,
            "hours": hours,
            "late": late,
            "drained_s": round(drained, 1),
            "live": len(live.delays),
            "worst_s": round(max(live.delays), 1),
            "median_s": round(median(live.delays), 1),
            "missing": live.sent + late - stored(store),
            "rss_most_mib": round(most, 1),
        }


def _sending(devices: int, count: int, per_s: float | None, port: int) -> Any:
    """Return the work of a thread that publishes ``count`` late windows, ``per_s`` in a second."""

    def run(stopped: threading.Event) -> None:
        messages = _late(devices, count)
        began, at_once, sent = time.monotonic(), LATE_AT_ONCE * devices, 0
        with Session(Broker("127.0.0.1", port), "late", clock=SystemClock(), timeout_s=120) as session:
            while sent < count and not stopped.is_set():
                due = count if per_s is None else at_once + round(per_s * (time.monotonic() - began))
                for _ in range(min(due, count) - sent):
                    session.post(*next(messages))
                    sent += 1
                stopped.wait(_STEP_S)
            session.flush()

    return run


def _late(devices: int, count: int) -> Iterator[tuple[str, bytes]]:
    end = _aligned(datetime.now(UTC), LATE_S) - timedelta(seconds=LATE_S)
    each = count // devices
    for number in range(each):
        for device in range(devices):
            yield _window(device, end - timedelta(seconds=LATE_S * (each - number)), LATE_S, number)


class _Live:
    """Live windows of all devices, at the same moments, and how long each takes to the store."""

    def __init__(self, devices: int, store: InfluxDB, port: int) -> None:
        self._devices, self._store = devices, store
        self._session = Session(Broker("127.0.0.1", port), "live", clock=SystemClock(), timeout_s=120)
        self._waiting: dict[tuple[str, int], float] = {}
        self._seq = 0
        self._first = self._next = _aligned(datetime.now(UTC), LIVE_S) + timedelta(seconds=LIVE_S)
        self.sent = 0
        self.delays: list[float] = []

    def __enter__(self) -> None:
        self._session.open()

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def go_on(self) -> None:
        """Wait a moment; send what is due, and look what is stored."""
        if datetime.now(UTC) >= self._next:
            start = self._next - timedelta(seconds=LIVE_S)
            for device in range(self._devices):
                self._waiting[_name(device), self._seq] = time.monotonic()
                self._session.post(*_window(device, start, LIVE_S, self._seq))
            self.sent += self._devices
            self._seq += 1
            self._next += timedelta(seconds=LIVE_S)
        time.sleep(_LOOK_S)
        since = int(self._first.timestamp()) - LIVE_S
        newest = self._store.query(
            f"SELECT last(seq) FROM \"window\" WHERE camera = 'live' AND time >= {since}s GROUP BY site"  # noqa: S608
        )
        now = time.monotonic()
        for row in newest:
            for seq in range(row["last"], -1, -1):
                if (sent := self._waiting.pop((row["site"], seq), None)) is None:
                    break
                self.delays.append(now - sent)

    def late_stored(self) -> int:
        """Return how many windows of the backlog are stored."""
        question = "SELECT count(visits) FROM \"window\" WHERE camera = 'late'"
        return sum(row["count"] for row in self._store.query(question))

    def finish(self) -> None:
        """Wait for the last ones."""
        deadline = time.monotonic() + _GIVEN_UP_S
        self._next = datetime.max.replace(tzinfo=UTC)
        while self._waiting and time.monotonic() < deadline:
            self.go_on()


def _window(device: int, start: datetime, length_s: int, seq: int) -> tuple[str, bytes]:
    window = WindowMessage(
        site=_name(device),
        device="door",
        camera="late" if length_s == LATE_S else "live",
        start=start,
        duration_s=length_s,
        boot_id="0123456789abcdef",
        seq=seq,
        clock_trusted=True,
        is_historical=length_s == LATE_S,
        software="0.1.0",
        model="2026.1",
        calibration="2026.1",
        profile="demographics",
        k=5,
        totals=Totals(visits=3, viewers=1),
        coverage=Coverage(share=1.0),
        pending=3,
    )
    return topic(window), encode(window)


def _name(device: int) -> str:
    return f"shop-{device:04d}"


def _aligned(at: datetime, length_s: int) -> datetime:
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % length_s, UTC)
