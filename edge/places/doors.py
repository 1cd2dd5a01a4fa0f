"""Who crosses a door, who turns back, and who passes by.

A crossing counts once the person has gone ``MARGIN`` beyond the line and has stayed there for ``SETTLE_S``, or the
track ends there. Whoever comes back before has not crossed: a U-turn counts as neither entry nor exit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.places.geometry import Line, Point, in_heights
from edge.places.plan import Plan
from edge.proportions import ADULT_M, FACES_HIGH

MARGIN = 0.5
"""How far beyond the line somebody must be, in face sizes: about 8 cm, more than the jitter of the floor point."""

SETTLE_S = 4.0
"""Who is back across the line within this time has turned round. Notices about the people inside come this much later,
so it cannot be much longer."""

REACH_M = 3.0
"""Somebody outside within this distance of the line has passed by the door."""

GROUP_S, GROUP_M = 2.0, 1.5
"""Who enters within this time and distance of another belongs to the same group."""

LONGEST_LATE_S = 30.0
"""Crossings are committed at most about this much later than they happen; older entries have no followers."""

METRES = ADULT_M / FACES_HIGH
"""The size of a face in metres: the scale where no floor plan gives a better one."""


@dataclass(frozen=True, slots=True)
class Door:
    """A line from one point of the picture to another, and a point on its inner side, as shares of the picture."""

    name: str
    line: tuple[Point, Point]
    inside: Point


class Doorway:
    """A door drawn for pictures of one shape, and on the floor plan if there is one."""

    def __init__(self, door: Door, aspect: float, plan: Plan | None) -> None:
        points = [in_heights(point, aspect) for point in (*door.line, door.inside)]
        self.name, self.line = door.name, Line(*points)
        on_floor = [plan.floor(point) for point in points] if plan is not None else []
        known = [point for point in on_floor if point is not None]
        self._on_floor = Line(*known) if len(known) == len(points) else None

    def metres(self, point: Point, size: float, on_floor: Point | None) -> float:
        """Return the distance of a person from the line; without a plan, by the size of the face."""
        if on_floor is not None and self._on_floor is not None:
            return self._on_floor.distance(on_floor)
        return self.line.distance(point) / size * METRES


@dataclass(frozen=True, slots=True)
class Crossing:
    """One committed crossing: when and where the line was crossed, and how large the face was there."""

    door: str
    inwards: bool
    at_s: float
    point: Point
    size: float


@dataclass(slots=True)
class Passage:
    """One person at one door.

    ``home`` is the side where the person was last settled, True inside; None until the person is clear of the line.
    ``passed_m`` is how near a person who began outside, and never was beyond the line, came to it.
    """

    home: bool | None = None
    passed_m: float = math.inf
    _began_outside: bool = False
    _last: tuple[float, Point] | None = None
    _begun: tuple[float, Point, float] | None = None
    _beyond_s: float | None = None

    def see(
        self, doorway: Doorway, point: Point, size: float, at_s: float, on_floor: Point | None
    ) -> Crossing | None:
        """Take the next floor point; return the crossing that it completes. ``size`` is the size of the face, in
        heights of the picture like the point; ``on_floor`` is the same point in metres, if there is a plan."""
        depth = doorway.line.depth(point)
        is_inside, is_clear = depth >= 0, abs(depth) >= MARGIN * size
        if self.home is None:
            if is_clear:
                self.home, self._began_outside = is_inside, not is_inside
        elif self._begun is not None:
            if is_inside == self.home:  # back again
                self._begun = self._beyond_s = None
        elif is_inside != self.home:
            self._leave_home(doorway.line, (at_s, point), size, is_clear=is_clear)
        self._last = (at_s, point)
        if self._began_outside and not is_inside:
            self.passed_m = min(self.passed_m, doorway.metres(point, size, on_floor))
        if self._begun is not None and is_clear and self._beyond_s is None:
            self._beyond_s = at_s
            self._began_outside, self.passed_m = False, math.inf
        if self._beyond_s is not None and at_s - self._beyond_s >= SETTLE_S:
            return self._commit(doorway.name)
        return None

    def end(self, door: str) -> Crossing | None:
        """Return the crossing of a person who is beyond the line when the track ends."""
        return None if self._beyond_s is None else self._commit(door)

    def _leave_home(self, line: Line, now: tuple[float, Point], size: float, *, is_clear: bool) -> None:
        assert self._last is not None
        (before_s, before), (now_s, point) = self._last, now
        crossed = line.crossed(before, point)
        if crossed is not None:
            share, place = crossed
            self._begun = (before_s + share * (now_s - before_s), place, size)
        elif is_clear:  # round the end of the line
            self.home = not self.home

    def _commit(self, door: str) -> Crossing:
        assert self._begun is not None
        (at_s, point, size), inwards = self._begun, not self.home
        self.home, self._begun, self._beyond_s = inwards, None, None
        return Crossing(door, inwards, at_s, point, size)


@dataclass(slots=True)
class Groups:
    """The latest entries at one door, to tell who belongs together."""

    _latest: deque[tuple[float, Point, float]] = field(default_factory=deque)

    def is_new(self, at_s: float, point: Point, metre: float) -> bool:
        """Return whether an entry begins another group. ``point`` and ``metre``, the length of a metre there, are in
        the same unit."""
        while self._latest and self._latest[0][0] < at_s - LONGEST_LATE_S:
            self._latest.popleft()
        belongs = any(
            abs(at_s - other_s) <= GROUP_S and math.dist(point, other) <= GROUP_M * (metre + other_metre) / 2
            for other_s, other, other_metre in self._latest
        )
        self._latest.append((at_s, point, metre))
        return not belongs


def nearest_passed(passages: Sequence[tuple[str, Passage]]) -> str | None:
    """Return the door that somebody passed who crossed none: the nearest one within reach."""
    name, passage = min(passages, key=lambda pair: pair[1].passed_m, default=("", Passage()))
    return name if passage.passed_m <= REACH_M else None
