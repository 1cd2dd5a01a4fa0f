"""The client of the bridge reads messages in any pieces, no more than there is room for, and keeps its connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.clock import SystemClock
from common.mqtt.broker import Broker, Protocol
from common.mqtt.client import make_receiver
from common.mqtt.receiver import Receiver
from common.mqtt.session import Session
from tests.support.brokers import Mosquitto, until

Message = tuple[bytes, bytes, int, bool]
TOPIC = "footlight/v1/shop/door/window"


class Inbox:
    """Keeps what comes, and says how much may wait."""

    def __init__(self, room: int = 10**9) -> None:
        self.messages: list[Message] = []
        self.waiting, self.most, self.room = 0, 0, room

    def receive(self, topic: bytes, payload: bytes, mid: int, *, retained: bool) -> None:
        self.messages.append((topic, payload, mid, retained))
        self.waiting += 1
        self.most = max(self.most, self.waiting)

    def has_room(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.waiting >= self.room and time.monotonic() < deadline:
            time.sleep(0.001)
        return self.waiting < self.room


@contextmanager
def connected(port: int, inbox: Inbox, protocol: Protocol = "5", keepalive_s: int = 60) -> Iterator[Receiver]:
    broker = Broker("127.0.0.1", port, protocol)
    client = make_receiver(broker, "bridge", inbox.receive, inbox.has_room)
    subscribed = threading.Event()
    client.on_connect = lambda one, *_: one.subscribe(TOPIC, 1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(broker.host, broker.port, keepalive_s)
    client.loop_start()
    try:
        until(subscribed.is_set, "it is subscribed")
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def send(port: int, payloads: list[bytes]) -> None:
    with Session(Broker("127.0.0.1", port), "device", clock=SystemClock()) as device:
        for payload in payloads:
            device.post(TOPIC, payload)
        device.flush()


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_messages_of_any_size_arrive_whole_and_in_order(tmp_path: Path, protocol: Protocol) -> None:
    payloads = [
        bytes([65 + number]) * size for number, size in enumerate((0, 1, 119, 5_000, 70_000, 300_000, 2))
    ]
    inbox = Inbox()
    with Mosquitto(tmp_path) as broker, connected(broker.port, inbox, protocol) as client:
        send(broker.port, payloads)
        until(lambda: len(inbox.messages) == len(payloads), "all have come")
        assert [payload for _, payload, _, _ in inbox.messages] == payloads
        assert {topic for topic, _, _, _ in inbox.messages} == {TOPIC.encode()}
        client.acknowledge([mid for _, _, mid, _ in inbox.messages])
        until(
            lambda: broker.log().count(b"Received PUBACK from bridge") == len(payloads),
            "all are acknowledged",
        )


@pytest.mark.mosquitto
def test_it_reads_no_more_than_there_is_room_for_whatever_the_broker_sends(tmp_path: Path) -> None:
    inbox = Inbox(room=20)
    payloads = [b"%05d" % number + bytes(4_000) for number in range(2_000)]
    with Mosquitto(tmp_path) as broker, connected(broker.port, inbox) as client:
        sending = threading.Thread(target=send, args=(broker.port, payloads))
        sending.start()
        done = 0
        while done < len(payloads):
            until(lambda: inbox.waiting > 0, "more comes")
            batch = inbox.messages[done : done + 10]
            done += len(batch)
            inbox.waiting -= len(batch)
            client.acknowledge([mid for _, _, mid, _ in batch])
        sending.join()
    assert [payload for _, payload, _, _ in inbox.messages] == payloads
    assert inbox.most <= 20 + 64 * 1024 // 4_000 + 1


@pytest.mark.mosquitto
def test_a_long_wait_for_room_does_not_end_the_connection(tmp_path: Path) -> None:
    inbox = Inbox(room=0)
    with Mosquitto(tmp_path) as broker:
        inbox.room = 1
        with connected(broker.port, inbox, keepalive_s=3) as client:
            ends: list[Any] = []
            client.on_disconnect = lambda *end: ends.append(end)
            send(broker.port, [b"first"])
            until(lambda: inbox.waiting == 1, "the first has come")
            send(broker.port, [b"second"])
            pings = broker.log().count(b"Received PINGREQ from bridge")
            until(
                lambda: broker.log().count(b"Received PINGREQ from bridge") >= pings + 2,
                "it goes on asking for the broker",
            )
            assert (len(inbox.messages), ends) == (1, [])
            inbox.waiting = 0
            until(lambda: len(inbox.messages) == 2, "the second has come")
            assert ends == []


@contextmanager
def scripted_broker(script: list[bytes]) -> Iterator[int]:
    """A server that accepts MQTT 3.1.1 logins, and then says one piece of ``script`` after the other."""

    def run() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.recv(1000)
                connection.sendall(bytes.fromhex("20020000"))
                connection.recv(1000)
                connection.sendall(bytes.fromhex("9003000101"))
                for piece in script:
                    connection.sendall(piece)
                connection.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_packets_in_single_bytes_are_read_as_well_as_together() -> None:
    one = bytes.fromhex("320a 0003 612f62 0007 68692e")  # QoS 1, topic a/b, packet id 7
    other = bytes.fromhex("3107 0003 612f62 6869")  # QoS 0, retained
    answer = bytes.fromhex("d000")
    inbox = Inbox()
    pieces = [bytes([byte]) for byte in one + answer + other] + [one + other + one]
    with scripted_broker(pieces) as port, connected(port, inbox, "3.1.1"):
        until(lambda: len(inbox.messages) == 5, "all are read")
    first, second = (b"a/b", b"hi.", 7, False), (b"a/b", b"hi", 0, True)
    assert inbox.messages == [first, second, first, second, first]


@pytest.mark.parametrize(
    "garbage",
    ["30ffffffffff01", "3203 0009 61", "3204 0001 61 00", "f000", "30020005"],
    ids=["endless length", "topic beyond the end", "half a packet id", "unknown packet", "no topic"],
)
def test_what_is_no_mqtt_ends_the_connection_and_nothing_else(garbage: str) -> None:
    inbox = Inbox()
    ended = threading.Event()
    with scripted_broker([bytes.fromhex(garbage)]) as port, connected(port, inbox, "3.1.1") as client:
        client.on_disconnect = lambda *_: ended.set()
        until(ended.is_set, "the connection has ended")
    assert inbox.messages == []
