"""What the tests of the outbox share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edge.uplink.outbox import Outbox
from edge.uplink.rows import Item

AT = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def pending(box: Outbox, limit: int, *, after: int = 0) -> list[Item]:
    """Return the oldest waiting messages with an id above ``after``: none is late."""
    return box.live(limit, after=after, late_up_to=0)[0]


def payloads(box: Outbox) -> list[bytes]:
    return [item.payload for item in pending(box, 1_000_000)]
