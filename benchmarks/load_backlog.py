"""A chain comes back after hours without a network: its devices send what they kept, beside live windows.

The devices are real, with outbox and uplink, and all in this process; so are broker, bridge and store.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.progress import Progress

from benchmarks.load_parts import bridge, connected, stored
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import Coverage, Totals, WindowMessage, encode, topic
from edge.uplink import rows
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from tests.support.influxdb import InfluxDB

LIVE_S = 10
"""Length of a live window: shorter than usual, for more of them. All devices send at the same moment, as real ones."""
LATE_S = 60
LAST_LIVE_S = 60.0
"""Live windows come for so long after the backlog is stored."""
GIVEN_UP_S = 120.0
_BOOT = "0123456789abcdef"


def backlog(folder: Path, store: InfluxDB, devices: int, hours: float, progress: Progress) -> dict[str, Any]:
    """Return how long the backlog took, and the delays of live windows meanwhile, in seconds from device to store."""
    each = round(hours * 3600 / LATE_S)
    names = [f"shop-{number:04d}" for number in range(devices)]
    task = progress.add_task("filling outboxes", total=devices)
    with connected(bridge, folder, store) as (broker, _), ExitStack() as opened:
        with ThreadPoolExecutor(1) as pool:
            for path in pool.map(lambda name: _fill(folder / name, name, each), names):
                assert path.exists()
                progress.advance(task)
        progress.update(task, description="sending", completed=0, total=devices * each)
        uplinks = [opened.enter_context(_device(folder / name, name, broker.port)) for name in names]
        began = time.monotonic()
        live, drained = _Live(names, uplinks, store), None
        while drained is None or time.monotonic() < drained + LAST_LIVE_S:
            live.go_on()
            late = live.late_stored()
            progress.update(task, completed=late)
            if drained is None and late >= devices * each:
                drained = time.monotonic()
        live.finish()
        return {
            "devices": devices,
            "hours": hours,
            "late": devices * each,
            "drained_s": round(drained - began, 1),
            "live": len(live.delays),
            "worst_s": round(max(live.delays), 1),
            "median_s": round(median(live.delays), 1),
            "missing": live.sent + devices * each - stored(store),
        }


class _Live:
    """Live windows of all devices, at the same moments, and how long each takes to the store."""

    def __init__(self, names: Sequence[str], uplinks: Sequence[Uplink], store: InfluxDB) -> None:
        self._names, self._uplinks, self._store = names, uplinks, store
        self._waiting: dict[tuple[str, int], float] = {}
        self._seq = 0
        self._next = _aligned(datetime.now(UTC), LIVE_S) + timedelta(seconds=LIVE_S)
        self._first = self._next
        self.sent = 0
        self.delays: list[float] = []

    def go_on(self) -> None:
        """Wait a moment; send what is due, and look what is stored."""
        if datetime.now(UTC) >= self._next:
            start = self._next - timedelta(seconds=LIVE_S)
            for name, uplink in zip(self._names, self._uplinks, strict=True):
                self._waiting[name, self._seq] = time.monotonic()
                uplink.send(_window(name, start, LIVE_S, self._seq))
            self.sent += len(self._names)
            self._seq += 1
            self._next += timedelta(seconds=LIVE_S)
        time.sleep(0.2)
        since = int((self._first - timedelta(seconds=LIVE_S)).timestamp())
        question = (
            f"SELECT last(seq) FROM \"window\" WHERE camera = 'live' AND time >= {since}s GROUP BY site"  # noqa: S608
        )
        now = time.monotonic()
        for row in self._store.query(question):
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
        deadline = time.monotonic() + GIVEN_UP_S
        self._next = datetime.max.replace(tzinfo=UTC)
        while self._waiting and time.monotonic() < deadline:
            self.go_on()


def _fill(path: Path, name: str, count: int) -> Path:
    """Make the outbox of a device that has waited; past ``put``, which syncs each message to the disk."""
    end = _aligned(datetime.now(UTC), LATE_S)
    Outbox(path, max_messages=1).close()
    with sqlite3.connect(path) as db:
        for number in range(count):
            window = _window(name, end - timedelta(seconds=LATE_S * (count - number)), LATE_S, number)
            payload, at = encode(window), window.end.timestamp()
            checksum = rows.crc(topic(window).encode(), payload, at)
            db.execute(rows.PUT, (number + 1, topic(window), payload, at, checksum))
    db.close()
    return path


@contextmanager
def _device(path: Path, name: str, port: int) -> Iterator[Uplink]:
    uplink = Uplink(
        Outbox(path, max_messages=100_000),
        Broker("127.0.0.1", port),
        site=name,
        device="door",
        boot_id=_BOOT,
        software="0.1.0",
        clock=SystemClock(),
        late_after_s=120,
    )
    uplink.start()
    try:
        yield uplink
    finally:
        uplink.stop(0.0)


def _window(name: str, start: datetime, length_s: int, seq: int) -> WindowMessage:
    return WindowMessage(
        site=name,
        device="door",
        camera="late" if length_s == LATE_S else "live",
        start=start,
        duration_s=length_s,
        boot_id=_BOOT,
        seq=seq,
        clock_trusted=True,
        software="0.1.0",
        model="2026.1",
        calibration="2026.1",
        profile="demographics",
        k=5,
        totals=Totals(visits=3, viewers=1),
        coverage=Coverage(share=1.0),
        pending=3,
    )


def _aligned(at: datetime, length_s: int) -> datetime:
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % length_s, UTC)
