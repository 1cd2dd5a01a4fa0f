"""A door for tests, and people who walk through it."""

from __future__ import annotations

from edge.place_types import DoorCounts
from edge.places.doors import Door
from edge.places.places import Places
from tests.edge.places.people import VIEW, Play, Point, play

ASPECT = VIEW[0] / VIEW[1]
LINE_Y = 0.6
STREET = Door("street", ((0.2, LINE_Y), (0.8, LINE_Y)), (0.5, 0.9))
MIDDLE = 0.5 * ASPECT
OUT, IN = (MIDDLE, LINE_Y - 0.1), (MIDDLE, LINE_Y + 0.2)


def counted(*people: list[tuple[float, Point]], **options: object) -> DoorCounts:
    return result(*people, **options).doors.get("street", DoorCounts())


def result(*people: list[tuple[float, Point]], **options: object) -> Play:
    return play(Places(doors=[STREET]), people, **options)  # type: ignore[arg-type]


def moved(way: list[tuple[float, Point]], x: float, later_s: float) -> list[tuple[float, Point]]:
    return [(at_s + later_s, (point[0] + x, point[1])) for at_s, point in way]


COMES: list[tuple[float, Point]] = [(0.0, OUT), (3.0, IN), (9.0, IN)]
GOES: list[tuple[float, Point]] = [(0.0, IN), (3.0, OUT), (9.0, OUT)]
