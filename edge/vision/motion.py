"""Find where something moves in a picture, cheaply."""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.types import Floats, Image

Point = tuple[float, float]


class Motion:
    """Detects motion from the mean brightness of 768 cells.

    Each cell is compared with its mean over the last second. It must differ by more than it usually does: noise in
    the dark, a screen or a fan no longer counts as motion after some seconds.
    """

    _CELLS = (32, 24)
    _SAMPLED = 160  # columns that are read: 25 samples a cell, enough for a mean with little noise
    _MEAN_S = 1.0
    _USUAL_S = 10.0
    _LEAST = 5.0  # of 255: less than a person far away in a dark coat, more than the noise of a webcam
    _UNUSUAL = 6.0  # times the usual difference; for noise, 5 sigma

    def __init__(self) -> None:
        self._mean: Floats | None = None
        self._usual: Floats = np.zeros(self._CELLS[::-1], np.float32)
        self._began_s = self._at_s = 0.0

    def seen(self, image: Image, at_s: float) -> list[Point]:
        """Take the next frame; return the middles, x and y in pixels, of the cells in which something moves."""
        step = max(1, image.shape[1] // self._SAMPLED)
        # The green channel alone is close to brightness and takes a third of the time.
        sampled = np.ascontiguousarray(image[::step, ::step, 1])
        cells = cv2.resize(sampled, self._CELLS, interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._mean is None:
            self._mean = cells
            self._began_s = self._at_s = at_s
            return []
        difference = np.abs(cells - self._mean)
        rows, columns = np.nonzero(difference > np.maximum(self._LEAST, self._UNUSUAL * self._usual))
        self._mean += self._share(at_s, self._MEAN_S) * (cells - self._mean)
        self._usual += self._share(at_s, self._USUAL_S) * (difference - self._usual)
        self._at_s = at_s
        width, height = image.shape[1] / self._CELLS[0], image.shape[0] / self._CELLS[1]
        return [
            ((column + 0.5) * width, (row + 0.5) * height) for row, column in zip(rows, columns, strict=True)
        ]

    def _share(self, at_s: float, memory_s: float) -> float:
        """Return the weight of the newest value in a mean over ``memory_s``, at any frame rate. In the beginning the
        mean is over all values so far."""
        elapsed_s = max(0.0, at_s - self._at_s)
        return max(1 - math.exp(-elapsed_s / memory_s), elapsed_s / max(at_s - self._began_s, 1e-6))
