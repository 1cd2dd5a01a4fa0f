"""Faces that belong to the furniture: a poster, a mannequin, a pattern that looks back."""

from __future__ import annotations

from collections.abc import Sequence

from edge.types import Box, Detection

STILL_S = 8.0
"""Nobody keeps the head so still for so long; a visit has come in from somewhere besides."""

STILL_REACH = 0.3
"""A face whose centre stayed within this many face sizes has not moved: a detector's jitter is below it."""

SAME_PLACE = 0.4
"""Intersection over union with a fixture from which a detection is that fixture."""

MEMORY_S = 600.0
"""A fixture unseen for so long was taken down."""


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


def is_still(extent: Extent, face_side: float, seen_s: float) -> bool:
    """Whether a track seen for ``seen_s`` seconds at ``face_side`` pixels is none of a person."""
    return seen_s >= STILL_S and extent.side < STILL_REACH * face_side


class Fixtures:
    """The places of known fixtures. What is found there again begins no track."""

    def __init__(self) -> None:
        self._places: list[tuple[Box, float]] = []

    def learn(self, box: Box, at_s: float) -> None:
        self._places.append((box, at_s))

    def without(self, detections: Sequence[Detection], at_s: float) -> list[Detection]:
        """The detections that lie at no fixture. A fixture seen again is remembered for longer."""
        if not self._places:
            return list(detections)
        rest = []
        for detection in detections:
            best = max(range(len(self._places)), key=lambda i: self._places[i][0].iou(detection.box))
            if self._places[best][0].iou(detection.box) >= SAME_PLACE:
                self._places[best] = (self._places[best][0], at_s)
            else:
                rest.append(detection)
        self._places = [(box, seen) for box, seen in self._places if at_s - seen <= MEMORY_S]
        return rest
