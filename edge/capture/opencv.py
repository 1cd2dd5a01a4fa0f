"""OpenCV for all adapters: silent, with videos and streams decoded upright and with square pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final, cast

# OpenCV reads these at its first capture; values set by the user win. Without them, a USB camera that stops sending
# would block the thread for 10 s a frame, and FFmpeg would add its own lines to our one.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from edge.types import Image

# Silent. In OpenCV 4.11, the last for numpy 1 and so for tflite-runtime, cv2 itself has the function.
getattr(cv2.utils, "logging", cv2).setLogLevel(0)

LARGEST_ASPECT: Final = 8.0
"""Pixels with a larger ratio than this count as square: no camera has them."""

UNDECODED: Final = (
    f"is black, or of a kind that OpenCV {cv2.__version__} does not decode, such as interlaced video"
)

_PROBE_FRAMES: Final = 5
_LEAST_ALIKE: Final = 0.7
"""A grey picture correlates with its luma by at least this; unrelated memory by about 0."""

_FLAT: Final = 1.0
_FLAT_TOLERANCE: Final = 24.0
"""Allowed difference in grey levels for a picture of one colour: the two ranges of video, 16..235 and 0..255, differ by
up to 20."""


class Decoder:
    """An open capture. Its pictures are upright, according to the metadata, and have square pixels."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # not everywhere the default
        self._stretch = _stretch(capture)

    def grab(self) -> bool:
        return self._capture.grab()

    def retrieve(self) -> Image | None:
        """Return the grabbed picture; None when it cannot be decoded."""
        decoded, image = self._capture.retrieve()
        if not decoded:
            return None
        if self._stretch is not None:
            across, down = self._stretch
            image = cv2.resize(image, None, fx=across, fy=down, interpolation=cv2.INTER_LINEAR)
        return cast(Image, image)

    def get(self, number: int) -> float:
        """Return the value of a ``cv2.CAP_PROP_...``."""
        return self._capture.get(number)

    def release(self) -> None:
        self._capture.release()


def connect_ffmpeg(source: str, parameters: Sequence[int] = ()) -> cv2.VideoCapture:
    """Open a capture of ``source``, a URL or an absolute path; check its ``isOpened``."""
    return cv2.VideoCapture(source, cv2.CAP_FFMPEG, parameters)


def hands_out_its_pictures(capture: cv2.VideoCapture, connect: Callable[[], cv2.VideoCapture]) -> bool:
    """Check that OpenCV returns the pictures of the source, and not uninitialised memory.

    OpenCV 4.13 and 4.14 return such memory for interlaced video: swscale refuses to convert the frame, and OpenCV
    ignores its error. Such pictures never change. A source whose first pictures are all the same may also be a still
    one: it is opened again with ``connect``, without colours, and both must show the same.
    Takes some frames from ``capture``, and releases it unless they changed.
    """
    # OpenCV would flip its memory in place at each read.
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    decoded, first = capture.read()
    if not decoded:
        return True  # a source without pictures is reported by its reader
    for _ in range(_PROBE_FRAMES - 1):
        decoded, image = capture.read()
        if decoded and not np.array_equal(image, first):
            return True
    capture.release()
    without_colours = connect()
    without_colours.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    without_colours.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    decoded, luma = without_colours.read()
    without_colours.release()
    return not decoded or _show_the_same(cv2.cvtColor(first, cv2.COLOR_BGR2GRAY), luma)


def _show_the_same(grey: np.ndarray, luma: np.ndarray) -> bool:
    if grey.shape != luma.shape:
        return False
    if grey.std() > _FLAT and luma.std() > _FLAT:
        return float(np.corrcoef(grey.ravel(), luma.ravel())[0, 1]) > _LEAST_ALIKE
    # New memory is zero in both; a black picture usually has the luma 16.
    difference = cv2.absdiff(grey, luma)
    return bool(luma.any()) and float(difference.max()) <= _FLAT_TOLERANCE


def _stretch(capture: cv2.VideoCapture) -> tuple[float, float] | None:
    """Return the factors by which pixels must be stretched along each axis to be square; None if they are."""
    wide, high = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    aspect = wide / high if wide > 0 and high > 0 else 1.0
    if aspect == 1.0 or not 1 / LARGEST_ASPECT <= aspect <= LARGEST_ASPECT:
        return None
    if capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180:
        aspect = 1 / aspect
    return max(1.0, aspect), max(1.0, 1 / aspect)
