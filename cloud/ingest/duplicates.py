"""Recognises a window that came before. Only for a count: the store itself keeps each window once."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable

from common.wire import HELD_S, LONGEST_SESSION_S, Message, WindowMessage

REMEMBERED_S = HELD_S + LONGEST_SESSION_S
"""A device sends again what it delivered in ``HELD_S``; before, it may wait in the session of a bridge."""
MOST = 200_000
"""So many at most, about 30 MB: three hours of a thousand devices. Beyond it the count of duplicates may be too low."""


class Duplicates:
    """The identities of the windows that came to this process in the last ``REMEMBERED_S``, at most ``most``."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._came_s: OrderedDict[int, float] = OrderedDict()

    def among(self, messages: Iterable[Message], now_s: float) -> Counter[tuple[str, str]]:
        """Remember the windows among ``messages``, and count those that came before by site and device. ``now_s`` are
        monotonic seconds."""
        found: Counter[tuple[str, str]] = Counter()
        for message in messages:
            if isinstance(message, WindowMessage):
                key = hash((message.site, message.device, message.camera, message.start))
                if key in self._came_s:
                    found[message.site, message.device] += 1
                    self._came_s.move_to_end(key)
                self._came_s[key] = now_s
        while self._came_s and (len(self._came_s) > self._most or self._oldest_s() < now_s - REMEMBERED_S):
            self._came_s.popitem(last=False)
        return found

    def _oldest_s(self) -> float:
        return next(iter(self._came_s.values()))
