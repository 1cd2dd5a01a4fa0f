"""People who stand and watch, and pictures of people, drawn on the fly: faces of the sample scene before a wall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from edge.scene.portraits import load_portraits
from edge.types import Box, Face, Floats, Image, Sighting

VIEW = (320, 240)
SIDE = 60.0


@cache
def wall() -> Image:
    grain = np.random.default_rng(5).uniform(40, 215, (VIEW[1] // 12, VIEW[0] // 12, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(grain, VIEW, interpolation=cv2.INTER_CUBIC), np.uint8)


@dataclass(frozen=True)
class Watcher:
    """A face at ``x``, ``y``; without any of the signs of life it is a picture.

    Blinks take 0.3 s, a breath lifts the head by 2 % of the face, a sway takes it 5 % to either side.
    """

    x: float = 160.0
    y: float = 120.0
    blinks: bool = False
    breathes: bool = False
    sways: bool = False
    member: int = 3

    @property
    def box(self) -> Box:
        return box(self.x, self.y)

    def sighting(self, at_s: float, score: float = 0.97) -> Sighting:
        dx, dy = self._moved(at_s)
        head = box(self.x + dx, self.y + dy)
        return Sighting(head, score, face=Face(head, score, np.zeros((5, 2), np.float32)))

    def at(self, at_s: float, behind: Image | None = None) -> Image:
        return self.paint(wall() if behind is None else behind, at_s)

    def paint(self, behind: Image, at_s: float) -> Image:
        """``behind`` with this face before it."""
        member = load_portraits()[self.member]
        face = member.picture.copy()
        if self.blinks and at_s % 2.7 > 2.4:
            skin = face[member.side // 2, member.side // 4, :3].tolist()
            for x, y in member.landmarks[:2]:
                axes = (member.side // 9, member.side // 16)
                cv2.ellipse(face, (round(float(x)), round(float(y))), axes, 0, 0, 360, (*skin, 255), -1)
        dx, dy = self._moved(at_s)
        left, top, size = int(self.x - 0.65 * SIDE), int(self.y - 0.65 * SIDE), round(1.4 * SIDE)
        factor = 1.1 * SIDE / member.side
        half = 0.5 * factor * member.side
        matrix = np.array(
            [[factor, 0, self.x + dx - half - left], [0, factor, self.y + dy - half - top]], np.float32
        )
        warped = cv2.warpAffine(face, matrix, (size, size)).astype(np.float32)
        x1, y1, x2, y2 = max(0, left), max(0, top), min(VIEW[0], left + size), min(VIEW[1], top + size)
        image = behind.copy()
        if x1 < x2 and y1 < y2:
            part = warped[y1 - top : y2 - top, x1 - left : x2 - left]
            cover = part[..., 3:] / 255
            image[y1:y2, x1:x2] = image[y1:y2, x1:x2] * (1 - cover) + part[..., :3] * cover
        return image

    def _moved(self, at_s: float) -> tuple[float, float]:
        dx = 0.05 * SIDE * math.sin(2 * math.pi * at_s / 5.1) if self.sways else 0.0
        dy = 0.02 * SIDE * math.sin(2 * math.pi * at_s / 3.7) if self.breathes else 0.0
        return dx, dy


def box(x: float, y: float) -> Box:
    return Box(x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2)


def noisy(image: Image, sigma: float, seed: int) -> Image:
    """What a sensor adds, ``sigma`` in grey levels."""
    noise = _grain(image.shape, seed % 16) * np.float32(sigma)
    return np.asarray((image + noise).clip(0, 255), np.uint8)


@cache
def _grain(shape: tuple[int, ...], seed: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def shaken(image: Image, shift: tuple[float, float]) -> Image:
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    return np.asarray(cv2.warpAffine(image, matrix, VIEW, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def light(image: Image, gain: float) -> Image:
    """Brighter or darker, and more so on the left."""
    across = np.linspace(gain, 1.0, image.shape[1], dtype=np.float32)[None, :, None]
    return np.asarray((image * across).clip(0, 255), np.uint8)
