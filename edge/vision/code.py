"""Read the code that a person shows: a QR code held before the chest, near the camera.

Nobody's code is looked for: only that of somebody who stands so near that it could be read.
"""

from __future__ import annotations

import cv2

from edge.proportions import ADULT_M, FACES_HIGH
from edge.types import Image, Track
from edge.vision.chest import below_head, grey_scaled

CODE_M = 0.05
"""Side of a code on the screen of a phone, without its margin, in metres."""

MODULES = 21
"""Squares on a side of the smallest QR code."""

LEAST_MODULE_PX = 1.8
"""A code with smaller squares is not looked for."""

READ_MODULE_PX = 4.0
"""The squares are brought to this size: a look costs the same at every distance."""

_WIDE, _HIGH, _ABOVE = 3.6, 4.0, 0.3
"""Where a code is held, in face sizes: across the chest, and from the mouth down, which is above the chin."""


def module_px(track: Track) -> float:
    """Return the size of a square of a code on the screen of a phone, in pixels, where this person is."""
    return CODE_M / ADULT_M * FACES_HIGH * track.box.side / MODULES


def can_be_read(track: Track) -> bool:
    """Whether this person is near enough."""
    return track.sighting is not None and module_px(track) >= LEAST_MODULE_PX


class CodeReader:
    """Reads the code in the picture of one person."""

    def __init__(self) -> None:
        self._detector = cv2.QRCodeDetector()

    def read(self, image: Image, track: Track) -> str:
        """Return the text of the code that this person shows in the picture (height, width, 3); empty if none is
        found."""
        part = below_head(image, track, wide=_WIDE, high=_HIGH, above=_ABOVE)
        if min(part.shape[:2]) < MODULES:
            return ""
        grey = grey_scaled(part, READ_MODULE_PX / module_px(track))
        try:
            text, _, _ = self._detector.detectAndDecode(grey)
        except (cv2.error, UnicodeDecodeError):  # a damaged code is none
            return ""
        return text
