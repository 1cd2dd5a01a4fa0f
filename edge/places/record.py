"""One person at all places: what is known until the visit ends, and who goes on where somebody was lost."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from edge.places.doors import METRES, Crossing, Passage
from edge.places.floor import Floor
from edge.places.geometry import Point
from edge.places.heat import Heat, Way
from edge.places.queues import Waiting
from edge.places.targets import Looking
from edge.places.zones import Stay

AGAIN_S = 1.0
"""Who comes into view up to this much before or after somebody was lost may be the same person."""

AGAIN_M, AGAIN_M_S = 0.8, 1.0
"""... if it is at the same place: so near, and for each second in between so much farther."""

_STRETCH_S = 0.7
"""The direction of a way is measured over this time."""


class _Sight(NamedTuple):
    """When and where somebody was seen, and the size of the face there; in heights of the picture."""

    at_s: float
    point: Point
    size: float


@dataclass(slots=True)
class Trail:
    """The first and the last stretch of the way of a person."""

    _first: list[_Sight] = field(default_factory=list)
    _last: deque[_Sight] = field(default_factory=deque)

    def see(self, point: Point, size: float, at_s: float) -> None:
        """Take the next floor point."""
        sight = _Sight(at_s, point, size)
        if not self._first or at_s - self._first[0].at_s <= _STRETCH_S:
            self._first.append(sight)
        self._last.append(sight)
        while at_s - self._last[0].at_s > _STRETCH_S:
            self._last.popleft()

    @property
    def begins(self) -> _Sight:
        """The first sight."""
        return self._first[0]

    def metres_from(self, lost: Trail) -> float:
        """Return how far from the end of another way this one begins, by the size of the smaller face: one beside the
        camera and one far away are no neighbours."""
        ended, begins = lost._last[-1], self.begins
        return math.dist(ended.point, begins.point) / min(ended.size, begins.size) * METRES

    def goes_on(self, lost: Trail) -> bool:
        """Return whether it begins when and where the other one ends, and does not lead back. Where people come into
        view, as at the edge of the picture, one often appears as another leaves: the second goes the other way."""
        gap_s = self.begins.at_s - lost._last[-1].at_s
        if abs(gap_s) > AGAIN_S or self.metres_from(lost) > AGAIN_M + AGAIN_M_S * max(0.0, gap_s):
            return False
        (x, y), (to_x, to_y) = _way(lost._last), _way(self._first)
        return x * to_x + y * to_y >= 0


def _way(stretch: Sequence[_Sight]) -> Point:
    start, end = stretch[0].point, stretch[-1].point
    return end[0] - start[0], end[1] - start[1]


@dataclass(slots=True)
class Record:
    """One person; deleted with the track."""

    passages: list[Passage]
    stays: dict[str, Stay]
    waits: dict[str, Waiting]
    floor: Floor = field(default_factory=Floor)
    looking: Looking = field(default_factory=Looking)
    heat: Heat = field(default_factory=Heat)
    way: Way = field(default_factory=Way)
    trail: Trail = field(default_factory=Trail)
    inside: set[str] = field(default_factory=set)
    crossings: list[Crossing] = field(default_factory=list)
    """Crossings that are not counted yet, because the track is not confirmed."""
    has_crossed: bool = False
    is_confirmed: bool = False
    is_staff: bool = False
    is_heir: bool = False
    """Whether it goes on from another record at the doors."""

    def heir(self, others: Iterable[Record]) -> Record | None:
        """Return the record that goes on at the doors where this person was lost, if there is one."""
        may = [
            one
            for one in others
            if one.is_confirmed
            and not (one.is_staff or one.is_heir or one.has_crossed)
            and one.trail.goes_on(self.trail)
        ]
        return min(may, key=lambda one: one.trail.metres_from(self.trail), default=None)

    def go_on(self, lost: Record) -> None:
        """Go on at the doors from a record that has ended."""
        self.is_heir = True
        self.has_crossed |= lost.has_crossed
        begins = self.trail.begins
        for passage, before in zip(self.passages, lost.passages, strict=True):
            passage.go_on(before, begins.at_s, begins.point, begins.size)
