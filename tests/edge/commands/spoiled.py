"""The sample scene through a camera that hangs badly, in one way or another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import cv2
import numpy as np

from edge.scene.render import Scene
from edge.types import Box, Frame, Image
from tests.support.messages import MORNING

FPS = 8
"""A rate that is enough."""

Spoil = Callable[[Image, int], Image]


@cache
def scene() -> Scene:
    return Scene(fps=FPS)


@cache
def picture(index: int) -> Image:
    return scene().render(index)


class Spoiled:
    """The sample scene through a camera that hangs badly: every ``step``-th frame, each of them spoiled."""

    live = False

    def __init__(self, spoil: Spoil = lambda image, _: image, *, step: int = 1) -> None:
        self._spoil = spoil
        self._indices = iter(range(0, len(scene()), step))

    def open(self) -> None:
        pass

    def read(self) -> Frame | None:
        index = next(self._indices, None)
        if index is None:
            return None
        image = np.ascontiguousarray(self._spoil(picture(index), index))
        seconds = index / scene().fps
        return Frame(image, MORNING + timedelta(seconds=seconds), seconds, index)

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "scene, spoiled"


def warped(image: Image, matrix: np.ndarray) -> Image:
    height, width = image.shape[:2]
    moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def far(image: Image, _: int, scale: float = 0.5) -> Image:
    height, width = image.shape[:2]
    return warped(image, cv2.getRotationMatrix2D((width / 2, height / 2), 0, scale))


def tilted(image: Image, _: int, degrees: float) -> Image:
    height, width = image.shape[:2]
    return warped(image, cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1))


def too_low(image: Image, _: int) -> Image:
    return warped(image, np.array([[1, 0, 0], [0, 1, -185]], np.float32))


def dark(image: Image, _: int) -> Image:
    return cv2.convertScaleAbs(image, alpha=0.15)  # type: ignore[return-value]


def blurred(image: Image, _: int) -> Image:
    return cv2.GaussianBlur(image, (0, 0), 5)  # type: ignore[return-value]


def backlit(image: Image, index: int) -> Image:
    """Heads are dark before a room that is nearly burnt out."""
    mask = np.zeros(image.shape[:2], np.float32)
    for face in scene().truth.faces[index]:
        box: Box = face.box
        centre, axes = tuple(map(round, box.centre)), (round(0.62 * box.width), round(0.62 * box.height))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, (1.0,), -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 2)[..., None]  # type: ignore[assignment]
    bright = np.minimum(1.9 * image.astype(np.float32), 255)
    return np.asarray(bright * (1 - mask) + 0.2 * image * mask, np.uint8)


def turned(image: Image, _: int, degrees: int) -> Image:
    """The picture of a camera that hangs so that it comes turned clockwise."""
    return np.rot90(image, -degrees // 90)
