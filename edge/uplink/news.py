"""How long a message is worth delivering: a notice that begins is news for some minutes only."""

from __future__ import annotations

import math
from datetime import datetime

from common import wire
from edge.uplink.rows import Item


def news_left_s(item: Item, now: datetime) -> int | None:
    """Return for how many more seconds the message is news, 0 if it is no longer; None for one that does not age.

    The end of a notice does not age: without it, a receiver would think that the notice goes on. A message from the
    future is as old as one from the past: the clock was set, and nobody knows its age.
    """
    if item.channel != "notice":
        return None
    try:
        message = wire.decode(item.topic, item.payload)
    except wire.WireError:  # written by another version; the bridge is the judge of it
        return None
    if isinstance(message, wire.NoticeMessage) and not message.active:
        return None
    return max(0, math.ceil(wire.NEWS_S - abs((now - item.created_at).total_seconds())))
