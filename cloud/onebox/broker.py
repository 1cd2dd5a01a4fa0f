"""The embedded broker: amqtt, which acknowledges only what is stored, for one shop without a server.

By itself, amqtt acknowledges a message as soon as it is in memory, drops it if a subscriber does not acknowledge within
five seconds, and keeps nothing for anonymous sessions. A bridge that subscribes to it could lose counts. So the intake
runs before amqtt's acknowledgement: a device receives PUBACK only after the store has confirmed the write, as with the
bridge and a real broker. amqtt supports MQTT 3.1.1 only.

A client must log in here, within the limits below, before it reaches amqtt. :mod:`cloud.domain.access` decides what it
may publish and receive. docs/decisions/0055 explains why this is not mosquitto.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import Action, BaseContext, BrokerConfig, ListenerConfig, ListenerType
from amqtt.mqtt.connack import (
    BAD_USERNAME_PASSWORD,
    NOT_AUTHORIZED,
    UNACCEPTABLE_PROTOCOL_VERSION,
    ConnackPacket,
)
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import ApplicationMessage, Session
from paho.mqtt.client import topic_matches_sub

from cloud.devices.changes import FILTERS as CHANGES
from cloud.domain.access import may_hear, may_publish
from cloud.ingest.intake import FILTERS, Delivery
from cloud.onebox.connections import Connections, Slot, WrongPasswords
from cloud.onebox.packets import (
    Connect,
    PacketReader,
    PacketRefused,
    PacketWriter,
    WrongVersion,
    read_connect,
)
from common.errors import UserError

log = logging.getLogger(__name__)

Receive = Callable[[Delivery], None]

MOST_CONNECTIONS = 200
MOST_PER_ADDRESS = 32
"""Enough for the cameras, doctor runs and placement checks of one machine."""
LOGIN_S = 5.0
"""How long a connection may take to log in."""
MOST_UNSTORED = 200
"""At this many messages waiting for the store, no more are read from a client."""

_LISTENER = "default"


class _Client:
    """One connection that has logged in; ``user`` is None if the broker has no users."""

    def __init__(self, user: str | None, address: str, transport: asyncio.WriteTransport) -> None:
        self.user = user
        self.gone = asyncio.Event()
        self._name = f"{user or 'a client'} at {address}"
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._unstored = 0
        self._stored = asyncio.Event()

    def hand_over(self, receive: Receive, item: ApplicationMessage) -> asyncio.Future[None]:
        """Give one message to the intake; the future completes once it is stored."""
        stored: asyncio.Future[None] = self._loop.create_future()
        self._unstored += 1

        def settled() -> None:
            self._unstored -= 1
            self._stored.set()
            if not stored.done():
                stored.set_result(None)

        def acknowledge() -> None:
            self._loop.call_soon_threadsafe(settled)

        receive(Delivery(item.topic, bytes(item.data), acknowledge))
        return stored

    async def room(self) -> None:
        """Wait while too many messages of this client are not stored yet."""
        await asyncio.sleep(0)  # lets messages that were already read be handed over first
        while self._unstored >= MOST_UNSTORED:
            self._stored.clear()
            await self._stored.wait()

    def hang_up(self, why: str) -> None:
        if not self._transport.is_closing():
            log.warning("broker: closed the connection of %s: %s", self._name, why)
            self._transport.abort()


class _StoredFirst(asyncio.Queue[ApplicationMessage]):
    """The queue between amqtt's reader and its delivery. amqtt sends PUBACK when ``put`` returns."""

    def __init__(self, client: _Client, receive: Receive) -> None:
        super().__init__()
        self._client = client
        self._receive = receive

    async def put(self, item: ApplicationMessage) -> None:
        if not self._allowed(item.topic):
            # Never acknowledge: MQTT 3.1.1 has no other way to refuse. A device with a wrong name keeps its counts,
            # and its full outbox is reported.
            await asyncio.Event().wait()
        if _is_ours(item.topic):
            await self._client.hand_over(self._receive, item)
        super().put_nowait(item)

    def put_nowait(self, item: ApplicationMessage) -> None:
        """Take a message with QoS 0, which has no acknowledgement."""
        if self._allowed(item.topic):
            if _is_ours(item.topic):
                self._client.hand_over(self._receive, item)
            super().put_nowait(item)

    def _allowed(self, topic: str) -> bool:
        if may_publish(self._client.user, topic):
            return True
        self._client.hang_up(f"it is not allowed to publish to {topic[:200]!r}")
        return False


class Gate(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]
    """The amqtt plugin that stores what a client publishes and decides what it may receive."""

    @dataclass
    class Config:
        receive: object
        client_called: object

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        config: Any = context.config
        self._receive: Receive = config.receive
        self._client_called: Callable[[str], _Client | None] = config.client_called

    async def authenticate(self, *, session: Session) -> bool:
        """Accept a client that has already logged in at :class:`EmbeddedBroker`; amqtt calls this first."""
        client = self._client_called(session.client_id)
        if client is None:
            return False
        session.delivered_message_queue = _StoredFirst(client, self._receive)
        return True

    async def topic_filtering(self, *, session: Session, topic: str, action: Action) -> bool:
        if action is Action.PUBLISH:  # checked before it was stored
            return True
        client = self._client_called(session.client_id)
        return client is not None and may_hear(client.user, topic)

    async def on_broker_retained_message(
        self, *, client_id: str | None, retained_message: RetainedApplicationMessage
    ) -> None:
        """Store a last will: the broker publishes it itself, past the queue; devices set it as retained."""
        if client_id is None and _is_ours(retained_message.topic) and retained_message.data:
            self._receive(Delivery(retained_message.topic, bytes(retained_message.data), _nobody_waits))


class _Broker(Broker):  # type: ignore[misc]
    """Sends a new client the retained messages of its own subscriptions; amqtt would send those of all clients."""

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribed = self._subscriptions.get(subscription[0], ())
        if any(subscriber is session for subscriber, _ in subscribed):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class EmbeddedBroker:
    """The broker of the one box, listening on ``host``; ``port`` 0 takes any free one.

    ``users`` maps names to passwords; if it is empty, no login is needed. ``receive`` takes each delivery; it is called
    in the event loop and must not block.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        users: Mapping[str, str],
        receive: Receive,
        login_s: float = LOGIN_S,
    ) -> None:
        self._host = host
        self._port = port
        self._users = dict(users)
        self._login_s = login_s
        self._clients: dict[str, _Client] = {}
        """The clients that are logged in, by their client id in amqtt."""
        self._plugins: dict[str, Any] = {
            f"{__name__}.{Gate.__name__}": {
                "receive": receive,
                "client_called": self._clients.get,
            }
        }
        self._connections = Connections("broker", most=MOST_CONNECTIONS, most_per_address=MOST_PER_ADDRESS)
        self._wrong_passwords = WrongPasswords()
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Start listening and return the port. Raises ``UserError`` if the address cannot be used."""
        listener = ListenerConfig(type=ListenerType.EXTERNAL)
        self._broker = _Broker(BrokerConfig(listeners={_LISTENER: listener}, plugins=self._plugins))
        await self._broker.start()
        try:
            self._server = await asyncio.start_server(self._connected, self._host, self._port)
        except OSError as error:
            await self.stop()
            raise UserError(
                f"serve.broker: cannot listen on {self._host}:{self._port} ({error.strerror}); is a broker running?"
            ) from None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._broker is not None:
            await self._broker.shutdown()
        self._connections.end_all()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send a message to its subscribers, and with ``retain`` to those who subscribe later, too."""
        assert self._broker is not None
        if retain:
            await self._broker.retain_message(None, topic, payload, qos=0)
        await self._broker.internal_message_broadcast(topic, payload, qos=0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("nowhere",))[0])
        slot = self._connections.admit(address, writer.transport.abort, wait_s=self._login_s)
        if slot is None:
            writer.transport.abort()
            return
        try:
            connect = await read_connect(reader)
            if await self._let_in(connect, address, writer, slot):
                slot.work(None)
                await self._serve(connect, address, reader, writer)
        except WrongVersion:
            writer.write(ConnackPacket.build(0, UNACCEPTABLE_PROTOCOL_VERSION).to_bytes())
        except PacketRefused as error:
            log.warning("broker: closed the connection of %s: %s", address, error)
        except (EOFError, ConnectionError):
            pass  # the client disconnected, or was closed to make room
        finally:
            slot.leave()
            writer.close()

    async def _let_in(self, connect: Connect, address: str, writer: asyncio.StreamWriter, slot: Slot) -> bool:
        """Check user, password and last will; tell the client if one of them is refused."""
        pause_s = self._wrong_passwords.pause_s(address)
        if pause_s and self._users:
            slot.wait(pause_s + self._login_s)
            await asyncio.sleep(pause_s)
        if writer.is_closing():
            return False
        if self._users and not self._knows(connect):
            self._wrong_passwords.add(address)
            log.warning("broker: wrong user or password for user %.80r from %s", connect.username, address)
            writer.write(ConnackPacket.build(0, BAD_USERNAME_PASSWORD).to_bytes())
            return False
        if connect.will_topic is not None and not may_publish(self._user(connect), connect.will_topic):
            log.warning(
                "broker: refused %s: it is not allowed to set a last will on %.200r",
                address,
                connect.will_topic,
            )
            writer.write(ConnackPacket.build(0, NOT_AUTHORIZED).to_bytes())
            return False
        return True

    async def _serve(
        self, connect: Connect, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Let amqtt serve a client that has logged in, until it disconnects."""
        assert self._broker is not None
        user = self._user(connect)
        silence_s = connect.silence_s
        client_id, first = connect.as_client(user)
        client = _Client(user, address, writer.transport)
        while (before := self._clients.get(client_id)) is not None:
            # Let the old connection publish its last will first: later it would report the new one as offline.
            before.hang_up("another client connected with the same client id")
            await before.gone.wait()
        self._clients[client_id] = client
        try:
            packets = PacketReader(
                reader, first=first, silence_s=silence_s, room=client.room, refused=client.hang_up
            )
            await self._broker.external_connected(packets, PacketWriter(writer), _LISTENER)
        finally:
            del self._clients[client_id]
            client.gone.set()

    def _knows(self, connect: Connect) -> bool:
        right = self._users.get(connect.username or "")
        return right is not None and hmac.compare_digest(right.encode(), connect.password.encode())

    def _user(self, connect: Connect) -> str | None:
        return connect.username if self._users else None


def _is_ours(topic: str) -> bool:
    """Whether the intake stores what comes on this topic, or is heard as a change or an answer to one."""
    return any(topic_matches_sub(name, topic) for name in (*FILTERS, *CHANGES))


def _nobody_waits() -> None:
    pass
