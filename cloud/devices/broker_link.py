"""The way to the devices of a chain: over its broker, as the user ``configure``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import FILTERS, Changes, NotSent
from cloud.domain.messages import gettext as _
from common.clock import Clock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.mqtt.client import make_client, properties
from common.mqtt.refusals import BrokerUnreachable
from common.mqtt.session import Session
from common.wire import LONGEST_SESSION_S

log = logging.getLogger(__name__)

CLIENT_ID = "footlight-changes"
Hear = Callable[[str, bytes], None]


class BrokerLink:
    """Sends each change over a connection of its own, because the broker's answer belongs to it."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker, self._clock = broker, clock

    def send(self, topic: str, payload: bytes) -> None:
        """Publish a retained message. Raises ``NotSent``."""
        try:
            with Session(self._broker, "change", clock=self._clock) as session:
                reply = session.publish(topic, payload, retain=True)
        except (BrokerUnreachable, UserError) as error:
            raise NotSent(_("The change was not sent: %(why)s.", why=str(error))) from None
        if reply is None:
            raise NotSent(
                _("The change was not sent: broker %(broker)s does not answer.", broker=str(self._broker))
            )
        if not reply.accepted:
            raise NotSent(
                _(
                    "The change was not sent: broker %(broker)s refuses it (%(why)s).",
                    broker=str(self._broker),
                    why=reply.reason,
                )
            )


@contextmanager
def broker_changes(path: Path, broker: Broker, clock: Clock, also: Hear) -> Iterator[Changes]:
    """Open the changes with their file at ``path``. They hear ``broker`` until the end, and so does ``also``.

    The broker keeps answers for an hour while nobody listens. Raises ``UserError`` if the file or a file of TLS cannot
    be used.
    """
    file = ChangeFile(path)
    client: Client | None = None
    try:
        changes = Changes(file, BrokerLink(broker, clock), clock)

        def hear(topic: str, payload: bytes) -> None:
            changes.hear(topic, payload)
            also(topic, payload)

        client = _listening(broker, hear)
        yield changes
    finally:
        if client is not None:
            client.disconnect()
            client.loop_stop()
        file.close()


def _listening(broker: Broker, hear: Hear) -> Client:
    """Return a client that connects again whenever the connection is lost."""
    client = make_client(broker, CLIENT_ID, keep_session=True, reconnect=True)

    def on_connect(
        client: Client, _: Any, __: ConnectFlags, reason: ReasonCode, ___: Properties | None
    ) -> None:
        if reason.is_failure:
            log.warning("changes: broker %s refuses the connection: %s", broker, reason)
        else:
            client.subscribe([(name, 1) for name in FILTERS])

    def on_subscribe(_: Client, __: Any, ___: int, reasons: list[ReasonCode], ____: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            log.warning("changes: broker %s does not allow this user to hear %s", broker, ", ".join(FILTERS))

    def on_message(_: Client, __: Any, message: MQTTMessage) -> None:
        hear(message.topic, bytes(message.payload))

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    options = properties(broker, PacketTypes.CONNECT)
    if options is None:
        client.connect_async(broker.host, broker.port, broker.keepalive_s)
    else:
        options.SessionExpiryInterval = LONGEST_SESSION_S
        client.connect_async(
            broker.host, broker.port, broker.keepalive_s, clean_start=False, properties=options
        )
    client.loop_start()
    return client
