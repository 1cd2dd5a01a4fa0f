"""When to try again: pauses that double, each shortened at random."""

from __future__ import annotations

import random
from collections.abc import Callable

from common.clock import Clock


class Backoff:
    """Count failures in a row. The pause after the first one is ``first_s`` seconds, each next one twice as long, up
    to ``longest_s``.

    ``jitter`` returns 0..1 and shortens a pause, at most to half, so that the devices of a chain do not all come back
    at the same moment.
    """

    def __init__(
        self,
        *,
        first_s: float,
        longest_s: float,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._first_s, self._longest_s, self._clock, self._jitter = first_s, longest_s, clock, jitter
        self._failures = 0
        self._again_s = 0.0

    def failed(self) -> float:
        """Count a failure and return how many seconds to wait."""
        pause_s = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 30))
        pause_s *= 0.5 + 0.5 * self._jitter()
        self._failures += 1
        self._again_s = self._clock.monotonic() + pause_s
        return pause_s

    def succeeded(self) -> None:
        """Forget all failures."""
        self._failures, self._again_s = 0, 0.0

    @property
    def left_s(self) -> float:
        """Return the seconds until the next attempt; 0 when it is due."""
        return max(0.0, self._again_s - self._clock.monotonic()) if self._failures else 0.0
