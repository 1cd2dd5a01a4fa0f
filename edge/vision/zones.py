"""Named areas of the picture: where a visit was, and where nobody is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from edge.types import Box, Floats


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon of at least three points, in shares of the picture's width and height (0..1).

    Faces in a zone with ``exclude`` are ignored before anything is estimated (staff, a poster).
    Raises ``ValueError`` for an invalid polygon.
    """

    name: str
    polygon: tuple[tuple[float, float], ...]
    exclude: bool = False
    _contour: Floats = field(init=False, repr=False, compare=False)
    """The polygon as OpenCV takes it; made once, because every face of every frame asks."""

    def __post_init__(self) -> None:
        if len(self.polygon) < 3:
            raise ValueError(f"zone {self.name}: a polygon needs at least 3 points, got {len(self.polygon)}")
        for point in self.polygon:
            if not all(0 <= value <= 1 for value in point):
                raise ValueError(f"zone {self.name}: point {point} is outside 0..1")
        object.__setattr__(self, "_contour", np.array(self.polygon, np.float32))

    def contains(self, x: float, y: float) -> bool:
        """Whether a point, in the same shares, lies inside or on the border."""
        return cv2.pointPolygonTest(self._contour, (x, y), measureDist=False) >= 0


class Zones:
    """All zones of one camera; a face is where the centre of its box is. Zones may overlap."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._counted = tuple(zone for zone in zones if not zone.exclude)
        self._excluded = tuple(zone for zone in zones if zone.exclude)

    def of(self, box: Box, width: int, height: int) -> tuple[str, ...]:
        """Return the names of the counted zones that contain ``box`` in a picture of ``width`` x ``height`` pixels."""
        x, y = box.centre
        return tuple(zone.name for zone in self._counted if zone.contains(x / width, y / height))

    def excluded(self, box: Box, width: int, height: int) -> bool:
        """Return whether ``box`` is in a zone where nobody is counted."""
        x, y = box.centre
        return any(zone.contains(x / width, y / height) for zone in self._excluded)
