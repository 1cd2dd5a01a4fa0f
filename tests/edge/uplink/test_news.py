"""An old notice is not delivered as news, and never stands in the way of what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common import wire
from common.clock import SystemClock
from common.mqtt.broker import Broker, Protocol
from edge.uplink.news import news_left_s
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from edge.uplink.rows import Item
from tests.support import messages
from tests.support.brokers import Listener, Mosquitto, until

NOW = datetime.now(UTC)


def item(message: wire.Message, age: timedelta) -> Item:
    return Item(1, wire.topic(message), wire.encode(message), NOW - age)


@pytest.mark.parametrize(
    ("age_s", "left_s"), [(0, 300), (10.5, 290), (299.5, 1), (300, 0), (7200, 0), (-10, 290), (-7200, 0)]
)
def test_a_beginning_is_news_for_five_minutes(age_s: float, left_s: int) -> None:
    assert news_left_s(item(messages.notice(), timedelta(seconds=age_s)), NOW) == left_s


def test_nothing_else_ages() -> None:
    old = timedelta(hours=5)
    assert news_left_s(item(messages.notice(active=False), old), NOW) is None
    assert news_left_s(item(messages.alert(active=True), old), NOW) is None
    of_another_version = Item(1, "footlight/v1/shop/door/notice", b"{}", NOW - old)
    assert news_left_s(of_another_version, NOW) is None


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", max_messages=100)
    yield box
    box.close()


def link(outbox: Outbox, port: int, protocol: Protocol = "5") -> Uplink:
    return Uplink(
        outbox,
        Broker("127.0.0.1", port, protocol),
        site="shop",
        device="door",
        boot_id=messages.BOOT,
        software="1",
        clock=SystemClock(),
        late_after_s=120.0,
        retry_s=(0.02, 0.2),
        resend_within_s=0.1,
    )


def put(outbox: Outbox, message: wire.Message, age: timedelta = timedelta(0)) -> None:
    assert outbox.put(wire.topic(message), wire.encode(message), datetime.now(UTC) - age)


def told(listener: Listener) -> list[tuple[str, bool]]:
    found = [wire.decode(message.topic, bytes(message.payload)) for message in listener.on("notice")]
    return [(one.name, one.active) for one in found if isinstance(one, wire.NoticeMessage)]


@pytest.mark.mosquitto
def test_what_waited_for_hours_is_deleted_except_ends_and_the_broker_deletes_the_rest_in_time(
    tmp_path: Path, outbox: Outbox
) -> None:
    put(outbox, messages.notice(name="old"), timedelta(hours=3))
    put(outbox, messages.window(0))
    put(outbox, messages.notice(name="old", active=False), timedelta(hours=2))
    put(outbox, messages.notice(name="new"), timedelta(minutes=2))
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        sender = link(outbox, server.port)
        sender.start()
        sender.send(messages.notice(name="now"))
        until(lambda: outbox.depth == 0, "the outbox is empty")
        until(lambda: len(told(listener)) == 3, "what is news, and the end")
        assert told(listener) == [("old", False), ("new", True), ("now", True)]
        of_end, of_new, of_now = (
            getattr(one.properties, "MessageExpiryInterval", -1) for one in listener.on("notice")
        )
        assert of_end == -1
        assert 150 < of_new <= 180 < of_now <= 300
        assert len(listener.on("window")) == 1
        sender.stop(5.0)


@pytest.mark.mosquitto
def test_a_broker_of_3_1_1_gets_it_without_an_expiry(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        sender = link(outbox, server.port, "3.1.1")
        sender.start()
        sender.send(messages.notice())
        until(lambda: told(listener) == [("long-queue", True)], "the notice")
        sender.stop(5.0)


@pytest.mark.mosquitto
def test_a_notice_that_the_broker_forbids_does_not_hold_back_windows(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The access list of an older server does not know notices."""
    acl = tmp_path / "acl"
    acl.write_text(
        "topic readwrite footlight/v1/shop/door/status\ntopic readwrite footlight/v1/shop/door/window\n"
    )
    put(outbox, messages.notice(active=False))
    put(outbox, messages.window(0))
    with Mosquitto(tmp_path, f"acl_file {acl}") as server, Listener(server.port, "footlight/#") as listener:
        sender = link(outbox, server.port)
        sender.start()
        until(lambda: outbox.depth == 0, "both are settled")
        until(lambda: listener.on("window"), "the window")
        assert sender.dropped == 1
        sender.stop(5.0)
    assert (
        sum("notice: the broker answers 'Not authorized'" in one.getMessage() for one in caplog.records) == 1
    )
