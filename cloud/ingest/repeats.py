"""Recognises a window that came before. Only for a count: the store itself keeps each window once."""

from __future__ import annotations

from collections import OrderedDict

from common.wire import Message, WindowMessage

REMEMBERED = 10_000
"""Windows that are remembered: two hours of eighty cameras."""


class Repeats:
    """The identities of the last windows."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._seen: OrderedDict[int, None] = OrderedDict()

    def is_repeat(self, message: Message) -> bool:
        """Tell whether ``message`` is a window that was given before, and remember it."""
        if not isinstance(message, WindowMessage):
            return False
        key = hash((message.site, message.device, message.camera, message.start))
        known = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return known
