"""From a delivery to an acknowledgement: decode, store, and only then say that it has arrived.

The receiving side (:mod:`cloud.ingest.bridge` or :mod:`cloud.onebox.broker`) submits what comes in from its own
thread; one loop here stores it in batches. A delivery is acknowledged when the store has confirmed it, or when it can
never be stored and went to the dead letters. Nothing else is ever acknowledged, so whatever the sender has not heard
of is sent again.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from cloud.domain import arrival
from cloud.domain.thresholds import MIN_K
from cloud.ingest.duplicates import Duplicates
from cloud.stores.store import DeadLetter, Store, StoreRejected, StoreUnavailable
from common.backoff import Backoff
from common.clock import Clock
from common.wire import (
    NAME_PATTERN,
    ROOT,
    STORED,
    EchoMessage,
    Message,
    NoticeMessage,
    ProbeMessage,
    WindowMessage,
    WireError,
    channel_of,
    decode,
    one_line,
)

log = logging.getLogger(__name__)

_NAME = re.compile(NAME_PATTERN)
_LONGEST_LETTER = 16 * 1024
"""Bytes of a payload that a dead letter keeps: more than any message of a device has, and no broker refuses it."""

BATCH = 500
"""Messages that are written together, at most: half of what a broker sends unacknowledged, so that the other half comes
meanwhile."""

FILTERS = tuple(f"{ROOT}/+/+/{channel}" for channel in STORED)
"""What the cloud listens to. Not ``+/+/+``: what travels down to a device is none of it."""


class Delivery(NamedTuple):
    """One message as it came; ``acknowledge`` tells the sender that it is safe. Called once, from the loop."""

    topic: str
    payload: bytes
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the start. ``received`` counts redeliveries too."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    """Windows among ``stored`` that came before."""
    dead: int = 0
    retries: int = 0
    """Writes that failed and are tried again."""
    backlog: int = 0
    """Messages that wait for the store now."""


class Intake:
    """Stores what is submitted. ``run`` is the loop; all other methods may be called from any thread.

    ``dead_letter`` publishes what can never be stored, ``echo`` answers a probe that was stored and read back, and
    ``tell`` passes a notice on to staff at once, in the thread that submits it: nobody waits for the store with a queue
    that is long now. ``settled`` is called when all acknowledgements of a moment were given, so that the receiving side
    can send them together. A window or notice with a ``k`` below ``min_k`` is never stored. While
    ``capacity`` deliveries wait, nobody should read more: see ``has_room``.
    """

    def __init__(
        self,
        store: Store,
        dead_letter: Callable[[DeadLetter], None],
        echo: Callable[[ProbeMessage], None],
        *,
        clock: Clock,
        tell: Callable[[NoticeMessage], None] | None = None,
        settled: Callable[[], None] = lambda: None,
        min_k: int = MIN_K,
        capacity: int = 1000,
        batch: int = BATCH,
        retry_first_s: float = 1.0,
        retry_most_s: float = 10.0,
    ) -> None:
        self._store = store
        self._dead_letter = dead_letter
        self._echo = echo
        self._tell = tell
        self._settled = settled
        self._clock = clock
        self._min_k = min_k
        self._capacity = capacity
        self._batch = batch
        self._backoff = Backoff(first_s=retry_first_s, longest_s=retry_most_s, clock=clock)
        self._waiting: deque[Delivery] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._stats = Stats()
        self._received = 0
        self._writing = 0
        self._duplicates = Duplicates()

    @property
    def stats(self) -> Stats:
        with self._changed:
            backlog = len(self._waiting) + self._writing
            return replace(self._stats, received=self._received, backlog=backlog)

    def submit(self, delivery: Delivery) -> None:
        """Queue one delivery; never waits. After ``stop`` it is dropped, unacknowledged."""
        if self._tell is not None and channel_of(delivery.topic) == "notice":
            self._pass_on(delivery, self._tell)
        with self._changed:
            if not self._stopped:
                self._received += 1
                self._waiting.append(delivery)
                if len(self._waiting) == 1:  # the loop waits for the first
                    self._changed.notify_all()

    def has_room(self, timeout_s: float) -> bool:
        """Tell whether more should be read now; waits for that for a while."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._stopped or len(self._waiting) < self._capacity, timeout_s
            )

    def _pass_on(self, delivery: Delivery, tell: Callable[[NoticeMessage], None]) -> None:
        with contextlib.suppress(WireError):  # the loop is about to give it up
            message = arrival.checked(self._decode(delivery), self._clock.now())
            if isinstance(message, NoticeMessage):
                tell(message)

    def stop(self) -> None:
        """End ``run`` after the write it is in. What waits stays unacknowledged and will be sent again.

        Safe in a signal handler: the lock is reentrant.
        """
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        """Store and acknowledge until ``stop``. A fault that nobody can name leaves here as it is."""
        while batch := self._take():
            self._settle(batch)
            self._writing = 0

    def _take(self) -> list[Delivery]:
        """Return what waits, at most one batch; nothing once stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or bool(self._waiting))
            if self._stopped:
                return []
            batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            self._writing = len(batch)
            self._changed.notify_all()
            return batch

    def _settle(self, batch: list[Delivery]) -> None:
        decoded: list[tuple[Delivery, Message]] = []
        now = self._clock.now()
        for delivery in batch:
            try:
                decoded.append((delivery, arrival.checked(self._decode(delivery), now)))
            except WireError as error:
                self._give_up(delivery, str(error))
        if not decoded:
            return
        try:
            stored = self._write([message for _, message in decoded])
        except StoreRejected:
            for delivery, message in decoded:
                self._settle_one(delivery, message)
            return
        if stored:
            self._conclude(decoded)

    def _decode(self, delivery: Delivery) -> Message:
        """Decode the message of a delivery. Raises ``WireError`` for one that breaks the contract or tells too much."""
        message = decode(delivery.topic, delivery.payload)
        if isinstance(message, WindowMessage | NoticeMessage) and message.k < self._min_k:
            raise WireError(
                f"{delivery.topic}: k: {message.k} is less than privacy.min_k {self._min_k} of this bridge"
            )
        return message

    def _settle_one(self, delivery: Delivery, message: Message) -> None:
        try:
            stored = self._write([message])
        except StoreRejected as error:
            self._give_up(delivery, str(error))
            return
        if stored:
            self._conclude([(delivery, message)])

    def _conclude(self, stored: list[tuple[Delivery, Message]]) -> None:
        """Say that it has arrived, then answer the probes that can be read, too."""
        duplicates = self._duplicates.among((message for _, message in stored), self._clock.monotonic())
        self._count(stored=len(stored), duplicates=duplicates.total())
        for delivery, _ in stored:
            delivery.acknowledge()
        self._settled()
        if duplicates:
            try:
                self._store.record_duplicates(duplicates, self._clock.now())
            except (StoreUnavailable, StoreRejected) as error:
                log.warning("the count of windows that came again is not kept in the store: %s", error)
        for _, message in stored:
            if isinstance(message, ProbeMessage):
                self._read_back(message)

    def _read_back(self, probe: ProbeMessage) -> None:
        sender = f"{probe.site}/{probe.device}"
        try:
            if self._store.contains(probe):
                self._echo(probe)
            else:
                log.warning("the probe of %s was stored and is not there", sender)
        except StoreUnavailable as error:
            log.warning("the probe of %s was stored and cannot be read back: %s", sender, error)

    def _write(self, messages: list[Message]) -> bool:
        return self._keep(lambda: self._store.write(messages))

    def _keep(self, write: Callable[[], None]) -> bool:
        """Write, however long the store is away. False when stopped before it came back."""
        fault = ""
        while True:
            try:
                write()
            except StoreUnavailable as error:
                if str(error) != fault:
                    log.warning("store unavailable, messages are kept: %s", error)
                fault = str(error)
            else:
                if fault:
                    log.info("store available again")
                self._backoff.succeeded()
                return True
            self._count(retries=1)
            with self._changed:
                if self._changed.wait_for(lambda: self._stopped, timeout=self._backoff.failed()):
                    return False

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        site, device = _sender(delivery.topic)
        letter = DeadLetter(
            at=self._clock.now(),
            site=site,
            device=device,
            topic=one_line(delivery.topic, 200),
            reason=one_line(reason, 400),
            payload=delivery.payload[:_LONGEST_LETTER],
        )
        log.warning("dead letter: %s", letter.reason)
        self._dead_letter(letter)
        try:
            kept = self._keep(lambda: self._store.record_dead_letter(letter))
        except StoreRejected as error:
            log.warning("dead letter not kept in the store: %s", error)
            kept = True
        if kept:
            self._count(dead=1)
            delivery.acknowledge()
            self._settled()

    def _count(self, **more: int) -> None:
        with self._changed:
            old = {name: getattr(self._stats, name) for name in more}
            self._stats = replace(self._stats, **{name: old[name] + count for name, count in more.items()})


def _sender(topic: str) -> tuple[str, str]:
    """Site and device of a topic; what is no name, and so no sender of ours, is "-"."""
    site, device = (part if _NAME.fullmatch(part) else "-" for part in f"{topic}////".split("/")[2:4])
    return site, device


def echo_of(probe: ProbeMessage, clock: Clock) -> EchoMessage:
    """Make the answer to a probe that has just been read back."""
    return EchoMessage(site=probe.site, device=probe.device, at=clock.now(), nonce=probe.nonce)


def dead_letter_topic(site: str, device: str) -> str:
    """Where a message goes that can never be stored; outside the root, so that nobody stores it."""
    return f"{ROOT}-dead-letter/{site}/{device}"
