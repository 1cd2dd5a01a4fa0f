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
from collections.abc import Mapping
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.mqtt.connack import (
    BAD_USERNAME_PASSWORD,
    NOT_AUTHORIZED,
    UNACCEPTABLE_PROTOCOL_VERSION,
    ConnackPacket,
)

from cloud.domain.access import may_publish
from cloud.onebox.connections import Connections, Slot, WrongPasswords
from cloud.onebox.gate import Client, Gate, OwnRetained, Receive
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

MOST_CONNECTIONS = 200
MOST_PER_ADDRESS = 32
"""Enough for the cameras, doctor runs and placement checks of one machine."""
LOGIN_S = 5.0
"""How long a connection may take to log in."""

_LISTENER = "default"


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
        self._clients: dict[str, Client] = {}
        """The clients that are logged in, by their client id in amqtt."""
        self._plugins: dict[str, Any] = {
            f"{Gate.__module__}.{Gate.__name__}": {
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
        self._broker = OwnRetained(BrokerConfig(listeners={_LISTENER: listener}, plugins=self._plugins))
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
        client = Client(user, address, writer.transport)
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
