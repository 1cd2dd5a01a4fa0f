"""Video files."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path

import cv2

from common.clock import Clock
from edge.capture.camera import CameraError
from edge.capture.opencv import UNDECODED, Decoder, connect_ffmpeg, hands_out_its_pictures
from edge.types import Frame

LONGEST_LEAP_S = 86_400.0
"""A recording may stop at night and continue in the morning. A time stamp that jumps further is wrong."""

_log = logging.getLogger(__name__)


class VideoFile:
    """Every frame of a video. A file that is cut off plays until the break, with a warning."""

    live = False

    def __init__(self, path: Path, *, fps: float, clock: Clock) -> None:
        self._path = path
        self._default_fps = fps
        self._clock = clock
        self._decoder: Decoder | None = None
        self._fps = self._promised = self._reached = 0.0
        self._shown_s: float | None = None
        self._started_at = clock.now()
        self._sequence = 0

    def open(self) -> None:
        self.close()
        if not os.access(self._path, os.R_OK):
            raise CameraError(f"video {self._path}: no permission to read it", permanent=True)
        if not hands_out_its_pictures(self._connect(), self._connect):
            raise CameraError(
                f"video {self._path}: {UNDECODED}; convert it: ffmpeg -i IN -vf yadif OUT.mp4", permanent=True
            )
        decoder = Decoder(self._connect())
        fps = decoder.get(cv2.CAP_PROP_FPS)
        self._fps = fps if 0 < fps <= 1000 else self._default_fps
        self._promised = decoder.get(cv2.CAP_PROP_FRAME_COUNT)
        self._reached = 0.0
        self._started_at = self._clock.now()
        self._shown_s = None
        self._sequence = 0
        self._decoder = decoder

    def _connect(self) -> cv2.VideoCapture:
        # FFmpeg takes the text before a colon for a protocol, unless the path begins with a slash.
        capture = connect_ffmpeg(str(self._path.absolute()))
        # FFmpeg can play any text file as a film of letters, so refuse it.
        text = int(capture.get(cv2.CAP_PROP_FOURCC)) == cv2.VideoWriter.fourcc(*"ansi")
        if not capture.isOpened() or text:
            raise CameraError(f"video {self._path}: not a video, or cut off; check the file", permanent=True)
        return capture

    def read(self) -> Frame | None:
        if self._decoder is None:
            raise CameraError(f"video {self._path}: not open", permanent=True)
        image = self._decoder.retrieve() if self._decoder.grab() else None
        if image is None:
            self._check_end()
            return None
        stated_s = self._decoder.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._shown_s = presentation_s(stated_s, self._shown_s, 1 / self._fps)
        self._reached = max(self._reached, self._decoder.get(cv2.CAP_PROP_PTS) + 1)
        self._sequence += 1
        return Frame(
            image, self._started_at + timedelta(seconds=self._shown_s), self._shown_s, self._sequence - 1
        )

    def _check_end(self) -> None:
        if self._sequence == 0:
            raise CameraError(f"video {self._path}: contains no picture that can be decoded", permanent=True)
        # Some containers count their frames. Others only have the time of the last one: then the number is a guess from
        # the rate, and wrong if time begins late or jumps. So frames count as missing only if both are a second short.
        if self._promised - max(self._sequence, self._reached) > self._fps:
            _log.warning("video %s: ends after %d of %d frames", self._path, self._sequence, self._promised)

    def close(self) -> None:
        if self._decoder is not None:
            self._decoder.release()
            self._decoder = None

    def describe(self) -> str:
        return str(self._path)


def presentation_s(stated_s: float, previous_s: float | None, period_s: float) -> float:
    """Return when a frame is shown, in seconds: as stated in the container, if that is later than the last frame.

    Some containers always state 0, jump back where clips were joined, or jump by years; time must still continue.
    """
    if previous_s is None:
        return stated_s if 0 <= stated_s <= LONGEST_LEAP_S else 0.0
    return stated_s if 0 < stated_s - previous_s <= LONGEST_LEAP_S else previous_s + period_s
