"""What the rows *Doors* and *Places* of *Shop today* must show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from tests.dashboards.panels import Row, Scene
from tests.dashboards.world import Answer, Board, World, bucket, cohorts

BOARD = Board()


def _doors(world: World, scene: Scene) -> list[tuple[int, Any]]:
    """The doors of windows that were watched or counted somebody, each with the quarter of an hour."""
    return [
        (bucket(w.start, 900), door)
        for w in world.inside(scene)
        for door in w.totals.doors.values()
        if w.coverage.share > 0 or door.entries or door.exits or door.passers
    ]


def _sum(*names: str) -> Callable[[World, Scene], int | None]:
    def total(world: World, scene: Scene) -> int | None:
        found = [door for _, door in _doors(world, scene)]
        return sum(getattr(door, name) for door in found for name in names) if found else None

    return total


for _title, _column in (
    ("Entries", "entries"),
    ("Exits", "exits"),
    ("Passers", "passers"),
    ("Groups", "groups"),
):
    BOARD.one(_title, _column, _sum(_column))


def _capture(world: World, scene: Scene) -> float | None:
    entries, outside = _sum("entries")(world, scene), _sum("entries", "passers")(world, scene)
    return entries / outside if entries is not None and outside else None


def _inside(world: World, scene: Scene) -> int | None:
    entries, exits = _sum("entries")(world, scene), _sum("exits")(world, scene)
    return None if entries is None or exits is None else entries - exits


BOARD.one("Capture rate", "capture", _capture)
BOARD.one("Inside", "inside", _inside)


@BOARD.shows("People inside")
def _over_time(world: World, scene: Scene) -> list[Answer]:
    changes: dict[int, int] = {}
    for at, door in _doors(world, scene):
        changes[at] = changes.get(at, 0) + door.entries - door.exits
    times = sorted(changes)
    sums = accumulate(changes[at] for at in times)
    return [{"inside": dict(zip(times, sums, strict=True))} if times else {}]


def _ratio(above: str, below: str, parts: Iterable[Any]) -> float | None:
    told = [part for part in parts if getattr(part, above) is not None]
    return sum(getattr(p, above) for p in told) / sum(getattr(p, below) for p in told) if told else None


def _total(name: str, parts: Iterable[Any]) -> int | None:
    told = [getattr(part, name) for part in parts if getattr(part, name) is not None]
    return sum(told) if told else None


def _table(tag: str, found: Iterable[tuple[str, Any]], row: Callable[[list[Any]], Row]) -> list[Answer]:
    by_name: dict[str, list[Any]] = {}
    for name, part in found:
        by_name.setdefault(name, []).append(part)
    return [[{tag: name, **row(parts)} for name, parts in sorted(by_name.items())]]


@BOARD.shows("Zones")
def _zones(world: World, scene: Scene) -> list[Answer]:
    told = [pair for c in cohorts(world, scene) for pair in c.zones.items() if pair[1].visits is not None]
    return _table(
        "zone",
        told,
        lambda parts: {
            "visits": _total("visits", parts),
            "stops": _total("stops", parts),
            "stopped": _ratio("stops", "visits", parts),
            "dwell": _ratio("dwell_sum_s", "visits", parts),
        },
    )


@BOARD.shows("Queues")
def _queues(world: World, scene: Scene) -> list[Answer]:
    told = [
        (name, zone.queue)
        for c in cohorts(world, scene)
        for name, zone in c.zones.items()
        if zone.queue is not None and zone.queue.waits is not None
    ]
    return _table(
        "zone",
        told,
        lambda parts: {
            "waits": _total("waits", parts),
            "served": _ratio("served", "waits", parts),
            "waiting": _ratio("waiting_sum_s", "waits", parts),
        },
    )


@BOARD.shows("Targets")
def _targets(world: World, scene: Scene) -> list[Answer]:
    return _table(
        "target",
        (pair for c in cohorts(world, scene) for pair in c.targets.items()),
        lambda parts: {
            "passers": _total("passers", parts),
            "viewers": _total("viewers", parts),
            "interest": _ratio("attention_sum_s", "passers", parts),
        },
    )
