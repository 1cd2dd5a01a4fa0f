"""Which frames are worth a look: all while somebody is about, a few a second while nobody is.

A Raspberry Pi by the door looks at an empty shop most of the day. Detection is most of what it costs, so an empty
picture is looked at ``idle_fps`` times a second only, and every frame again from the one on in which something
moves or a face is found. The promise does not rest on the test for motion: whoever is in view for a second is found
by the idle looks alone. Motion makes it better than that: as nothing is seen late, dwell times begin where they
would without pacing.

What is not looked at is neither a dropped frame nor time without coverage. Heat lowers the rate in steps, and never
so far that the promise breaks.
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
"""Full rate goes on for so long after the last motion or track: a detector that blinks gets further frames."""

SLOWEST_IDLE_FPS = 2.0
SLOWEST_BUSY_FPS = 5.0
"""With at least so many looks a second a face is found within half a second of a walker's coming, and confirmed by
two more looks in 0.4 s: less than the one second that is promised."""


class Pacer:
    """Says of each frame of a live camera whether to look at it. Times are monotonic seconds."""

    def __init__(self, *, idle_fps: float) -> None:
        self._idle_s = 1 / idle_fps
        self._awake_until_s = -math.inf
        self._taken_s = self._given_s = -math.inf

    def due(self, at_s: float, *, moved: bool, spacing_s: float = 0.0) -> bool:
        """Whether to look at the frame of ``at_s``; ask once for every frame. ``moved``: something moves in it.
        ``spacing_s``: at the full rate, looks need not lie closer together than this."""
        period_s, self._given_s = at_s - self._given_s, at_s
        if moved:
            self._awake_until_s = at_s + HOLD_S
        interval_s = spacing_s if at_s <= self._awake_until_s else max(self._idle_s, spacing_s)
        # A frame is left out only if the one after it still comes in time.
        if at_s - self._taken_s + period_s <= interval_s + 1e-6:
            return False
        self._taken_s = at_s
        return True

    def saw(self, tracks: Iterable[Track], at_s: float) -> None:
        """What was followed in the frame of ``at_s``: who is a visit, or may become one, keeps it awake."""
        if any(track.state is not TrackState.TENTATIVE or _likely(track) for track in tracks):
            self._awake_until_s = at_s + HOLD_S


def _likely(track: Track) -> bool:
    return track.detection is not None and track.detection.score >= LIKELY_SCORE


class Motion:
    """Whether something moves, told from the mean brightness of 768 cells.

    Each is compared with its own mean of the last second, and has to differ by more than it usually does: noise in
    the dark, a screen and a fan are usual after some seconds.
    """

    _CELLS = (32, 24)
    _SAMPLED = 160  # columns that are looked at: 25 samples a cell, whose mean is quiet enough
    _MEAN_S = 1.0
    _USUAL_S = 10.0
    _LEAST = 5.0  # of 255: a person far away in a dark coat, and more than the noise of a webcam
    _UNUSUAL = 6.0  # times the usual difference; for noise, 5 sigma

    def __init__(self) -> None:
        self._mean: Floats | None = None
        self._usual: Floats = np.zeros(self._CELLS[::-1], np.float32)
        self._began_s = self._at_s = 0.0

    def seen(self, image: Image, at_s: float) -> bool:
        """Take the next frame; true when something moves in it."""
        step = max(1, image.shape[1] // self._SAMPLED)
        # green alone is nearly brightness, and costs a third
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
        """Weight of the newest value in a mean over ``memory_s``, at any frame rate; at first, over all so far."""
        elapsed_s = max(0.0, at_s - self._at_s)
        return max(1 - math.exp(-elapsed_s / memory_s), elapsed_s / max(at_s - self._began_s, 1e-6))


class Heat:
    """Slows down a processor that is too hot, or that the firmware slows already, step by step.

    Hotter than ``hot_c`` is one step more each ``STEP_S``, ``MARGIN_C`` cooler for ``COOL_S`` one less: heat comes
    and goes in minutes, and a rate that swings helps nobody.
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
        """So many looks a second are enough now; infinite while it is cool, when every frame is looked at."""
        return self.STEPS_FPS[self._step]

    @property
    def spacing_s(self) -> float:
        """The same, as seconds between two looks."""
        return 1 / self.enough_fps

    def update(self, at_s: float, temperature_c: float | None, throttled: bool | None) -> None:
        """Take a reading; None is what this machine cannot tell."""
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
