"""Whether the picture of the camera is one in which people can be counted: not frozen, dark, washed out or blurred.

A camera never sends the same picture twice, because of the noise of its sensor; a stream that hangs does. Whether the
lens is out of focus is told by the strength of edges against the contrast around them, compared with what the same
camera showed before: blur takes the first and hardly the second, and other light neither (Krotkov, "Focusing", 1987,
describes the measure of strength, Tenengrad).

Some hundred numbers are kept, in memory.
"""

from __future__ import annotations

import math
import zlib

import cv2
import numpy as np

from edge.types import Floats, Image
from edge.vision.lasting import Lasting
from edge.vision.light import BURNT, DARK

EVERY_S = 2.0
HOLDS_S, RETURNS_S = 40.0, 10.0
"""A fault is told within a minute, and ends by itself soon after the picture is good again."""

WASHED_OUT = 0.6
"""With so large a share burnt out, most of the view shows nobody. A bright window alone is less."""

LEARN_S = 60.0
"""Sharpness is compared once it was learnt for this time."""
LEARNT_S = 3600.0
"""The sharpness before is a mean over this time."""
BLURRED, SHARP = 0.5, 0.65
"""The picture is blurred below the first share of the sharpness before, and sharp again above the second. On recorded
shops, a blur of 2 to 3 pixels at 1280 x 720 halves it, and an hour of ordinary life leaves more than 0.7."""

LEAST_PARTS = 6
"""With fewer parts that have edges, nobody can tell."""
_LEAST_CONTRAST = 30.0
"""Variance in squared grey levels of a part that has something to be sharp."""

_SIZE = 640, 360
_COLUMNS, _ROWS = 8, 6
_SAMPLED = 8
"""Every eighth pixel in both directions: no noise leaves all of these as they were."""


class Picture:
    """Judges the pictures of one camera. Call ``see`` for every frame, in order of time."""

    def __init__(self) -> None:
        self._frozen, self._dark = Lasting(HOLDS_S, RETURNS_S), Lasting(HOLDS_S, RETURNS_S)
        self._washed_out, self._blurred = Lasting(HOLDS_S, RETURNS_S), Lasting(HOLDS_S, RETURNS_S)
        self._sampled: int | None = None
        self._before: Floats | None = None
        self._learnt_s = 0.0
        self._at_s = -math.inf

    @property
    def frozen(self) -> bool:
        """The same picture comes again and again. A black or white one shows no noise: it is dark or washed out."""
        return self._frozen.on

    @property
    def dark(self) -> bool:
        """Too dark to see a face: the light is off, or the lens is covered."""
        return self._dark.on

    @property
    def washed_out(self) -> bool:
        """Most of it is overexposed."""
        return self._washed_out.on

    @property
    def blurred(self) -> bool:
        """It is much less sharp than before."""
        return self._blurred.on

    def see(self, image: Image, at_s: float) -> None:
        """Take a frame, BGR uint8 (height, width, 3), at ``at_s`` in monotonic seconds."""
        passed_s = at_s - self._at_s
        if 0 <= passed_s < EVERY_S:
            return
        self._at_s = at_s
        grey = cv2.resize(np.ascontiguousarray(image[..., 1]), _SIZE, interpolation=cv2.INTER_AREA)
        is_dark, is_washed_out = float(grey.mean()) < DARK, float((grey >= BURNT).mean()) >= WASHED_OUT
        self._dark.see(is_dark, at_s)
        self._washed_out.see(is_washed_out, at_s)
        sampled = zlib.crc32(image[::_SAMPLED, ::_SAMPLED].tobytes())
        self._frozen.see(sampled == self._sampled and not (is_dark or is_washed_out), at_s)
        self._sampled = sampled
        self._compare(grey.astype(np.float32), min(max(passed_s, 0.0), EVERY_S * 5), at_s)

    def _compare(self, grey: Floats, passed_s: float, at_s: float) -> None:
        """Compare the sharpness of each part with that before, and learn it."""
        sharpness = _sharpness(grey)
        if self._before is None:
            self._before = sharpness
            return
        if self._learnt_s >= LEARN_S:
            self._blurred.see(self._is_blurred(sharpness), at_s)
        if self._blurred.settled and not self.blurred:
            self._learnt_s += passed_s
            share = passed_s / (self._learnt_s if self._learnt_s < LEARN_S else LEARNT_S)
            known = ~np.isnan(sharpness)
            old = np.where(np.isnan(self._before), sharpness, self._before)
            self._before = np.where(known, old + min(1.0, share) * (sharpness - old), old)

    def _is_blurred(self, sharpness: Floats) -> bool | None:
        assert self._before is not None
        left = sharpness / self._before
        left = left[~np.isnan(left)]
        if left.size < LEAST_PARTS:
            return None
        return bool(np.median(left) < (SHARP if self.blurred else BLURRED))


def _sharpness(grey: Floats) -> Floats:
    """Return the strength of edges against contrast in each part, (6, 8), between 0 and about 1; NaN where there is
    nothing to be sharp."""
    across, down = (cv2.Scharr(grey, cv2.CV_32F, *axis) / 32 for axis in ((1, 0), (0, 1)))
    contrast = _parts(np.square(grey)) - np.square(_parts(grey))
    strength = _parts(np.square(across) + np.square(down))
    sharpness: Floats = np.where(contrast >= _LEAST_CONTRAST, strength / np.maximum(contrast, 1.0), np.nan)
    return sharpness.astype(np.float32)


def _parts(values: Floats) -> Floats:
    """Return the mean of ``values`` (360, 640) over each part, (6, 8)."""
    height, width = _SIZE[1] // _ROWS, _SIZE[0] // _COLUMNS
    means: Floats = values.reshape(_ROWS, height, _COLUMNS, width).mean(axis=(1, 3))
    return means
