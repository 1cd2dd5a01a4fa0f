"""The clock of tests: it stands until it is told how far to go."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class ManualClock:
    """Wall clock and monotonic clock in step, ``elapsed_s`` after ``start``."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass; takes the place of ``time.sleep``."""
        assert seconds > 0
        self.elapsed_s += seconds

    @property
    def time(self) -> datetime:
        """The wall clock, which can be set."""
        return self.now()

    @time.setter
    def time(self, now: datetime) -> None:
        self.elapsed_s = (now - self._start).total_seconds()


class SettableClock:
    """This machine's clock, with a time of day that can be set; no duration is affected."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()
