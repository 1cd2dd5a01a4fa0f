"""Who crosses a door, who turns back, and who passes by.

A crossing counts ``SETTLE_S`` after it, if the person has gone ``MARGIN`` beyond the line and stays there, or when the
track ends there. Whoever comes back before has not crossed: a U-turn counts as neither entry nor exit. One wrong floor
point decides nothing: where a person began, and whether somebody who turns back or is lost was beyond the line at all,
needs ``FIRM_S`` on one side.
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

ESTIMATED_MARGIN = 1.5
"""The same where the feet are estimated: from the size of a face, which jitters by a tenth of it, ten times over."""

FIRM_S, ONCE_FIRM_S = 0.3, 0.6
"""A side is certain once a person was clear of the line there for this time and nowhere else in between; for the longer
time, if there was one sight only."""

SETTLE_S = 4.0
"""Who is back across the line within this time has turned round. Notices about the people inside come this much later,
so it cannot be much longer."""

AWAY_S, AWAY_MORE_S = 0.5, 0.5
"""Who was not seen for the first time, or is on the line, may be on the way back: the crossing settles this much
later."""

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

    ``home`` is the side where the person was last settled, True inside; None until one side is certain. ``passed_m``
    is how near a person who was never inside for certain came to the line.
    """

    home: bool | None = None
    passed_m: float = math.inf
    _side: bool | None = None
    """The side that is certain now: another one than ``home`` while a crossing is not settled."""
    _was_inside: bool = False
    _clear: tuple[bool, float] | None = None
    """The side where the person was clear of the line last, and since when."""
    _sights: int = 0
    """How often the person was seen there since then."""
    _held_s: float | None = None
    """When the line was passed since the person was last clear of it, so that nobody knows the side."""
    _last: tuple[float, Point] | None = None
    _crossed: tuple[float, Point, float] | None = None
    """When and where the line was crossed since the person was last clear of it on the certain side, and the size."""
    _back_s: float = -math.inf
    """When the line was crossed back last: for a shorter time than ``FIRM_S``, that is nothing."""
    _begun: tuple[float, Point, float] | None = None
    """The crossing that is not settled."""

    def see(
        self,
        doorway: Doorway,
        point: Point,
        size: float,
        at_s: float,
        on_floor: Point | None,
        *,
        margin: float = MARGIN,
    ) -> Crossing | None:
        """Take the next floor point; return the crossing that it completes. ``size`` is the size of the face, in
        heights of the picture like the point; ``on_floor`` is the same point in metres, if there is a plan. Nearer to
        the line than ``margin``, in face sizes, nobody knows the side."""
        depth = doorway.line.depth(point)
        is_inside = depth >= 0
        if self._last is not None:
            before_s, before = self._last
            depth_before = doorway.line.depth(before)
            if self._held_s is None and (depth_before >= 0) != is_inside:
                self._held_s = before_s + depth_before / (depth_before - depth) * (at_s - before_s)
            crossed = doorway.line.crossed(before, point)
            if crossed is not None:
                share, place = crossed
                crossed_s = before_s + share * (at_s - before_s)
                if is_inside == self._side:
                    self._back_s = crossed_s
                else:
                    if self._crossed is not None and crossed_s - self._back_s < FIRM_S:
                        crossed_s = self._crossed[0]  # what came in between was jitter
                    self._crossed = (crossed_s, place, size)
        self._last = (at_s, point)
        if self._clear is not None and self._held_s is None:
            self._sights += 1
        if abs(depth) >= margin * size:
            self._note(is_inside, at_s)
        if not is_inside:
            self.passed_m = min(self.passed_m, doorway.metres(point, size, on_floor))
        return self.settle(doorway.name, at_s)

    def settle(self, door: str, at_s: float) -> Crossing | None:
        """Return the crossing that is settled by now, also while the person is not seen."""
        if self._begun is None or self._clear is None or self._clear[0] == self.home:
            return None
        is_away = self._held_s is not None or (self._last is not None and at_s - self._last[0] > AWAY_S)
        settles_s = self._begun[0] + SETTLE_S + (AWAY_MORE_S if is_away else 0.0)
        return self._commit(door) if at_s >= settles_s else None

    def end(self, door: str) -> Crossing | None:
        """Return the crossing of a person who is beyond the line when the track ends."""
        return None if self._begun is None else self._commit(door)

    def go_on(self, before: Passage, at_s: float, point: Point, size: float) -> None:
        """Go on from the passage of somebody who was lost, seen again as this person: at ``at_s`` at a point, with a
        face of ``size``. A change of the side in between is a crossing there."""
        if before._side is None:
            return
        begun = before._begun
        if begun is None:
            begun = self._begun if self.home in (None, before._side) else (at_s, point, size)
        self.home = before.home
        self._side = before._side if self._side is None else self._side
        self._begun = None if self._side == self.home else begun
        self._was_inside |= before._was_inside
        self.passed_m = min(self.passed_m, before.passed_m)

    def become(self, lost: Passage, at_s: float, point: Point, size: float) -> None:
        """Go on as somebody else, who was lost beside this person and whom the track has followed since then."""
        self._was_inside, self.passed_m = bool(self._side), math.inf
        self.go_on(lost, at_s, point, size)

    def unsettled(self) -> Passage:
        """Return the passage of this person as it was before a crossing that is not settled."""
        return Passage(self.home, self.passed_m, _side=self.home, _was_inside=bool(self.home))

    @property
    def side(self) -> bool | None:
        """The side that is certain now: true inside; None before any is."""
        return self._side

    @property
    def was_always_outside(self) -> bool:
        """Whether the person was outside for certain, and never inside."""
        return self.home is False and not self._was_inside

    @property
    def has_passed_the_line(self) -> bool:
        """Whether the line was passed since the person was last settled, also if nothing is certain."""
        return self._crossed is not None or self._begun is not None

    def _note(self, is_inside: bool, at_s: float) -> None:
        """Note that the person is clear of the line on one side."""
        if self._clear is None or self._clear[0] != is_inside:
            # A side is held until the line is passed.
            self._firm(at_s if self._held_s is None else self._held_s)
            self._clear, self._sights = (is_inside, at_s), 1
        self._held_s = None
        self._firm(at_s)
        if is_inside == self._side:
            self._crossed = None

    def _firm(self, at_s: float) -> None:
        """Take over the side on which the person is clear, once it is certain."""
        if self._clear is None or self._clear[0] == self._side:
            return
        if at_s - self._clear[1] < (ONCE_FIRM_S if self._sights == 1 else FIRM_S):
            return
        before, self._side = self._side, self._clear[0]
        self._was_inside |= self._side
        if self._side == self.home:  # back again
            self._begun = None
        elif before is None or self._crossed is None:  # the first side, or round the end of the line
            self.home = self._side
        else:
            self._begun = self._crossed

    def _commit(self, door: str) -> Crossing:
        assert self._begun is not None
        at_s, point, size = self._begun
        self.home, self._begun = self._side, None
        return Crossing(door, bool(self.home), at_s, point, size)


@dataclass(slots=True)
class Groups:
    """The latest entries at one door, to tell who belongs together. ``late_s``: older entries have no followers."""

    late_s: float = LONGEST_LATE_S
    _latest: deque[tuple[float, Point, float]] = field(default_factory=deque)

    def is_new(self, at_s: float, point: Point, metre: float) -> bool:
        """Return whether an entry begins another group. ``point`` and ``metre``, the length of a metre there, are in
        the same unit."""
        while self._latest and self._latest[0][0] < at_s - self.late_s:
            self._latest.popleft()
        belongs = any(
            abs(at_s - other_s) <= GROUP_S and math.dist(point, other) <= GROUP_M * (metre + other_metre) / 2
            for other_s, other, other_metre in self._latest
        )
        self._latest.append((at_s, point, metre))
        return not belongs


def nearest_passed(passages: Sequence[tuple[str, Passage]]) -> str | None:
    """Return the door that somebody passed who crossed none: the nearest one within reach."""
    outside = [(passage.passed_m, name) for name, passage in passages if passage.was_always_outside]
    passed_m, name = min(outside, default=(math.inf, ""))
    return name if passed_m <= REACH_M else None
