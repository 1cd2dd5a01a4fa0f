"""The part of a person below the head, where a badge is worn and a code is held."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.types import Image, Track


def below_head(
    image: Image, track: Track, *, wide: float, high: float, above: float = 0.0
) -> npt.NDArray[np.uint8]:
    """Return the part ``wide`` and ``high`` face sizes large, from ``above`` face sizes above the chin down, as far as
    it is in the picture (height, width, 3)."""
    (x, _), side = track.box.centre, track.box.side
    top = track.box.y2 - above * side
    rows = slice(max(0, round(top)), max(0, round(top + high * side)))
    return image[rows, max(0, round(x - wide / 2 * side)) : max(0, round(x + wide / 2 * side))]


def grey_scaled(part: npt.NDArray[np.uint8], factor: float) -> npt.NDArray[np.uint8]:
    """Return the part in grey, ``factor`` times as large."""
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=how), np.uint8)
