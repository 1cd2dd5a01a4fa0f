"""A shop for tests: a live camera as fast as its frames are processed, and the clock that it moves on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from edge.pipeline import Pipeline, Step
from edge.types import Frame, Image, Sight
from tests.support.clock import START, ManualClock


class FastTime(ManualClock):
    """It goes on by itself too, so that nobody who waits for it waits for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._began_s = time.monotonic()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return super().monotonic() + time.monotonic() - self._began_s


class NobodyThere:
    """A detector that finds nobody."""

    near_size = (320, 256)

    def look(self, image: Image) -> Sight:
        return Sight()

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        return Sight()


class Shop:
    """A live camera whose frames come as fast as they are processed, each a fifteenth of a second of ``clock``; see
    ``in_step``.

    What it shows goes on where it was when it is opened again, as in a shop. ``opening`` is called with the number of
    the opening and may refuse.
    """

    live = True

    def __init__(
        self,
        clock: ManualClock,
        picture: Callable[[int], Image],
        opening: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._clock, self._picture, self._opening = clock, picture, opening
        self._processed = threading.Semaphore(1)
        self.opened = self.given = 0

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Let the camera wait for the pipeline, which is done with a frame that it did not look at, too."""
        step = Pipeline.step

        def stepped(pipeline: Pipeline, frame: Frame, *, dropped: int = 0) -> Step:
            try:
                return step(pipeline, frame, dropped=dropped)
            finally:
                self._processed.release()

        with patch.object(Pipeline, "step", stepped):
            yield

    def open(self) -> None:
        self.opened += 1
        self._opening(self.opened)

    def read(self) -> Frame:
        # A frame that is not processed any more, when a run ends, is waited for in vain.
        self._processed.acquire(timeout=0.5)
        picture = self._picture(self.given).copy()
        picture[0, 0] = self.given & 0xFF  # the noise of a sensor: it sends no picture twice
        self._clock.elapsed_s += 1 / 15
        self.given += 1
        return Frame(picture, self._clock.now(), self._clock.monotonic(), self.given)

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "shop"
