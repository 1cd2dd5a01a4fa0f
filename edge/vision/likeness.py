"""Compare a place in the picture with its earlier state, to find out whether anything changed there.

A still picture of a face does not change. What a camera adds (noise, brightness, a shadow, a shake) can be told apart
from a blink or a turn of the head: it is either noise, or can be computed from the picture itself.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.types import Box, Floats, Image

SIDE = 32
"""Side at which a place is compared, pixels. It is not used to recognise anybody, and is deleted with its
``Reference``."""

MARGIN = 4
"""The largest shift of the picture, in these pixels: a sixth of a face."""

REACH = 2.0
"""Side of the place over the side of the face: it includes neck, hair and the edge, which move too."""

LEFT = 0.5
"""From this distance on, in face sizes, a face is no longer at the place."""

NOISE = 4.0
"""Below this variance, in grey levels^2, a place has nothing to compare."""

LEAST_CHANGE = 0.005
"""From this change on, the face is alive; a good video stream changes a still picture by less."""

NOISE_MARGIN = 2.0
"""A change must also exceed the noise from frame to frame by this factor: a dark picture is full of noise."""

NEXT_FRAME_S = 0.15
"""At lower frame rates a person moves between two frames, so the difference is not only noise."""

LOOK_EVERY_S = 0.25
"""A blink takes about this long."""

NOISE_SAMPLES = 4
"""The smallest of this many values is the noise, because in the others the face may have moved."""

_INNER = SIDE - 2 * MARGIN
_ACROSS = np.tile(np.linspace(-1, 1, _INNER, dtype=np.float32), (_INNER, 1))


class Reference:
    """The part of a picture around a face, at one moment."""

    def __init__(self, image: Image, box: Box) -> None:
        """Take the place of the face ``box`` in ``image``, the whole BGR frame."""
        height, width = image.shape[:2]
        (x, y), reach = box.centre, max(box.side, 1.0) * REACH / 2
        left, top = min(max(0, int(x - reach)), width - 1), min(max(0, int(y - reach)), height - 1)
        right, bottom = max(left, int(x + reach)) + 1, max(top, int(y + reach)) + 1
        self._box, self._place = box, (slice(top, bottom), slice(left, right))
        whole = self.patch(image)
        self._inner = whole[MARGIN:-MARGIN, MARGIN:-MARGIN].copy()
        self._basis = _explained(whole)

    def is_left_by(self, box: Box) -> bool:
        """Return whether the face at ``box`` has left the place."""
        return math.dist(self._box.centre, box.centre) > LEFT * self._box.side

    def patch(self, image: Image) -> Floats:
        """Return the place in ``image``: grey, smooth, (SIDE, SIDE)."""
        region = image[self._place]
        step = max(
            1, min(region.shape[:2]) // (2 * SIDE)
        )  # the mean over all pixels of a large face takes too long
        region = region[::step, ::step]
        shrinks = min(region.shape[:2]) > SIDE
        small = cv2.resize(
            region, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), np.float32)

    def change(self, patch: Floats) -> float:
        """Return the share of the variance of ``patch``, 0..1, that a small shift or other light cannot explain."""
        likeness = cv2.matchTemplate(patch, self._inner, cv2.TM_CCOEFF_NORMED)
        x, y = cv2.minMaxLoc(likeness)[3]
        seen = patch[y : y + _INNER, x : x + _INNER].reshape(-1)
        rest = seen - self._basis @ (seen @ self._basis)
        return float(rest @ rest) / _energy(seen)


class ChangeWatch:
    """Detects when the picture of a face changes, at most every ``LOOK_EVERY_S``.

    Of the picture it stores only one ``Reference`` and, for one frame, a patch.
    """

    def __init__(self, at_s: float) -> None:
        self._due_s = at_s + LOOK_EVERY_S
        self._reference: Reference | None = None
        self._noises: list[float] = []
        self._fresh: Floats | None = None
        self._looked_s = at_s

    def rest(self, until_s: float) -> None:
        """Forget the picture, and take no new one before ``until_s``."""
        self._reference = self._fresh = None
        self._due_s = until_s

    def changed(self, image: Image, box: Box, at_s: float) -> bool:
        """Return whether the place of ``box`` has changed since the first look at it."""
        if self._reference is None or self._reference.is_left_by(box):
            if at_s >= self._due_s:
                self._reference, self._noises = Reference(image, box), []
                self._look(self._reference, image, at_s)
            return False
        if self._fresh is not None and at_s - self._looked_s <= NEXT_FRAME_S:
            self._noises.append(_noise(self._fresh, self._reference.patch(image)))
        self._fresh = None
        if at_s < self._due_s:
            return False
        change = self._reference.change(self._look(self._reference, image, at_s))
        return change > LEAST_CHANGE + NOISE_MARGIN * min(self._noises, default=0.0)

    def _look(self, reference: Reference, image: Image, at_s: float) -> Floats:
        patch = reference.patch(image)
        self._fresh = patch if len(self._noises) < NOISE_SAMPLES else None
        self._looked_s, self._due_s = at_s, at_s + LOOK_EVERY_S
        return patch


def _noise(one: Floats, next_one: Floats) -> float:
    """Measure the change between patches of two frames in a row: mostly the camera's noise."""
    difference = (next_one - one).reshape(-1)
    return float(difference @ difference) / _energy(next_one)


def _energy(patch: Floats) -> float:
    return patch.size * (float(patch.var()) + NOISE)


def _explained(patch: Floats) -> Floats:
    """Return orthonormal columns (n, 11) that span the harmless changes of a picture: brighter or uneven light, a shift
    by less than a pixel, or a little blur (its Taylor series to the second order)."""
    down, across = np.gradient(patch)
    bends = (*np.gradient(down), np.gradient(across, axis=1))
    inner, *slopes = (part[MARGIN:-MARGIN, MARGIN:-MARGIN] for part in (patch, down, across, *bends))
    plain, x, y = np.ones_like(inner), _ACROSS, _ACROSS.T
    columns = np.stack([plain, x, y, inner, inner * x, inner * y, *slopes], -1)
    return np.asarray(np.linalg.qr(columns.reshape(_INNER * _INNER, -1))[0], np.float32)
