"""What *Fleet health* must show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from common.wire import AlertMessage, HealthMessage
from tests.dashboards.panels import Scene
from tests.dashboards.world import Answer, Board, World, bucket, looked_at, newest, over_time

BOARD = Board()

BOARD.one("Devices seen", "devices", lambda w, s: len(w.healthy(s)) or None)
BOARD.one("Reporting now", "devices", lambda w, s: len(w.healthy(s)) or None)


def _last_health(condition: Callable[[HealthMessage], Any]) -> Callable[[World, Scene], int | None]:
    return lambda world, scene: (
        sum(bool(condition(found[-1])) for found in world.healthy(scene).values()) or None
    )


BOARD.one("Blind cameras", "devices", _last_health(lambda m: not m.camera_open))
BOARD.one("Slowed", "devices", _last_health(lambda m: m.throttled))
BOARD.one("Long queues", "devices", _last_health(lambda m: m.outbox_depth > 60))
BOARD.one("Offline", "devices",
    lambda w, s: sum(not m.online for m in {(m.site, m.device): m for m in w.status}.values()),
)  # fmt: skip


SHOWN = (
    "software", "model", "config", "camera_open", "fps", "step_ms", "near_share", "dropped", "temperature_c",
    "throttled", "disk_free_mb", "clock_trusted", "outbox_depth", "outbox_lost", "rss_mb", "uptime_s",
)  # fmt: skip


@BOARD.shows("Devices")
def _devices(world: World, scene: Scene) -> list[Answer]:
    return [
        [
            {
                "time": int(found[-1].at.timestamp()),
                "site": site,
                "device": device,
                **{name: getattr(found[-1], name) for name in SHOWN},
            }
            for (site, device), found in world.healthy(scene).items()
        ]
    ]


@BOARD.shows("Faults")
def _faults(world: World, scene: Scene) -> list[Answer]:
    last: dict[tuple[str, str, str], AlertMessage] = {
        (m.site, m.device, m.fault): m for m in sorted(world.alerts, key=lambda m: m.at)
    }
    return [
        [
            {
                "time": int(found.at.timestamp()),
                "site": site,
                "device": device,
                "fault": fault,
                "active": True,
                "text": found.text,
            }
            for (site, device, fault), found in last.items()
            if found.active
        ]
    ]


def _missing(world: World, scene: Scene) -> dict[tuple[str, str], int]:
    """By device: how many numbers are missing between the first and the last of each run of the service."""
    runs: dict[tuple[str, str, str], list[int]] = {}
    for window in world.inside(scene):
        runs.setdefault((window.site, window.device, window.boot_id), []).append(window.seq)
    lost: Counter[tuple[str, str]] = Counter()
    for (site, device, _), numbers in runs.items():
        lost[site, device] += max(numbers) - min(numbers) + 1 - len(numbers)
    return +lost


@BOARD.shows("Windows lost")
def _lost(world: World, scene: Scene) -> list[Answer]:
    return [
        [
            {"site": site, "device": device, "camera": "front", "lost": count}
            for (site, device), count in _missing(world, scene).items()
        ]
    ]


@BOARD.shows("Ledger")
def _ledger(world: World, scene: Scene) -> list[Answer]:
    inside = world.inside(scene)
    columns = {
        "received": Counter((w.site, w.device) for w in inside),
        "late": Counter((w.site, w.device) for w in inside if w.is_historical),
        "duplicates": Counter((w.site, w.device) for w in world.again if looked_at(w, scene)),
        "lost": _missing(world, scene),
    }
    return [
        [{"site": site, "device": device, name: count} for (site, device), count in found.items()]
        for name, found in columns.items()
    ]


def versions(world: World, scene: Scene) -> list[Answer]:
    names = ("software", "model", "calibration", "profile", "k")
    return [
        [
            {
                "site": site,
                "device": device,
                "camera": "front",
                **{name: getattr(window, name) for name in names},
            }
            for (site, device), window in newest(world.inside(scene)).items()
        ]
    ]


BOARD.shows("Versions and profiles")(versions)


def _curve(title: str, field: str, combine: Callable[[list[Any]], Any]) -> None:
    def answer(world: World, scene: Scene) -> list[Answer]:
        values = (
            (f"{site} {device}", bucket(m.at, 600), getattr(m, field))
            for (site, device), found in world.healthy(scene).items()
            for m in found
        )
        return [over_time(values, combine)]

    BOARD.shows(title)(answer)


def _last(values: list[Any]) -> Any:
    return values[-1]


_curve("Camera", "camera_open", _last)
_curve("Processor speed", "throttled", _last)
_curve("Frames per second", "fps", lambda values: sum(values) / len(values))
_curve("Temperature", "temperature_c", max)
_curve("Outbox", "outbox_depth", max)
_curve("Free disk", "disk_free_mb", min)
