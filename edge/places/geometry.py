"""Points, lines and polygons of a picture, measured in heights of the picture.

A setting gives a point as shares of width and height. Here both axes have the same unit, the height of the picture, so
that distances have a meaning, and the number of pixels does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]


def in_heights(share: Point, aspect: float) -> Point:
    """Return a point of the picture in heights; ``aspect`` is width over height."""
    return share[0] * aspect, share[1]


def area(corners: Sequence[Point]) -> float:
    """Return the area of a polygon, in the square of the unit of its corners."""
    following = (*corners[1:], corners[0])
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(corners, following, strict=True))) / 2


def on_line(line: tuple[Point, Point], point: Point) -> bool:
    """Return whether a point is within a hundredth of the endless line, or the line has no length."""
    (x1, y1), (x2, y2) = line
    length = math.dist(*line)
    return length < 0.01 or abs((x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)) / length < 0.01


class Polygon:
    """A polygon of at least three corners, each corner in the same unit as the points."""

    def __init__(self, corners: Sequence[Point]) -> None:
        following = (*corners[1:], corners[0])
        self._edges = [(*one, *other) for one, other in zip(corners, following, strict=True)]
        self._left, self._right = min(x for x, _ in corners), max(x for x, _ in corners)
        self._top, self._bottom = min(y for _, y in corners), max(y for _, y in corners)

    def depth(self, x: float, y: float, *, room: float) -> float:
        """Return the distance of a point from the border: positive inside, negative outside. A point farther outside
        than ``room`` may get any distance beyond it."""
        if not (
            self._left - room <= x <= self._right + room and self._top - room <= y <= self._bottom + room
        ):
            return -math.inf
        inside, nearest = False, math.inf
        for x1, y1, x2, y2 in self._edges:
            dx, dy, px, py = x2 - x1, y2 - y1, x - x1, y - y1
            if (y1 > y) != (y2 > y) and px < py * dx / dy:
                inside = not inside
            along = (px * dx + py * dy) / (dx * dx + dy * dy or 1.0)
            along = 0.0 if along < 0 else min(along, 1.0)
            off_x, off_y = px - along * dx, py - along * dy
            nearest = min(nearest, off_x * off_x + off_y * off_y)
        return math.sqrt(nearest) if inside else -math.sqrt(nearest)


class Line:
    """A directed line between two points, with an inner side: that of the point ``inside``."""

    def __init__(self, start: Point, end: Point, inside: Point) -> None:
        self._start = start
        self._length = math.dist(start, end)
        self._along = ((end[0] - start[0]) / self._length, (end[1] - start[1]) / self._length)
        self._sign = 1.0
        self._sign = math.copysign(1.0, self.depth(inside))

    def depth(self, point: Point) -> float:
        """Return the distance from the endless line: positive on the inner side."""
        x, y = point[0] - self._start[0], point[1] - self._start[1]
        return self._sign * (self._along[0] * y - self._along[1] * x)

    def distance(self, point: Point) -> float:
        """Return the distance from the line between its two points."""
        x, y = point[0] - self._start[0], point[1] - self._start[1]
        along = x * self._along[0] + y * self._along[1]
        beyond = max(-along, along - self._length, 0.0)
        return math.hypot(beyond, self._along[0] * y - self._along[1] * x)

    def crossed(self, before: Point, now: Point) -> tuple[float, Point] | None:
        """Return where the way from ``before`` to ``now`` crosses the line between its two points, as a share of the
        way and as a point; None if it does not."""
        depth, depth_now = self.depth(before), self.depth(now)
        if (depth < 0) == (depth_now < 0):
            return None
        share = depth / (depth - depth_now)
        x, y = before[0] + share * (now[0] - before[0]), before[1] + share * (now[1] - before[1])
        along = (x - self._start[0]) * self._along[0] + (y - self._start[1]) * self._along[1]
        return (share, (x, y)) if 0 <= along <= self._length else None
