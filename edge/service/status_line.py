"""The line that the service shows in ``systemctl status``, and that the doctor reads there.

A camera has one owner. While the service runs, only the service can tell how the camera does; systemd keeps its last
word, so that it needs no file, socket or right of its own to be asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge.types import Frame
from edge.vision.light import light_of


@dataclass(frozen=True, slots=True)
class Figures:
    """What the service says of itself, once a health period. ``camera_fps`` is what the camera gives, looked at or
    not; ``step_ms`` and ``slow_ms`` are the median and the 95th percentile of one pipeline step; ``luma`` and
    ``burnt`` as in ``Light``; ``waiting`` and ``lost`` are messages of the outbox, ``delivered``
    windows of this run; an upgrade is judged by them."""

    camera_fps: float
    step_ms: float
    slow_ms: float
    luma: float
    burnt: float
    waiting: int
    lost: int
    delivered: int

    def __str__(self) -> str:
        return (
            f"{self.camera_fps:.1f} frames/s, {self.step_ms:.1f} ms a step, {self.slow_ms:.1f} ms a slow one, "
            f"light {self.luma:.0f}, {self.burnt:.0%} burnt out, {self.waiting} messages wait, {self.lost} lost, "
            f"{self.delivered} windows delivered"
        )

    @classmethod
    def read(cls, line: str) -> Figures | None:
        """Read a line as ``str`` makes it, whatever follows a semicolon; None for any other, such as that of an
        older version."""
        found = _LINE.fullmatch(line.partition(";")[0])
        if found is None:
            return None
        fps, step_ms, slow_ms, luma, burnt, waiting, lost, delivered = found.groups()
        return cls(
            float(fps),
            float(step_ms),
            float(slow_ms),
            float(luma),
            float(burnt) / 100,
            int(waiting),
            int(lost),
            int(delivered),
        )


_LINE = re.compile(
    r"([\d.]+) frames/s, ([\d.]+) ms a step, ([\d.]+) ms a slow one, "
    r"light (\d+), (\d+)% burnt out, (\d+) messages wait, (\d+) lost, (\d+) windows delivered"
)


class Sampler:
    """Counts the frames that the camera gives, and keeps the newest for a look at its light."""

    def __init__(self) -> None:
        self._first: Frame | None = None
        self._newest: Frame | None = None

    def frame(self, frame: Frame) -> None:
        """One was taken from the camera; those that were dropped before show in its sequence."""
        # A sequence that starts again is that of a source which was opened again.
        if self._first is None or frame.sequence <= self._first.sequence:
            self._first = frame
        self._newest = frame

    @property
    def fps(self) -> float:
        """Frames a second that the camera gave since the last call of ``figures``."""
        first, newest = self._first, self._newest
        if first is None or newest is None or newest.monotonic_s <= first.monotonic_s:
            return 0.0
        return (newest.sequence - first.sequence) / (newest.monotonic_s - first.monotonic_s)

    def figures(self, *, step_ms: float, slow_ms: float, waiting: int, lost: int, delivered: int) -> Figures:
        """Of the time since the last call."""
        fps, newest = self.fps, self._newest
        luma = burnt = 0.0
        if newest is not None:
            light = light_of(newest.image)
            luma, burnt = light.luma, light.burnt
        self._first = self._newest = None
        return Figures(fps, step_ms, slow_ms, luma, burnt, waiting, lost, delivered)
