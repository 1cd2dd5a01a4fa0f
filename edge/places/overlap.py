"""Which zones have a part of the floor in common, and which cells of the heat grid lie in a zone as a whole.

The privacy rule needs both: times in zones that overlap, and in cells inside a zone, are differences of each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from common.wire.places import HEAT_COLUMNS, HEAT_ROWS
from edge.places.geometry import Point, Polygon
from edge.places.plan import Plan, PlanPoints
from edge.places.zones import Zone

SAMPLES = 24
"""Zones are also compared at this many points along each axis: two equal zones cross nowhere."""

_EPSILON, _TINY = 1e-9, 1e-18


def overlapping(zones: Sequence[Zone]) -> Mapping[str, frozenset[str]]:
    """Return, for each zone, the others in which one person can be at the same time: those that share a part of the
    picture, and, as a head and feet are in different places, all of the other kind."""
    pairs = [
        (one.name, other.name)
        for one, other in itertools.combinations(zones, 2)
        if one.on_shelf != other.on_shelf or _overlap(one, other)
    ]
    return {
        zone.name: frozenset(
            name for pair in pairs if zone.name in pair for name in pair if name != zone.name
        )
        for zone in zones
    }


def cells_inside(
    zones: Sequence[Zone], plan: PlanPoints | None, aspect: float
) -> Mapping[str, frozenset[int]]:
    """Return the cells of the heat grid that lie in each zone as a whole; none in a zone on a shelf, which holds heads.
    ``aspect``: width over height of the picture."""
    if plan is None:
        columns = [column / HEAT_COLUMNS for column in range(HEAT_COLUMNS + 1)]
        rows = [row / HEAT_ROWS for row in range(HEAT_ROWS + 1)]
        polygons = {zone.name: zone.polygon for zone in zones if not zone.on_shelf}
    else:
        drawn = Plan(plan, aspect)
        (left, top), (right, bottom) = drawn.corner, drawn.far_corner
        columns = [left + (right - left) * column / HEAT_COLUMNS for column in range(HEAT_COLUMNS + 1)]
        rows = [top + (bottom - top) * row / HEAT_ROWS for row in range(HEAT_ROWS + 1)]
        polygons = {}
        for zone in zones:
            corners = [drawn.floor((x * aspect, y)) for x, y in zone.polygon]
            known = tuple(corner for corner in corners if corner is not None)
            if not zone.on_shelf and len(known) == len(corners):
                polygons[zone.name] = known
    inside = {zone.name: frozenset[int]() for zone in zones}
    for name, polygon in polygons.items():
        inside[name] = frozenset(
            row * HEAT_COLUMNS + column
            for row, column in itertools.product(range(HEAT_ROWS), range(HEAT_COLUMNS))
            if _holds(polygon, columns[column : column + 2], rows[row : row + 2])
        )
    return inside


def _overlap(one: Zone, other: Zone) -> bool:
    first, second = one.drawn(1.0), other.drawn(1.0)
    if _is_inside(first, other.polygon) or _is_inside(second, one.polygon):
        return True
    if any(_cross(a, b) for a in _edges(one.polygon) for b in _edges(other.polygon)):
        return True
    columns, rows = (_common(one.polygon, other.polygon, axis) for axis in (0, 1))
    points = itertools.product(columns, rows)
    return any(_is_inside(first, [point]) and _is_inside(second, [point]) for point in points)


def _common(one: Sequence[Point], other: Sequence[Point], axis: int) -> list[float]:
    """Return ``SAMPLES`` values along an axis over the stretch that two polygons have in common, none without one."""
    least = max(min(point[axis] for point in polygon) for polygon in (one, other))
    most = min(max(point[axis] for point in polygon) for polygon in (one, other))
    if most <= least:
        return []
    return [least + (most - least) * (index + 0.5) / SAMPLES for index in range(SAMPLES)]


def _is_inside(polygon: Polygon, points: Sequence[Point]) -> bool:
    """Return whether any of the points is in the polygon, not only on its border."""
    return any(polygon.depth(x, y, room=0.0) > _EPSILON for x, y in points)


def _holds(polygon: Sequence[Point], xs: Sequence[float], ys: Sequence[float]) -> bool:
    """Return whether the rectangle between two ``xs`` and two ``ys`` lies in the polygon as a whole."""
    drawn, corners = Polygon(polygon), [(xs[0], ys[0]), (xs[1], ys[0]), (xs[1], ys[1]), (xs[0], ys[1])]
    middle = (sum(xs) / 2, sum(ys) / 2)
    if not _is_inside(drawn, [middle]) or any(
        drawn.depth(x, y, room=_EPSILON) < -_EPSILON for x, y in corners
    ):
        return False
    if any(xs[0] < x < xs[1] and ys[0] < y < ys[1] for x, y in polygon):
        return False
    return not any(_cross(a, b) for a in _edges(polygon) for b in _edges(corners))


def _edges(polygon: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    yield from zip(polygon, (*polygon[1:], polygon[0]), strict=True)


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Return whether two edges cross in a point that is inside both."""
    (a, b), (c, d) = one, other
    return _side(a, b, c) * _side(a, b, d) < -_TINY and _side(c, d, a) * _side(c, d, b) < -_TINY


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
