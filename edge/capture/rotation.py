"""A camera that is mounted upside down or on its side."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, cast

import cv2

from edge.capture.camera import Camera
from edge.types import Frame, Image

_CODES: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Rotated:
    """Turns every picture of ``camera`` clockwise by 90, 180 or 270 ``degrees``."""

    def __init__(self, camera: Camera, degrees: int) -> None:
        self._camera, self._code = camera, _CODES[degrees]

    @property
    def live(self) -> bool:
        return self._camera.live

    def open(self) -> None:
        self._camera.open()

    def read(self) -> Frame | None:
        frame = self._camera.read()
        return frame and replace(frame, image=cast(Image, cv2.rotate(frame.image, self._code)))

    def close(self) -> None:
        self._camera.close()

    def describe(self) -> str:
        return self._camera.describe()
