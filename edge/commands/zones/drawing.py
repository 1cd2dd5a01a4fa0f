"""Places on a grid of characters: where each zone, door and target lies in the view."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from edge.config import Settings
from edge.place_settings import DoorSettings, TargetSettings, ZoneSettings
from edge.places.geometry import Point, Polygon, in_heights
from edge.places.plan import Plan

Kind = Literal["empty", "tenth", "metre", "zone", "excluded", "several", "door", "inside", "target"]

ZONE_MARKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
DOOR_MARKS = "12345678"
TARGET_MARKS = "αβγδεζηθικλμνξοπρστυφχψω"
TENTH, METRE, SEVERAL = "·", "+", "%"
ARROWS = "→↘↓↙←↖↑↗"
"""From the right, clockwise as on the screen."""

CHARACTER = 2.0
"""How much higher than wide a character is."""

MOST_METRES = 8
"""Lines of whole metres are drawn in steps, so that there are at most so many of them on an axis."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One character of the drawing, and what it stands for."""

    mark: str = " "
    kind: Kind = "empty"


class Drawing:
    """The places of ``settings`` on a grid of ``columns`` characters."""

    def __init__(self, settings: Settings, columns: int) -> None:
        self.settings, self.columns = settings, columns
        self.aspect = settings.camera.width / settings.camera.height
        if settings.camera.rotate in {90, 270}:
            self.aspect = 1 / self.aspect
        self.rows = max(5, round(columns / self.aspect / CHARACTER))
        self.plan = None if settings.plan is None else Plan(settings.plan.given(), self.aspect)

    @property
    def zones(self) -> list[tuple[str, ZoneSettings]]:
        """Each zone with its mark."""
        return list(zip(ZONE_MARKS, self.settings.zones, strict=False))

    @property
    def doors(self) -> list[tuple[str, DoorSettings]]:
        """Each door with its mark."""
        return list(zip(DOOR_MARKS, self.settings.doors, strict=False))

    @property
    def targets(self) -> list[tuple[str, TargetSettings]]:
        """Each target with its mark."""
        return list(zip(TARGET_MARKS, self.settings.targets, strict=False))

    def metres(self, share: Point) -> Point | None:
        """Return the place on the floor of a point of the picture; None without a plan, or above the horizon."""
        return None if self.plan is None else self.plan.floor(in_heights(share, self.aspect))

    def share(self, metres: Point) -> Point | None:
        """Return the point of the picture where a place on the floor is; None if it is not in the view."""
        seen = None if self.plan is None else self.plan.seen(metres)
        if seen is None:
            return None
        x, y = seen[0] / self.aspect, seen[1]
        return (x, y) if 0 <= x <= 1 and 0 <= y <= 1 else None

    def inwards(self, door: DoorSettings) -> str:
        """Return the arrow that points from a door to its inner side."""
        x, y = self._inwards(door)
        return ARROWS[round(math.atan2(y, x) / (math.pi / 4)) % 8]

    def lines_of_metres(self) -> tuple[list[float], list[float]]:
        """Return the whole metres of the plan across and along it, in steps if there are many."""
        if self.plan is None:
            return [], []
        return tuple(  # type: ignore[return-value]
            _whole(low, high) for low, high in zip(self.plan.corner, self.plan.far_corner, strict=True)
        )

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """The grid, row by row from the top; later places cover earlier ones."""
        grid = [[self._ground(column, row) for column in range(self.columns)] for row in range(self.rows)]
        for share, cell in self._points():
            column, row = self._cell(share)
            if cell.kind != "tenth" or grid[row][column].kind == "empty":
                grid[row][column] = cell
        return grid

    @cached_property
    def _polygons(self) -> list[tuple[str, ZoneSettings, Polygon]]:
        return [(mark, zone, Polygon(zone.polygon)) for mark, zone in self.zones]

    def _ground(self, column: int, row: int) -> Cell:
        """Return what a cell shows of the zones that it lies in."""
        x, y = (column + 0.5) / self.columns, (row + 0.5) / self.rows
        within = [
            (mark, zone.exclude)
            for mark, zone, polygon in self._polygons
            if polygon.depth(x, y, room=0.0) >= 0
        ]
        if not within:
            return Cell()
        mark, is_excluded = within[0]
        if len(within) > 1:
            return Cell(SEVERAL, "several")
        return Cell(mark, "excluded" if is_excluded else "zone")

    def _points(self) -> Iterator[tuple[Point, Cell]]:
        """Yield everything that is drawn beside and over the zones, in this order."""
        for share in ((x / 10, y / 10) for x in range(11) for y in range(11)):
            yield share, Cell(TENTH, "tenth")
        across, along = self.lines_of_metres()
        for metres in ((x, y) for x in across for y in along):
            if (seen := self.share(metres)) is not None:
                yield seen, Cell(METRE, "metre")
        for mark, door in self.doors:
            (x1, y1), (x2, y2) = door.line
            steps = 2 * max(self.columns, self.rows)
            for step in range(steps + 1):
                part = step / steps
                yield (x1 + part * (x2 - x1), y1 + part * (y2 - y1)), Cell(mark, "door")
            yield self._beside(door), Cell(self.inwards(door), "inside")
        for mark, target in self.targets:
            seen = None if target.at is None else self.share((target.at[0], target.at[1]))
            if seen is not None:
                yield seen, Cell(mark, "target")

    def _cell(self, share: Point) -> tuple[int, int]:
        return (
            min(self.columns - 1, int(share[0] * self.columns)),
            min(self.rows - 1, int(share[1] * self.rows)),
        )

    def _inwards(self, door: DoorSettings) -> Point:
        """Return the direction across the line to its inner side, of length 1 in heights of the picture."""
        (x1, y1), (x2, y2), (x, y) = (in_heights(point, self.aspect) for point in (*door.line, door.inside))
        across, down = y1 - y2, x2 - x1
        side = math.copysign(1.0, across * (x - x1) + down * (y - y1)) / math.hypot(across, down)
        return side * across, side * down

    def _beside(self, door: DoorSettings) -> Point:
        """Return a point next to the middle of a door, two characters inside."""
        (x1, y1), (x2, y2) = door.line
        across, down = self._inwards(door)
        x = (x1 + x2) / 2 + 2 * across / self.columns
        y = (y1 + y2) / 2 + 2 * down / self.rows
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def _whole(low: float, high: float) -> list[float]:
    step = max(1, math.ceil((high - low) / MOST_METRES))
    return [float(metre) for metre in range(math.ceil(low), math.floor(high) + 1, step)]
