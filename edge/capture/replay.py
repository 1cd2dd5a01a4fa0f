"""Finite sources: played as fast as possible, or at their own speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from common.clock import Clock
from edge.capture.camera import Camera, CameraError
from edge.types import Frame


def replay(camera: Camera) -> Iterator[Frame]:
    """Yield every frame of a finite source at full speed. Opens and closes it. Raises ``CameraError``."""
    if camera.live:
        raise CameraError(
            f"camera source {camera.describe()}: never ends; give replay a video or pictures",
            permanent=True,
        )
    camera.open()
    try:
        while (frame := camera.read()) is not None:
            yield frame
    finally:
        camera.close()


class Paced:
    """A finite source that plays like a live camera: each frame comes when it is due.

    ``wait`` sleeps for some seconds.
    """

    live = True

    def __init__(self, source: Camera, *, clock: Clock, wait: Callable[[float], object] = time.sleep) -> None:
        self._source = source
        self._clock = clock
        self._wait = wait
        self._started_s = 0.0

    def open(self) -> None:
        self._source.open()
        self._started_s = self._clock.monotonic()

    def read(self) -> Frame | None:
        frame = self._source.read()
        if frame is None:
            return None
        due_s = self._started_s + frame.monotonic_s
        early_s = due_s - self._clock.monotonic()
        if early_s > 0:
            self._wait(early_s)
        return replace(frame, monotonic_s=due_s)

    def close(self) -> None:
        self._source.close()

    def describe(self) -> str:
        return self._source.describe()
