"""The way of one person near a door, and who goes on where one was lost.

Only places, times and the sizes of faces are compared.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from edge.places.doors import METRES
from edge.places.geometry import Point

BESIDE_S, AGAIN_S = 1.0, 3.0
"""Who comes into view up to this much before or after somebody was lost may be the same person."""

AGAIN_M, AGAIN_M_S = 0.8, 0.5
"""... if it is where that person was then, or would be by now: so near, and for each second in between so much
farther."""

MEET_M = 1.0
"""Two people who are so near to each other may be taken for each other."""

STRAIGHTER_M = 0.5
"""They were, if this makes their ways straighter by so much in sum: nobody bounces off another."""

GONE_S, WALKS_M_S = 0.4, 0.5
"""Who was out of sight for longer than this, walked when last seen, and walks back when seen again, is somebody else:
where people come into view one often appears as another leaves. Both are so fast; who turns round is slower."""

STRETCH_S = 0.7
"""The direction of a way is measured over this time."""

_KEPT_S = 5.0
"""For so long a way is kept: longer than somebody who is lost is looked for."""


class Sight(NamedTuple):
    """When and where somebody was seen, and the size of the face there; in heights of the picture."""

    at_s: float
    point: Point
    size: float


@dataclass(slots=True)
class Trail:
    """The first and the latest stretch of the way of a person."""

    _first: list[Sight] = field(default_factory=list)
    _latest: deque[Sight] = field(default_factory=deque)

    def see(self, point: Point, size: float, at_s: float) -> None:
        """Take the next floor point."""
        sight = Sight(at_s, point, size)
        if not self._first or at_s - self._first[0].at_s <= STRETCH_S:
            self._first.append(sight)
        self._latest.append(sight)
        while at_s - self._latest[0].at_s > _KEPT_S:
            self._latest.popleft()

    @property
    def begins(self) -> Sight:
        """The first sight."""
        return self._first[0]

    @property
    def ends(self) -> Sight:
        """The last sight."""
        return self._latest[-1]

    def metres_from(self, lost: Trail) -> float:
        """Return how far this way begins from where the other person was then, or would be by now."""
        return _metres(lost.expected(self.begins.at_s), self.begins)

    def is_near(self, lost: Trail) -> bool:
        """Return whether this way begins so near to the other person that it may be the same one."""
        gap_s = max(0.0, self.begins.at_s - lost.ends.at_s)
        return self.metres_from(lost) <= AGAIN_M + AGAIN_M_S * gap_s

    def expected(self, at_s: float) -> Sight:
        """Return where the person was at a time, or would be, having gone straight on."""
        if at_s > self.ends.at_s:
            return _straight_on(self._stretch(self.ends.at_s), at_s)
        return min(self._latest, key=lambda sight: abs(sight.at_s - at_s))

    def goes_on(self, lost: Trail) -> bool:
        """Return whether it begins when and where the other one ends, and does not lead back. Where people come into
        view, as at the edge of the picture, one often appears as another leaves: the second goes the other way."""
        gap_s = self.begins.at_s - lost.ends.at_s
        if not -BESIDE_S <= gap_s <= AGAIN_S or not self.is_near(lost):
            return False
        (x, y), (to_x, to_y) = _way(lost._stretch(lost.ends.at_s)), _way(self._first)
        return x * to_x + y * to_y >= 0

    def leads_back(self, lost: Trail) -> bool:
        """Return whether the person walked, and this way leads straight back."""
        before, after = lost._stretch(lost.ends.at_s), self._first
        (x, y), (to_x, to_y) = _way(before), _way(after)
        walks = min(_metres_a_second(before), _metres_a_second(after)) >= WALKS_M_S
        return walks and x * to_x + y * to_y < -0.5 * math.hypot(x, y) * math.hypot(to_x, to_y)

    def has_taken(self, lost: Trail, new: Trail) -> bool:
        """Return whether this track has gone over to the person who was ``lost`` beside it, and ``new`` is the one whom
        it followed before."""
        met_s, begins_s = lost.ends.at_s, new.begins.at_s
        if abs(begins_s - met_s) > BESIDE_S or new.metres_from(lost) > MEET_M:
            return False
        before, after = self._stretch(met_s), self._stretch(max(met_s, begins_s) + 1.0)
        if len(before) < 2 or not after or after[0].at_s <= met_s or _metres(before[-1], lost.ends) > MEET_M:
            return False
        ended, began = lost._stretch(met_s), new._first
        as_told = _off(before, after) + _off(ended, began)
        return as_told - _off(ended, after) - _off(before, began) >= STRAIGHTER_M

    def _stretch(self, until_s: float) -> list[Sight]:
        return [sight for sight in self._latest if until_s - STRETCH_S <= sight.at_s <= until_s]


def _way(stretch: Sequence[Sight]) -> Point:
    start, end = stretch[0].point, stretch[-1].point
    return end[0] - start[0], end[1] - start[1]


def _metres_a_second(stretch: Sequence[Sight]) -> float:
    seconds = stretch[-1].at_s - stretch[0].at_s
    return _metres(stretch[0], stretch[-1]) / seconds if seconds > 0 else 0.0


def _straight_on(stretch: Sequence[Sight], at_s: float) -> Sight:
    """Return where a stretch leads to."""
    (x, y), (to_x, to_y), end = stretch[-1].point, _way(stretch), stretch[-1]
    share = (at_s - end.at_s) / ((end.at_s - stretch[0].at_s) or math.inf)
    return Sight(at_s, (x + share * to_x, y + share * to_y), end.size)


def _off(before: Sequence[Sight], after: Sequence[Sight]) -> float:
    """Return how far the middle of a stretch is from where another one leads to."""
    middle = after[len(after) // 2]
    return _metres(_straight_on(before, middle.at_s), middle)


def _metres(one: Sight, other: Sight) -> float:
    """Return how far two places are from each other, by the size of the smaller face: one beside the camera and one far
    away are no neighbours."""
    return math.dist(one.point, other.point) / min(one.size, other.size) * METRES
