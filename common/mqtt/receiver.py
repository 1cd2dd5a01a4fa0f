"""paho's client, but it reads many messages at once.

paho reads each packet with three system calls and a ``select``, and unpacks properties that nobody here reads: more than
half of what a window cost the bridge. So this client replaces one inner method of paho, for messages with QoS 0 and 1;
paho does all the rest. See docs/decisions/0113.
"""

from __future__ import annotations

import struct
import time
from typing import Any, Protocol

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import MessageType, MQTTErrorCode
from paho.mqtt.exception import MalformedPacket

_AT_ONCE = 64 * 1024
"""Bytes that are read at once, at most."""
_RETAIN, _QOS_1, _QOS_2 = 0b0001, 0b0010, 0b0100
_LONGEST_LENGTH = 4
_PUBACK = struct.Struct("!BBH")


class Receive(Protocol):
    """Takes one message, in paho's thread; ``mid`` is 0 for one that nobody has to acknowledge."""

    def __call__(self, topic: bytes, payload: bytes, mid: int, *, retained: bool) -> None: ...


class Receiver(Client):
    """Gives each message to ``receive`` instead of ``on_message``. Nothing is acknowledged by itself."""

    def __init__(self, receive: Receive, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receive = receive
        self._unread = b""
        self._read_from: object = None

    def acknowledge(self, mids: list[int]) -> None:
        """Acknowledge messages with QoS 1, together."""
        packets = b"".join(_PUBACK.pack(MessageType.PUBACK, 2, mid) for mid in mids)
        self._packet_queue(MessageType.PUBACK, packets, mids[0], 1)

    def _packet_read(self) -> MQTTErrorCode:
        try:
            data = self._sock_recv(_AT_ONCE)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_AGAIN
        except OSError:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        if not data:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        if self._sock is not self._read_from:
            self._unread = b""  # half a packet of the connection before
            self._read_from = self._sock
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        try:
            return self._take(self._unread + data)
        except (MalformedPacket, struct.error, IndexError):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _take(self, data: bytes) -> MQTTErrorCode:
        """Take all packets that are whole."""
        at, has_properties = 0, self._protocol == MQTTv5
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        while not result and self._sock is self._read_from and (found := _packet(data, at)) is not None:
            body, end = found
            first, at = data[at], end
            if first & 0xF0 == MessageType.PUBLISH and not first & _QOS_2:
                message = _message(
                    data, body, end, has_mid=bool(first & _QOS_1), has_properties=has_properties
                )
                self._receive(*message, retained=bool(first & _RETAIN))
            else:
                result = self._hand_over(first, data[body:end])
        self._unread = data[at:]
        return result

    def _hand_over(self, first: int, body: bytes) -> MQTTErrorCode:
        """Give any other packet to paho."""
        self._in_packet.update(
            command=first, remaining_length=len(body), packet=bytearray(body), to_process=0, pos=0
        )
        return self._packet_handle()


def _packet(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the body of the packet at ``at`` begins and ends; None if it is not all there."""
    length = 0
    for place in range(_LONGEST_LENGTH):
        body = at + 2 + place
        if body > len(data):
            return None
        byte = data[body - 1]
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return (body, body + length) if body + length <= len(data) else None
    raise MalformedPacket("a length has more than four bytes")


def _message(
    data: bytes, body: int, end: int, *, has_mid: bool, has_properties: bool
) -> tuple[bytes, bytes, int]:
    """Return topic, payload and packet id of a message."""
    name = body + 2
    at = name + int.from_bytes(data[body:name], "big")
    topic, mid = data[name:at], 0
    if has_mid:
        mid = int.from_bytes(data[at : at + 2], "big")
        at += 2
    if has_properties:  # a length, then so many bytes: as after the first byte of a packet
        properties = _packet(data, at - 1)
        at = end + 1 if properties is None else properties[1]
    if at > end:
        raise MalformedPacket("a message ends before its payload")
    return topic, data[at:end], mid
