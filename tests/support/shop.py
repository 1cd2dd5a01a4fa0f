"""A shop for tests: a live camera as fast as it is looked at, and the clock that it moves on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.types import Detector, Face, Frame, Image
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


@dataclass
class Eye:
    """Looks with ``detector``, at nobody without, and says when it has looked."""

    detector: Detector | None = None

    def __post_init__(self) -> None:
        self.looked = threading.Semaphore(1)

    def detect(self, image: Image) -> list[Face]:
        try:
            return self.detector.detect(image) if self.detector else []
        finally:
            self.looked.release()


class Shop:
    """A live camera whose frames come as fast as they are looked at, each a fifteenth of a second of ``clock``.

    What it shows goes on where it was when it is opened again, as in a shop. ``opening`` is called with the number of
    the opening and may refuse.
    """

    live = True

    def __init__(
        self,
        clock: ManualClock,
        eye: Eye,
        picture: Callable[[int], Image],
        opening: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._clock, self._eye, self._picture, self._opening = clock, eye, picture, opening
        self.opened = self.given = 0

    def open(self) -> None:
        self.opened += 1
        self._opening(self.opened)

    def read(self) -> Frame:
        # A frame that nobody looks at any more, when a run ends, is waited for in vain.
        self._eye.looked.acquire(timeout=0.5)
        picture = self._picture(self.given)
        self._clock.elapsed_s += 1 / 15
        self.given += 1
        return Frame(picture, self._clock.now(), self._clock.monotonic(), self.given)

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "shop"
