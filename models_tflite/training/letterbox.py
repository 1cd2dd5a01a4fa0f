"""The input of the detector: a whole picture, fitted in."""

from __future__ import annotations

import cv2
import numpy as np

HEIGHT, WIDTH = 256, 320
"""Pixels."""


def letterbox(image: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit the whole picture into the detector's input, top left, grey outside; return the scale too."""
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    canvas = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=interpolation)
    return canvas, scale
