"""The colours of clothes, which tell apart two people who pass each other.

Where people cross, position and size say little for a moment. So the colours of a sighting are compared with those that
each person had a moment before: three numbers for the chest and three for the legs. They say nothing about who somebody
is, are forgotten two seconds after the person was last seen, and are never stored or sent: see
docs/decisions/0068-clothes-at-a-crossing.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2

from edge.types import Box, Clothes, Colour, Image, Sighting

FORGOTTEN_S = 2.0
"""For no longer than this the clothes of somebody out of sight are known."""

CHEST, LEGS = (0.8, 2.4, 0.8), (4.2, 6.2, 0.55)
"""From where to where a part of the body reaches below the middle of the face, and half its width without arms and
background; in face sizes."""

LEAST_SHOWN = 0.4
"""A part of which less than this share of the width shows beside the people in front, or of the height above a counter
or the edge of the picture, has no colour."""

LEAST_PX, SAMPLES = 4, 8
"""A part needs this many pixels in width and height; about so many of them a side are looked at."""

SAME, OTHER = 8.0, 30.0
"""Light and folds explain a difference up to the first distance; from the second on, these are other clothes."""

BRIGHTNESS = 0.5
"""Weight of the brightness, which light changes most."""

LEARN_S, KNOWN_S = 0.5, 0.2
"""Time over which colours are averaged, and from which on they are compared."""


class Wardrobe:
    """What one tracked person wears, as seen lately."""

    __slots__ = ("_at_s", "_clothes", "_since_s")

    def __init__(self) -> None:
        self._clothes: Clothes | None = None
        self._since_s = self._at_s = 0.0

    def see(self, clothes: Clothes | None, at_s: float) -> None:
        """Take what one sighting shows, when nobody else is near."""
        if clothes is None:
            return
        if self._clothes is None:
            self._clothes, self._since_s = clothes, at_s
        else:
            weight = min(1.0, (at_s - self._at_s) / LEARN_S)
            self._clothes = Clothes(
                _mixed(self._clothes.chest, clothes.chest, weight),
                _mixed(self._clothes.legs, clothes.legs, weight),
            )
        self._at_s = at_s

    def forget(self) -> None:
        self._clothes = None

    def unlike(self, clothes: Clothes | None) -> float:
        """Return how surely these are other clothes: 0 for no difference or not known, 1 for a clear one."""
        mine = self._clothes
        if mine is None or clothes is None or self._at_s - self._since_s < KNOWN_S:
            return 0.0
        distances = [
            math.dist(one, other)
            for one, other in ((mine.chest, clothes.chest), (mine.legs, clothes.legs))
            if one is not None and other is not None
        ]
        if not distances:
            return 0.0
        return min(1.0, max(0.0, (sum(distances) / len(distances) - SAME) / (OTHER - SAME)))


def clothes_of(image: Image, sighting: Sighting, others: Sequence[Sighting]) -> Clothes:
    """Look at the clothes of a person in a BGR picture, as far as none of the ``others`` is in front of them."""
    bottom = float(image.shape[0]) if sighting.body is None else min(sighting.body.box.y2, image.shape[0])
    nearer = [other.body.box for other in others if other.body is not None and _is_nearer(other, sighting)]
    chest, legs = (
        _colour_at(image, _beside(_part(sighting.head, part, bottom), nearer)) for part in (CHEST, LEGS)
    )
    return Clothes(chest, legs)


def _is_nearer(one: Sighting, other: Sighting) -> bool:
    """Return whether ``one`` may stand in front of the ``other``: its feet are lower in the picture."""
    if one is other or one.body is None:
        return False
    if other.body is None:
        return one.head.side > other.head.side
    return one.body.box.y2 > other.body.box.y2


def _part(head: Box, part: tuple[float, float, float], bottom: float) -> Box | None:
    """Return what shows of a part above ``bottom``; None if too little: a sliver of the legs may be the chest."""
    (x, y), side = head.centre, head.side
    top, low, half = part
    shown = Box(x - half * side, y + top * side, x + half * side, min(y + low * side, bottom))
    return shown if shown.height >= LEAST_SHOWN * (low - top) * side else None


def _beside(part: Box | None, nearer: Sequence[Box]) -> Box | None:
    """Return what shows of a part beside the boxes in front of it; None if too little."""
    if part is None:
        return None
    left, right = part.x1, part.x2
    for box in nearer:
        if part.common(box):
            # the wider of the two sides
            left, right = (
                (left, min(right, box.x1)) if box.x1 - left > right - box.x2 else (max(left, box.x2), right)
            )
    return Box(left, part.y1, right, part.y2) if right - left >= LEAST_SHOWN * part.width else None


def _colour_at(image: Image, part: Box | None) -> Colour | None:
    if part is None:
        return None
    height, width = image.shape[:2]
    left, top = max(0, round(part.x1)), max(0, round(part.y1))
    right, low = min(round(part.x2), width), min(round(part.y2), height)
    if low - top < LEAST_PX or right - left < LEAST_PX:
        return None
    step_y, step_x = max(1, (low - top) // SAMPLES), max(1, (right - left) // SAMPLES)
    blue, green, red, _ = cv2.mean(image[top:low:step_y, left:right:step_x])
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    return BRIGHTNESS * brightness, red - brightness, blue - brightness


def _mixed(old: Colour | None, new: Colour | None, weight: float) -> Colour | None:
    if old is None or new is None:
        return old or new
    first, second, third = (a + weight * (b - a) for a, b in zip(old, new, strict=True))
    return first, second, third
