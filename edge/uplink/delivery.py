"""What is on its way from the outbox to the broker, and what becomes of each message.

A message leaves the outbox only when the broker has acknowledged it; a notice that began minutes ago is deleted
instead. A message the broker will never take (malformed, too large) is dropped, counted and logged, since it would
stand before all others for ever. So is a notice that it refuses for any reason. Any other message it does not take at
present (not authorised, over quota, nobody subscribed to windows) stays, and so do those behind it: that can be mended.
Windows that it did not take are late: one of them is tried after a pause, and the others follow it when it is taken.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from common import wire
from common.clock import Clock
from common.mqtt.refusals import MALFORMED_PACKET, NO_SUBSCRIBERS, PACKET_TOO_LARGE, PROTOCOL_ERROR
from edge.uplink.mqtt import IN_FLIGHT, Answer, Connection, Outgoing
from edge.uplink.news import news_left_s
from edge.uplink.outbox import Outbox
from edge.uplink.rows import Item

log = logging.getLogger(__name__)

UPSET = {MALFORMED_PACKET, PROTOCOL_ERROR, PACKET_TOO_LARGE}
"""Ends of a connection that a message may have caused. (mosquitto 2.0 answers one above its size limit with a
PUBACK that MQTT does not allow, which paho takes for a protocol error.)"""
_NEVER = {0x90, 0x99, PACKET_TOO_LARGE}
"""Refusals that no waiting heals: topic name, payload format, size."""
_SETTLED_S = 600.0
"""So long after windows are taken again, what was delivered before is kept: a server that came back from a backup has
not got all of it, and its bridge asks for it once it is there."""
LATE_PER_S = 5.0
"""So many windows that waited are sent in a second, after the first ones. A day of them then takes five minutes, and
three hundred devices send a fraction of what one bridge stores, so that live windows do not queue at the broker."""
LATE_AT_ONCE = IN_FLIGHT
"""So many are sent at once: what waits after a short outage is few."""


class Delivery:
    """Sends what waits in ``outbox`` over one connection after the other: at once what is put while the connection
    lasts, and alerts and notices; beside it the windows that waited before, ``late_per_s`` in a second. Each of the two
    goes in order. For one thread, but for :meth:`send_again_later`.

    ``broker`` is its name for the log. ``late_after_s``: a window delivered later than this after its end is marked
    ``is_historical``. ``hold_s``: pause after a refusal that can be mended. ``resend_within_s``: longest wait before
    what a bridge may have lost is sent again.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        broker: str,
        boot_id: str,
        clock: Clock,
        late_after_s: float,
        hold_s: float,
        resend_within_s: float,
        late_per_s: float = LATE_PER_S,
    ) -> None:
        self._outbox, self._broker, self._boot_id, self._clock = outbox, broker, boot_id, clock
        self._late_after, self._hold_s = timedelta(seconds=late_after_s), hold_s
        self._resend_within_s = resend_within_s
        self._resend_at: float | None = None
        self._in_flight: dict[int, Item] = {}
        self._delivered: set[int] = set()
        self._late_up_to = self._late_sent = self._live_sent = 0
        self._late_per_s, self._late_room, self._room_at = late_per_s, float(LATE_AT_ONCE), clock.monotonic()
        self._suspect: int | None = None
        self._forbidden: str | None = None
        self._hold_until = 0.0
        self._taken_since: float | None = None
        """Since when windows are taken without a break."""
        self.dropped = 0
        """Messages given up because no broker would ever take them."""
        self.windows_delivered = 0
        """Windows of this run that the broker has taken."""

    def send(self, connection: Connection) -> None:
        """Publish as many messages as the connection has room for."""
        self._send_again()
        # After a refusal all answers are waited for, so that the next try begins with the oldest.
        if self._clock.monotonic() < self._hold_until or (self._forbidden and self._in_flight):
            return
        room = connection.room if self._suspect is None else 1 - len(self._in_flight)
        if room > 0 and self._outbox.depth > len(self._in_flight):
            room -= self._send_live(connection, room)
            self._send_late(connection, min(room, self._room_for_late()))

    def _send_live(self, connection: Connection, room: int) -> int:
        """Send what does not wait behind late windows; return how many these are."""
        newest = self._outbox.last_id
        items, are_all = self._outbox.live(room, after=self._live_sent, late_up_to=self._late_up_to)
        for item in items:
            self._live_sent = item.id
            self._publish(connection, item)
        if are_all:  # so that a long row of late windows is looked through once
            self._live_sent = max(newest, self._live_sent)
        return len(items)

    def _send_late(self, connection: Connection, room: int) -> None:
        if room > 0:
            for item in self._outbox.late(room, after=self._late_sent, late_up_to=self._late_up_to):
                self._late_sent = item.id
                self._late_room -= 1
                self._publish(connection, item)

    def settle(self, answers: Iterable[Answer]) -> None:
        """Take what the broker has answered, and note in the outbox what it has acknowledged."""
        for answer in answers:
            item = None if answer.handle is None else self._in_flight.pop(answer.handle, None)
            if (
                item is not None
            ):  # else of a status, a health message, or one that found no room in the outbox
                self._judge(item, answer)
        # Nothing is forgotten while it is, or may be, to be sent again: this device or the server may have been away.
        forget = self._resend_at is None and self._is_settled()
        if self._delivered and self._outbox.delivered(self._delivered, self._clock.now(), forget=forget):
            self._delivered.clear()

    def begin(self) -> None:
        """Take all windows that wait for late: a connection begins, or what was delivered waits once more."""
        self._late_sent = self._live_sent = 0
        self._late_up_to = self._outbox.last_id

    def lose_connection(self, end: Answer) -> None:
        """Begin again with the oldest message at the next connection. If a message may have caused this ``end``, look
        for it: sent alone, it is found out; twice, or a garbled line would cost a good message."""
        if end.code in UPSET and self._in_flight:
            oldest = min(self._in_flight.values(), key=lambda item: item.id)
            if self._suspect == oldest.id:
                self.drop(f"{oldest.topic}: {len(oldest.payload)} bytes end the connection: {end.reason}")
                self._delivered.add(oldest.id)
            self._suspect = oldest.id if len(self._in_flight) == 1 else 0
        self._in_flight.clear()
        self._taken_since = None

    def resend(self, since: datetime) -> None:
        """Queue again what was delivered ``since``: a broker that was killed may have forgotten it."""
        self._outbox.resend(since=since)

    def send_again_later(self) -> None:
        """Deliver all that is still held once more, at a moment of chance. Any thread may call."""
        if self._resend_at is None:
            wait_s = random.uniform(0.0, self._resend_within_s)
            self._resend_at = self._clock.monotonic() + wait_s

    def drop(self, why: str) -> None:
        """Give a message up."""
        if not self.dropped:
            log.error("message dropped, no broker will take it: %s (further ones are only counted)", why)
        self.dropped += 1

    def _send_again(self) -> None:
        """Deliver again what may have been lost: the broker has dropped the session of a bridge, with its messages."""
        due = self._resend_at is not None and self._clock.monotonic() >= self._resend_at
        if due and not self._in_flight and not self._delivered:
            self._resend_at = None
            again = self._outbox.resend()
            self.begin()
            log.info("broker %s: a bridge is gone; %d messages are sent again", self._broker, again)

    def _room_for_late(self) -> int:
        now = self._clock.monotonic()
        self._late_room += (now - self._room_at) * self._late_per_s
        self._late_room = min(self._late_room, float(LATE_AT_ONCE))
        self._room_at = now
        none_taken = self._forbidden is not None and wire.channel_of(self._forbidden) == "window"
        return min(int(self._late_room), 1 if none_taken else LATE_AT_ONCE)

    def _publish(self, connection: Connection, item: Item) -> None:
        """Publish one message of the outbox, or give it up if it is no longer news."""
        if item.id in self._delivered:
            return
        left_s = news_left_s(item, self._clock.now())
        if left_s == 0:
            log.info("%s: not sent, it is older than %g minutes", item.topic, wire.NEWS_S / 60)
            self._delivered.add(item.id)
            return
        handle = connection.publish(Outgoing(item.topic, self._mark_late(item), expires_s=left_s))
        self._in_flight[handle] = item

    def _judge(self, item: Item, answer: Answer) -> None:
        # A broker that was killed may have forgotten who subscribed: a window taken for nobody would be lost.
        nobody = answer.code == NO_SUBSCRIBERS and item.channel == "window"
        if nobody:
            self._taken_since = None
        if answer.accepted and not nobody:
            self._delivered.add(item.id)
            if self._taken_since is None and item.channel == "window":
                self._taken_since = self._clock.monotonic()
            self.windows_delivered += item.channel == "window" and self._boot_id.encode() in item.payload
            self._suspect = None
            if self._forbidden == item.topic:
                log.info("broker %s: %s: taken again", self._broker, item.topic)
                self._forbidden = None
        elif answer.code in _NEVER or item.channel == "notice":
            self.drop(f"{item.topic}: the broker answers {answer.reason!r}")
            self._delivered.add(item.id)
        else:
            if self._forbidden is None:
                log.error("broker %s: %s: %s; messages are kept", self._broker, item.topic, answer.reason)
                self._forbidden = item.topic
            self._hold_until = self._clock.monotonic() + self._hold_s
            if item.channel == "window":
                self._late_sent, self._late_up_to = min(self._late_sent, item.id - 1), self._outbox.last_id
            else:
                self._live_sent = min(self._live_sent, item.id - 1)

    def _is_settled(self) -> bool:
        since = self._taken_since
        return since is not None and self._clock.monotonic() - since >= _SETTLED_S

    def _mark_late(self, item: Item) -> bytes:
        if item.channel != "window":
            return item.payload
        try:
            message = wire.decode(item.topic, item.payload)
        except wire.WireError:  # written by another version; the bridge is the judge of it
            return item.payload
        assert isinstance(message, wire.WindowMessage)
        if self._clock.now() - message.end <= self._late_after:
            return item.payload
        return wire.encode(message.model_copy(update={"is_historical": True}))
