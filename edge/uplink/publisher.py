"""The thread that carries the outbox to the broker, and the door through which the pipeline hands in. What the server
asks of this device comes back the same way.

Windows, alerts and notices wait in the outbox; ``delivery`` sends them. Health is said of now: without a connection it
is dropped.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import datetime, timedelta

from common import wire
from common.backoff import Backoff
from common.clock import Clock
from common.mqtt.broker import Broker
from common.mqtt.refusals import SESSION_TAKEN_OVER, BrokerRefused, BrokerUnreachable
from edge.uplink.delivery import UPSET, Delivery
from edge.uplink.mqtt import IN_FLIGHT, Answer, Connection, Outgoing
from edge.uplink.outbox import Outbox, Progress

log = logging.getLogger(__name__)
_FAULT = {"FOOTLIGHT_FAULT": "broker"}

_CONNECT_TIMEOUT_S = 10.0
_STEADY_S = 30.0
"""A connection that lasted so long was a good one: the next attempt comes without having waited."""
_SHORT_LIVES = 3
"""So many connections in a row that the broker accepts and ends at once are no accident, if it could be reached each
time: two devices of one name end each other's connection, and the broker is never away."""
RESEND_WITHIN_S = 900.0
"""The devices of a chain send again within this time, and not all at once."""
UNSAVED_S = 600.0
"""A broker that is killed forgets what it has acknowledged and neither passed on nor saved. So what was delivered
within this time before a connection was lost is sent again: twice the autosave interval of our mosquitto.conf."""


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
        self._delivery = Delivery(
            outbox,
            broker=str(broker),
            boot_id=boot_id,
            clock=clock,
            late_after_s=late_after_s,
            hold_s=retry_s[1],
            resend_within_s=resend_within_s,
        )
        self._first_retry_s = retry_s[0]
        self._backoff = Backoff(first_s=retry_s[0], longest_s=retry_s[1], clock=clock)
        self._connection: Connection | None = None
        self._connected_at = 0.0
        self._fault: str | None = None
        self._progress = 0
        self._passing: deque[Outgoing] = deque(maxlen=IN_FLIGHT)
        self._asked: deque[bytes] = deque(maxlen=1)
        self._lost_at: datetime | None = None
        self._short_lives = 0
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
            self._delivery.drop(str(error))
            return
        durable = not isinstance(message, wire.HealthMessage)
        window = message if isinstance(message, wire.WindowMessage) else None
        progress = Progress(window.start, window.end, waiting) if window else None
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
        return self._delivery.dropped

    @property
    def windows_delivered(self) -> int:
        """Windows of this run that the broker has taken; what an earlier run left in the outbox does not count."""
        return self._delivery.windows_delivered

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
                    self._short_lives = 0
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
            self._delivery.resend(since=self._lost_at - timedelta(seconds=UNSAVED_S))
            self._lost_at = None
        self._connected_at = self._clock.monotonic()
        self._connection = connection
        self._fault = None
        log.info("broker %s: connected, %d messages wait", self._broker, self._outbox.depth, extra=_FAULT)

    def _hear(self, topic: str, payload: bytes) -> None:
        """In the network's thread: it only hands over."""
        if topic != wire.RESEND_TOPIC:
            self._asked.append(payload)
        else:
            self._delivery.send_again_later()

    def _away(self, why: str) -> None:
        """Note that the broker is not to be had, and when to try again."""
        if self._fault is None:
            log.warning("%s; messages are kept and delivered later", why, extra=_FAULT)
        self._fault = why
        self._backoff.failed()

    def _pump(self, connection: Connection) -> None:
        # The end is read first, so that the answers that came before it are all there.
        end = connection.end
        self._delivery.settle(connection.answers())
        if end is not None:
            self._lose_connection(connection, end)
            return
        while self._passing and connection.room > 0:
            connection.publish(self._passing.popleft())
        self._delivery.send(connection)

    def _lose_connection(self, connection: Connection, end: Answer) -> None:
        steady = self._clock.monotonic() - self._connected_at >= _STEADY_S
        self._short_lives = 0 if steady else self._short_lives + 1
        if steady:
            self._backoff.succeeded()
        if end.code not in UPSET:  # a broker that objects to a message is alive, and has forgotten nothing
            self._lost_at = self._lost_at or self._clock.now()
        connection.close()
        self._connection = None
        self._delivery.lose_connection(end)
        self._passing.clear()
        self._away(f"broker {self._broker}: {self._why(end)}")

    def _why(self, end: Answer) -> str:
        name = f"{self._site}/{self._device}"
        if end.code == SESSION_TAKEN_OVER:
            return f"another device uses the name {name}; give each a name of its own"
        if self._short_lives >= _SHORT_LIVES:
            return (
                f"{end.reason}, {self._short_lives} times in a row, although the broker can be reached: the network may"
                f" be bad; or does another device use the name {name}?"
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
            self._delivery.settle(answers)
            if any(answer.handle == handle for answer in answers):
                break
        self._delivery.settle(connection.answers())
        connection.close()
        self._connection = None

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
