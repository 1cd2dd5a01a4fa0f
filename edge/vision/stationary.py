"""Tell people who stand still from a face on a poster, a mannequin or a screen.

A person who only watches still breathes, sways and blinks: the face moves a little, or the picture of it changes.
A picture of a face does neither. See ``docs/decisions/0046-who-blinks-is-no-poster.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from edge.types import Box, Image
from edge.vision.likeness import ChangeWatch

STILL_S = 8.0
"""A face without any sign of life for this long since it appeared is a picture."""

STILL_AGAIN_S = 60.0
"""The same after a sign of life: a very quiet person, or a track that moved from a person to a picture."""

STILL_REACH = 0.3
"""A face whose centre stayed within this many face sizes has not moved: a detector's jitter is below it."""

SCREEN_S = 1800.0
SCREEN_REACH = 1.5
"""Somebody who appeared suddenly and moved by less than this many face sizes for so long is on a screen, however lively
it is."""

APPROACH = 1.6
"""Somebody whose head has grown or shrunk by this factor came nearer or went away."""

JUMP = (0.5, 9.0)
"""A face that moves further than this between two sights, in face sizes and face sizes a second, did not go there: a
screen shows another one."""

REST_S = 3.0
"""After a sign of life we do not look for another one during this time, which saves work."""

SURE_CHANGES = 3
SURE_WITHIN_S = 4.0
"""At the place of a known picture, this many changes in a row, each within this time of the last one, mean a person:
somebody who walks past a poster changes it once."""

SAME_PLACE = 0.4
"""From this intersection over union with a stationary face on, a detection is at its place."""

MEMORY_S, SUSPECT_S = 600.0, 60.0
"""A stationary face that was not seen for this long was removed; a suspected place is forgotten sooner."""


GUESS_JITTER = 1.7
"""A head that is guessed from a body must move this much further than a face before it has moved."""


class Extent:
    """How far a face has moved since it was first seen, in pixels along either axis."""

    __slots__ = ("_x1", "_x2", "_y1", "_y2")

    def __init__(self, x: float, y: float) -> None:
        self._x1 = self._x2 = x
        self._y1 = self._y2 = y

    def include(self, x: float, y: float) -> None:
        self._x1, self._x2 = min(self._x1, x), max(self._x2, x)
        self._y1, self._y2 = min(self._y1, y), max(self._y2, y)

    def merge(self, other: Extent) -> None:
        self.include(other._x1, other._y1)
        self.include(other._x2, other._y2)

    @property
    def side(self) -> float:
        return max(self._x2 - self._x1, self._y2 - self._y1)


class _Way:
    """How far a head went: since it was first seen, and since it last showed life."""

    __slots__ = ("_at_s", "_centre", "_largest", "_smallest", "recent", "whole")

    def __init__(self, box: Box, at_s: float) -> None:
        self.whole, self.recent = Extent(*box.centre), Extent(*box.centre)
        self._centre, self._at_s = box.centre, at_s
        self._smallest = self._largest = box.side

    def left(self, side: float, jitter: float) -> bool:
        """Return whether the head has left its place: across the picture, or towards the camera or away from it."""
        grown = self._largest / max(self._smallest, 1e-6)
        return self.whole.side >= SCREEN_REACH * side or grown >= 1 + (APPROACH - 1) * jitter

    def follow(self, box: Box, at_s: float, side: float) -> None:
        least, a_second = JUMP
        if math.dist(self._centre, box.centre) > (least + a_second * (at_s - self._at_s)) * side:
            self.whole = Extent(*box.centre)
            self._smallest = self._largest = box.side
        self._smallest, self._largest = min(self._smallest, box.side), max(self._largest, box.side)
        self.whole.include(*box.centre)
        self.recent.include(*box.centre)
        self._centre, self._at_s = box.centre, at_s

    def join(self, later: _Way) -> None:
        self.whole.merge(later.whole)
        self.recent.merge(later.recent)
        self._smallest = min(self._smallest, later._smallest)
        self._largest = max(self._largest, later._largest)
        self._centre, self._at_s = later._centre, later._at_s


class LifeSigns:
    """The signs of life of one track: movement of its box, and changes of the picture there."""

    def __init__(self, box: Box, at_s: float) -> None:
        self._first_s = self._last_s = self._quiet_since_s = at_s
        self._ways: dict[bool, _Way] = {}
        self._watch = ChangeWatch(at_s)
        self._changed_s = -math.inf
        self._changes_in_a_row = 0
        self.has_moved = self.has_left_its_place = False

    def see(
        self, box: Box, at_s: float, image: Image | None, *, guessed: bool = False, disturbed: bool = False
    ) -> None:
        """Take one sight of the head. A detector's box may jump over a still picture, so a movement by less than a
        face counts only together with a change of the ``image``. Without an image it counts alone. ``guessed``: the
        head is where the body says. Its way is apart, because between the two the box jumps. ``disturbed``: somebody
        else is so near that the picture changes for another reason."""
        jitter = GUESS_JITTER if guessed else 1.0
        side = box.side * jitter
        way = self._ways.get(guessed)
        if way is None:
            way = self._ways[guessed] = _Way(box, at_s)
        way.follow(box, at_s, side)
        self._last_s = at_s
        self.has_left_its_place |= way.left(side, jitter)
        moves = way.recent.side >= STILL_REACH * side
        goes = way.recent.side >= (STILL_REACH if image is None else SCREEN_REACH) * side
        if disturbed:
            self._watch.rest(at_s)
        if goes or (image is not None and not disturbed and self._watch.changed(image, box, at_s)):
            in_a_row = at_s - self._changed_s <= REST_S + SURE_WITHIN_S
            self._changes_in_a_row = self._changes_in_a_row + 1 if in_a_row else 1
            self._changed_s = self._quiet_since_s = at_s
            self._watch.rest(at_s + REST_S)
            if moves:
                self.has_moved, way.recent = True, Extent(*box.centre)

    def guess_anew(self) -> None:
        """Forget where the head was guessed: from now on the guess is better, which is no movement."""
        self._ways.pop(True, None)

    def join(self, later: LifeSigns) -> None:
        """Continue with ``later``, the signs of the same person, found again."""
        for guessed, way in later._ways.items():
            if guessed in self._ways:
                self._ways[guessed].join(way)
            else:
                self._ways[guessed] = way
        self._watch, self._last_s = later._watch, later._last_s
        self._quiet_since_s = max(self._quiet_since_s, later._quiet_since_s)
        self._changed_s = max(self._changed_s, later._changed_s)
        self.has_moved |= later.has_moved
        self.has_left_its_place |= later.has_left_its_place

    @property
    def is_still(self) -> bool:
        """Whether this is a still picture of a face."""
        return self._last_s - self._quiet_since_s >= (STILL_AGAIN_S if self.has_lived else STILL_S)

    @property
    def has_lived(self) -> bool:
        """Whether there was any sign of life so far."""
        return self._changed_s > -math.inf

    @property
    def is_on_screen(self) -> bool:
        """Whether this is a moving picture of a face."""
        return not self.has_left_its_place and self._last_s - self._first_s >= SCREEN_S

    @property
    def is_surely_alive(self) -> bool:
        """Whether this is a person even at the place of a known picture."""
        return self.has_moved or self._changes_in_a_row >= SURE_CHANGES


@dataclass(frozen=True, slots=True)
class _Place:
    box: Box
    is_screen: bool
    seen_s: float
    is_suspect: bool = False


class StationaryPlaces:
    """The places of pictures of faces. A face that appears there must show life before it counts; a person who walks
    there already has a track and keeps it."""

    def __init__(self) -> None:
        self._places: list[_Place] = []

    def learn(self, box: Box, at_s: float, *, is_screen: bool) -> None:
        """Remember the place, for ``MEMORY_S`` from now."""
        is_screen |= any(place.is_screen for place in self._about(box, at_s))
        others = [place for place in self._places if not _is_same(place.box, box)]
        self._places = [*others, _Place(box, is_screen, at_s)]

    def suspect(self, box: Box, at_s: float) -> None:
        """Remember where something was taken for a face for a moment: a pattern that flickers is no picture for sure,
        but nobody who was lost elsewhere comes out there either."""
        if not self._about(box, at_s):
            self._places.append(_Place(box, False, at_s, is_suspect=True))

    def see(self, box: Box, at_s: float) -> None:
        """Note that a face was found at ``box``, which keeps the known place there."""
        known = self._about(box, at_s)
        self._places = [replace(place, seen_s=at_s) if place in known else place for place in self._places]

    def part(self, last: Box, found: Box, at_s: float) -> bool:
        """Return whether a face ``found`` at a known picture is unlikely to be the one seen elsewhere, at ``last``."""
        return any(not _is_same(place.box, last) for place in self._about(found, at_s))

    def hide(self, box: Box, life: LifeSigns, at_s: float) -> bool:
        """Return whether a face at ``box`` may still be the picture there, judging by its ``life``."""
        return any(
            not (life.has_left_its_place if place.is_screen else life.is_surely_alive)
            for place in self._about(box, at_s)
            if not place.is_suspect
        )

    def _about(self, box: Box, at_s: float) -> list[_Place]:
        self._places = [
            place
            for place in self._places
            if at_s - place.seen_s <= (SUSPECT_S if place.is_suspect else MEMORY_S)
        ]
        return [place for place in self._places if _is_same(place.box, box)]


def _is_same(place: Box, box: Box) -> bool:
    return place.iou(box) >= SAME_PLACE
