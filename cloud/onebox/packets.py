"""What passes between a socket and amqtt: whole packets of bounded size, in bounded time.

amqtt reads a packet as it comes, for as long as it takes and however large it says it is, and changes the session of a
client that has not logged in yet. So it is given nothing but whole packets, and CONNECT only after it was judged here.
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
"""What may wait for a client that does not read what it asked for."""
SILENCE_S = 3600.0
"""How long a client may say nothing that asks for no keepalive."""

_CONNECT, _PUBLISH = 1, 3
_QOS_2 = 0b0100


class PacketRefused(ConnectionError):
    """A packet that ends the connection; the text says why. Nobody's count is in it."""


class WrongVersion(PacketRefused):
    """A client that speaks another MQTT than 3.1.1."""


async def read_packet(stream: asyncio.StreamReader, *, most_bytes: int) -> bytes:
    """The next packet. Raises ``PacketRefused``, or ``EOFError`` at the end of the stream."""
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
            raise PacketRefused("a packet whose length has no end")
    if length > most_bytes:
        raise PacketRefused(f"a packet of {length} bytes; {most_bytes} is the most")
    if head[0] >> 4 == _PUBLISH and head[0] & _QOS_2:
        raise PacketRefused("a message with QoS 2, which nothing of Footlight uses")
    return head + await stream.readexactly(length)


async def read_connect(stream: asyncio.StreamReader) -> Connect:
    """The first packet of a connection. Raises as ``read_packet`` does, and ``WrongVersion``."""
    packet = await read_packet(stream, most_bytes=MOST_CONNECT_BYTES)
    _, name, rest = packet.partition(b"\x00\x04MQTT")
    if packet[0] >> 4 != _CONNECT or not name or not rest:
        raise PacketRefused("something else than MQTT")
    if rest[0] != 4:
        raise WrongVersion("another version of MQTT than 3.1.1")
    try:
        read = await ConnectPacket.from_stream(BufferReader(packet))
    except (AMQTTError, MQTTError, NoDataError, ValueError, struct.error) as error:
        raise PacketRefused(f"a login that cannot be read ({type(error).__name__})") from None
    payload = read.payload
    promised = (
        (read.username_flag, payload.username),
        (read.password_flag, payload.password),
        (read.will_flag, payload.will_topic),
    )
    nameless = payload.client_id_is_random and rest[4:6] != b"\x00\x00"  # amqtt gives it a name all the same
    if nameless or any(flag and value is None for flag, value in promised):
        raise PacketRefused("a login that is cut short")
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
        """The topic of its last will, None where it leaves none."""
        topic: str | None = self.packet.payload.will_topic
        return topic

    @property
    def silence_s(self) -> float:
        """How long this client may say nothing: one and a half times its keepalive, as MQTT has it."""
        keepalive_s: int = self.packet.variable_header.keep_alive
        return min(1.5 * keepalive_s or SILENCE_S, SILENCE_S)

    def as_client(self, user: str | None) -> tuple[str, bytes]:
        """The name under which amqtt is to know this client, and the packet that says so.

        The name holds the user's, so that nobody takes over the connection of another. No session outlives its
        connection: a device keeps what was not acknowledged, and its settings are retained. The keepalive is ours.
        """
        client_id = f"{user or ''}:{self.packet.client_id}"
        self.packet.client_id = client_id
        self.packet.clean_session_flag = True
        self.packet.variable_header.keep_alive = 0
        return client_id, bytes(self.packet.to_bytes())


class PacketReader(ReaderAdapter):  # type: ignore[misc]
    """What amqtt reads from: ``first``, then one whole packet after the other.

    ``room`` is awaited before each: who sends faster than the store can write waits. ``refused`` hears why a client
    is not listened to any longer.
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
            raise ConnectionResetError("amqtt asked for all there is; packets have a length")
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
            self._refused(f"silent for {self._silence_s:g} s")
        except PacketRefused as error:
            self._refused(str(error))
        raise ConnectionResetError  # which amqtt takes for the end of the stream


class PacketWriter(StreamWriterAdapter):  # type: ignore[misc]
    """Hangs up on a client that asks and does not read the answers."""

    def __init__(self, stream: asyncio.StreamWriter) -> None:
        super().__init__(stream)
        self._transport = stream.transport

    def write(self, data: bytes) -> None:
        super().write(data)
        if self._transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            self._transport.abort()
