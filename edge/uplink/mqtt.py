"""One connection to an MQTT broker: what paho-mqtt does, in the words and errors of Footlight.

MQTT 5 is meant; 3.1.1 is spoken for brokers that know nothing newer. What 3.1.1 cannot do is left out there:
the content type, the session expiry, the broker's size limit, and the reason in an acknowledgement, so that a
publish forbidden by the broker's access list looks like a success. Use 3.1.1 only with a broker of your own.
"""

from __future__ import annotations

import logging
import queue
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.errors import UserError
from common.mqtt import Protocol
from common.mqtt.tls import Tls
from common.wire import CONTENT_TYPE, MAX_BYTES

log = logging.getLogger(__name__)

IN_FLIGHT = 20
"""Publishes without an answer at one time, unless the broker asks for fewer."""
SESSION_EXPIRY_S = 7 * 24 * 3600
LARGEST_HEARD = 4 * MAX_BYTES
"""Bytes: more the broker keeps to itself, or anybody could fill the memory of a device. What is too large to be right
but smaller than this arrives, so that it can be refused with a word."""
NO_SUBSCRIBERS = 0x10
FAILED = 0x80
"""Reason codes from here on are failures (MQTT 5, 2.4)."""
MALFORMED_PACKET, PROTOCOL_ERROR, PACKET_TOO_LARGE = 0x81, 0x82, 0x95
_CLOSED = 0x100
"""Not of MQTT: the connection was closed before CONNACK."""
_PASSING = {_CLOSED, 0x80, 0x83, 0x88, 0x89, 0x8B, 0x97, 0x9C, 0x9F}
"""Refusals of a broker that may think otherwise in a minute: unspecified, implementation specific, unavailable,
busy, shutting down, quota, use another server, connection rate."""
_NOT_YET_VALID = 9
"""OpenSSL's verdict on a certificate from the future: here it is the clock of a Pi that has just booted."""


class BrokerRefused(UserError):
    """The broker is there and does not want this device as it is configured."""


class BrokerUnreachable(Exception):
    """The broker cannot be had now; waiting may heal it."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are to it."""

    host: str
    port: int = 1883
    protocol: Protocol = "5"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    keepalive_s: int = 30

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it goes to the broker."""

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's word on one publish (``handle``) or on the connection (``handle`` None)."""

    handle: int | None
    code: int
    reason: str

    @property
    def accepted(self) -> bool:
        return self.code < FAILED


class Connection:
    """One connection, from CONNACK to its end; it is never mended, the next one is a new object.

    So nothing is resent behind the back of the outbox: what was not acknowledged is sent again from there.
    ``on_event`` is called from the network thread whenever there is an answer to fetch or the end has come, and
    ``on_message`` with each payload that comes on the topic ``hears``.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        will: Outgoing | None,
        on_event: Callable[[], None],
        timeout_s: float,
        hears: str | None = None,
        on_message: Callable[[bytes], None] = lambda payload: None,
    ) -> None:
        """Connects. Raises ``BrokerRefused`` or ``BrokerUnreachable``."""
        self._broker = broker
        self._on_event = on_event
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._greeting: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._end: Answer | None = None
        self._ended = threading.Event()
        self._window = IN_FLIGHT
        self._unanswered = 0
        self._v5 = broker.protocol == "5"
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._v5 else False,
            protocol=MQTTv5 if self._v5 else MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = timeout_s
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        # Set before connecting: what waited in the session comes before we have subscribed.
        self._client.on_message = lambda client, data, message: on_message(bytes(message.payload))
        if broker.username is not None:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            self._client.tls_set_context(broker.tls.context())
        if will is not None:
            properties = self._properties(PacketTypes.WILLMESSAGE)
            self._client.will_set(will.topic, will.payload, will.qos, will.retain, properties)
        self._dial()
        self._client.loop_start()
        try:
            greeting = self._greeting.get(timeout=timeout_s)
        except queue.Empty:
            hint = "; a broker that knows no MQTT 5 needs protocol 3.1.1" if self._v5 else ""
            greeting = Answer(None, FAILED, f"no answer within {timeout_s:g} s{hint}")
        if not greeting.accepted:
            self.close()
            raise self._refusal(greeting)
        if hears is not None:
            self._client.subscribe(hears, qos=1)

    @property
    def end(self) -> Answer | None:
        """Why the connection ended, or None while it lives."""
        return self._end

    @property
    def room(self) -> int:
        """How many messages may be published before answers are fetched."""
        return self._window - self._unanswered

    def publish(self, message: Outgoing) -> int:
        """Hand one message to the network thread; the answer to the returned handle follows (QoS 0: once sent)."""
        self._unanswered += 1
        return self._client.publish(
            message.topic, message.payload, message.qos, message.retain, self._properties(PacketTypes.PUBLISH)
        ).mid

    def answers(self) -> list[Answer]:
        """The answers that came since the last call, in order."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
        self._unanswered -= len(found)
        return found

    def close(self) -> None:
        """Say goodbye, which keeps the last will from being sent. Nothing may be published afterwards."""
        self._client.disconnect()
        # Not loop_stop() alone: it would wait for ever where the network swallows what is sent.
        if self._ended.wait(timeout=2.0):
            self._client.loop_stop()
        # paho closes its inner socket pair when it is collected, and our callbacks would put that off.
        self._client.on_connect = self._client.on_publish = self._client.on_disconnect = None
        self._client.on_subscribe = self._client.on_message = None
        del self._client

    def _dial(self) -> None:
        broker = self._broker
        try:
            if self._v5:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                properties.SessionExpiryInterval = SESSION_EXPIRY_S
                properties.MaximumPacketSize = LARGEST_HEARD
                # clean_start must be said: left alone, paho's first session dies with the broker.
                self._client.connect(
                    broker.host, broker.port, broker.keepalive_s, clean_start=False, properties=properties
                )
            else:
                self._client.connect(broker.host, broker.port, broker.keepalive_s)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code == _NOT_YET_VALID:
                raise BrokerUnreachable(
                    f"broker {broker}: TLS: {error.verify_message}; is the clock right?"
                ) from None
            raise BrokerRefused(
                f"broker {broker}: TLS: {error.verify_message}; check the ca and the host"
            ) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise BrokerUnreachable(f"broker {broker}: TLS: {error.reason}") from None
        except ssl.SSLError as error:
            raise BrokerRefused(
                f"broker {broker}: TLS: {error.reason or error}; check port, ca and cert"
            ) from None
        except OSError as error:
            raise BrokerUnreachable(f"broker {broker}: {error.strerror or error}") from None

    def _refusal(self, greeting: Answer) -> BrokerRefused | BrokerUnreachable:
        broker = self._broker
        if greeting.code == _CLOSED and broker.tls is not None:
            # TLS 1.3 refuses a client's certificate after the handshake, and the broker just hangs up.
            return BrokerRefused(
                f"broker {broker} ends the TLS connection without a word; check this device's cert and key"
            )
        if greeting.code in _PASSING:
            return BrokerUnreachable(f"broker {broker}: {greeting.reason}")
        way_out = (
            "set protocol 3.1.1" if "protocol version" in greeting.reason else "check username and password"
        )
        return BrokerRefused(f"broker {broker} refuses this device: {greeting.reason}; {way_out}")

    def _properties(self, packet: int) -> Properties | None:
        if not self._v5:
            return None
        properties = Properties(packet)  # type: ignore[no-untyped-call]
        properties.ContentType = CONTENT_TYPE
        return properties

    # The callbacks run in paho's thread, some of them under its locks: they only hand over.

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
                log.warning("broker %s: nothing can be heard from it: %s", self._broker, reason)

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
        # Heard only where no CONNACK came before.
        self._greeting.put(Answer(None, _CLOSED, "it hangs up without a word; does it want TLS?"))
        self._ended.set()
        self._on_event()
