"""Cut out a face as the attribute network expects it: five landmarks mapped onto a fixed template."""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.types import Floats, Image

CROP_SIDE = 64
"""Side of the network's input, pixels."""

TEMPLATE: Floats = np.array(
    [[0.310, 0.288], [0.690, 0.288], [0.500, 0.502], [0.336, 0.666], [0.664, 0.666]], np.float32
)
"""The places of eyes, nose and mouth corners in the crop, in crop sides."""


def similarity(landmarks: Floats, side: int = CROP_SIDE) -> Floats:
    """Return the rotation, uniform scale and shift (2, 3) that map landmarks (5, 2) onto the template.

    It is the closed form of least squares without reflection (Umeyama 1991): exact, fast and not random.
    """
    target = TEMPLATE * side
    mean_from, mean_to = landmarks.mean(0), target.mean(0)
    source = landmarks - mean_from
    wanted = target - mean_to
    energy = float((source**2).sum())
    if energy < 1e-6:  # all five points coincide and give no direction: keep the picture upright
        return np.array([[1, 0, mean_to[0] - mean_from[0]], [0, 1, mean_to[1] - mean_from[1]]], np.float32)
    a = float((source * wanted).sum()) / energy
    b = float((source[:, 0] * wanted[:, 1] - source[:, 1] * wanted[:, 0]).sum()) / energy
    rotation = np.array([[a, -b], [b, a]], np.float32)
    shift = mean_to - rotation @ mean_from
    return np.hstack([rotation, shift[:, None]]).astype(np.float32)


def aligned_crop(image: Image, landmarks: Floats, side: int = CROP_SIDE) -> Image:
    """Cut out the face as (side, side, 3) uint8, upright and centred; the frame's border is repeated outside it."""
    return sampled(image, similarity(landmarks, side), side)


def sampled(image: Image, matrix: Floats, side: int) -> Image:
    """Map the picture by ``matrix`` (2, 3), a rotation, scale and shift, to (side, side, 3) uint8.

    A large face is first shrunk by area averaging: sampling every third pixel would cause aliasing.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    steps = int(np.floor(np.log2(1 / scale))) if 0 < scale < 0.5 else 0
    if steps:
        factor = 1 << steps
        # the centre of the crop in the picture, and the distance to its corners
        cx, cy = np.linalg.solve(matrix[:, :2], side / 2 - matrix[:, 2])
        reach = math.sqrt(0.5) * side / scale + factor
        height, width = image.shape[:2]
        x1, y1 = max(0, int(cx - reach)), max(0, int(cy - reach))
        x2, y2 = min(width, int(cx + reach) + 1), min(height, int(cy + reach) + 1)
        columns, rows = (x2 - x1) // factor, (y2 - y1) // factor
        if columns > 0 and rows > 0:
            # whole blocks of pixels: OpenCV is ten times slower if the ratio is not an integer
            region = image[y1 : y1 + rows * factor, x1 : x1 + columns * factor]
            image = cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            # pixel centres: p = (q + 0.5) * factor - 0.5 + the corner, for a pixel q of the small picture
            corner = (factor - 1) / 2 + np.array([x1, y1], np.float32)
            turn = matrix[:, :2] * factor
            matrix = np.hstack([turn, (matrix[:, :2] @ corner + matrix[:, 2])[:, None]]).astype(np.float32)
    crop = cv2.warpAffine(
        image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8)
