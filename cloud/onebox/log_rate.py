"""A limit on the number of log lines, so that nobody can fill the disk by causing errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

LINES = 30
EVERY_S = 60.0


@dataclass(slots=True)
class _Window:
    started_s: float
    lines: int = 0
    dropped: int = 0


class LogRate(logging.Filter):
    """Passes ``lines`` of each logger per ``every_s`` seconds and logs how many it dropped. Add it to a handler."""

    def __init__(
        self, lines: int = LINES, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._lines = lines
        self._every_s = every_s
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = self._clock()
        window = self._windows.get(record.name)
        if window is None or now_s - window.started_s >= self._every_s:
            dropped = window.dropped if window else 0
            window = self._windows[record.name] = _Window(now_s)
            if dropped:
                _add(record, f"{dropped} earlier lines were dropped")
        window.lines += 1
        if window.lines > self._lines:
            window.dropped += 1
            return False
        if window.lines == self._lines:
            _add(record, f"more lines of this logger are dropped for up to {self._every_s:g} s")
        return True


def _add(record: logging.LogRecord, remark: str) -> None:
    record.msg, record.args = f"{record.getMessage()} ({remark})", None
