"""The time, as an object that tests can replace."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from common.vocabulary import EARLIEST, LATEST


class Clock(Protocol):
    """Wall clock and monotonic clock of one machine."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        """Never outside the years that a message may name: a machine without a battery may begin in 1970."""
        return min(max(datetime.now(UTC), EARLIEST), LATEST - timedelta(days=1))

    def monotonic(self) -> float:
        return time.monotonic()
