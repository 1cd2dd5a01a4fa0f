"""``make soak``: a week of the service in minutes; ends with 1 when it has grown, lost or invented anything.

The whole service runs, with a real broker and a real outbox, on a clock that goes as fast as the camera is read. The
camera is made up: two pictures a second of a shop in which people walk by, each by a script, so that every one of them
can be asked for at the end. Each day the broker is away for hours, once for more than a day, the camera fails twice,
and the server asks for other settings. The models are stood in for here, and have thousands of passes of their own
afterwards.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import JsonValue
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from edge.app import serve
from edge.capture.camera import CameraError
from edge.config import Settings
from edge.health import rss_mb
from edge.stages import Models
from edge.types import Box, Detection, FaceScores, Floats, Frame, Image
from edge.uplink.mqtt import Broker
from edge.vocabulary import AGE_BINS
from edge.wire import AlertMessage, ConfigMessage, StatusMessage, WindowMessage, decode, encode, topic
from tests.brokers import Mosquitto, until
from tests.stretch import models, stretch

DAY_S, HOUR_S = 86_400, 3_600
FRAME_S = 0.5
"""As far apart as the service takes for watched without a break, with room to spare."""

AWAY_S = 2_400
"""How long a fault of the camera lasts: two attempts in vain."""

MOST_GROWTH_MB = 5.0
MOST_LINES_A_DAY = 50

_FACE = (32, 40)
_LANES = (4, 70)
_LANDMARKS: Floats = np.array([[10, 16], [22, 16], [16, 24], [11, 31], [21, 31]], np.float32)


class Clock:
    """Goes as fast as the camera is read."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed_s


@dataclass(frozen=True, slots=True)
class Walk:
    """One person crosses the picture."""

    starts_s: float
    ends_s: float
    lane: int

    def box(self, at_s: float) -> Box:
        width, height = _FACE
        x = (160 - width) * (at_s - self.starts_s) / (self.ends_s - self.starts_s)
        return Box(x, _LANES[self.lane], x + width, _LANES[self.lane] + height)


def script(seconds: float, away: Sequence[float], seed: int = 1) -> list[Walk]:
    """Who comes in the eleven hours from opening on: about forty an hour, at times two at once.

    Nobody comes while the camera is away, since nobody could be asked for, nor at the moment in which another goes:
    at two pictures a second the tracker takes the two for one who has jumped, as it should.
    """
    rng = np.random.default_rng(seed)
    walks: list[Walk] = []
    for lane in range(len(_LANES)):
        at_s = 0.0
        while True:
            at_s += 15.0 + float(rng.exponential(165.0))
            if at_s % DAY_S > 11 * HOUR_S:
                at_s += HOUR_S
                continue
            stays_s = float(rng.uniform(6.0, 20.0))
            if at_s + stays_s > seconds - HOUR_S / 2:
                break
            if any(began_s - HOUR_S / 10 < at_s < began_s + AWAY_S + HOUR_S / 10 for began_s in away):
                continue
            if any(
                abs(at_s - other.ends_s) < 4 or abs(at_s + stays_s - other.starts_s) < 4 for other in walks
            ):
                continue
            walks.append(Walk(at_s, at_s + stays_s, lane))
            at_s += stays_s
    return sorted(walks, key=lambda walk: walk.starts_s)


class Shop:
    """The camera, and the detector that knows what it shows: a frame carries its number in its first bytes.

    ``away`` are the moments, in seconds of the week, at which the camera fails; ``at`` is called once for each
    moment in it, when it comes.
    """

    def __init__(
        self,
        clock: Clock,
        seconds: float,
        *,
        away: Sequence[float],
        at: Sequence[tuple[float, Callable[[], None]]],
    ) -> None:
        self.walks = script(seconds, away)
        self._clock, self._frames = clock, round(seconds / FRAME_S)
        self._away = sorted(away)
        self._at = sorted(at, key=lambda moment: moment[0])
        self._number = 0
        self._attempts = 0
        self._opened = False
        rng = np.random.default_rng(2)
        self._floor = rng.integers(60, 180, (120, 160, 3), np.uint8)
        self._face = rng.integers(0, 255, (*reversed(_FACE), 3), np.uint8)
        self._past = 0

    @property
    def live(self) -> bool:
        """A live camera for the service, but one that waits until its last frame is taken."""
        return self._opened

    def open(self) -> None:
        self._opened = True
        if self._attempts:
            self._attempts -= 1
            self._pass(AWAY_S / 2)
            raise CameraError("camera shop: no such device")

    def read(self) -> Frame | None:
        self._pass(FRAME_S)
        at_s = self._clock.elapsed_s
        if self._away and at_s >= self._away[0]:
            self._away.pop(0)
            self._attempts = 2
            raise CameraError("camera shop: stopped delivering")
        self._number += 1
        if at_s > self._frames * FRAME_S:
            return None
        image = self._floor.copy()
        for walk in self._there(at_s):
            box = walk.box(at_s)
            x, y = int(box.x1), int(box.y1)
            image[y : y + _FACE[1], x : x + _FACE[0]] = self._face
        image[0, :8, 0] = np.frombuffer(
            np.float64(at_s).tobytes(), np.uint8
        )  # blue: nothing looks at it alone
        return Frame(image, self._clock.now(), self._clock.monotonic(), self._number)

    def close(self) -> None:
        self._opened = False

    def describe(self) -> str:
        return "shop"

    def detect(self, image: Image) -> list[Detection]:
        at_s = float(np.frombuffer(image[0, :8, 0].tobytes(), np.float64)[0])
        found = []
        for walk in self._there(at_s):
            box = walk.box(at_s)
            points = np.array([box.x1, box.y1], np.float32) + _LANDMARKS
            found.append(Detection(box, 0.97, points))
        return found

    def classify(self, image: Image, detection: Detection, *, mirrored: bool = False) -> FaceScores:
        def sure(classes: int) -> Floats:
            return np.asarray(np.eye(1, classes, int(detection.box.y1) % 2)[0], np.float32)

        return FaceScores(sure(AGE_BINS), sure(2), sure(7))

    def _there(self, at_s: float) -> list[Walk]:
        while self._past < len(self.walks) and self.walks[self._past].ends_s < at_s - 60:
            self._past += 1
        near = self.walks[self._past : self._past + 8]
        return [walk for walk in near if walk.starts_s <= at_s <= walk.ends_s]

    def _pass(self, seconds: float) -> None:
        self._clock.elapsed_s += seconds
        while self._at and self._at[0][0] <= self._clock.elapsed_s:
            self._at.pop(0)[1]()


@dataclass
class Tally:
    """What a subscriber adds up. It keeps no message: its memory is that of the service's process."""

    windows: int = 0
    visits: int = 0
    lost: int = 0
    alerts: int = 0
    over: bool = False
    _next: dict[str, int] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """One more than the settings were changed."""
        return len(self._next)

    def hear(self, topic: str, payload: bytes) -> None:
        message = decode(topic, payload)
        if isinstance(message, StatusMessage):
            self.over = not message.online
        self.alerts += isinstance(message, AlertMessage)
        if not isinstance(message, WindowMessage):
            return
        due = self._next.get(message.boot_id, 0)
        if message.seq >= due:  # else it came twice
            self.lost += message.seq - due
            self._next[message.boot_id] = message.seq + 1
            self.windows += 1
            self.visits += message.totals.visits

    def listen(self, port: int) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id="tally", protocol=MQTTv5)
        client.reconnect_delay_set(0.05, 0.1)  # type: ignore[arg-type]
        client.on_connect = lambda client, *_: client.subscribe("footlight/#", 1)

        def heard(_client: Client, _data: object, message: MQTTMessage) -> None:
            self.hear(message.topic, bytes(message.payload))

        client.on_message = heard
        client.connect("127.0.0.1", port, clean_start=True)
        client.loop_start()
        return client


class Lines(logging.Handler):
    """Counts what is logged, but for the watchdog: the uplink sleeps by the real clock, an hour of this one."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.name != "edge.systemd"


@dataclass(frozen=True, slots=True)
class Mark:
    """The state at one moment of the week."""

    hour: float
    rss_mb: float
    objects: int
    windows: int
    lines: int


@dataclass(frozen=True, slots=True)
class Soak:
    """What came out of one run."""

    marks: tuple[Mark, ...]
    people: int
    tally: Tally
    lines: int


def soak(
    folder: Path,
    hours: float,
    *,
    every_h: float = 24,
    outages: Sequence[tuple[float, float]] = (),
    away: Sequence[float] = (),
    configs: Sequence[float] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> Soak:
    """Run for so many hours of the service's time, from the opening of a day on.

    Hours too are ``outages`` (from, to) of the broker, ``away``, the moments at which the camera fails, and
    ``configs``, those at which other settings are asked for. A mark is made at every ``every_h``.
    """
    clock, lines = Clock(), Lines()
    marks: list[Mark] = []
    mosquitto = Mosquitto(folder, "max_queued_messages 0").start()

    def mark() -> None:
        gc.collect()
        hour = clock.elapsed_s / HOUR_S
        marks.append(
            Mark(round(hour, 2), round(rss_mb(), 2), len(gc.get_objects()), tally.windows, lines.count)
        )
        progress(hour)

    def ask(hour: float) -> None:
        settings: dict[str, JsonValue] = {"tracking": {"lost_s": 2 + hour % 1.3}}
        message = ConfigMessage(site="shop", device="door", at=clock.now(), settings=settings)
        client.publish(topic(message), encode(message), qos=1, retain=True)

    moments = [(every_h * HOUR_S * n, mark) for n in range(1, int(hours / every_h) + 1)]
    moments += [(hour * HOUR_S, partial(ask, hour)) for hour in configs]
    for gone_h, back_h in outages:
        moments += [(gone_h * HOUR_S, mosquitto.stop), (back_h * HOUR_S, lambda: void(mosquitto.start()))]
    shop = Shop(clock, hours * HOUR_S, away=[hour * HOUR_S for hour in away], at=moments)
    settings = Settings.model_validate(
        {
            "site": "shop",
            "outbox": {"path": folder / "outbox.sqlite"},
            "attributes": {"min_face_px": 16},
        }
    )
    log = logging.getLogger()
    before = log.level
    log.addHandler(lines)
    tally = Tally()
    client = tally.listen(mosquitto.port)
    try:
        serve(
            settings,
            clock=clock,
            stop=Event(),
            camera=shop,
            broker=Broker("127.0.0.1", mosquitto.port),
            models=Models(shop, shop, models().manifest),
        )
        until(lambda: tally.over, "it says that it goes", timeout_s=30)
    finally:
        log.removeHandler(lines)
        log.setLevel(before)
        client.disconnect()
        client.loop_stop()
        mosquitto.kill()
    return Soak(tuple(marks), len(shop.walks), tally, lines.count)


def void(_: object) -> None:
    """Nothing comes of it."""


def passes(count: int, progress: Callable[[float], None]) -> tuple[float, float]:
    """Resident MiB after a tenth and after all of so many frames through the real models, faces in every one."""
    loaded, scene = models(), stretch()
    images = [scene.render(index) for index in range(30, 130, 5)]
    found = rss_mb()
    for number in range(count):
        image = images[number % len(images)]
        for face in loaded.detector.detect(image):
            loaded.classifier.classify(image, face)
        if number == count // 10:
            gc.collect()
            found = rss_mb()
        if number % 100 == 0:
            progress(number / count)
    gc.collect()
    return round(found, 2), round(rss_mb(), 2)


def faults(days: int) -> tuple[list[tuple[float, float]], list[float], list[float]]:
    """Outages, away and configs of :func:`soak`. Each day the broker is away from the first hour to the fourth, once
    until the next day; the camera fails in the second and the sixth; in the fifth other settings are asked for."""
    outages = [(24.0 * day + 1, 24.0 * day + (28 if day == 2 else 4)) for day in range(days) if day != 3]
    away = [24.0 * day + hour for day in range(days) for hour in (2, 6.5)]
    return outages, away, [24.0 * day + 5 for day in range(days)]


def table(result: Soak) -> Table:
    shown = Table(title="The service, day by day", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("day", "resident MiB", "Python objects", "windows", "log lines"):
        shown.add_column(heading, justify="right")
    for mark in result.marks:
        shown.add_row(
            f"{mark.hour / 24:g}", f"{mark.rss_mb:.1f}", str(mark.objects), str(mark.windows), str(mark.lines)
        )
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description="A week of the service in minutes.")
    parser.add_argument("--days", type=int, default=7, help="length (%(default)s)")
    parser.add_argument("--passes", type=int, default=10_000, help="frames for the real models (%(default)s)")
    parser.add_argument("--json", action="store_true", help="the same numbers for a program")
    options = parser.parse_args(argv)
    errors = Console(stderr=True)
    outages, away, configs = faults(options.days)
    with (
        tempfile.TemporaryDirectory(prefix="footlight-soak-") as folder,
        Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar,
    ):
        task = bar.add_task("service", total=options.days * 24)
        result = soak(
            Path(folder),
            options.days * 24,
            outages=outages,
            away=away,
            configs=configs,
            progress=lambda hour: bar.update(task, completed=hour),
        )
        task = bar.add_task("models", total=1)
        warm_mb, last_mb = passes(options.passes, lambda share: bar.update(task, completed=share))
    growth = round(result.marks[-1].rss_mb - result.marks[0].rss_mb, 2)
    models_growth = round(last_mb - warm_mb, 2)
    report = {
        "days": options.days,
        "growth_mb": growth,
        "models_growth_mb": models_growth,
        "people": result.people,
        "counted": result.tally.visits,
        "windows": result.tally.windows,
        "windows_lost": result.tally.lost,
        "runs": result.tally.runs,
        "alerts": result.tally.alerts,
        "log_lines": result.lines,
        "marks": [{name: getattr(mark, name) for name in Mark.__slots__} for mark in result.marks],
    }
    passed = {
        "growth": growth < MOST_GROWTH_MB and models_growth < MOST_GROWTH_MB,
        "count": result.people == result.tally.visits and not result.tally.lost,
        "log": result.lines < MOST_LINES_A_DAY * options.days,
    }
    if options.json:
        print(json.dumps(report | {"passed": passed}, indent=2))
    else:
        console = Console()
        console.print(table(result))
        for name in (
            "growth_mb",
            "models_growth_mb",
            "people",
            "counted",
            "windows",
            "windows_lost",
            "log_lines",
        ):
            console.print(f"{name.replace('_', ' ')}: {report[name]}", highlight=False)
    for name in (name for name, good in passed.items() if not good):
        errors.print(f"failed: {name}")
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
