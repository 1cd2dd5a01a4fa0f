"""The line that the service shows in ``systemctl status``, and that the doctor reads there.

Only one process can open a camera. While the service runs, only the service knows the state of the camera. systemd
keeps the last status line, so reading it needs no file, socket or permission of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge.types import Frame
from edge.vision.light import light_of


@dataclass(frozen=True, slots=True)
class Figures:
    """The state of the service, once a health period. ``camera_fps`` is the rate of the camera, processed or not.
    ``step_ms`` and ``slow_ms`` are the median and the 95th percentile of one pipeline step. ``luma`` and ``burnt``
    are as in ``Light``. ``waiting`` and ``lost`` count messages of the outbox, ``delivered`` the windows of this run:
    an upgrade is checked by them. ``moved``: the camera shows another view than before."""

    camera_fps: float
    step_ms: float
    slow_ms: float
    luma: float
    burnt: float
    waiting: int
    lost: int
    delivered: int
    moved: bool = False

    def __str__(self) -> str:
        return (
            f"{self.camera_fps:.1f} frames/s, {self.step_ms:.1f} ms a step, {self.slow_ms:.1f} ms a slow one, "
            f"light {self.luma:.0f}, {self.burnt:.0%} burnt out, {self.waiting} messages wait, {self.lost} lost, "
            f"{self.delivered} windows delivered{_MOVED if self.moved else ''}"
        )

    @classmethod
    def read(cls, line: str) -> Figures | None:
        """Parse a line that ``str`` made, up to a semicolon; None for any other line, such as one of an older
        version."""
        found = _LINE.fullmatch(line.partition(";")[0])
        if found is None:
            return None
        fps, step_ms, slow_ms, luma, burnt, waiting, lost, delivered, moved = found.groups()
        return cls(
            float(fps),
            float(step_ms),
            float(slow_ms),
            float(luma),
            float(burnt) / 100,
            int(waiting),
            int(lost),
            int(delivered),
            moved is not None,
        )


_MOVED = ", camera moved"
_LINE = re.compile(
    r"([\d.]+) frames/s, ([\d.]+) ms a step, ([\d.]+) ms a slow one, "
    r"light (\d+), (\d+)% burnt out, (\d+) messages wait, (\d+) lost, (\d+) windows delivered"
    rf"({_MOVED})?"
)


class Sampler:
    """Counts the frames of the camera, and keeps the newest one to measure its light."""

    def __init__(self) -> None:
        self._first: Frame | None = None
        self._newest: Frame | None = None

    def frame(self, frame: Frame) -> None:
        """Record a frame of the camera; its sequence number also counts the dropped frames before it."""
        # A sequence that starts again means that the source was reopened.
        if self._first is None or frame.sequence <= self._first.sequence:
            self._first = frame
        self._newest = frame

    @property
    def fps(self) -> float:
        """The rate of the camera since the last call of ``figures``, in frames a second."""
        first, newest = self._first, self._newest
        if first is None or newest is None or newest.monotonic_s <= first.monotonic_s:
            return 0.0
        return (newest.sequence - first.sequence) / (newest.monotonic_s - first.monotonic_s)

    def figures(
        self, *, step_ms: float, slow_ms: float, waiting: int, lost: int, delivered: int, moved: bool
    ) -> Figures:
        """Return the figures since the last call."""
        fps, newest = self.fps, self._newest
        luma = burnt = 0.0
        if newest is not None:
            light = light_of(newest.image)
            luma, burnt = light.luma, light.burnt
        self._first = self._newest = None
        return Figures(fps, step_ms, slow_ms, luma, burnt, waiting, lost, delivered, moved)
