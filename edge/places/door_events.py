"""What has happened at the doors of one camera, in the order of the crossings, and how many people are inside."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from edge.place_types import DoorCounts, added
from edge.places.doors import LONGEST_LATE_S, METRES, SETTLE_S, Crossing, Door, Groups, nearest_passed
from edge.places.plan import Plan
from edge.places.record import Record
from edge.places.trail import AGAIN_S

CONFIRMED_S = 1.0
"""Who comes into view is a visit, or is gone, after this time."""


class DoorEvents:
    """Crossings and passers that are certain. ``hold_s``: crossings may come this much later. ``inside``: people inside
    since the last closing time, never below 0."""

    def __init__(self, doors: Sequence[Door], hold_s: float) -> None:
        self.inside = 0
        self._at_s = self._closed_s = -math.inf
        self._names = [door.name for door in doors]
        self._groups = {name: Groups(LONGEST_LATE_S + hold_s) for name in self._names}
        self._certain: list[Crossing] = []
        self._due: list[Crossing] = []
        self._passers: Counter[str] = Counter()
        self._lost: list[Record] = []

    def cross(self, crossings: Iterable[Crossing]) -> None:
        """Take crossings that are certain."""
        self._certain += crossings

    def lose(self, record: Record) -> None:
        """Take somebody who was lost before crossing a door: a passer, unless somebody goes on there."""
        if self._names:
            self._lost.append(record)

    def settle(self, at_s: float, others: Collection[Record]) -> None:
        """Let time pass; ``others`` are in view. A crossing is told ``SETTLE_S`` after it happened, also if it was
        certain before, so that the people inside are at each moment as many as they were."""
        self._at_s = at_s
        self._due += [one for one in self._certain if one.at_s <= at_s - SETTLE_S]
        self._certain = [one for one in self._certain if one.at_s > at_s - SETTLE_S]
        lost, self._lost = self._lost, []
        for record in lost:
            heir = record.heir(others)
            if heir is not None:
                heir.go_on(record)
            elif not record.swap(others):
                if at_s < record.trail.ends.at_s + AGAIN_S + CONFIRMED_S:
                    self._lost.append(record)
                else:
                    self._pass(record)

    def take(self, plan: Plan | None) -> Mapping[str, DoorCounts]:
        """Return what has happened since the last call."""
        counts = {door: DoorCounts(passers=passers) for door, passers in self._passers.items()}
        for crossing in sorted(self._due, key=lambda crossing: (crossing.at_s, crossing.point)):
            counts = added(counts, {crossing.door: self._counts(crossing, plan)})
            if crossing.at_s > self._closed_s:
                self.inside = max(0, self.inside + (1 if crossing.inwards else -1))
        self._passers.clear()
        self._due.clear()
        return counts

    def close(self) -> None:
        """End the day: nobody is inside any more, and what happened before changes nothing."""
        self.inside, self._closed_s = 0, self._at_s

    def _pass(self, record: Record) -> None:
        passed = nearest_passed(list(zip(self._names, record.passages, strict=True)))
        if passed is not None and not record.is_piece:
            self._passers[passed] += 1

    def _counts(self, crossing: Crossing, plan: Plan | None) -> DoorCounts:
        if not crossing.inwards:
            return DoorCounts(exits=1)
        point, metre = crossing.point, crossing.size / METRES
        on_floor = None if plan is None else plan.floor(point)
        if on_floor is not None:
            point, metre = on_floor, 1.0
        is_new = self._groups[crossing.door].is_new(crossing.at_s, point, metre)
        return DoorCounts(entries=1, groups=int(is_new))
