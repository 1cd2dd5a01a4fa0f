"""paho-mqtt as all of Footlight uses it: the one place that makes a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from common.mqtt.broker import Broker
from common.mqtt.receiver import Receive, Receiver
from common.wire import CONTENT_TYPE


def make_client(
    broker: Broker,
    client_id: str,
    *,
    keep_session: bool = False,
    reconnect: bool = False,
) -> Client:
    """Make a client for ``broker``, not connected yet.

    ``keep_session``: with MQTT 3.1.1 the session outlives the connection (MQTT 5 says so while connecting);
    ``reconnect``: paho connects again by itself. Raises ``UserError`` for TLS files that cannot be used.
    """
    client = Client(CallbackAPIVersion.VERSION2, **_options(broker, client_id, keep_session, reconnect))
    _set_login(client, broker)
    return client


def make_receiver(
    broker: Broker, client_id: str, receive: Receive, has_room: Callable[[float], bool]
) -> Receiver:
    """Make a client that keeps its session and connects again by itself; for the functions see ``Receiver``.

    Raises ``UserError`` as ``make_client`` does.
    """
    options = _options(broker, client_id, keep_session=True, reconnect=True)
    client = Receiver(receive, has_room, CallbackAPIVersion.VERSION2, manual_ack=True, **options)
    _set_login(client, broker)
    return client


def _options(broker: Broker, client_id: str, keep_session: bool, reconnect: bool) -> dict[str, Any]:
    v5 = broker.protocol == "5"
    return {
        "client_id": client_id,
        "clean_session": None if v5 else not keep_session,
        "protocol": MQTTv5 if v5 else MQTTv311,
        "reconnect_on_failure": reconnect,
    }


def _set_login(client: Client, broker: Broker) -> None:
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls is not None:
        client.tls_set_context(broker.tls.context())


def properties(broker: Broker, packet: int) -> Properties | None:
    """Make empty properties for a packet; None for MQTT 3.1.1, which has none."""
    return Properties(packet) if broker.protocol == "5" else None  # type: ignore[no-untyped-call]


def content(broker: Broker, packet: int = PacketTypes.PUBLISH) -> Properties | None:
    """Make the properties of a message or a last will: they name the content type."""
    found = properties(broker, packet)
    if found is not None:
        found.ContentType = CONTENT_TYPE
    return found
