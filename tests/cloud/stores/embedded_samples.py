"""What the tests of the embedded store look at: a day, and a message that could not be stored."""

from __future__ import annotations

from datetime import timedelta

from cloud.stores.store import DeadLetter
from tests.support.clock import ManualClock
from tests.support.messages import MORNING

DAY = (MORNING - timedelta(hours=1), MORNING + timedelta(days=1))


def letter(number: int, clock: ManualClock) -> DeadLetter:
    return DeadLetter(
        clock.now(), "shop", "door", "footlight/v1/shop/door/window", f"reason {number}", b"\xff{"
    )
