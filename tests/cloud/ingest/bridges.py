"""Bridges, a store with faults, and devices that publish, for the tests of what a bridge stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloud.ingest.bridge import Bridge
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import DeadLetter, StoreRejected, StoreUnavailable
from common.mqtt.broker import Broker, Protocol
from common.wire import Message, ProbeMessage, WindowMessage, encode, topic
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.messages import MORNING

PROTOCOLS: tuple[Protocol, ...] = ("5", "3.1.1")


class FaultyStore:
    """The embedded store with faults put before it; a real ``Store``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inner = EmbeddedStore(path, retention_days=3650, clock=ManualClock())
        self.available = threading.Event()
        self.available.set()
        self.rejected_camera: str | None = None
        self.attempts = 0
        self.written: list[Message] = []
        self.letters: list[DeadLetter] = []
        self.before_return = threading.Event()
        self.before_return.set()

    def write(self, messages: Sequence[Message]) -> None:
        self.attempts += 1
        if not self.available.is_set():
            raise StoreUnavailable("switched off")
        if any(isinstance(m, WindowMessage) and m.camera == self.rejected_camera for m in messages):
            raise StoreRejected("never this camera")
        self.inner.write(messages)
        self.written.extend(messages)
        self.before_return.wait(30)

    def contains(self, probe: ProbeMessage) -> bool:
        return self.inner.contains(probe)

    def record_duplicates(self, windows: Mapping[tuple[str, str], int], at: datetime) -> None:
        self.inner.record_duplicates(windows, at)

    def record_dead_letter(self, letter: DeadLetter) -> None:
        if not self.available.is_set():
            raise StoreUnavailable("switched off")
        self.letters.append(letter)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self.letters[-limit:]

    def close(self) -> None:
        self.inner.close()

    def windows(self) -> list[WindowMessage]:
        return self.inner.windows("shop", MORNING, MORNING + timedelta(days=30))


def make_bridge(
    store: FaultyStore, port: int, *, protocol: Protocol = "5", client_id: str = "bridge", **more: str
) -> Bridge:
    return bridge_at(Broker("127.0.0.1", port, protocol, **more), store, client_id)  # type: ignore[arg-type]


def bridge_at(broker: Broker, store: FaultyStore, client_id: str) -> Bridge:
    """A bridge in a hurry."""
    return Bridge(
        store, broker, client_id=client_id, retry_first_s=0.02, retry_most_s=0.1, reconnect_s=(1, 1)
    )


@contextmanager
def running(bridge: Bridge) -> Iterator[Bridge]:
    thread = threading.Thread(target=bridge.run)
    thread.start()
    try:
        until(bridge.subscribed.is_set, "the bridge is subscribed")
        yield bridge
    finally:
        bridge.stop()
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def publisher(port: int) -> Iterator[mqtt.Client]:
    """A paho client; QoS 1 and its own resending."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="device", protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def publish(client: mqtt.Client, *messages: Message) -> None:
    for message in messages:
        client.publish(topic(message), encode(message), qos=1).wait_for_publish(10)
