"""The two ways in which simulated messages reach a store: the intake of the bridge, or a real MQTT broker.

Either way a message is encoded as a device encodes it, and is decoded, checked and stored by the code that does
so with real ones.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud.bridge import Tls
from cloud.intake import Delivery, Intake
from cloud.stores.store import Store, StoreUnavailable
from edge.errors import UserError
from edge.wire import CONTENT_TYPE, Message, StatusMessage, encode, topic

_BATCH = 2000
"""Messages that are stored together."""
_PATIENCE_S = 30.0
"""A broker that says nothing for so long is away."""


class SimulatedClock:
    """Stands where the simulation has come to: a last will is stored under the moment at which it comes."""

    def __init__(self) -> None:
        self.moment = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@dataclass(slots=True)
class Sent:
    """How much went out."""

    messages: int = 0
    payload: int = 0
    """Bytes of all of them."""

    def add(self, payload: bytes) -> None:
        self.messages += 1
        self.payload += len(payload)


Stream = Iterable[tuple[datetime, Message]]
"""Messages in the order of their delivery, each with the moment under which a store shall take it."""


def through_intake(stream: Stream, store: Store, clock: SimulatedClock) -> Sent:
    """Store all of ``stream`` and return when it is durable; ``clock`` is the one that ``store`` looks at.

    Raises ``UserError`` when the store is away or will never take one of the messages. A bridge waits for its store;
    here a person waits, and a second run changes nothing of what is stored.
    """
    sent = Sent()
    refused: list[str] = []
    intake = Intake(
        _Impatient(store),
        lambda _, __, reason: refused.append(reason),
        lambda _: None,
        capacity=_BATCH,
        batch=_BATCH,
    )
    with ThreadPoolExecutor(1) as beside:
        storing = beside.submit(intake.run)
        try:
            for moment, messages in _batches(stream):
                clock.moment = moment
                _store(messages, intake, storing, sent)
        finally:
            intake.stop()
    storing.result()
    if refused:
        raise UserError(f"store: {len(refused)} messages were refused, the first with: {refused[0]}")
    return sent


class _Impatient:
    """A ``Store`` that is not waited for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.holds, self.bury, self.close = store.holds, store.bury, store.close

    def write(self, messages: Sequence[Message]) -> None:
        try:
            self._store.write(messages)
        except StoreUnavailable as error:
            raise UserError(f"store: {error}; mend that and run it again") from None


def _batches(stream: Stream) -> Iterator[tuple[datetime, list[Message]]]:
    """Messages that are stored under one moment, in portions."""
    for moment, same in groupby(stream, key=itemgetter(0)):
        while batch := [message for _, message in islice(same, _BATCH)]:
            yield moment, batch


def _store(messages: Sequence[Message], intake: Intake, storing: Future[None], sent: Sent) -> None:
    """Put a batch into the intake and wait until it is stored: the next one is made while nothing runs beside it,
    for two threads that hand the interpreter to and fro are slower than one after the other."""
    left, done = len(messages), threading.Event()
    storing.add_done_callback(lambda _: done.set())

    def acknowledge() -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    for message in messages:
        payload = encode(message)
        sent.add(payload)
        intake.submit(Delivery(topic(message), payload, acknowledge))
    done.wait()
    if storing.done():
        storing.result()  # raises what ended it


def through_broker(
    stream: Stream, *, host: str, port: int, username: str | None, password: str | None, tls: Tls | None
) -> Sent:
    """Publish all of ``stream`` and return when the broker has acknowledged it.

    A broker keeps one status of each device, and a store takes a last will as of now: so each device's last
    status is sent, at the end, retained. Raises ``UserError`` when the broker does not let us in.
    """
    publisher = _Publisher(host, port, username, password, tls)
    statuses: dict[tuple[str, str], StatusMessage] = {}
    try:
        for _, message in stream:
            if isinstance(message, StatusMessage):
                statuses[message.site, message.device] = message
            else:
                publisher.publish(message)
        for status in statuses.values():
            publisher.publish(status)
        publisher.flush()
    finally:
        publisher.close()
    return publisher.sent


class _Publisher:
    """One connection that speaks for every device; the broker must let it."""

    _AT_ONCE = 1000
    """Messages that wait for their acknowledgement at most."""

    def __init__(
        self, host: str, port: int, username: str | None, password: str | None, tls: Tls | None
    ) -> None:
        self.sent = Sent()
        self._address = f"{host}:{port}"
        self._waiting: deque[mqtt.MQTTMessageInfo] = deque()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(self._AT_ONCE)
        if username is not None:
            self._client.username_pw_set(username, password)
        answered = threading.Event()
        refusals: list[str] = []

        def on_connect(_: object, __: object, ___: object, reason: ReasonCode, ____: object) -> None:
            if reason.is_failure:
                refusals.append(str(reason))
            answered.set()

        self._client.on_connect = on_connect
        try:
            if tls is not None:
                ca, cert, key = (str(path) if path else None for path in (tls.ca, tls.cert, tls.key))
                self._client.tls_set(ca, cert, key)
            self._client.connect(host, port)
        except (OSError, ValueError) as error:
            raise UserError(
                f"broker {self._address}: {error}; check mqtt.host, mqtt.port and mqtt.tls"
            ) from None
        self._client.loop_start()
        if not answered.wait(_PATIENCE_S) or refusals:
            self.close()
            why = refusals[0] if refusals else "no answer"
            raise UserError(f"broker {self._address} refuses: {why}; check mqtt.username and mqtt.password")

    def publish(self, message: Message) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = CONTENT_TYPE
        payload = encode(message)
        retain = isinstance(message, StatusMessage)
        self._waiting.append(
            self._client.publish(topic(message), payload, qos=1, retain=retain, properties=properties)
        )
        self.sent.add(payload)
        if len(self._waiting) >= self._AT_ONCE:
            self._wait_for(self._waiting.popleft())

    def flush(self) -> None:
        while self._waiting:
            self._wait_for(self._waiting.popleft())

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _wait_for(self, info: mqtt.MQTTMessageInfo) -> None:
        info.wait_for_publish(_PATIENCE_S)
        if not info.is_published():
            raise UserError(
                f"broker {self._address} acknowledges nothing any more; start again when it is back"
            )
