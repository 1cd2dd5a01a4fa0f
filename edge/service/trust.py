"""Whether the times that this device tells can be trusted: now, and for a window as a whole."""

from __future__ import annotations

from collections.abc import Callable


class ClockTrust:
    """Remembers what ``is_set`` said while a window was open.

    A Pi has no clock that runs while it is off. It begins with the time at which it was switched off, and a time server
    then sets it, perhaps by many hours. The window that was open then is told after that, and its start is still wrong.
    """

    def __init__(self, is_set: Callable[[], bool]) -> None:
        self._is_set = is_set
        self._all_along = True

    def now(self) -> bool:
        """Return whether the clock is set; ask at least once in each window."""
        trusted = self._is_set()
        self._all_along &= trusted
        return trusted

    def until_now(self) -> bool:
        """Return whether it was set at every question since the last call of this method: since the window began that
        is told now."""
        trusted, self._all_along = self._all_along, self._is_set()
        return trusted
