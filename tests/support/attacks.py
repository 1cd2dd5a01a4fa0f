"""What an attacker sends: plain sockets, and bytes that no client library would send."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

CONNACK_OK = b"\x20\x02\x00\x00"


def mqtt_text(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("!H", len(data)) + data


def packet(kind: int, body: bytes) -> bytes:
    """A packet of MQTT: its first byte, its length, its body."""
    length, head = len(body), bytes([kind])
    while True:
        length, byte = length >> 7, length & 0x7F
        head += bytes([byte | (0x80 if length else 0)])
        if not length:
            return head + body


@dataclass(frozen=True, slots=True)
class Login:
    """A CONNECT of MQTT 3.1.1."""

    client_id: str = "stranger"
    user: str | None = None
    password: str | None = None
    will_topic: str | None = None
    will: bytes = b""
    clean: bool = True
    keepalive_s: int = 60

    def packet(self) -> bytes:
        flags, body = 0x02 if self.clean else 0, mqtt_text(self.client_id)
        if self.will_topic is not None:
            flags |= 0x04 | 0x08 | 0x20
            body += mqtt_text(self.will_topic) + mqtt_text(self.will)
        if self.user is not None:
            flags |= 0x80
            body += mqtt_text(self.user)
        if self.password is not None:
            flags |= 0x40
            body += mqtt_text(self.password)
        return packet(
            0x10, mqtt_text("MQTT") + bytes([4, flags]) + struct.pack("!H", self.keepalive_s) + body
        )


def publish(topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, number: int = 1) -> bytes:
    identifier = struct.pack("!H", number) if qos else b""
    return packet(0x30 | qos << 1 | retain, mqtt_text(topic) + identifier + payload)


def subscribe(*topics: str) -> bytes:
    return packet(0x82, struct.pack("!H", 1) + b"".join(mqtt_text(one) + b"\x01" for one in topics))


class Line:
    """One socket to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # it has hung up already; ``read`` says so
            self.socket.sendall(data)

    def read(self, count: int) -> bytes:
        """So many bytes, or fewer where the other side hangs up."""
        got = b""
        with contextlib.suppress(ConnectionError):
            while len(got) < count and (some := self.socket.recv(count - len(got))):
                got += some
        return got

    def hung_up(self) -> bool:
        """Wait until the other side ends it. False when it does not within the timeout of the socket."""
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True

    def log_in(self, login: Login) -> bytes:
        """The broker's answer."""
        self.send(login.packet())
        return self.read(4)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


@contextlib.contextmanager
def flood(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that say nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * count)), hard))
    with contextlib.ExitStack() as opened:
        yield [
            opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for _ in range(count)
        ]
