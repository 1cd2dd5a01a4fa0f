"""What waited for a network is sent slowly, so that it delays nothing that is new."""

from __future__ import annotations

from pathlib import Path

import pytest

from common import wire
from common.mqtt.broker import Broker
from edge.uplink.delivery import LATE_AT_ONCE, LATE_PER_S
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from tests.edge.uplink.test_publisher import BOOT, alert, window
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.clock import ManualClock

MANY = 3 * LATE_AT_ONCE


@pytest.mark.mosquitto
def test_live_windows_and_alerts_pass_those_that_waited(tmp_path: Path) -> None:
    clock = ManualClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", max_messages=10 * MANY)
    for seq in range(MANY):
        outbox.put(wire.topic(window(seq)), wire.encode(window(seq)), clock.now())
    outbox.put(wire.topic(alert("it was dark")), wire.encode(alert("it was dark")), clock.now())
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:

        def heard() -> list[int]:
            decoded = [wire.decode(one.topic, bytes(one.payload)) for one in listener.on("window")]
            return [one.seq for one in decoded if isinstance(one, wire.WindowMessage)]

        link = Uplink(
            outbox,
            Broker("127.0.0.1", broker.port),
            site="shop",
            device="door",
            boot_id=BOOT,
            software="1",
            clock=clock,
            late_after_s=60,
        )
        link.start()
        try:
            until(lambda: len(heard()) == LATE_AT_ONCE, "the first are sent at once")
            until(lambda: len(listener.on("alert")) == 1, "the alert does not wait behind the others")
            link.send(window(MANY))
            until(lambda: MANY in heard(), "the live one does not wait either")
            assert sorted(heard()) == [*range(LATE_AT_ONCE), MANY]
            clock.advance(2.0)
            more = LATE_AT_ONCE + round(2 * LATE_PER_S)
            until(lambda: len(heard()) == more + 1, "as many as two seconds allow")
            while outbox.depth:
                clock.advance(1.0)
                _see_the_clock(link)
            until(lambda: sorted(heard()) == [*range(MANY + 1)], "each came once")
            assert [seq for seq in heard() if seq < MANY] == list(range(MANY))
        finally:
            link.stop(1.0)


def _see_the_clock(link: Uplink) -> None:
    before = link.progress
    until(lambda: link.progress > before + 1, "it has looked at the clock")
