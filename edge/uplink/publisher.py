"""The thread that carries the outbox to the broker, and the door through which the pipeline hands in. What the server
asks of this device comes back the same way.

Windows, alerts and notices wait in the outbox and leave it only when the broker has acknowledged them; a notice that
began minutes ago is deleted instead. Health is said of now: without a connection it is dropped. A message the broker
will never take (malformed, too large) is dropped, counted and logged, since it would stand before all others for ever.
So is a notice that it refuses for any reason. Any other message it does not take at present (not authorised, over
quota, nobody subscribed to windows) stays, and so do those behind it: that can be mended.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from datetime import datetime, timedelta

from common import wire
from common.backoff import Backoff
from common.clock import Clock
from common.mqtt.broker import Broker
from common.mqtt.refusals import (
    MALFORMED_PACKET,
    NO_SUBSCRIBERS,
    PACKET_TOO_LARGE,
    PROTOCOL_ERROR,
    SESSION_TAKEN_OVER,
    BrokerRefused,
    BrokerUnreachable,
)
from edge.uplink.mqtt import IN_FLIGHT, Answer, Connection, Outgoing
from edge.uplink.news import news_left_s
from edge.uplink.outbox import Outbox, Progress
from edge.uplink.rows import Item

log = logging.getLogger(__name__)
_FAULT = {"FOOTLIGHT_FAULT": "broker"}

_NEVER = {0x90, 0x99, PACKET_TOO_LARGE}
"""Refusals that no waiting heals: topic name, payload format, size."""
_UPSET = {MALFORMED_PACKET, PROTOCOL_ERROR, PACKET_TOO_LARGE}
"""Ends of a connection that a message may have caused. (mosquitto 2.0 answers one above its size limit with a
PUBACK that MQTT does not allow, which paho takes for a protocol error.)"""
_CONNECT_TIMEOUT_S = 10.0
_STEADY_S = 30.0
"""A connection that lasted so long was a good one: the next attempt comes without having waited."""
_SHORT_LIVES = 3
"""So many connections in a row that the broker accepts and ends at once are no accident."""
RESEND_WITHIN_S = 900.0
UNSAVED_S = 600.0
"""A broker that is killed forgets what it has acknowledged and neither passed on nor saved. So what was delivered
within this time before a connection was lost is sent again: twice the autosave interval of our mosquitto.conf."""
"""The devices of a chain send again within this time, and not all at once."""


class Uplink:
    """Delivers at least once, in order, whatever happens to the broker, the network or this process.

    The outbox is taken over: :meth:`stop` closes it.
    ``late_after_s``: a window delivered later than this after its end is marked ``is_historical``.
    ``retry_s``: first and longest pause before another attempt at a broker that is away or refuses.
    ``resend_within_s``: longest wait before what a bridge may have lost is sent again.
    """

    def __init__(
        self,
        outbox: Outbox,
        broker: Broker,
        *,
        site: str,
        device: str,
        boot_id: str,
        software: str,
        clock: Clock,
        late_after_s: float,
        retry_s: tuple[float, float] = (1.0, 60.0),
        resend_within_s: float = RESEND_WITHIN_S,
    ) -> None:
        self._outbox = outbox
        self._broker = broker
        self._site, self._device, self._boot_id, self._software = site, device, boot_id, software
        self._clock = clock
        self._late_after = timedelta(seconds=late_after_s)
        self._first_retry_s, self._longest_retry_s = retry_s
        self._backoff = Backoff(first_s=retry_s[0], longest_s=retry_s[1], clock=clock)
        self._connection: Connection | None = None
        self._connected_at = 0.0
        self._fault: str | None = None
        self._forbidden: str | None = None
        self._dropped = 0
        self._windows_delivered = 0
        self._progress = 0
        self._passing: deque[Outgoing] = deque(maxlen=IN_FLIGHT)
        self._asked: deque[bytes] = deque(maxlen=1)
        self._resend_within_s = resend_within_s
        self._resend_at: float | None = None
        self._lost_at: datetime | None = None
        self._short_lives = 0
        self._in_flight: dict[int, Item] = {}
        self._delivered: set[int] = set()
        self._sent_up_to = 0
        self._suspect: int | None = None
        self._hold_until = 0.0
        self._stop_at: float | None = None
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        """Try the broker once, then deliver from a thread of our own.

        A broker that is away or refuses the login is tried again: nobody goes uncounted meanwhile. Raises
        ``BrokerRefused`` only for what no later attempt can change.
        """
        try:
            self._connect()
        except BrokerUnreachable as error:
            self._away(str(error))
        except BrokerRefused as error:
            if error.permanent:
                raise
            self._away(str(error))
        self._thread.start()

    def send(
        self,
        message: wire.WindowMessage | wire.AlertMessage | wire.NoticeMessage | wire.HealthMessage,
        *,
        waiting: bytes = b"",
    ) -> None:
        """Take a message over; it never waits for the network. Raises ``RuntimeError`` when the thread has died.

        ``waiting`` is what waits on the device after a window; it is kept together with the message.
        """
        if self._thread.ident is not None and not self._thread.is_alive() and self._stop_at is None:
            raise RuntimeError("the uplink's thread has died")
        topic = wire.topic(message)
        try:
            payload = wire.encode(message)
        except wire.WireError as error:
            self._drop(str(error))
            return
        durable = not isinstance(message, wire.HealthMessage)
        window = message if isinstance(message, wire.WindowMessage) else None
        progress = Progress(window.end, waiting) if window else None
        kept = durable and self._outbox.put(topic, payload, self._clock.now(), progress=progress)
        if window and window.cohort:
            if kept:
                self._outbox.forget_history()
            else:  # after a restart its visits may wait once more, and a cohort leaves once
                payload = wire.encode(window.model_copy(update={"cohort": None}))
        if not kept and self.connected:  # what the disk would not have may still arrive
            self._passing.append(Outgoing(topic, payload, qos=1 if durable else 0))
        self._wake.set()

    def remember(self, waiting: bytes) -> None:
        """Keep what waits on the device while a window is open."""
        self._outbox.remember(waiting)

    def asked(self) -> bytes | None:
        """Return the newest message on the topic ``config`` since the last call; older ones no longer matter.
        A retained one comes again with every connection."""
        return self._asked.popleft() if self._asked else None

    def stop(self, timeout_s: float) -> bool:
        """Deliver what can be delivered within ``timeout_s``, say that we go, and end. The rest stays in the outbox.
        False while it hangs in an attempt to connect: then the outbox is still open."""
        self._stop_at = self._clock.monotonic() + timeout_s
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s + 3.0)
        ended = not self._thread.is_alive()
        if ended:
            self._outbox.close()
        return ended

    @property
    def connected(self) -> bool:
        connection = self._connection
        return connection is not None and connection.end is None

    @property
    def broker_fault(self) -> str | None:
        """Why nothing can be delivered at present, in words, or None."""
        return self._fault

    @property
    def outbox_depth(self) -> int:
        return self._outbox.depth

    @property
    def outbox_lost(self) -> int:
        return self._outbox.lost

    @property
    def outbox_fault(self) -> str | None:
        """Why new messages cannot be kept, in words, or None."""
        return self._outbox.fault

    @property
    def dropped(self) -> int:
        """Messages given up since the start because no broker would ever take them."""
        return self._dropped

    @property
    def windows_delivered(self) -> int:
        """Windows of this run that the broker has taken; what an earlier run left in the outbox does not count."""
        return self._windows_delivered

    @property
    def progress(self) -> int:
        """Grows at least once a second while the thread is well (a connection attempt may take its timeout)."""
        return self._progress

    def _run(self) -> None:
        while not self._finished():
            self._progress += 1
            if self._connection is None and not self._backoff.left_s:
                try:
                    self._connect()
                except (BrokerUnreachable, BrokerRefused) as error:
                    self._away(str(error))
            if self._connection is not None:
                self._pump(self._connection)
            self._wake.wait(min(1.0, self._first_retry_s))
            self._wake.clear()
        if self._connection is not None:
            self._leave(self._connection)

    def _finished(self) -> bool:
        if self._stop_at is None:
            return False
        drained = not self._outbox.depth and not self._passing
        return drained or self._connection is None or self._clock.monotonic() >= self._stop_at

    def _connect(self) -> None:
        """Every connection begins with the retained word that we are here, before anything that waited."""
        client_id = f"footlight-{self._site}-{self._device}"
        connection = Connection(
            self._broker,
            client_id,
            will=self._status(online=False),
            on_event=self._wake.set,
            timeout_s=_CONNECT_TIMEOUT_S,
            hears=(wire.address(self._site, self._device, "config"), wire.RESEND_TOPIC),
            on_message=self._hear,
        )
        connection.publish(self._status(online=True))
        if self._lost_at is not None:
            self._outbox.resend(since=self._lost_at - timedelta(seconds=UNSAVED_S))
            self._lost_at = None
        self._connected_at = self._clock.monotonic()
        self._connection = connection
        self._fault = None
        log.info("broker %s: connected, %d messages wait", self._broker, self._outbox.depth, extra=_FAULT)

    def _hear(self, topic: str, payload: bytes) -> None:
        """In the network's thread: it only hands over."""
        if topic != wire.RESEND_TOPIC:
            self._asked.append(payload)
        elif self._resend_at is None:
            wait_s = random.uniform(0.0, self._resend_within_s)
            self._resend_at = self._clock.monotonic() + wait_s

    def _away(self, why: str) -> None:
        """Note that the broker is not to be had, and when to try again."""
        if self._fault is None:
            log.warning("%s; messages are kept and delivered later", why, extra=_FAULT)
        self._fault = why
        self._backoff.failed()

    def _pump(self, connection: Connection) -> None:
        # The end is read first, so that the answers that came before it are all there.
        end = connection.end
        for answer in connection.answers():
            self._settle(answer)
        if self._delivered and self._note_delivered():
            self._delivered.clear()
        if end is not None:
            self._lose_connection(connection, end)
            return
        self._send_again()
        while self._passing and connection.room > 0:
            connection.publish(self._passing.popleft())
        # After a refusal all answers are waited for, so that the next try begins with the oldest.
        if self._clock.monotonic() < self._hold_until or (self._forbidden and self._in_flight):
            return
        room = connection.room if self._suspect is None else 1 - len(self._in_flight)
        if room > 0 and self._outbox.depth > len(self._in_flight):
            for item in self._outbox.pending(room, after=self._sent_up_to):
                self._sent_up_to = item.id
                if item.id not in self._delivered:
                    self._publish(connection, item)

    def _publish(self, connection: Connection, item: Item) -> None:
        """Publish one message of the outbox, or give it up if it is no longer news."""
        left_s = news_left_s(item, self._clock.now())
        if left_s == 0:
            log.info("%s: not sent, it is older than %g minutes", item.topic, wire.NEWS_S / 60)
            self._delivered.add(item.id)
            return
        handle = connection.publish(Outgoing(item.topic, self._mark_late(item), expires_s=left_s))
        self._in_flight[handle] = item

    def _note_delivered(self) -> bool:
        """Nothing is forgotten while something is to be sent again: this device may have been offline meanwhile."""
        return self._outbox.delivered(self._delivered, self._clock.now(), forget=self._resend_at is None)

    def _send_again(self) -> None:
        """Deliver again what may have been lost: the broker has dropped the session of a bridge, with its messages."""
        due = self._resend_at is not None and self._clock.monotonic() >= self._resend_at
        if due and not self._in_flight and not self._delivered:
            self._resend_at = None
            self._sent_up_to = 0
            log.info(
                "broker %s: a bridge is gone; %d messages are sent again", self._broker, self._outbox.resend()
            )

    def _settle(self, answer: Answer) -> None:
        item = None if answer.handle is None else self._in_flight.pop(answer.handle, None)
        if item is None:  # of a status, a health message, or one that found no room in the outbox
            return
        # A broker that was killed may have forgotten who subscribed: a window taken for nobody would be lost.
        nobody = answer.code == NO_SUBSCRIBERS and item.topic.endswith("/window")
        if answer.accepted and not nobody:
            self._delivered.add(item.id)
            self._windows_delivered += (
                item.topic.endswith("/window") and self._boot_id.encode() in item.payload
            )
            self._suspect = None
            if self._forbidden == item.topic:
                log.info("broker %s: %s: taken again", self._broker, item.topic)
                self._forbidden = None
        elif answer.code in _NEVER or item.topic.endswith("/notice"):
            self._drop(f"{item.topic}: the broker answers {answer.reason!r}")
            self._delivered.add(item.id)
        else:
            if self._forbidden is None:
                log.error("broker %s: %s: %s; messages are kept", self._broker, item.topic, answer.reason)
                self._forbidden = item.topic
            self._hold_until = self._clock.monotonic() + self._longest_retry_s
            self._sent_up_to = min(self._sent_up_to, item.id - 1)

    def _lose_connection(self, connection: Connection, end: Answer) -> None:
        if end.code in _UPSET and self._in_flight:
            # Which one was it? Sent alone, it is found out; twice, or a garbled line would cost a good message.
            oldest = min(self._in_flight.values(), key=lambda item: item.id)
            if self._suspect == oldest.id:
                self._drop(f"{oldest.topic}: {len(oldest.payload)} bytes end the connection: {end.reason}")
                self._delivered.add(oldest.id)
            self._suspect = oldest.id if len(self._in_flight) == 1 else 0
        steady = self._clock.monotonic() - self._connected_at >= _STEADY_S
        self._short_lives = 0 if steady else self._short_lives + 1
        if steady:
            self._backoff.succeeded()
        if end.code not in _UPSET:  # a broker that objects to a message is alive, and has forgotten nothing
            self._lost_at = self._lost_at or self._clock.now()
        connection.close()
        self._connection = None
        self._in_flight.clear()
        self._sent_up_to = 0
        self._passing.clear()
        self._away(f"broker {self._broker}: {self._why(end)}")

    def _why(self, end: Answer) -> str:
        name = f"{self._site}/{self._device}"
        if end.code == SESSION_TAKEN_OVER:
            return f"another device uses the name {name}; give each a name of its own"
        if self._short_lives >= _SHORT_LIVES:
            return (
                f"{end.reason}, {self._short_lives} times in a row; does another device use the name {name}?"
            )
        return end.reason

    def _leave(self, connection: Connection) -> None:
        """Disconnect, and say so first: a regular disconnect suppresses the last will."""
        handle = connection.publish(self._status(online=False))
        deadline = self._clock.monotonic() + 2.0
        while connection.end is None and self._clock.monotonic() < deadline:
            self._wake.wait(0.1)
            self._wake.clear()
            answers = connection.answers()
            for answer in answers:
                self._settle(answer)
            if any(answer.handle == handle for answer in answers):
                break
        self._note_delivered()
        connection.close()
        self._connection = None

    def _mark_late(self, item: Item) -> bytes:
        if not item.topic.endswith("/window"):
            return item.payload
        try:
            message = wire.decode(item.topic, item.payload)
        except wire.WireError:  # written by another version; the bridge is the judge of it
            return item.payload
        assert isinstance(message, wire.WindowMessage)
        if self._clock.now() - message.end <= self._late_after:
            return item.payload
        return wire.encode(message.model_copy(update={"is_historical": True}))

    def _drop(self, why: str) -> None:
        if not self._dropped:
            log.error("message dropped, no broker will take it: %s (further ones are only counted)", why)
        self._dropped += 1

    def _status(self, *, online: bool) -> Outgoing:
        """``since`` of a last will is the moment of connecting: nobody knows beforehand when it will be sent."""
        message = wire.StatusMessage(
            site=self._site,
            device=self._device,
            online=online,
            since=self._clock.now(),
            boot_id=self._boot_id,
            software=self._software,
        )
        return Outgoing(wire.topic(message), wire.encode(message), retain=True)
