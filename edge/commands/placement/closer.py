"""A closer look: find faces that are too small in the whole picture.

The detector shrinks every picture to its input size. A part of the picture keeps more pixels for each face, so it shows
people who are too far away for the service to count.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle
from typing import Final

import numpy as np

from edge.commands.placement.sights import Closeup, Outline
from edge.places.zones import ExcludedZones
from edge.types import Box, Detector, Face, Image

_TIMES: Final = 3
"""A part has one of so many columns and of so many rows of the picture."""

_SCORE: Final = 0.8
"""Enlarged parts are blurred: below this score, folds and patterns are taken for faces."""


class CloserLook:
    """Looks at one part of the picture after the other, in an order that quickly covers the whole picture."""

    def __init__(self, detector: Detector, excluded: ExcludedZones, *, sure_score: float) -> None:
        self._detector, self._excluded, self._sure_score = detector, excluded, sure_score
        steps = [step / (2 * _TIMES) for step in range(2 * _TIMES - 1)]
        corners = [(left, top) for left in steps for top in steps]
        random.Random(0).shuffle(corners)
        self._corners = cycle(corners)

    def look(self, image: Image, found: Sequence[Face]) -> tuple[Closeup, ...]:
        """Find the faces in the next part, but not in excluded zones; ``found`` are those of the whole picture."""
        height, width = image.shape[:2]
        left, top = next(self._corners)
        x, y = int(left * width), int(top * height)
        part = np.ascontiguousarray(image[y : y + height // _TIMES, x : x + width // _TIMES])
        sure = [face for face in found if face.score >= self._sure_score]
        closeups = []
        for face in self._detector.look(part).faces:
            if face.score < _SCORE or _is_cut(face.box, part):
                continue
            box = face.box.moved(x, y)
            if not self._excluded.hold(box, width, height):
                outline = Outline(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)
                closeups.append(Closeup(outline, any(_same(box, one.box) for one in sure)))
        return tuple(closeups)


def _is_cut(box: Box, part: Image) -> bool:
    height, width = part.shape[:2]
    return box.x1 <= 1 or box.y1 <= 1 or box.x2 >= width - 1 or box.y2 >= height - 1


def _same(one: Box, other: Box) -> bool:
    across, down = (abs(a - b) for a, b in zip(one.centre, other.centre, strict=True))
    return max(across, down) < one.side / 2
