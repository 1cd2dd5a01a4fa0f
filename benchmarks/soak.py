"""``make soak``: a week of the service in minutes; the exit code is 1 if memory grew, or visits were lost or invented.

The whole service runs, with a real broker and a real outbox, on a clock that advances with each camera frame. The
camera is simulated: two pictures a second of a shop in which people walk by a script, so that every one of them can be
checked at the end. Each day the broker is away for hours, once for more than a day, the camera fails twice, and the
server sends other settings. The models are replaced here, and run thousands of times separately afterwards.
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
from functools import partial
from pathlib import Path
from threading import Event

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import JsonValue
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.soak_shop import HOUR_S, Shop
from common.mqtt.broker import Broker
from common.wire import AlertMessage, ConfigMessage, StatusMessage, WindowMessage, decode, encode, topic
from edge.config import Settings
from edge.service.build import Models
from edge.service.host import rss_mb
from edge.service.supervisor import serve
from tests.support.brokers import Mosquitto, until
from tests.support.clock import ManualClock
from tests.support.short_scene import models, stretch

MOST_GROWTH_MB = 5.0
MOST_LINES_A_DAY = 50


@dataclass
class Tally:
    """The sums of a subscriber. It stores no message, because it shares the memory of the measured process."""

    windows: int = 0
    visits: int = 0
    alerts: int = 0
    over: bool = False
    _came: dict[str, bytearray] = field(default_factory=dict)
    """A byte for each window of a run, 1 if it came: late windows come after live ones."""

    @property
    def runs(self) -> int:
        """The number of runs: one more than the number of settings changes."""
        return len(self._came)

    @property
    def lost(self) -> int:
        """The number of windows that did not come, though later ones did."""
        return sum(came.count(0) for came in self._came.values())

    def hear(self, topic: str, payload: bytes) -> None:
        message = decode(topic, payload)
        if isinstance(message, StatusMessage):
            self.over = not message.online
        self.alerts += isinstance(message, AlertMessage)
        if not isinstance(message, WindowMessage):
            return
        came = self._came.setdefault(message.boot_id, bytearray())
        came.extend(bytes(max(0, message.seq + 1 - len(came))))
        if not came[message.seq]:  # otherwise it came twice
            came[message.seq] = 1
            self.windows += 1
            self.visits += message.totals.visits

    def listen(self, port: int) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id="tally", protocol=MQTTv5)
        client.reconnect_delay_set(0.05, 0.1)  # type: ignore[arg-type]
        client.on_connect = lambda client, *_: client.subscribe("footlight/#", 1)

        def heard(_client: Client, _data: object, message: MQTTMessage) -> None:
            self.hear(message.topic, bytes(message.payload))

        client.on_message = heard
        # Like the bridge: messages that wait for us at the broker survive a lost connection.
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        client.loop_start()
        return client


class Lines(logging.Handler):
    """Counts log lines, except the watchdog's: one sleep of the uplink on the real clock is an hour on this one."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.name != "edge.service.systemd"


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
    """The result of one run."""

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
    """Run for ``hours`` of the service's time, from the opening of a day on.

    All times are in hours: ``outages`` (from, to) of the broker, ``away`` when the camera fails, and ``configs`` when
    the server sends other settings. A mark is made at every ``every_h``.
    """
    clock, lines = ManualClock(), Lines()
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
            models=Models(shop, shop, shop, models().manifest),
        )
        until(lambda: tally.over, "the service reports that it stops", timeout_s=30)
    finally:
        log.removeHandler(lines)
        log.setLevel(before)
        client.disconnect()
        client.loop_stop()
        mosquitto.kill()
    return Soak(tuple(marks), len(shop.walks), tally, lines.count)


def void(_: object) -> None:
    """Do nothing."""


def passes(count: int, progress: Callable[[float], None]) -> tuple[float, float]:
    """Run ``count`` frames with faces through the real models; return resident MiB after a tenth and after all."""
    loaded, scene = models(), stretch()
    images = [scene.render(index) for index in range(30, 130, 5)]
    found = rss_mb()
    for number in range(count):
        image = images[number % len(images)]
        for face in loaded.detector.look(image).faces:
            loaded.classifier.classify(image, loaded.refiner.refine(image, face))
        if number == count // 10:
            gc.collect()
            found = rss_mb()
        if number % 100 == 0:
            progress(number / count)
    gc.collect()
    return round(found, 2), round(rss_mb(), 2)


def faults(days: int) -> tuple[list[tuple[float, float]], list[float], list[float]]:
    """Return outages, away and configs of :func:`soak`. Each day the broker is away from the first hour to the fourth,
    once until the next day; the camera fails in the second and the sixth; in the fifth the server sends settings."""
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
    parser = argparse.ArgumentParser(prog="make soak", description="Run a week of the service in minutes.")
    parser.add_argument("--days", type=int, default=7, help="number of days (%(default)s)")
    parser.add_argument("--passes", type=int, default=10_000, help="frames for the real models (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
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
