"""The broker inside: amqtt, with the store in its acknowledgement, for one shop with no server.

amqtt acknowledges a message as soon as it holds it in memory, gives an acknowledging subscriber five seconds
and then forgets the message, and keeps nothing for anonymous sessions. A bridge behind it could lose a count.
So the intake sits in front of its acknowledgement instead: a device hears PUBACK only after the store has
confirmed, exactly what the bridge promises behind a real broker. amqtt speaks MQTT 3.1.1 only.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import BaseContext, BrokerConfig, ListenerConfig, ListenerType
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import ApplicationMessage, Session
from paho.mqtt.client import topic_matches_sub

from cloud.ingest.intake import FILTERS, Delivery
from cloud.web.placement import FILTER as PLACEMENT
from common.errors import UserError

log = logging.getLogger(__name__)

Receive = Callable[[Delivery], None]
_LISTENER = "default"


class _StoredFirst(asyncio.Queue[ApplicationMessage]):
    """The queue between amqtt's reader and its delivery. amqtt sends PUBACK when ``put`` returns."""

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self._receive = receive
        self._loop = asyncio.get_running_loop()

    async def put(self, item: ApplicationMessage) -> None:
        if not _is_ours(item.topic):
            super().put_nowait(item)
            return
        stored: asyncio.Future[None] = self._loop.create_future()

        def acknowledge() -> None:
            self._loop.call_soon_threadsafe(_resolve, stored)

        self._receive(Delivery(item.topic, bytes(item.data), acknowledge))
        await stored
        super().put_nowait(item)

    def put_nowait(self, item: ApplicationMessage) -> None:
        """QoS 0: nobody waits for a word."""
        if _is_ours(item.topic):
            self._receive(Delivery(item.topic, bytes(item.data), _nobody_waits))
        super().put_nowait(item)


class Gate(BaseAuthPlugin):  # type: ignore[misc]
    """amqtt's plugin: who may come in, and what happens to what they bring."""

    @dataclass
    class Config:
        receive: object
        users: dict[str, str] = field(default_factory=dict)

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        config: Any = context.config
        self._receive: Receive = config.receive
        self._users: dict[str, str] = config.users

    async def authenticate(self, *, session: Session) -> bool:
        """Called by amqtt before it reads anything else of a connection."""
        if self._users:
            password = self._users.get(session.username or "")
            if password is None or not hmac.compare_digest(
                password.encode(), (session.password or "").encode()
            ):
                log.warning("broker: wrong user or password for user %r", session.username)
                return False
        if not isinstance(session.delivered_message_queue, _StoredFirst):
            session.delivered_message_queue = _StoredFirst(self._receive)
        return True

    async def on_broker_retained_message(
        self, *, client_id: str | None, retained_message: RetainedApplicationMessage
    ) -> None:
        """A last will is spoken by the broker and never passes the queue; devices retain theirs."""
        if client_id is None and _is_ours(retained_message.topic) and retained_message.data:
            self._receive(Delivery(retained_message.topic, bytes(retained_message.data), _nobody_waits))


class EmbeddedBroker:
    """Listens on ``host``; a ``port`` of 0 means any free one. ``users`` maps names to passwords, empty lets
    everybody in. ``receive`` takes each delivery; it is called in the event loop and must not wait."""

    def __init__(self, *, host: str, port: int, users: Mapping[str, str], receive: Receive) -> None:
        self._host = host
        self._port = port
        self._plugins: dict[str, Any] = {
            f"{__name__}.{Gate.__name__}": {"receive": receive, "users": dict(users)}
        }
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen, and return the port. Raises ``UserError`` when the address cannot be had."""
        listener = ListenerConfig(type=ListenerType.EXTERNAL)
        self._broker = Broker(BrokerConfig(listeners={_LISTENER: listener}, plugins=self._plugins))
        await self._broker.start()
        try:
            self._server = await asyncio.start_server(self._connected, self._host, self._port)
        except OSError as error:
            await self.stop()
            raise UserError(
                f"serve.broker: cannot listen on {self._host}:{self._port} ({error.strerror}); is another broker there?"
            ) from None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._broker is not None:
            await self._broker.shutdown()

    async def publish(self, topic: str, payload: bytes) -> None:
        """Say something to whoever listens for it."""
        assert self._broker is not None
        await self._broker.internal_message_broadcast(topic, payload, qos=0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._broker is not None
        try:
            await self._broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER
            )
        finally:  # amqtt forgets the connection of somebody who says nothing, or nothing that it understands
            writer.close()


def _is_ours(topic: str) -> bool:
    return any(topic_matches_sub(name, topic) for name in (*FILTERS, PLACEMENT))


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _nobody_waits() -> None:
    pass
