"""The quality of a face, measured before the classifier runs."""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.types import Box, Face, Image, Pose

MEASURE_SIDE = 48
"""Faces are measured at this size, about the size at which the classifier sees them."""

GOOD_SIDE_PX = 64.0
"""From this side on, a larger face does not help the classifier."""

SHARP = 0.05
"""Sharpness of a face in good focus; see :func:`sharpness`."""

LEAST_SHARPNESS = 0.004
"""A face with less sharpness is too blurred for the classifier."""

NOISE = 10.0
"""Below this variance, in grey levels^2, a picture is empty: a face has hundreds."""

LEAST_INSIDE = 0.85
"""A face with a smaller share inside the picture is cut off, not small."""


class QualityGate:
    """Quality of a face in 0..1, or None if it is not worth a forward pass.

    It is the product of five terms, each 1 for a perfect face, so that good terms cannot make up for a bad one:

    - size: side of the box over ``GOOD_SIDE_PX``;
    - frontality: falls as the squared cosine to 0 at ``max_yaw`` and ``max_pitch``, beyond which is None;
    - sharpness: over ``SHARP``, so that a blurred face weighs little;
    - exposure: share of pixels that are neither black nor burnt out, and enough contrast;
    - completeness: share of the box inside the picture.
    """

    def __init__(
        self,
        *,
        min_side_px: float = 24.0,
        max_yaw: float = 50.0,
        max_pitch: float = 40.0,
        min_sharpness: float = LEAST_SHARPNESS,
    ) -> None:
        self._min_side_px = min_side_px
        self._max_yaw = max_yaw
        self._max_pitch = max_pitch
        self._min_sharpness = min_sharpness

    def assess(self, image: Image, face: Face, pose: Pose, *, above: float = 0.0) -> float | None:
        """Return the quality if it is more than ``above``, the best so far. ``image`` is the whole BGR frame.

        The cheap tests come first. Pixels are read last, and only if a perfect picture would be good enough.
        """
        box = face.box
        if box.side < self._min_side_px:
            return None
        if abs(pose.yaw) >= self._max_yaw or abs(pose.pitch) >= self._max_pitch:
            return None
        inside = _clip(box, image).area / box.area
        if inside < LEAST_INSIDE:
            return None
        frontal = (_falling(pose.yaw / self._max_yaw) * _falling(pose.pitch / self._max_pitch)) ** 2
        at_best = min(1.0, box.side / GOOD_SIDE_PX) * frontal * inside
        if at_best <= above:
            return None
        grey = grey_face(image, box)
        sharp = sharpness(grey)
        if sharp < self._min_sharpness:
            return None
        quality = at_best * min(1.0, sharp / SHARP) * exposure(grey)
        return quality if quality > above else None


def sharpness(face: Image) -> float:
    """Return the variance of the Laplacian of a grey face (Pech-Pacheco et al. 2000) over the variance of the face.

    The ratio does not depend on contrast, so a dark face does not look blurred. A slight blur before the measurement
    and ``NOISE`` in the denominator make sure that noise in a dark or flat picture does not look like detail.
    """
    smooth = cv2.GaussianBlur(face.astype(np.float32), (3, 3), 0)
    return _deviation(cv2.Laplacian(smooth, cv2.CV_32F)) ** 2 / (_deviation(smooth) ** 2 + NOISE)


def _deviation(grey: np.ndarray) -> float:
    """Return the standard deviation; for a small picture this is several times faster than numpy."""
    return float(cv2.meanStdDev(grey)[1][0, 0])


def _falling(share: float) -> float:
    """Return a factor that falls from 1 at 0 to 0 at 1 and -1."""
    return math.cos(math.pi / 2 * share)


def exposure(face: Image) -> float:
    """Return the exposure of a grey face, 0..1: the share neither black nor burnt out, lowered by poor contrast."""
    usable = cv2.countNonZero(cv2.inRange(face, np.array([11]), np.array([244]))) / face.size
    contrast = min(1.0, _deviation(face) / 20)
    return usable * contrast


def grey_face(image: Image, box: Box) -> Image:
    """Return the part of the box inside the picture, grey, (MEASURE_SIDE, MEASURE_SIDE), the size for measuring."""
    box = _clip(box, image)
    x1, y1, x2, y2 = math.floor(box.x1), math.floor(box.y1), math.ceil(box.x2), math.ceil(box.y2)
    crop = image[y1:y2, x1:x2]
    shrinks = min(crop.shape[:2]) > MEASURE_SIDE
    small = cv2.resize(
        crop, (MEASURE_SIDE, MEASURE_SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def _clip(box: Box, image: Image) -> Box:
    height, width = image.shape[:2]
    return Box(max(0.0, box.x1), max(0.0, box.y1), min(float(width), box.x2), min(float(height), box.y2))
