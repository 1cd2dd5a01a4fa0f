"""One connection to an MQTT broker: a wrapper of paho-mqtt with Footlight's types and errors.

MQTT 5 is the default; 3.1.1 is for older brokers. 3.1.1 has no content type, no session expiry, no size limit of the
broker, and no reason in an acknowledgement, so a publish that the broker's access list forbids looks like a success.
Use 3.1.1 only with a broker of your own.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.mqtt.broker import Broker
from common.mqtt.client import content, make_client, properties
from common.mqtt.refusals import CLOSED, FAILED, refused, silent, unreachable
from common.wire import MAX_BYTES

log = logging.getLogger(__name__)

IN_FLIGHT = 20
"""Largest number of publishes without an answer, unless the broker allows fewer."""
SESSION_EXPIRY_S = 7 * 24 * 3600
LARGEST_HEARD = 4 * MAX_BYTES
"""In bytes: the broker does not deliver larger messages, so nobody can fill the memory of a device. A message that is
too large, but below this limit, arrives and is refused with an error."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to the broker."""

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 1
    retain: bool = False
    expires_s: int | None = None
    """After so many seconds the broker no longer delivers it (MQTT 5); None keeps it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's answer to one publish (``handle``) or to the connection (``handle`` None)."""

    handle: int | None
    code: int
    reason: str

    @property
    def accepted(self) -> bool:
        return self.code < FAILED


class Connection:
    """One connection, from CONNACK to its end; a lost connection is never reused, the next one is a new object.

    So only the outbox resends messages: those that were not acknowledged. ``on_event`` is called from the network
    thread when there is an answer to fetch or the connection has ended, and ``on_message`` with topic and payload of
    each message on the topics ``hears``.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        will: Outgoing | None,
        on_event: Callable[[], None],
        timeout_s: float,
        hears: Sequence[str] = (),
        on_message: Callable[[str, bytes], None] = lambda topic, payload: None,
    ) -> None:
        """Connect. Raises ``BrokerRefused`` or ``BrokerUnreachable``."""
        self._broker = broker
        self._on_event = on_event
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._greeting: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._end: Answer | None = None
        self._ended = threading.Event()
        self._window = IN_FLIGHT
        self._unanswered = 0
        self._client = make_client(broker, client_id, keep_session=True)
        self._client.connect_timeout = timeout_s
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        # Set before connecting: messages that waited in the session come before we have subscribed.
        self._client.on_message = lambda client, data, message: on_message(
            message.topic, bytes(message.payload)
        )
        if will is not None:
            about = content(broker, PacketTypes.WILLMESSAGE)
            self._client.will_set(will.topic, will.payload, will.qos, will.retain, about)
        self._dial()
        self._client.loop_start()
        try:
            greeting = self._greeting.get(timeout=timeout_s)
        except queue.Empty:
            self.close()
            raise silent(broker, timeout_s) from None
        if not greeting.accepted:
            self.close()
            raise refused(broker, greeting.code, greeting.reason)
        if hears:
            self._client.subscribe([(topic, 1) for topic in hears])

    @property
    def end(self) -> Answer | None:
        """The reason why the connection ended, or None while it is open."""
        return self._end

    @property
    def room(self) -> int:
        """How many messages may be published before answers are fetched."""
        return self._window - self._unanswered

    def publish(self, message: Outgoing) -> int:
        """Hand one message to the network thread; the answer to the returned handle follows (QoS 0: once sent)."""
        self._unanswered += 1
        about = content(self._broker)
        if about is not None and message.expires_s is not None:
            about.MessageExpiryInterval = message.expires_s
        return self._client.publish(message.topic, message.payload, message.qos, message.retain, about).mid

    def answers(self) -> list[Answer]:
        """Return the answers that came since the last call, in order."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
        self._unanswered -= len(found)
        return found

    def close(self) -> None:
        """Send DISCONNECT, so that the broker does not publish the last will. Publish nothing afterwards."""
        self._client.disconnect()
        # Not loop_stop() alone: it would wait forever on a network that drops all packets.
        if self._ended.wait(timeout=2.0):
            self._client.loop_stop()
        # paho closes its internal sockets when it is garbage collected, which our callbacks would delay.
        self._client.on_connect = self._client.on_publish = self._client.on_disconnect = None
        self._client.on_subscribe = self._client.on_message = None
        del self._client

    def _dial(self) -> None:
        broker = self._broker
        try:
            if (options := properties(broker, PacketTypes.CONNECT)) is not None:
                options.SessionExpiryInterval = SESSION_EXPIRY_S
                options.MaximumPacketSize = LARGEST_HEARD
                # Set clean_start explicitly: by default, paho's first session ends when the broker stops.
                self._client.connect(
                    broker.host, broker.port, broker.keepalive_s, clean_start=False, properties=options
                )
            else:
                self._client.connect(broker.host, broker.port, broker.keepalive_s)
        except OSError as error:
            raise unreachable(broker, error) from None

    # The callbacks run in paho's thread, some of them under its locks: they only pass on data.

    def _on_connect(
        self,
        client: Client,
        data: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if limit := getattr(properties, "ReceiveMaximum", None):
            self._window = min(limit, IN_FLIGHT)
        self._greeting.put(Answer(None, reason.value, str(reason)))

    def _on_publish(
        self, client: Client, data: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._answers.put(Answer(mid, reason.value, str(reason)))
        self._on_event()

    def _on_subscribe(
        self, client: Client, data: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        for reason in reasons:
            if reason.is_failure:
                log.warning("broker %s: cannot subscribe: %s", self._broker, reason)

    def _on_disconnect(
        self,
        client: Client,
        data: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._end is None:
            told = flags.is_disconnect_packet_from_server
            self._end = Answer(None, reason.value, str(reason) if told else "the connection was lost")
        # Used only if no CONNACK came before.
        self._greeting.put(
            Answer(None, CLOSED, "it closes the connection without a reason; does it want TLS?")
        )
        self._ended.set()
        self._on_event()
