"""Where a person stands: the floor point, in heights of the picture, from the body or, where it is cut off, the head.

The lower edge of a body is where the feet are, unless a counter or the edge of the picture cuts the body off. Then the
feet are as far below the head as this person showed before, or as an adult's are. An estimate is wrong by the
difference between the person and that adult: about a tenth of the height, a third for a small child.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.places.geometry import Point
from edge.proportions import FACES_HIGH, HAIR
from edge.types import Track

FEET = FACES_HIGH - HAIR
"""Distance from the centre of the face to the feet, in face sizes."""

SHORTEST = 6.5
"""A body that shows fewer face sizes of its height is cut off. A child, or a person seen from far above, shows more;
behind a counter, an adult shows five."""

LONGEST = 13.0
"""A body that shows more face sizes of height is two people in one box. A tall person of whom the face was measured
small shows less."""

SHORTER = 0.75
"""A body of less than this share of the height that this person showed before is cut off."""

SAME_S, SAME = 1.0, 0.95
"""A body that is as high as this one was when it was seen as a whole just before is not cut off: it is the size of the
face that jitters."""

EDGE_PX = 2.0
"""A body that ends so near the lower edge of the picture is cut off there."""

BELOW = 2.0
"""Feet that should be this many face sizes below the picture are not what is seen: a body that is cut off often ends
above the edge. A child whose feet just show is taken for whole."""

LEARN_S = 2.0
"""Time constant in which a person's height, seen in full, is learned, after a plain mean over this time."""

STEADY_S = 0.3
"""The point goes on smoothly once the feet were seen for this time. Before, it jumps to what is seen: where somebody
comes into view, the first box may be that of another person."""

SETTLE_S = 0.3
"""Time constant in which the difference between a seen and an estimated floor point vanishes."""


@dataclass(slots=True)
class Floor:
    """The floor point of one person over time. ``point`` and ``head`` are positions, ``size`` is the size of the face,
    all in heights of the picture."""

    point: Point = (0.0, 0.0)
    head: Point = (0.0, 0.0)
    size: float = 0.0
    _feet: float | None = None
    _known_s: float = 0.0
    """For how long the feet were seen."""
    _body: tuple[float, float] = (-math.inf, 0.0)
    """When a whole body was seen last, and its height in pixels."""
    _was_seen: bool | None = None
    _shift: Point = (0.0, 0.0)
    _at_s: float = 0.0

    def see(self, track: Track, view: tuple[int, int], at_s: float) -> None:
        """Take one sight of a person in a picture of ``view`` (width, height) pixels."""
        height, box, body = view[1], track.box, track.body
        (head_x, head_y), side = box.centre, max(box.side, 1e-6)
        since_s, head = at_s - self._at_s, (head_x / height, head_y / height)
        feet = (body.box.y2 - head_y) / side if body is not None else 0.0
        shows = head_y + (FEET if self._feet is None else self._feet) * side < height + BELOW * side
        is_seen = (
            body is not None
            and shows
            and body.box.y2 < height - EDGE_PX
            and self._is_whole(feet, body.box.height, at_s)
        )
        is_new = self._known_s < STEADY_S
        if is_seen and body is not None:
            found = (body.box.centre[0] / height, body.box.y2 / height)
            self._learn(feet, since_s)
            self._body = at_s, body.box.height
        else:
            feet = FEET if self._feet is None else self._feet
            found = (head[0], (head_y + feet * side) / height)
        if self._was_seen is None or is_new:  # there is nothing yet that is worth to be gone on from
            self._shift = (0.0, 0.0)
        else:
            left = math.exp(-since_s / SETTLE_S)
            if is_seen != self._was_seen:
                # The point goes on from where it was, moved like the head: a change of method is no step.
                self._shift = (
                    self.point[0] + head[0] - self.head[0] - found[0],
                    self.point[1] + head[1] - self.head[1] - found[1],
                )
            self._shift = (left * self._shift[0], left * self._shift[1])
        self.point = (found[0] + self._shift[0], found[1] + self._shift[1])
        self.head, self.size, self._was_seen, self._at_s = head, side / height, is_seen, at_s

    @property
    def feet_seen(self) -> bool:
        """Whether the last point is the lower edge of the body, not an estimate."""
        return bool(self._was_seen)

    @property
    def tall(self) -> float:
        """How far the feet are below the head, in heights of the picture: it jitters less than the size of the face."""
        return self.point[1] - self.head[1]

    def _is_whole(self, feet: float, body: float, at_s: float) -> bool:
        before_s, before = self._body
        if at_s - before_s <= SAME_S and body >= SAME * before:
            return feet + HAIR <= LONGEST
        least = SHORTEST if self._feet is None else SHORTER * (self._feet + HAIR)
        return least <= feet + HAIR <= LONGEST

    def _learn(self, feet: float, since_s: float) -> None:
        if self._feet is None:
            self._feet = feet
            return
        self._known_s += since_s
        share = max(1 - math.exp(-since_s / LEARN_S), since_s / (self._known_s + since_s or 1.0))
        self._feet += min(share, 1.0) * (feet - self._feet)
