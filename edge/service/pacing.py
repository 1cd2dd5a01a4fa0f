"""Decide which frames to process: all while somebody is in view, a few a second while nobody is.

A Raspberry Pi by the door sees an empty shop most of the day, and detection takes most of the processor time. So
while nothing happens, only ``idle_fps`` frames a second are processed. When something moves or somebody is found, every
frame is processed again. The motion test is not needed to find people: the idle rate alone finds a face that is in
view for a second. The motion test only makes sure that visits do not begin late, so dwell times are the same as
without pacing.

A frame that is skipped here is not a dropped frame, and does not lower coverage. Heat lowers the rate in steps, but
who is in view for a second is found as long as ``idle_fps`` is at least 2.5.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable

from edge.types import Track, TrackState
from edge.vision.tracker import LIKELY_SCORE

log = logging.getLogger(__name__)

HOLD_S = 1.0
"""Full rate continues for this long after the last motion or track: the detector may miss a face for a few frames."""

SLOWEST_IDLE_FPS = 2.0
SLOWEST_BUSY_FPS = 5.0
"""At these rates a person is found within half a second, and confirmed by the frames of the next 0.4 to 0.6 s: in view
for 1.1 s, everybody is counted."""


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
    return track.sighting is not None and track.sighting.score >= LIKELY_SCORE


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
