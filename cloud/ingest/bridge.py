"""The bridge: an MQTT client that acknowledges a message only after the store has confirmed it.

The guarantee rests on the device's outbox and on this acknowledgement, not on the broker: a broker that is
killed loses what it has not saved. With MQTT 5 the subscription is shared (``$share/GROUP/...``), so that
several bridges split the load, and the session outlives a restart on either side; MQTT 3.1.1 has neither shared
subscriptions nor session expiry, there one bridge with a fixed client id does the work.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud.domain.thresholds import MIN_K
from cloud.ingest.intake import BATCH, FILTERS, Delivery, Intake, Stats, dead_letter_topic, echo_of
from cloud.ingest.restarts import UPTIME_TOPIC, Restarts
from cloud.stores.store import DeadLetter, Store
from common.clock import Clock, SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.mqtt.client import content, make_receiver, properties
from common.mqtt.refusals import Refusal, kind_of
from common.wire import LONGEST_SESSION_S, RESEND_TOPIC, NoticeMessage, ProbeMessage, encode, topic

log = logging.getLogger(__name__)

_KEEP_WILL = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
_UPTIME = UPTIME_TOPIC.encode()
RECEIVE_MAXIMUM = 2 * BATCH
"""Deliveries that an MQTT 5 broker may leave unacknowledged. What bounds our memory is the intake's ``has_room``."""


class Bridge:
    """Moves messages from a broker into a store.

    ``min_k`` and ``tell``: see ``Intake``. ``share`` names the group of bridges that split the load (MQTT 5 only).
    ``retry_first_s`` and ``retry_most_s`` are the pauses while the store is away, ``reconnect_s`` the same while the
    broker is.
    """

    def __init__(
        self,
        store: Store,
        broker: Broker,
        *,
        client_id: str,
        share: str = "bridge",
        min_k: int = MIN_K,
        tell: Callable[[NoticeMessage], None] | None = None,
        session_expiry_s: int = LONGEST_SESSION_S,
        retry_first_s: float = 1.0,
        retry_most_s: float = 10.0,
        reconnect_s: tuple[int, int] = (1, 30),
        clock: Clock | None = None,
    ) -> None:
        self._broker = broker
        self._v5 = broker.protocol == "5"
        self._filters = [f"$share/{share}/{name}" for name in FILTERS] if self._v5 else list(FILTERS)
        self._session_expiry_s = session_expiry_s
        self._clock = clock or SystemClock()
        self._intake = Intake(
            store,
            self._publish_dead_letter,
            self._publish_echo,
            clock=self._clock,
            min_k=min_k,
            tell=tell,
            settled=self._send_acknowledgements,
            retry_first_s=retry_first_s,
            retry_most_s=retry_most_s,
        )
        self._settled: list[tuple[int, int]] = []
        """Connection and packet id of what is safe, and not acknowledged yet."""
        self._lock = threading.Lock()
        self._connection = 0
        """Counts connections. A packet id is only good on the connection that delivered it: acknowledged on the
        next one, it could hit another message."""
        self._reachable: bool | None = None
        self._refusal: UserError | None = None
        self.subscribed = threading.Event()
        """Set while the broker has granted the subscription."""
        self._client = make_receiver(broker, client_id, self._receive, self._intake.has_room)
        self._client.reconnect_delay_set(*reconnect_s)
        self._asking = json.dumps({"schema": "footlight.resend/1", "bridge": client_id})
        self._restarts = Restarts()
        self._uptime_mid: int | None = None
        self._is_new = False
        """The broker has not known us on this connection, so that it may have dropped what it kept for us."""
        self._set_will()
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe

    @property
    def stats(self) -> Stats:
        return self._intake.stats

    def run(self) -> None:
        """Work until ``stop``. Raises ``UserError`` when the broker refuses what only a person can mend."""
        endpoint = self._broker.host, self._broker.port, self._broker.keepalive_s
        if (options := properties(self._broker, PacketTypes.CONNECT)) is not None:
            options.SessionExpiryInterval = self._session_expiry_s
            options.ReceiveMaximum = RECEIVE_MAXIMUM
            # paho's default is a clean start on the first connection, which drops what waited for us.
            self._client.connect_async(*endpoint, clean_start=False, properties=options)
        else:
            self._client.connect_async(*endpoint)
        self._client.loop_start()
        try:
            self._intake.run()
        finally:
            self._intake.stop()
            # Not a plain goodbye, which would cancel the will: nobody knows whether this bridge comes back.
            self._client.disconnect(reasoncode=_KEEP_WILL if self._v5 else None)
            self._client.loop_stop()
        if self._refusal is not None:
            raise self._refusal

    def _set_will(self) -> None:
        """Sent when the broker forgets this session: brokers share out messages to bridges that are away, too, and drop
        what waited for one when its session ends. Then the devices send again what they delivered lately."""
        if (about := content(self._broker, PacketTypes.WILLMESSAGE)) is not None:
            about.WillDelayInterval = self._session_expiry_s
            self._client.will_set(RESEND_TOPIC, self._asking, qos=1, properties=about)

    def stop(self) -> None:
        """End ``run``; from any thread or a signal handler."""
        self._intake.stop()

    # Called in paho's thread, which must never wait long for the store.

    def _on_connect(
        self, client: mqtt.Client, _: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            if kind_of(reason.value) is Refusal.TEMPORARY:
                self._unreachable(f"refused: {reason}")
                return
            self._refusal = UserError(
                f"broker {self._broker} refuses: {reason}; check mqtt.username, mqtt.password, mqtt.client_id"
                f" and mqtt.protocol"
            )
            self.stop()
            return
        log.info(
            "connected to broker %s, session %s", self._broker, "resumed" if flags.session_present else "new"
        )
        self._reachable = True
        self._is_new = self._v5 and not flags.session_present
        client.subscribe([(name, 1) for name in self._filters])
        if self._v5:
            self._restarts.connected(self._clock.monotonic(), asked=self._is_new)
            # Apart from the others: a broker may refuse it.
            _, self._uptime_mid = client.subscribe(UPTIME_TOPIC, 0)

    def _on_subscribe(
        self, _: mqtt.Client, __: Any, mid: int, reasons: list[ReasonCode], ___: Properties | None
    ) -> None:
        if mid == self._uptime_mid:
            return
        if refused := [str(reason) for reason in reasons if reason.is_failure]:
            self._refusal = UserError(
                f"broker {self._broker} refuses the subscription: {refused[0]}; allow {self._filters[0]} and its"
                f" siblings to this user"
            )
            self.stop()
            return
        self.subscribed.set()
        if self._is_new:
            self._ask("has no session of this bridge")

    def _on_uptime(self, payload: bytes) -> None:
        """Ask for what a bridge that is away may lose: the broker has forgotten its will, as ours."""
        if self._restarts.has_restarted(payload, self._clock.monotonic()):
            self._ask("was restarted")

    def _ask(self, why: str) -> None:
        log.info("broker %s %s: devices send again what they delivered lately", self._broker, why)
        self._client.publish(RESEND_TOPIC, self._asking, qos=1, properties=content(self._broker))

    def _receive(self, topic: bytes, payload: bytes, mid: int, *, retained: bool) -> None:
        if topic == _UPTIME:
            if not retained:  # else it was true some seconds ago; the next one is soon here
                self._on_uptime(payload)
            return
        try:
            name = topic.decode()
        except UnicodeDecodeError:  # a broker that lets such a topic pass; nothing of ours has one
            name = ""
        self._intake.submit(Delivery(name, payload, partial(self._acknowledge, self._connection, mid)))

    def _on_disconnect(self, _: Any, __: Any, ___: Any, reason: ReasonCode, ____: Any) -> None:
        with self._lock:
            self._connection += 1
        self.subscribed.clear()
        if reason.is_failure and self._refusal is None:
            self._unreachable(str(reason))

    def _on_connect_fail(self, _: Any, __: Any) -> None:
        # paho calls this while it handles the exception, and hands over nothing.
        self._unreachable(str(sys.exc_info()[1] or "no connection"))

    def _unreachable(self, why: str) -> None:
        if self._reachable is not False:
            log.warning("broker %s is away (%s), trying again", self._broker, why)
        self._reachable = False

    # Called in the intake's thread.

    def _acknowledge(self, connection: int, mid: int) -> None:
        if mid:
            self._settled.append((connection, mid))

    def _send_acknowledgements(self) -> None:
        with self._lock:
            mids = [mid for connection, mid in self._settled if connection == self._connection]
            self._settled.clear()
            if mids:
                self._client.acknowledge(mids)

    def _publish_echo(self, probe: ProbeMessage) -> None:
        # Nobody waits for its acknowledgement: a doctor that heard nothing asks again.
        answer = echo_of(probe, self._clock)
        self._client.publish(topic(answer), encode(answer), qos=1, properties=content(self._broker))

    def _publish_dead_letter(self, letter: DeadLetter) -> None:
        about = content(self._broker)
        if about is not None:
            about.UserProperty = [("reason", letter.reason), ("topic", letter.topic)]
        # QoS 0: an answer to it may be behind all that is not read now. Nothing is lost by that, because the broker has
        # the letter before it hears that the original is acknowledged.
        where = dead_letter_topic(letter.site, letter.device)
        self._client.publish(where, letter.payload, qos=0, properties=about)
