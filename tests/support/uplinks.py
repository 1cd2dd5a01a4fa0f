"""The real device side, from the outbox on, in a hurry: it waits for nothing that a test need not wait for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.clock import Clock, SystemClock
from common.mqtt.broker import Broker
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from tests.support.messages import BOOT


@contextmanager
def uplink(
    folder: Path,
    broker: Broker,
    *,
    device: str = "door",
    clock: Clock | None = None,
    resend_within_s: float = 0.1,
) -> Iterator[Uplink]:
    """Run the uplink of a device of the site ``shop``, with its outbox in ``folder``."""
    sender = Uplink(
        Outbox(folder / "outbox.sqlite", max_messages=10_000),
        broker,
        site="shop",
        device=device,
        boot_id=BOOT,
        software="0.1.0",
        clock=clock or SystemClock(),
        late_after_s=10**10,
        retry_s=(0.05, 0.2),
        resend_within_s=resend_within_s,
        late_per_s=10_000,
    )
    sender.start()
    try:
        yield sender
    finally:
        sender.stop(10)
