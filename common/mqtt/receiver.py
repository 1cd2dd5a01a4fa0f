"""paho's client, but it reads many messages at once.

paho reads each packet with three system calls and a ``select``, and unpacks properties that nobody here reads: more
than half of what a window cost the bridge. So this client replaces one inner method of paho, for messages with QoS 0
and 1; paho does all the rest. See docs/decisions/0113.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any, Protocol

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import MessageType, MQTTErrorCode
from paho.mqtt.exception import MalformedPacket

_AT_ONCE = 64 * 1024
"""Bytes that are read at once, at most."""
_PAUSE_S = 1.0
"""So long paho's loop waits for room, at most, before it looks after the connection."""
_RETAIN, _QOS_1, _QOS_2 = 0b0001, 0b0010, 0b0100
_LONGEST_LENGTH = 4
_PUBACK = struct.Struct("!BBH")


class Receive(Protocol):
    """Takes one message, in paho's thread; ``mid`` is 0 for one that nobody has to acknowledge."""

    def __call__(self, topic: bytes, payload: bytes, mid: int, *, retained: bool) -> None: ...


class Receiver(Client):
    """Gives each message to ``receive`` instead of ``on_message``. Nothing is acknowledged by itself.

    ``has_room``, called with the seconds that it may wait, tells whether more may be read. It limits what waits here,
    because mosquitto 2.0.11 keeps to the Receive Maximum of MQTT 5 only until the first acknowledgement.
    """

    def __init__(
        self, receive: Receive, has_room: Callable[[float], bool], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._receive = receive
        self._has_room = has_room
        self._unread = bytearray()
        self._read_from: object = None

    def acknowledge(self, mids: list[int]) -> None:
        """Acknowledge messages with QoS 1, together."""
        packets = b"".join(_PUBACK.pack(MessageType.PUBACK, 2, mid) for mid in mids)
        self._packet_queue(MessageType.PUBACK, packets, mids[0], 1)

    def _packet_read(self) -> MQTTErrorCode:
        if not self._has_room(_PAUSE_S):
            # The broker's answer to a ping may be among what we do not read now, and must not be missed.
            self._ping_t = 0.0
            self._note_alive()
            return MQTTErrorCode.MQTT_ERR_AGAIN
        try:
            data = self._sock_recv(_AT_ONCE)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_AGAIN
        except OSError:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        if not data:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        if self._sock is not self._read_from:
            self._unread.clear()  # half a packet of the connection before
            self._read_from = self._sock
        self._note_alive()
        self._unread += data
        try:
            return self._take()
        except (MalformedPacket, struct.error, IndexError):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _note_alive(self) -> None:
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()

    def _take(self) -> MQTTErrorCode:
        """Take all packets that are whole."""
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        if _packet(self._unread, 0) is None:  # a large one is not copied with each part of it that comes
            return result
        at, data, has_properties = 0, bytes(self._unread), self._protocol == MQTTv5
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
        del self._unread[:at]
        return result

    def _hand_over(self, first: int, body: bytes) -> MQTTErrorCode:
        """Give any other packet to paho."""
        packet = self._in_packet
        packet["command"], packet["packet"] = first, bytearray(body)
        packet["remaining_length"], packet["to_process"], packet["pos"] = len(body), 0, 0
        return self._packet_handle()


def _packet(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
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
