"""A short connection to a broker, for commands that ask something and end: doctor, configure, placement, simulator."""

from __future__ import annotations

import queue
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.reasoncodes import ReasonCode

from common.clock import Clock
from common.mqtt.broker import Broker
from common.mqtt.client import content, make_client
from common.mqtt.refusals import (
    CLOSED,
    FAILED,
    BrokerRefused,
    BrokerUnreachable,
    refused,
    silent,
    unreachable,
)

ANSWER_S = 10.0
"""A healthy broker answers within this time."""
AT_ONCE = 1000
"""Messages of :meth:`Session.post` that may wait for their acknowledgement."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message, and when it came."""

    topic: str
    payload: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """The broker's answer to one packet: a reason code of MQTT, or :data:`CLOSED` when it closed the connection."""

    code: int
    reason: str

    @property
    def accepted(self) -> bool:
        return self.code < FAILED


_CLOSED = Reply(CLOSED, "the connection was closed")


class Session:
    """One connection with a client id of its own, so that it never pushes out a service.

    ``open``, or entering, connects; raises ``BrokerRefused`` or ``BrokerUnreachable``.
    """

    def __init__(self, broker: Broker, purpose: str, *, clock: Clock, timeout_s: float = ANSWER_S) -> None:
        self._broker, self._clock, self._timeout_s = broker, clock, timeout_s
        self._closed = threading.Event()
        self._connected: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[tuple[int, Reply]] = queue.SimpleQueue()
        self._received: queue.SimpleQueue[Received | None] = queue.SimpleQueue()
        self._posted: deque[MQTTMessageInfo] = deque()
        client = make_client(broker, f"footlight-{purpose}-{secrets.token_hex(4)}")
        client.connect_timeout = timeout_s
        client.max_inflight_messages_set(AT_ONCE)
        client.on_connect = lambda _, __, ___, reason, ____: self._connected.put(_reply(reason))
        client.on_subscribe = lambda _, __, mid, reasons, ___: self._replies.put((mid, _reply(max(reasons))))
        client.on_publish = lambda _, __, mid, reason, ___: self._replies.put((mid, _reply(reason)))
        client.on_message = self._on_message
        client.on_disconnect = lambda *_: self._on_disconnect()
        self._client = client

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect and log in. Raises ``BrokerRefused`` or ``BrokerUnreachable``."""
        try:
            self._client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s)
        except OSError as error:
            raise unreachable(self._broker, error) from None
        self._client.loop_start()
        try:
            reply = self._connected.get(timeout=self._timeout_s)
        except queue.Empty:
            self.close()
            raise silent(self._broker, self._timeout_s) from None
        if not reply.accepted:
            self.close()
            raise refused(self._broker, reply.code, reply.reason)

    def close(self) -> None:
        """Log out. Nothing may be sent afterwards."""
        self._client.disconnect()
        # Not loop_stop() alone: it would wait forever where the network drops what is sent.
        if self._closed.wait(self._timeout_s):
            self._client.loop_stop()
        # paho closes its inner sockets when it is collected, which callbacks that refer to this object would delay.
        self._client.on_connect = self._client.on_subscribe = self._client.on_publish = None
        self._client.on_message = self._client.on_disconnect = None

    @property
    def closed(self) -> bool:
        """Tell whether the broker has closed the connection."""
        return self._closed.is_set()

    def subscribe(self, *topics: str) -> Reply | None:
        """Subscribe at QoS 1 and return the worst answer; None without an answer in time."""
        _, mid = self._client.subscribe([(name, 1) for name in topics])
        return self._reply_to(mid)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> Reply | None:
        """Publish at QoS 1 and return the broker's answer; None without an answer in time."""
        return self._reply_to(self._client.publish(topic, payload, 1, retain, content(self._broker)).mid)

    def send(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 0: nobody answers."""
        self._client.publish(topic, payload, 0, properties=content(self._broker))

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1 without waiting, until :data:`AT_ONCE` wait.

        Raises ``BrokerUnreachable`` or ``BrokerRefused``.
        """
        self._posted.append(self._client.publish(topic, payload, 1, retain, content(self._broker)))
        if len(self._posted) >= AT_ONCE:
            self._confirm(self._posted.popleft())

    def flush(self) -> None:
        """Wait until all that was posted is acknowledged. Raises ``BrokerUnreachable`` or ``BrokerRefused``."""
        while self._posted:
            self._confirm(self._posted.popleft())

    def next(self, timeout_s: float) -> Received | None:
        """Return the next message; None when none comes in time, or the connection is closed."""
        try:
            return self._received.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def _confirm(self, info: MQTTMessageInfo) -> None:
        info.wait_for_publish(self._timeout_s)
        if not info.is_published():
            raise BrokerUnreachable(f"broker {self._broker} does not acknowledge any more")
        while not self._replies.empty():
            _, reply = self._replies.get()
            if not reply.accepted:
                raise BrokerRefused(f"broker {self._broker} refuses a message: {reply.reason}")

    def _reply_to(self, mid: int | None) -> Reply | None:
        if self.closed and self._replies.empty():
            return _CLOSED
        try:
            while True:
                number, reply = self._replies.get(timeout=self._timeout_s)
                if number == mid or reply is _CLOSED:
                    return reply
        except queue.Empty:
            return None

    # In paho's thread.

    def _on_disconnect(self) -> None:
        self._closed.set()
        self._connected.put(Reply(CLOSED, "it closes the connection without a reason; does it want TLS?"))
        self._replies.put((0, _CLOSED))
        self._received.put(None)

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        self._received.put(Received(message.topic, bytes(message.payload), self._clock.now()))


def _reply(reason: ReasonCode) -> Reply:
    return Reply(reason.value, str(reason))
