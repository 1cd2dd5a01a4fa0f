"""A transparent drawing surface, and the drawing that comes of it.

Units are sides of the face picture; x is 0 in the middle of the face, y is 0 at its upper edge, so the eyes are near
y = 0.29 and the chin near 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.types import Image

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A drawing with premultiplied alpha, BGRA uint8, in halving sizes; ``origin`` is its upper left corner."""

    levels: tuple[Image, ...]
    origin: tuple[float, float]
    scale: int
    """Pixels per unit of the largest level."""
    extent: tuple[float, float, float, float]
    """Left, top, right, bottom of what is opaque, in units."""

    def level_for(self, unit_px: float) -> int:
        """Return the smallest level that still has at least one pixel for each pixel of the target."""
        return int(np.clip(np.floor(np.log2(max(self.scale / unit_px, 1.0))), 0, len(self.levels) - 1))


class Sheet:
    """A transparent drawing surface, in units. Masks are float (h, w), 0..1."""

    def __init__(self, left: float, top: float, right: float, bottom: float, scale: int) -> None:
        self.origin = (left, top)
        self.scale = scale
        self.shape = (round((bottom - top) * scale), round((right - left) * scale))
        self.colour = np.zeros((*self.shape, 3), np.float32)
        self.alpha = np.zeros(self.shape, np.float32)

    def pixels(self, points: Sequence[tuple[float, float]]) -> np.ndarray:
        return np.round((np.array(points) - self.origin) * self.scale).astype(np.int32)

    def ellipse(self, x: float, y: float, rx: float, ry: float) -> np.ndarray:
        mask = np.zeros(self.shape, np.uint8)
        centre = self.pixels([(x, y)])[0]
        axes = (round(rx * self.scale), round(ry * self.scale))
        cv2.ellipse(mask, (int(centre[0]), int(centre[1])), axes, 0, 0, 360, (255,), -1, cv2.LINE_AA)
        return mask.astype(np.float32) / 255

    def polygon(self, points: Sequence[tuple[float, float]], rounding: float = 0.0) -> np.ndarray:
        """Return the mask of a polygon whose corners are rounded over about that length."""
        mask = np.zeros(self.shape, np.uint8)
        corners = self.pixels(points)
        cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA)
        hard = mask.astype(np.float32) / 255
        if not rounding:
            return hard
        around = round(2 * rounding * self.scale) + 2  # the rest of the sheet stays empty
        (left, top), (right, bottom) = corners.min(0) - around, corners.max(0) + around
        part = np.s_[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        soft = cv2.GaussianBlur(hard[part], (0, 0), rounding * self.scale / 2)
        hard[part] = np.clip((soft - 0.5) * rounding * self.scale / 2 + 0.5, 0, 1)
        return hard

    def squares(self, corners: Sequence[Sequence[tuple[float, float]]]) -> np.ndarray:
        """Return the mask of several polygons that do not overlap."""
        mask = np.zeros(self.shape, np.uint8)
        for one in corners:
            cv2.fillConvexPoly(mask, self.pixels(one), (255,))
        return mask.astype(np.float32) / 255

    def line(self, points: Sequence[tuple[float, float]], thickness: float) -> np.ndarray:
        mask = np.zeros(self.shape, np.uint8)
        cv2.polylines(mask, [self.pixels(points)], False, (255,), round(thickness * self.scale), cv2.LINE_AA)
        return mask.astype(np.float32) / 255

    def paint(self, mask: np.ndarray, colour: Colour | np.ndarray, shade: np.ndarray | float = 1.0) -> None:
        """Paint ``colour`` (one, or one per pixel) onto the sheet through ``mask``."""
        x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
        part = np.s_[y : y + height, x : x + width]
        cover = mask[part][..., None]
        paint = np.broadcast_to(np.asarray(colour, np.float32), self.colour.shape)[part]
        light = np.broadcast_to(np.asarray(shade, np.float32), self.shape)[part][..., None]
        self.colour[part] = self.colour[part] * (1 - cover) + np.clip(paint * light, 0, 255) * cover
        self.alpha[part] = self.alpha[part] * (1 - mask[part]) + mask[part]

    def sprite(self) -> Sprite:
        level: np.ndarray = np.dstack([self.colour, self.alpha * 255])
        levels = []
        for _ in range(4):
            levels.append(np.clip(np.round(level), 0, 255).astype(np.uint8))
            level = cv2.resize(
                level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA
            )
        x, y, width, height = cv2.boundingRect((self.alpha > 0.5).astype(np.uint8))
        left, top = x / self.scale + self.origin[0], y / self.scale + self.origin[1]
        extent = left, top, left + width / self.scale, top + height / self.scale
        return Sprite(tuple(levels), self.origin, self.scale, extent)
