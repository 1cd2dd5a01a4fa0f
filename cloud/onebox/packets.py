"""Reads and writes MQTT packets between a socket and amqtt, with limits on size and time.

amqtt itself reads packets of any size without a timeout, and changes the session of a client before it has logged in.
So it receives only complete packets, and CONNECT only after the checks here.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from amqtt.adapters import BufferReader, ReaderAdapter, StreamWriterAdapter
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connect import ConnectPacket

from common.wire import MAX_BYTES

MOST_BYTES = MAX_BYTES + 1024
"""The largest message of the wire, with room for its topic."""
MOST_CONNECT_BYTES = 8192
"""Names, password and a last will."""
MOST_UNSENT_BYTES = 1 << 20
"""How much may be buffered for a client that does not read what is sent to it."""
SILENCE_S = 3600.0
"""How long a client without keepalive may be silent."""

_CONNECT, _PUBLISH = 1, 3
_QOS_2 = 0b0100


class PacketRefused(ConnectionError):
    """A packet that ends the connection; the text says why. It contains no counts."""


class WrongVersion(PacketRefused):
    """A client with another MQTT version than 3.1.1."""


async def read_packet(stream: asyncio.StreamReader, *, most_bytes: int) -> bytes:
    """Read the next packet. Raises ``PacketRefused``, or ``EOFError`` at the end of the stream."""
    head = await stream.readexactly(1)
    length, shift = 0, 0
    while True:
        byte = await stream.readexactly(1)
        head += byte
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            break
        if shift == 28:
            raise PacketRefused("a packet with an invalid length")
    if length > most_bytes:
        raise PacketRefused(f"a packet of {length} bytes, more than the limit of {most_bytes}")
    if head[0] >> 4 == _PUBLISH and head[0] & _QOS_2:
        raise PacketRefused("a message with QoS 2, which Footlight does not use")
    return head + await stream.readexactly(length)


async def read_connect(stream: asyncio.StreamReader) -> Connect:
    """Read the first packet of a connection. Raises the errors of ``read_packet``, and ``WrongVersion``."""
    packet = await read_packet(stream, most_bytes=MOST_CONNECT_BYTES)
    _, name, rest = packet.partition(b"\x00\x04MQTT")
    if packet[0] >> 4 != _CONNECT or not name or not rest:
        raise PacketRefused("not an MQTT login")
    if rest[0] != 4:
        raise WrongVersion("an MQTT version other than 3.1.1")
    try:
        read = await ConnectPacket.from_stream(BufferReader(packet))
    except (AMQTTError, MQTTError, NoDataError, ValueError, struct.error) as error:
        raise PacketRefused(f"an invalid login packet ({type(error).__name__})") from None
    payload = read.payload
    promised = (
        (read.username_flag, payload.username),
        (read.password_flag, payload.password),
        (read.will_flag, payload.will_topic),
    )
    nameless = payload.client_id_is_random and rest[4:6] != b"\x00\x00"  # amqtt makes up a client id here
    if nameless or any(flag and value is None for flag, value in promised):
        raise PacketRefused("an incomplete login packet")
    return Connect(read)


@dataclass(frozen=True, slots=True)
class Connect:
    """A client's first packet."""

    packet: ConnectPacket

    @property
    def username(self) -> str | None:
        name: str | None = self.packet.payload.username
        return name

    @property
    def password(self) -> str:
        return self.packet.payload.password or ""

    @property
    def will_topic(self) -> str | None:
        """The topic of the last will, None without one."""
        topic: str | None = self.packet.payload.will_topic
        return topic

    @property
    def silence_s(self) -> float:
        """How long this client may be silent: one and a half times its keepalive, as MQTT defines."""
        keepalive_s: int = self.packet.variable_header.keep_alive
        return min(1.5 * keepalive_s or SILENCE_S, SILENCE_S)

    def as_client(self, user: str | None) -> tuple[str, bytes]:
        """Return the client id for amqtt, and the CONNECT packet with it.

        The client id contains the user name, so that nobody can take over another user's connection. Every session is
        clean: a device keeps what was not acknowledged, and its settings are retained. The keepalive is 0 here, because
        :class:`PacketReader` checks it.
        """
        client_id = f"{user or ''}:{self.packet.client_id}"
        self.packet.client_id = client_id
        self.packet.clean_session_flag = True
        self.packet.variable_header.keep_alive = 0
        return client_id, bytes(self.packet.to_bytes())


class PacketReader(ReaderAdapter):  # type: ignore[misc]
    """The reader for amqtt: first the bytes ``first``, then one complete packet after the other.

    ``room`` is awaited before each packet, so that a client that sends faster than the store writes has to wait.
    ``refused`` is called with the reason when a client is disconnected.
    """

    def __init__(
        self,
        stream: asyncio.StreamReader,
        *,
        first: bytes,
        silence_s: float,
        room: Callable[[], Awaitable[object]],
        refused: Callable[[str], None],
    ) -> None:
        self._stream = stream
        self._buffer = bytearray(first)
        self._silence_s = silence_s
        self._room = room
        self._refused = refused

    async def read(self, n: int = -1) -> bytes:
        if n < 0:
            raise ConnectionResetError("amqtt tried to read the whole stream; packets have a length")
        while len(self._buffer) < n:
            self._buffer += await self._next()
        taken = bytes(self._buffer[:n])
        del self._buffer[:n]
        return taken

    def feed_eof(self) -> None:
        self._stream.feed_eof()

    async def _next(self) -> bytes:
        await self._room()
        try:
            async with asyncio.timeout(self._silence_s):
                return await read_packet(self._stream, most_bytes=MOST_BYTES)
        except TimeoutError:
            self._refused(f"no message for {self._silence_s:g} s")
        except PacketRefused as error:
            self._refused(str(error))
        raise ConnectionResetError  # amqtt treats this as the end of the stream


class PacketWriter(StreamWriterAdapter):  # type: ignore[misc]
    """Disconnects a client that does not read what is sent to it."""

    def __init__(self, stream: asyncio.StreamWriter) -> None:
        super().__init__(stream)
        self._transport = stream.transport

    def write(self, data: bytes) -> None:
        super().write(data)
        if self._transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            self._transport.abort()
