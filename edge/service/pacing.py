"""Decide which frames to process: all while somebody is in view, a few a second while nobody is.

A Raspberry Pi by the door sees an empty shop most of the day, and detection takes most of the processor time. So
while nothing happens, only ``idle_fps`` frames a second are processed. When something moves or a face is found, every
frame is processed again. The motion test is not needed to find people: the idle rate alone finds a face that is in
view for a second. The motion test only makes sure that visits do not begin late, so dwell times are the same as
without pacing.

A frame that is skipped here is not a dropped frame, and does not lower coverage. Heat lowers the rate in steps, but
a face in view for a second is always found.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable

import cv2
import numpy as np

from edge.types import Floats, Image, Track, TrackState
from edge.vision.tracker import LIKELY_SCORE

log = logging.getLogger(__name__)

HOLD_S = 1.0
"""Full rate continues for this long after the last motion or track: the detector may miss a face for a few frames."""

SLOWEST_IDLE_FPS = 2.0
SLOWEST_BUSY_FPS = 5.0
"""At this rate a face is found within half a second after a person comes into view, and confirmed by two more frames
in 0.4 s: less than the one second that is promised."""


class Pacer:
    """Decides for each frame of a live camera whether to process it. Times are monotonic seconds."""

    def __init__(self, *, idle_fps: float) -> None:
        self._idle_s = 1 / idle_fps
        self._awake_until_s = -math.inf
        self._taken_s = self._given_s = -math.inf

    def due(self, at_s: float, *, moved: bool, spacing_s: float = 0.0) -> bool:
        """Return whether to process the frame of ``at_s``; call once for every frame. ``moved``: something moves in
        it. ``spacing_s``: the shortest interval between two processed frames at the full rate."""
        period_s, self._given_s = at_s - self._given_s, at_s
        if moved:
            self._awake_until_s = at_s + HOLD_S
        interval_s = spacing_s if at_s <= self._awake_until_s else max(self._idle_s, spacing_s)
        # A frame is skipped only if the next one still comes in time.
        if at_s - self._taken_s + period_s <= interval_s + 1e-6:
            return False
        self._taken_s = at_s
        return True

    def saw(self, tracks: Iterable[Track], at_s: float) -> None:
        """Take the tracks of the frame of ``at_s``: a visit, or a track that may become one, keeps the full rate."""
        if any(track.state is not TrackState.TENTATIVE or _likely(track) for track in tracks):
            self._awake_until_s = at_s + HOLD_S


def _likely(track: Track) -> bool:
    return track.detection is not None and track.detection.score >= LIKELY_SCORE


class Motion:
    """Detects motion from the mean brightness of 768 cells.

    Each cell is compared with its mean over the last second. It must differ by more than it usually does: noise in
    the dark, a screen or a fan no longer counts as motion after some seconds.
    """

    _CELLS = (32, 24)
    _SAMPLED = 160  # columns that are read: 25 samples a cell, enough for a mean with little noise
    _MEAN_S = 1.0
    _USUAL_S = 10.0
    _LEAST = 5.0  # of 255: less than a person far away in a dark coat, more than the noise of a webcam
    _UNUSUAL = 6.0  # times the usual difference; for noise, 5 sigma

    def __init__(self) -> None:
        self._mean: Floats | None = None
        self._usual: Floats = np.zeros(self._CELLS[::-1], np.float32)
        self._began_s = self._at_s = 0.0

    def seen(self, image: Image, at_s: float) -> bool:
        """Take the next frame; true when something moves in it."""
        step = max(1, image.shape[1] // self._SAMPLED)
        # The green channel alone is close to brightness and takes a third of the time.
        sampled = np.ascontiguousarray(image[::step, ::step, 1])
        cells = cv2.resize(sampled, self._CELLS, interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._mean is None:
            self._mean = cells
            self._began_s = self._at_s = at_s
            return False
        difference = np.abs(cells - self._mean)
        moved = bool((difference > np.maximum(self._LEAST, self._UNUSUAL * self._usual)).any())
        self._mean += self._share(at_s, self._MEAN_S) * (cells - self._mean)
        self._usual += self._share(at_s, self._USUAL_S) * (difference - self._usual)
        self._at_s = at_s
        return moved

    def _share(self, at_s: float, memory_s: float) -> float:
        """Return the weight of the newest value in a mean over ``memory_s``, at any frame rate. In the beginning the
        mean is over all values so far."""
        elapsed_s = max(0.0, at_s - self._at_s)
        return max(1 - math.exp(-elapsed_s / memory_s), elapsed_s / max(at_s - self._began_s, 1e-6))


class Heat:
    """Lowers the frame rate in steps while the processor is too hot or slowed down by the firmware.

    Above ``hot_c`` the rate goes down one step every ``STEP_S``. After ``COOL_S`` at ``MARGIN_C`` below it, the rate
    goes up one step. The steps are slow because heat changes within minutes and the rate should not swing.
    """

    STEPS_FPS = (math.inf, 7.0, SLOWEST_BUSY_FPS)
    STEP_S = 30.0
    COOL_S = 300.0
    MARGIN_C = 5.0

    def __init__(self, *, hot_c: float) -> None:
        self._hot_c = hot_c
        self._step = 0
        self._stepped_s = self._warm_s = -math.inf

    @property
    def enough_fps(self) -> float:
        """The highest rate of processed frames a second; infinite while it is cool: every frame is processed."""
        return self.STEPS_FPS[self._step]

    @property
    def spacing_s(self) -> float:
        """The same limit as seconds between two processed frames."""
        return 1 / self.enough_fps

    def update(self, at_s: float, temperature_c: float | None, throttled: bool | None) -> None:
        """Take a reading; None stands for a value that this machine does not report."""
        warmth = -math.inf if temperature_c is None else temperature_c
        hot = throttled or warmth >= self._hot_c
        if hot or warmth > self._hot_c - self.MARGIN_C:
            self._warm_s = at_s
        step = self._step
        if hot and at_s - self._stepped_s >= self.STEP_S:
            step = min(step + 1, len(self.STEPS_FPS) - 1)
        elif at_s - max(self._warm_s, self._stepped_s) >= self.COOL_S:
            step = max(step - 1, 0)
        if step == self._step:
            return
        if not self._step:
            felt = "slowed by the firmware" if warmth < self._hot_c else f"at {warmth:.0f} °C"
            log.warning("processor %s: fewer frames a second until it is cool", felt)
        elif not step:
            log.info("processor cool again: full frame rate")
        self._step, self._stepped_s = step, at_s
