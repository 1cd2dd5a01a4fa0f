"""A bound on how much is logged, whoever makes us log: a stranger must not be able to fill the disk."""

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
    """Lets ``lines`` of each logger pass in ``every_s`` seconds, and says how many it kept back. For a handler."""

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
                _add(record, f"{dropped} lines before it left out")
        window.lines += 1
        if window.lines > self._lines:
            window.dropped += 1
            return False
        if window.lines == self._lines:
            _add(record, "no more of these for a while")
        return True


def _add(record: logging.LogRecord, remark: str) -> None:
    record.msg, record.args = f"{record.getMessage()} ({remark})", None
