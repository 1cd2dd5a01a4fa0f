"""Heat: where people stand, and look while they stand, on a grid over the floor; and ways, from place to place.

The grid has 16 x 9 cells, over the picture, or over the floor plan if there is one.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from common.wire.places import HEAT_COLUMNS, HEAT_ROWS
from edge.place_types import HEAT_MOST_S
from edge.places.geometry import Point

STANDING_M_S = 0.35
"""Who moves slower than this stands, in metres a second; people walk at 0.8 and more."""

BASE_S, LEAST_BASE_S = 1.0, 0.5
"""Speed is measured over this time: over shorter ones the jitter of the floor point looks like walking."""

LENS = 1.25
"""Focal length of a usual shop camera in heights of the picture: it tells from the size of a person how far away he or
she is, where no floor plan does. Cameras have 0.7 to 1.6."""

SETTLED_S = 30.0
"""An event on the way of a person may become known this much later than it happened."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells over a rectangle from ``corner`` to ``far_corner``."""

    corner: Point
    far_corner: Point

    def cell(self, point: Point) -> int | None:
        """Return the number of the cell that holds a point, row by row; None outside the grid."""
        (left, top), (right, bottom) = self.corner, self.far_corner
        across, down = (point[0] - left) / (right - left), (point[1] - top) / (bottom - top)
        if not (0 <= across <= 1 and 0 <= down <= 1):
            return None
        column = min(int(across * HEAT_COLUMNS), HEAT_COLUMNS - 1)
        return min(int(down * HEAT_ROWS), HEAT_ROWS - 1) * HEAT_COLUMNS + column


class Spot(NamedTuple):
    """Where somebody is at one moment: a point with the length of a metre there, in the same unit. ``tall``: how tall
    the person looks in the picture, in any unit; None if the points lie on a floor plan.

    Without a plan, coming nearer hardly moves the feet in the picture of a low camera, but the person grows."""

    point: Point
    metre: float
    tall: float | None

    def metres_from(self, before: Spot) -> float:
        """Return the distance to where the same person was before."""
        across = math.dist(before.point, self.point) / self.metre
        if self.tall is None or before.tall is None:
            return across
        return math.hypot(across, LENS / self.metre * (1 - self.tall / before.tall))


@dataclass(slots=True)
class Heat:
    """The seconds in which one person stands, and the part of them in which the person looks, by cell."""

    cells: dict[int, tuple[float, float]] = field(default_factory=dict)
    _past: deque[tuple[float, Spot]] = field(default_factory=deque)

    def see(self, cell: int | None, spot: Spot, looking_s: float, at_s: float) -> None:
        """Take one sight: where the person is, and the seconds of looking since the last sight."""
        standing_s, past = 0.0, self._past
        if past:
            first_s, first = past[0]
            since_s = at_s - first_s
            if since_s >= LEAST_BASE_S and spot.metres_from(first) < STANDING_M_S * since_s:
                standing_s = at_s - past[-1][0]
        past.append((at_s, spot))
        while at_s - past[0][0] > BASE_S:
            past.popleft()
        if cell is not None and standing_s > 0:
            stood, looked = self.cells.get(cell, (0.0, 0.0))
            looking_s = min(looking_s, standing_s)
            self.cells[cell] = min(stood + standing_s, HEAT_MOST_S), min(looked + looking_s, HEAT_MOST_S)


@dataclass(slots=True)
class Way:
    """The places that one person went to, in order of time, as pairs (place, next place)."""

    _pairs: set[tuple[str, str]] = field(default_factory=set)
    _recent: list[tuple[float, str]] = field(default_factory=list)
    _last: str | None = None

    def add(self, at_s: float, place: str) -> None:
        """Note that the person came to a place; crossings of a door become known later than what follows them."""
        insort(self._recent, (at_s, place))
        while self._recent[0][0] < self._recent[-1][0] - SETTLED_S:
            self._go(self._recent.pop(0)[1])

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return all pairs of a visit that ends."""
        for _, place in self._recent:
            self._go(place)
        self._recent.clear()
        return frozenset(self._pairs)

    def _go(self, place: str) -> None:
        if self._last is not None and self._last != place:
            self._pairs.add((self._last, place))
        self._last = place
