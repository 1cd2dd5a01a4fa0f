"""The two ways in which simulated messages reach a store: through the bridge's intake, or through a real MQTT broker.

In both cases a message is encoded as on a device, and decoded, checked and stored by the same code as real ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter

from cloud.ingest.intake import Delivery, Intake
from cloud.stores.store import Store, StoreUnavailable
from common.clock import Clock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.mqtt.refusals import BrokerUnreachable
from common.mqtt.session import Session
from common.wire import Message, StatusMessage, encode, topic

_BATCH = 2000
"""Messages that are stored together."""
_PATIENCE_S = 30.0
"""A broker that does not answer within this time counts as unreachable."""


class SimulatedClock:
    """A clock that shows the time of the simulation, because a last will is stored with its time of arrival."""

    def __init__(self) -> None:
        self.moment = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@dataclass(slots=True)
class Sent:
    """How much was sent."""

    messages: int = 0
    payload: int = 0
    """Bytes of all messages."""

    def add(self, payload: bytes) -> None:
        self.messages += 1
        self.payload += len(payload)


Stream = Iterable[tuple[datetime, Message]]
"""Messages in the order of delivery, each with its time of arrival."""


def through_intake(stream: Stream, store: Store, clock: SimulatedClock) -> Sent:
    """Store all of ``stream`` and return when it is durable; ``clock`` must be the clock of ``store``.

    Raises ``UserError`` if the store is unavailable or can never store one of the messages. Unlike the bridge, it does
    not wait for the store, because a person waits for it; a second run changes nothing that is stored.
    """
    sent = Sent()
    refused: list[str] = []
    intake = Intake(
        _Impatient(store),
        lambda letter: refused.append(letter.reason),
        lambda _: None,
        clock=clock,
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
        raise UserError(f"store: {len(refused)} messages were refused; the first reason: {refused[0]}")
    return sent


class _Impatient:
    """A ``Store`` that turns unavailability into an error instead of a retry."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.contains, self.close = store.contains, store.close
        self.record_dead_letter, self.dead_letters = store.record_dead_letter, store.dead_letters
        self.record_duplicates = store.record_duplicates

    def write(self, messages: Sequence[Message]) -> None:
        try:
            self._store.write(messages)
        except StoreUnavailable as error:
            raise UserError(f"store: {error}; fix this, then run the command again") from None


def _batches(stream: Stream) -> Iterator[tuple[datetime, list[Message]]]:
    """Split the stream into batches of messages with the same time of arrival."""
    for moment, same in groupby(stream, key=itemgetter(0)):
        while batch := [message for _, message in islice(same, _BATCH)]:
            yield moment, batch


def _store(messages: Sequence[Message], intake: Intake, storing: Future[None], sent: Sent) -> None:
    """Put a batch into the intake and wait until it is stored.

    Making the next batch at the same time would be slower, because both threads compete for the interpreter lock.
    """
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
        storing.result()  # raises the error that ended it


def through_broker(stream: Stream, broker: Broker, clock: Clock) -> Sent:
    """Publish all of ``stream`` and return when the broker has acknowledged it.

    A broker keeps one status per device, and a store dates a last will with its arrival. So only the last status of
    each device is sent, retained, at the end. Raises ``UserError`` if the broker is unreachable or refuses.
    """
    sent = Sent()
    statuses: dict[tuple[str, str], StatusMessage] = {}

    def post(message: Message, *, retain: bool = False) -> None:
        payload = encode(message)
        session.post(topic(message), payload, retain=retain)
        sent.add(payload)

    try:
        with Session(broker, "simulate", clock=clock, timeout_s=_PATIENCE_S) as session:
            for _, message in stream:
                if isinstance(message, StatusMessage):
                    statuses[message.site, message.device] = message
                else:
                    post(message)
            for status in statuses.values():
                post(status, retain=True)
            session.flush()
    except BrokerUnreachable as error:
        raise UserError(f"{error}; check mqtt.host and mqtt.port, then run the command again") from None
    return sent
