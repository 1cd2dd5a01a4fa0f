"""A state that is told only once it has lasted, so that nobody is told of what is over in a moment."""

from __future__ import annotations


class Lasting:
    """``on`` once it was seen for ``holds_s`` seconds without a break, off once it was not seen for ``returns_s``."""

    def __init__(self, holds_s: float, returns_s: float) -> None:
        self._holds_s, self._returns_s = holds_s, returns_s
        self._differs_since_s: float | None = None
        self.on = False

    @property
    def settled(self) -> bool:
        """Whether what was seen last is what ``on`` says."""
        return self._differs_since_s is None

    def see(self, is_seen: bool | None, at_s: float) -> None:
        """Record what is seen at ``at_s``, monotonic seconds; None where nobody can tell."""
        if is_seen is None or is_seen == self.on:
            self._differs_since_s = None
            return
        if self._differs_since_s is None:
            self._differs_since_s = at_s
        if at_s - self._differs_since_s >= (self._returns_s if self.on else self._holds_s):
            self.on, self._differs_since_s = is_seen, None
