"""A process with one device, or with many: the product from the counted window on, with people who are drawn.

Windows come from the device's own aggregator and privacy rule, wait in its outbox and leave by its uplink. The process
is told what to do in lines of JSON on its input, and says each second, or after each step of a simulated clock, how
much waits.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from common.clock import Clock, SystemClock
from common.mqtt.broker import Broker
from common.mqtt.tls import Tls
from common.wire import Coverage, WindowMessage
from edge.place_types import DoorCounts
from edge.types import Visit, WindowAggregate
from edge.uplink.outbox import Outbox, Progress
from edge.uplink.publisher import Uplink
from edge.vision.aggregate import Aggregator
from edge.vision.pool import Pool
from edge.vision.privacy import CohortRule
from edge.vision.waiting import Waiting
from tests.chaos.truth import Counts, TruthFile

CAMERA, DOOR = "front", "door"
K = 5
_TICK_S = 0.2
"""Between two frames in real time."""
_COHORT = 40
"""A cohort is released at so many visits, so that there are some in a short run."""
_STOP_S = 3.0
_RECENT = 10
_SWITCH_S = 0.1
"""A thread that waits for the interpreter asks again after so long. Hundreds of threads share one here; by default each
asks 200 times in a second, and on a busy machine that was more than half of all its work."""
_AT_ONCE = 100
"""Devices of one process that connect for the first time at the same time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a process is told when it starts. ``now`` is the time of a simulated clock, None for the real one;
    ``offsets`` are in seconds, by device: how wrong its clock is."""

    devices: list[str]
    folder: Path
    """Of the outboxes."""
    truth: Path
    tls: Path
    broker: str
    seed: int
    window_s: int
    offsets: Mapping[str, float]
    retry_s: tuple[float, float]
    resend_within_s: float
    late_per_s: float
    keepalive_s: int
    now: float | None

    @classmethod
    def read(cls, text: str) -> Plan:
        values = json.loads(text)
        paths = {name: Path(values[name]) for name in ("folder", "truth", "tls")}
        return cls(**{**values, **paths, "retry_s": tuple(values["retry_s"])})

    def dump(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, default=str)


class SteppedClock:
    """The clock of a simulation; it stands until it is told the time."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, UTC)

    def monotonic(self) -> float:
        return self.now_s


class WrongClock:
    """A clock that somebody set: its time of day is ``offset_s`` ahead, and no duration is affected."""

    def __init__(self, right: Clock, offset_s: float) -> None:
        self._right, self.offset_s = right, offset_s

    def now(self) -> datetime:
        return self._right.now() + timedelta(seconds=self.offset_s)

    def monotonic(self) -> float:
        return self._right.monotonic()


class WatchedOutbox(Outbox):
    """The outbox of the product; what it acknowledges is noted as the truth."""

    def __init__(self, path: Path, truth: TruthFile) -> None:
        super().__init__(path, max_messages=100_000)
        self._truth = truth
        self.ends: deque[float] = deque(maxlen=_RECENT)
        """Of the windows that were kept last."""

    def put(self, topic: str, payload: bytes, at: datetime, *, progress: Progress | None = None) -> bool:
        kept = super().put(topic, payload, at, progress=progress)
        if kept and progress is not None:
            self._truth.kept()
            self.ends.append(progress.counted_until.timestamp())
        return kept


class WatchedUplink(Uplink):
    """The uplink of the product; it tells whether it connects now, or is just about to."""

    @property
    def connecting(self) -> bool:
        return self._connection is None and not self._backoff.left_s


class Device:
    """One device, from a drawn person to the broker."""

    def __init__(self, name: str, plan: Plan, clock: Clock) -> None:
        self.name = name
        self.clock = WrongClock(clock, plan.offsets.get(name, 0.0))
        self._site, self._device = name.split("/")
        self._simulated = plan.now is not None
        self._window_s, self._boot_id, self._seq = plan.window_s, secrets.token_hex(8), 0
        self._rng = random.Random(f"{plan.seed}/{name}/{self._boot_id}")
        self._truth = TruthFile(plan.truth / name.replace("/", "+"))
        self.outbox = WatchedOutbox(plan.folder / f"{name.replace('/', '+')}.sqlite", self._truth)
        text = self.outbox.waiting
        waiting = Waiting.load(text) if text else Waiting(Pool())
        self._rule = CohortRule(k=K, profile="count", max_cohort=_COHORT, pool=waiting.pool)
        self._aggregator = Aggregator(
            window_s=plan.window_s,
            max_gap_s=plan.window_s / 2,
            counted=self.outbox.counted,
            doors=[DOOR],
            resume=waiting.window,
        )
        host, port = plan.broker.split(":")
        tls = plan.tls / name
        self.uplink = WatchedUplink(
            self.outbox,
            Broker(
                host,
                int(port),
                tls=Tls(plan.tls / "ca.crt", tls / "device.crt", tls / "device.key"),
                keepalive_s=plan.keepalive_s,
            ),
            site=self._site,
            device=self._device,
            boot_id=self._boot_id,
            software="chaos",
            clock=self.clock,
            late_after_s=2 * plan.window_s,
            retry_s=plan.retry_s,
            resend_within_s=plan.resend_within_s,
            late_per_s=plan.late_per_s,
        )

    def tick(self) -> None:
        """See one frame, and the people who leave with it."""
        now, monotonic_s = self.clock.now(), self.clock.monotonic()
        people = self._rng.choice((0, 1, 2)) if self._simulated or self._rng.random() < 0.15 else 0
        self._publish(self._aggregator.observe(now, monotonic_s, people, 0))
        for _ in range(people):
            looks = self._rng.random() < 0.5
            self._aggregator.add(Visit(now, now, 3.0, 1.5 * looks, looks, False, {}))
        if people:
            seen = DoorCounts(entries=self._rng.randrange(3), exits=self._rng.randrange(3))
            self._aggregator.note({DOOR: seen}, {})

    def checkpoint(self) -> None:
        """Keep the open window, as the service does every some seconds."""
        if (window := self._aggregator.open_window) is not None:
            self.uplink.remember(Waiting(self._rule.pool, window).dump())

    def _publish(self, windows: Iterable[WindowAggregate]) -> None:
        for window in windows:
            release = self._rule.release(window)
            door = window.places.doors[DOOR]
            cohort = release.cohort.visits if release.cohort else None
            counts = Counts(window.visits, window.viewers, door.entries, door.exits, cohort)
            self._truth.made(int(window.start.timestamp()), counts)
            message = WindowMessage(
                site=self._site,
                device=self._device,
                camera=CAMERA,
                start=window.start,
                duration_s=self._window_s,
                boot_id=self._boot_id,
                seq=self._seq,
                clock_trusted=True,
                software="chaos",
                model="none",
                calibration="none",
                profile="count",
                k=K,
                totals=release.totals,
                coverage=Coverage(share=round(window.coverage.covered_s / self._window_s, 4)),
                pending=release.pending,
                cohort=release.cohort,
            )
            self._seq += 1
            self.uplink.send(message, waiting=Waiting(self._rule.pool).dump())


class Process:
    """The devices of this process, and what they are told."""

    def __init__(self, plan: Plan) -> None:
        self._stepped = None if plan.now is None else SteppedClock(plan.now)
        clock = self._stepped or SystemClock()
        self._devices = {name: Device(name, plan, clock) for name in plan.devices}
        self._tick_s = plan.window_s / 3
        self._quiet = False

    def run(self) -> None:
        """Work until the input ends."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda device: device.uplink.start(), self._devices.values()))
        self._say()
        told = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin, selectors.EVENT_READ)
            while True:
                if selector.select(None if self._stepped else _TICK_S):
                    # Not the buffered reader: what it has read ahead is unknown to the selector.
                    data = os.read(sys.stdin.fileno(), 65_536)
                    if not data:
                        return
                    for line in data.splitlines():
                        self._do(json.loads(line))
                if self._stepped is not None:
                    continue
                self._see()
                if time.monotonic() - told >= 1.0:
                    told = time.monotonic()
                    self._say()
                    for device in self._devices.values():
                        device.checkpoint()

    def stop(self) -> None:
        """Say goodbye to the broker."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda device: device.uplink.stop(_STOP_S), self._devices.values()))

    def _do(self, asked: Mapping[str, Any]) -> None:
        for name, offset_s in asked.get("offsets", {}).items():
            self._devices[name].clock.offset_s = offset_s
        self._quiet = asked.get("quiet", self._quiet)
        if (until := asked.get("now")) is not None and self._stepped is not None:
            while self._stepped.now_s < until:
                self._stepped.now_s = min(until, self._stepped.now_s + self._tick_s)
                self._see()
        if self._stepped is not None:
            self._say()

    def _see(self) -> None:
        if not self._quiet:
            for device in self._devices.values():
                device.tick()

    def _say(self) -> None:
        waits = sum(device.uplink.outbox_depth for device in self._devices.values())
        now_s = self._stepped.now_s if self._stepped else None
        connecting = sum(device.uplink.connecting for device in self._devices.values())
        said = {"now": now_s, "waits": waits, "connecting": connecting, "quiet": self._quiet}
        if now_s is not None:
            since = now_s - _RECENT * 60
            said["recent"] = sum(
                since < end <= now_s for device in self._devices.values() for end in device.outbox.ends
            )
        print(json.dumps(said), flush=True)  # noqa: T201 - for the one who started this


def main() -> int:
    """Run what the plan in the file of the argument says."""
    sys.setswitchinterval(_SWITCH_S)
    process = Process(Plan.read(Path(sys.argv[1]).read_text(encoding="utf-8")))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        process.run()
    finally:
        process.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
