"""One person at all places: what is known until the visit ends, and who goes on where somebody was lost."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy, deepcopy
from dataclasses import dataclass, field

from edge.places.doors import Crossing, Passage
from edge.places.floor import Floor
from edge.places.geometry import Point
from edge.places.heat import Heat, Way
from edge.places.queues import Waiting
from edge.places.targets import Looking
from edge.places.trail import GONE_S, STRETCH_S, Trail
from edge.places.zones import Stay


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
    is_piece: bool = False
    """Whether it was a piece of somebody's way, and no visit."""
    is_heir: bool = False
    """Whether it goes on from another record at the doors."""
    again: _Again | None = None
    """For a moment after the person was out of sight: it may be somebody else."""

    def walk(self, point: Point, size: float, at_s: float) -> Record | None:
        """Take the next floor point. Return the record of another person whom this track followed until a moment ago,
        if it is certain now: this record has the way of the new one only."""
        if self.is_outside and at_s - self.trail.ends.at_s > GONE_S:
            self.again = _Again(self._as_it_is(), [Passage() for _ in self.passages])
        self.trail.see(point, size, at_s)
        again = self.again
        if again is None:
            return None
        again.trail.see(point, size, at_s)
        if at_s - again.trail.begins.at_s < STRETCH_S:
            return None
        self.again = None
        lost = again.before.trail
        goes_through = any(passage.has_passed_the_line for passage in [*self.passages, *again.passages])
        if not again.trail.leads_back(lost) or (goes_through and again.trail.is_near(lost)):
            return None
        self.passages, self.trail, self.is_heir = again.passages, again.trail, False
        return again.before

    @property
    def is_outside(self) -> bool:
        """Whether this is a confirmed person who was never inside."""
        return self.is_confirmed and all(passage.was_always_outside for passage in self.passages)

    def _as_it_is(self) -> Record:
        return Record(
            [copy(one) for one in self.passages], {}, {}, trail=deepcopy(self.trail), is_confirmed=True
        )

    def heir(self, others: Collection[Record]) -> Record | None:
        """Return the record that goes on at the doors where this person was lost, if there is one."""
        may = [one for one in others if one.may_go_on and one.trail.goes_on(self.trail)]
        return min(may, key=lambda one: one.trail.metres_from(self.trail), default=None)

    def go_on(self, lost: Record) -> None:
        """Go on at the doors from a record that has ended."""
        self.is_heir = True
        self.has_crossed |= lost.has_crossed
        begins = self.trail.begins
        for passage, before in zip(self.passages, lost.passages, strict=True):
            passage.go_on(before, begins.at_s, begins.point, begins.size)

    def swap(self, others: Collection[Record]) -> bool:
        """Look for a record that has gone over to this lost person, and for one that goes on where that one was before;
        let both change places at the doors. Return whether there are such two."""
        may = [one for one in others if one.may_go_on]
        for third in may:
            for new in may:
                if new is not third and third.trail.has_taken(self.trail, new.trail):
                    third.change_places(self, new)
                    return True
        return False

    @property
    def may_go_on(self) -> bool:
        """Whether this may be somebody who was lost before."""
        return self.is_confirmed and not (self.is_staff or self.is_heir or self.has_crossed)

    def change_places(self, lost: Record, new: Record) -> None:
        """Go on at the doors from ``lost``, and let ``new`` go on from here."""
        self.is_heir = new.is_heir = True
        for passage, before, after in zip(self.passages, lost.passages, new.passages, strict=True):
            begins, ends = new.trail.begins, lost.trail.ends
            after.go_on(passage.unsettled(), begins.at_s, begins.point, begins.size)
            passage.become(before, ends.at_s, ends.point, ends.size)


@dataclass(slots=True)
class _Again:
    """Somebody who is seen again: the record as it was, and the way and the passages since then."""

    before: Record
    passages: list[Passage]
    trail: Trail = field(default_factory=Trail)
