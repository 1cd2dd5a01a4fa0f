"""How a whole picture is lit, in two numbers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from edge.types import Image

BURNT = 250
"""Grey level from which nothing is left to tell."""

DIM, DARK = 45.0, 25.0
"""Mean grey level below which faces are noisy and blurred, and below which they are not to be seen."""
GLARING = 0.3
"""Share burnt out from which a window or lamp takes the light off the faces in front of it."""

_WIDTH = 160
"""Pixels across at which a picture is measured; more would say the same."""


@dataclass(frozen=True, slots=True)
class Light:
    """``luma`` is the mean in grey levels 0..255, ``burnt`` the share of the picture, 0..1, that is burnt out."""

    luma: float
    burnt: float


def light_of(image: Image) -> Light:
    """``image`` BGR uint8 (height, width, 3)."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (_WIDTH, max(1, _WIDTH * height // width)), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return Light(float(grey.mean()), float((grey >= BURNT).mean()))
