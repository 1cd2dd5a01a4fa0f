"""Live cameras: V4L2 devices and network streams."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2

from common.clock import Clock
from common.masking import masked
from edge.capture.camera import CameraError
from edge.capture.opencv import UNDECODED, Decoder, connect_ffmpeg, hands_out_its_pictures
from edge.types import Frame

OPEN_TIMEOUT_MS = 5000
READ_TIMEOUT_MS = 3000

_DECODE_TRIES = 5
"""A webcam may send some broken pictures when it starts; more in a row are a fault."""
_RAW_PIXELS_MAX = 640 * 480
"""USB 2 carries larger raw pictures at only a few frames per second: above this size, request JPEG."""


class LiveCamera:
    """A live camera or stream."""

    live = True

    def __init__(self, name: str, connect: Callable[[], cv2.VideoCapture], clock: Clock) -> None:
        self._name = name
        self._connect = connect
        self._clock = clock
        self._decoder: Decoder | None = None
        self._sequence = 0

    def open(self) -> None:
        self.close()
        self._decoder = Decoder(self._connect())

    def read(self) -> Frame | None:
        if self._decoder is None:
            raise CameraError(f"camera {self._name}: not open")
        for _ in range(_DECODE_TRIES):
            if not self._decoder.grab():
                raise CameraError(
                    f"camera {self._name}: stopped sending pictures; check cable, power, network"
                )
            captured_at, monotonic_s = self._clock.now(), self._clock.monotonic()
            image = self._decoder.retrieve()
            if image is not None:
                self._sequence += 1
                return Frame(image, captured_at, monotonic_s, self._sequence - 1)
        raise CameraError(f"camera {self._name}: sends pictures that cannot be decoded")

    def close(self) -> None:
        if self._decoder is not None:
            self._decoder.release()
            self._decoder = None

    def describe(self) -> str:
        return self._name


def v4l2_camera(device: str, *, width: int, height: int, fps: float, clock: Clock) -> LiveCamera:
    """Build a USB or built-in camera from its path, such as ``/dev/video0`` or ``/dev/v4l/by-id/...``."""

    def connect() -> cv2.VideoCapture:
        if not Path(device).exists():
            found = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*"))) or "none"
            raise CameraError(f"camera {device}: no such device; found: {found}", permanent=True)
        if not os.access(device, os.R_OK | os.W_OK):
            raise CameraError(
                f"camera {device}: no permission; add the user to group 'video'", permanent=True
            )
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise CameraError(f"camera {device}: cannot be opened; stop the program that uses it")
        # A camera without this format, size or rate uses the nearest one, so the result of set() does not matter.
        if width * height > _RAW_PIXELS_MAX:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    return LiveCamera(device, connect, clock)


def stream_camera(url: str, *, clock: Clock) -> LiveCamera:
    """Build a network camera. ``open`` fails after :data:`OPEN_TIMEOUT_MS`, ``read`` after a multiple of
    :data:`READ_TIMEOUT_MS` (9 s were measured with a frozen server)."""
    name = masked(url)
    timeouts = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS),
    ]

    def connect_once() -> cv2.VideoCapture:
        capture = connect_ffmpeg(url, timeouts)
        if not capture.isOpened():
            raise CameraError(f"camera {name}: no stream; check address, password and power")
        return capture

    def connect() -> cv2.VideoCapture:
        capture = connect_once()
        if not hands_out_its_pictures(capture, connect_once):
            raise CameraError(f"camera {name}: {UNDECODED}; switch the camera to progressive video")
        return capture if capture.isOpened() else connect_once()

    return LiveCamera(name, connect, clock)
