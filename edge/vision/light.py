"""The light of a whole picture, in two numbers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from edge.types import Image

BURNT = 250
"""From this grey level on, no detail is visible."""

DIM, DARK = 45.0, 25.0
"""Mean grey levels: below the first, faces are noisy and blurred; below the second, they are invisible."""
GLARING = 0.3
"""From this burnt-out share on, a window or lamp makes the faces in front of it too dark."""

_WIDTH = 160
"""Width in pixels at which a picture is measured; more gives the same result."""


@dataclass(frozen=True, slots=True)
class Light:
    """``luma`` is the mean in grey levels, 0..255; ``burnt`` is the burnt-out share of the picture, 0..1."""

    luma: float
    burnt: float


def light_of(image: Image) -> Light:
    """Measure the light of ``image``, BGR uint8 (height, width, 3)."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (_WIDTH, max(1, _WIDTH * height // width)), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return Light(float(grey.mean()), float((grey >= BURNT).mean()))
