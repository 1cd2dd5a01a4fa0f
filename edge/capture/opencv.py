"""Cameras through OpenCV: V4L2 devices, network streams, video files, pictures."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

# OpenCV reads these when it first captures; what the user has set wins. A USB camera that falls silent would
# hold the thread for 10 s a frame, and FFmpeg would write its own lines beside our one.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2

from common.clock import Clock
from common.masking import masked
from edge.capture.camera import PICTURE_SUFFIXES, CameraError
from edge.types import Frame, Image

OPEN_TIMEOUT_MS = 5000
READ_TIMEOUT_MS = 3000

# Silent. In OpenCV 4.11, the last for numpy 1 and with it for tflite-runtime, cv2 itself has the function.
getattr(cv2.utils, "logging", cv2).setLogLevel(0)

_log = logging.getLogger(__name__)
_DECODE_TRIES = 5
"""A webcam may send a few broken pictures when it starts; more in a row are a fault."""
_RAW_PIXELS_MAX = 640 * 480
"""USB 2 carries larger raw pictures at a few frames per second only: ask for JPEG above."""


class LiveCamera:
    """A camera or stream that delivers now or never."""

    live = True

    def __init__(self, name: str, connect: Callable[[], cv2.VideoCapture], clock: Clock) -> None:
        self._name = name
        self._connect = connect
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._sequence = 0

    def open(self) -> None:
        self.close()
        self._capture = self._connect()

    def read(self) -> Frame | None:
        if self._capture is None:
            raise CameraError(f"camera {self._name}: not open")
        for _ in range(_DECODE_TRIES):
            if not self._capture.grab():
                raise CameraError(f"camera {self._name}: stopped delivering; check cable, power, network")
            captured_at, monotonic_s = self._clock.now(), self._clock.monotonic()
            decoded, image = self._capture.retrieve()
            if decoded:
                self._sequence += 1
                return Frame(cast(Image, image), captured_at, monotonic_s, self._sequence - 1)
        raise CameraError(f"camera {self._name}: sends pictures that cannot be decoded")

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def describe(self) -> str:
        return self._name


def v4l2_camera(device: str, *, width: int, height: int, fps: float, clock: Clock) -> LiveCamera:
    """A USB or built-in camera, by its path such as ``/dev/video0`` or ``/dev/v4l/by-id/...``."""

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
            raise CameraError(f"camera {device}: cannot be opened; end the program that holds it")
        # A camera without this format, size or rate gives its nearest, so what set() answers does not matter.
        if width * height > _RAW_PIXELS_MAX:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    return LiveCamera(device, connect, clock)


def stream_camera(url: str, *, clock: Clock) -> LiveCamera:
    """A network camera. ``open`` and ``read`` give up after :data:`OPEN_TIMEOUT_MS` and some multiple of
    :data:`READ_TIMEOUT_MS` (9 s were measured on a frozen server)."""
    name = masked(url)

    def connect() -> cv2.VideoCapture:
        timeouts = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS),
        ]
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
        if not capture.isOpened():
            raise CameraError(f"camera {name}: no stream; check address, password and power")
        return capture

    return LiveCamera(name, connect, clock)


class VideoFile:
    """Every frame of a video. A file that breaks off plays as far as it goes, with a warning."""

    live = False

    def __init__(self, path: Path, *, fps: float, clock: Clock) -> None:
        self._path = path
        self._default_fps = fps
        self._clock = clock
        self._capture: cv2.VideoCapture | None = None
        self._fps = self._promised = 0.0
        self._shown_s: float | None = None
        self._started_at = clock.now()
        self._sequence = 0

    def open(self) -> None:
        self.close()
        if not os.access(self._path, os.R_OK):
            raise CameraError(f"video {self._path}: no permission to read it", permanent=True)
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        # FFmpeg plays any text file as a film of letters.
        text = int(capture.get(cv2.CAP_PROP_FOURCC)) == cv2.VideoWriter.fourcc(*"ansi")
        if not capture.isOpened() or text:
            raise CameraError(f"video {self._path}: not a video, or cut off; check the file", permanent=True)
        fps = capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if 0 < fps <= 1000 else self._default_fps
        self._promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._started_at = self._clock.now()
        self._shown_s = None
        self._sequence = 0
        self._capture = capture

    def read(self) -> Frame | None:
        if self._capture is None:
            raise CameraError(f"video {self._path}: not open", permanent=True)
        decoded, image = self._capture.read()
        if not decoded:
            self._check_end()
            return None
        stated_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._shown_s = presentation_s(stated_s, self._shown_s, 1 / self._fps)
        self._sequence += 1
        return _played(image, self._started_at, self._shown_s, self._sequence - 1)

    def _check_end(self) -> None:
        if self._sequence == 0:
            raise CameraError(f"video {self._path}: holds no picture that can be decoded", permanent=True)
        # What a container says of its length is an estimate; a whole second too little is not.
        if self._promised - self._sequence > self._fps:
            _log.warning("video %s: ends after %d of %d frames", self._path, self._sequence, self._promised)

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def describe(self) -> str:
        return str(self._path)


class PictureFiles:
    """One picture, or the pictures of a folder by name, ``fps`` to the second."""

    live = False

    def __init__(self, path: Path, *, fps: float, clock: Clock) -> None:
        self._path = path
        self._fps = fps
        self._clock = clock
        self._files: list[Path] = []
        self._started_at = clock.now()
        self._sequence = 0

    def open(self) -> None:
        try:
            candidates = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
        except OSError as error:
            raise CameraError(f"{self._path}: cannot be read ({error.strerror})", permanent=True) from None
        pictures = (path for path in candidates if path.suffix.lower() in PICTURE_SUFFIXES)
        self._files = [path for path in pictures if not path.name.startswith(".")]
        if not self._files:
            known = ", ".join(sorted(PICTURE_SUFFIXES))
            raise CameraError(f"folder {self._path}: holds no pictures ({known})", permanent=True)
        self._started_at = self._clock.now()
        self._sequence = 0

    def read(self) -> Frame | None:
        if self._sequence >= len(self._files):
            return None
        path = self._files[self._sequence]
        image = read_picture(path)
        self._sequence += 1
        return _played(image, self._started_at, (self._sequence - 1) / self._fps, self._sequence - 1)

    def close(self) -> None:
        self._files = []

    def describe(self) -> str:
        return str(self._path)


def read_picture(path: Path) -> Image:
    """The picture in a file, turned as its EXIF data says. Raises ``CameraError``."""
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:  # larger than OpenCV agrees to decode
        image = None
    if image is None:
        raise CameraError(f"picture {path}: not a readable picture; mend or remove it", permanent=True)
    return cast(Image, image)


def presentation_s(stated_s: float, previous_s: float | None, period_s: float) -> float:
    """When a frame is shown, in seconds: as its container states, if that is later than the frame before.

    Some containers state 0 for ever, or jump back where clips were joined; time must still go on.
    """
    if previous_s is None:
        return stated_s if stated_s >= 0 else 0.0
    return stated_s if stated_s > previous_s else previous_s + period_s


def _played(image: object, started_at: datetime, monotonic_s: float, sequence: int) -> Frame:
    return Frame(cast(Image, image), started_at + timedelta(seconds=monotonic_s), monotonic_s, sequence)
