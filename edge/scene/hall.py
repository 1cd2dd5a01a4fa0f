"""The hall behind the opening of the back wall: a floor up to the horizon of a far wall with shop fronts."""

from __future__ import annotations

import cv2
import numpy as np

from edge.types import Image

_FAR_FLOOR = 196.0
"""Where the floor of the hall ends, in lines: 32 m from the camera."""

Sides = tuple[float, float, float, float]


def draw_hall(
    image: Image, scale: float, opening: Sides, rng: np.random.Generator, *, fronts: bool = True
) -> None:
    """Draw the hall into ``image``; ``opening`` is left, top, right, bottom in lines. Without shop ``fronts`` its far
    wall is bare."""
    left, top, right, bottom = (round(side * scale) for side in opening)
    part = image[top:bottom, left:right]
    height, width = part.shape[:2]
    far = round((_FAR_FLOOR - opening[1]) * scale)
    part[:far] = (186, 196, 202)
    part[: round(0.35 * far)] = (206, 212, 216)
    shade = np.linspace(150, 128, height - far)[:, None, None] * np.array([0.95, 0.98, 1.0])
    part[far:] = shade.astype(np.uint8)
    x = 0
    while fronts and x < width:
        span = round(rng.uniform(50, 90) * scale)
        _front(part, x, min(x + span, width), round(0.52 * far), far, rng)
        x += span
    middle = image.shape[1] / 2 - left
    for place in np.linspace(-3, 3, 13):
        back = round(middle + place * width * 0.28), far
        front = round(middle + place * width * 0.8), height - 1
        cv2.line(part, back, front, (112, 118, 124), max(1, round(0.7 * scale)), cv2.LINE_AA)
    edge = max(2, round(4 * scale))
    part[:, :edge] = part[:, -edge:] = (112, 124, 132)
    part[:edge] = (112, 124, 132)


def _front(part: Image, left: int, right: int, top: int, bottom: int, rng: np.random.Generator) -> None:
    """Draw a lit shop front with a sign above it."""
    colour = rng.integers(90, 210, 3)
    part[top:bottom, left:right] = np.minimum(colour + 45, 255)
    sign = top + (bottom - top) // 5
    part[top:sign, left:right] = colour
    part[sign:bottom, left : left + max(1, (right - left) // 12)] = (96, 104, 112)
    door = left + round(0.55 * (right - left))
    part[sign + (bottom - sign) // 6 : bottom, door : door + (right - left) // 4] = (128, 138, 146)
