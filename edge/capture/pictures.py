"""Pictures as a camera: one picture, or all of a folder."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

import cv2

import edge.capture.opencv  # noqa: F401  Silences OpenCV.
from common.clock import Clock
from edge.capture.camera import CameraError
from edge.capture.source import PICTURE_SUFFIXES
from edge.types import Frame, Image

_COMPLAINTS: Final = (
    b"libpng ",
    b"Corrupt JPEG ",
    b"Premature end of JPEG",
    b"Invalid JPEG",
    b"Unsupported marker",
)
"""The start of the lines that libpng and libjpeg write to standard error themselves."""

_one_at_a_time = threading.Lock()


class PictureFiles:
    """One picture, or the pictures of a folder in order of name, at ``fps`` a second."""

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
            raise CameraError(f"folder {self._path}: contains no pictures ({known})", permanent=True)
        self._started_at = self._clock.now()
        self._sequence = 0

    def read(self) -> Frame | None:
        if self._sequence >= len(self._files):
            return None
        image = read_picture(self._files[self._sequence])
        seconds = self._sequence / self._fps
        self._sequence += 1
        return Frame(image, self._started_at + timedelta(seconds=seconds), seconds, self._sequence - 1)

    def close(self) -> None:
        self._files = []

    def describe(self) -> str:
        return str(self._path)


def read_picture(path: Path) -> Image:
    """Read the picture in a file, turned according to its EXIF data. Raises ``CameraError``, also for a cut off or
    damaged one if its format shows this, because half a picture has other faces than the whole one."""
    complaints: list[str] = []
    with _complaints_into(complaints):
        try:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        except cv2.error:  # larger than OpenCV's limit
            image = None
    if image is None or complaints:
        reason = f"damaged or cut off ({complaints[0]})" if complaints else "not a readable picture"
        raise CameraError(f"picture {path}: {reason}; repair or remove it", permanent=True)
    return cast(Image, image)


@contextmanager
def _complaints_into(found: list[str]) -> Iterator[None]:
    """Collect the lines that libpng and libjpeg write to standard error; pass on all others."""
    with _one_at_a_time, tempfile.TemporaryFile() as caught:
        sys.stderr.flush()
        real = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            os.close(real)
            caught.seek(0)
            for line in caught:
                if line.startswith(_COMPLAINTS):
                    found.append(line.decode("ascii", "replace").strip())
                else:
                    os.write(2, line)
