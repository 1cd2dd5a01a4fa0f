"""A local topic for players, on a broker of the shop: the same messages as over HTTP.

The device publishes each show, retained, on ``footlight-player/SITE/DEVICE/show``, and hears reports on ``.../shown``.
The connection is one of its own: what is published for the chain takes another way, and nothing of this.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.mqtt.broker import Broker
from common.mqtt.client import content, make_client, properties
from edge.player.messages import LONGEST_REPORT, show_message, show_of

_log = logging.getLogger(__name__)

ROOT = "footlight-player"
CONNECT_S = 2.0
RETRY_S = (1, 30)
"""The first and the longest time between two attempts to connect."""
_LARGEST_PACKET = 4 * LONGEST_REPORT
"""In bytes: the broker does not deliver larger ones, so nobody can fill the memory of a device (MQTT 5)."""


class PlayerTopic:
    """The connection, with a thread of its own. ``report`` takes the number of a show that a player reports.

    A broker that is away or refuses is logged, and tried again for ever: the display goes on over HTTP.
    """

    def __init__(self, broker: Broker, *, site: str, device: str, report: Callable[[int], object]) -> None:
        self._broker, self._report = broker, report
        self._topic = f"{ROOT}/{site}/{device}"
        self._client_id = f"{ROOT}-{site}-{device}"
        self._lock, self._ended = Lock(), Event()
        self._show: bytes | None = None
        self._client: Client | None = None
        self._connected = False
        self._fault = ""

    def start(self) -> None:
        """Begin to connect. Raises ``UserError`` for files of TLS that cannot be used."""
        client = self._client = make_client(self._broker, self._client_id, reconnect=True)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = lambda *_: self._note("cannot be reached")
        client.on_message = self._on_message
        client.connect_timeout = CONNECT_S
        client.reconnect_delay_set(*RETRY_S)
        # Nobody is to show what is no longer on.
        client.will_set(f"{self._topic}/show", b"", retain=True)
        about = properties(self._broker, PacketTypes.CONNECT)
        if about is not None:
            about.MaximumPacketSize = _LARGEST_PACKET
        client.connect_async(self._broker.host, self._broker.port, self._broker.keepalive_s, properties=about)
        client.loop_start()

    def stop(self) -> None:
        """Take back what is on, and end the connection."""
        client = self._client
        if client is None:
            return
        with self._lock:
            connected, self._show = self._connected, None
            self._publish(client, b"")
        client.disconnect()
        # Not loop_stop() alone: it would wait forever on a network that drops all packets.
        if not connected or self._ended.wait(timeout=CONNECT_S):
            client.loop_stop()

    def tell(self, number: int, clip: str) -> None:
        """Tell the players what is on now; each show is published once in a connection."""
        message = show_message(number, clip)
        with (
            self._lock
        ):  # also while it is published, so that the last one that the broker gets is the newest
            if message != self._show:
                self._show = message
                self._publish(self._client, message)

    def _publish(self, client: Client | None, message: bytes) -> None:
        # QoS 0: a show that is late is of no use, and the next connection begins with the one that is on then.
        if client is not None and self._connected:
            client.publish(
                f"{self._topic}/show", message, qos=0, retain=True, properties=content(self._broker)
            )

    def _on_connect(
        self, client: Client, _: Any, __: ConnectFlags, reason: ReasonCode, ___: Properties | None
    ) -> None:
        if reason.is_failure:
            self._note(f"refuses the connection ({reason})")
            return
        self._note("")
        self._ended.clear()
        client.subscribe(f"{self._topic}/shown", qos=0)
        with self._lock:
            self._connected = True
            if self._show is not None:
                self._publish(client, self._show)

    def _on_disconnect(self, *_: object) -> None:
        with self._lock:
            self._connected = False
        self._ended.set()

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        number = show_of(bytes(message.payload))
        if number is not None:
            self._report(number)

    def _note(self, fault: str) -> None:
        """Log when a fault begins and when it ends."""
        if fault != self._fault:
            if fault:
                _log.warning(
                    "signage.broker %s %s; players hear of shows over HTTP only", self._broker, fault
                )
            else:
                _log.info("signage.broker %s: connected", self._broker)
            self._fault = fault
