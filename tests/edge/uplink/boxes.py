"""What the tests of the outbox share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edge.uplink.outbox import Outbox

AT = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def payloads(box: Outbox) -> list[bytes]:
    return [item.payload for item in box.pending(1_000_000)]
