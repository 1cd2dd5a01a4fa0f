"""Real parts for tests about MQTT: Debian's mosquitto on a free loopback port, and a plain listener."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.support.programs import require_program

_PORTS = 2_000
"""So many ports belong to one process of pytest-xdist; they are below those of outgoing connections."""


def free_port() -> int:
    """Find a port that nobody listens on, and that no other process of the tests will choose."""
    first = 10_000 + _PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = random.randrange(first, first + _PORTS)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listening(port: int) -> bool:
    """Whether a program accepts connections on a loopback port."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], Any], what: str, timeout_s: float = 20.0, *, every_s: float = 0.01) -> None:
    """Wait for a condition; fail, saying what was waited for, when it does not come."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s in vain: {what}"
        time.sleep(every_s)


def password_file(path: Path, username: str, password: str) -> None:
    """Write mosquitto's file of the one user it lets in."""
    program = require_program("mosquitto_passwd", "apt-get install mosquitto")
    subprocess.run([program, "-b", "-c", str(path), username, password], check=True)


class Mosquitto:
    """One mosquitto process; the port and the persistent state outlive :meth:`kill`. With ``verbose`` its log names
    each packet, which costs it more time than the packets."""

    def __init__(self, folder: Path, *lines: str, anonymous: bool = True, verbose: bool = True) -> None:
        self._program = require_program("mosquitto", "apt-get install mosquitto")
        self._folder = folder
        self._anonymous = anonymous
        self._verbose = ["-v"] if verbose else []
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.configure(*lines)

    def configure(self, *lines: str) -> None:
        """Write the configuration; :meth:`reload` makes a running broker read it."""
        config = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'true' if self._anonymous else 'false'}",
            "persistence true",
            f"persistence_location {self._folder}/",
            # A subscriber that is connected has everything before the publisher has its acknowledgement.
            "max_inflight_messages 2000",
            # Started as root it would change to a user who cannot read the test's folder.
            "user root",
            *lines,
        ]
        (self._folder / "mosquitto.conf").write_text("\n".join(config) + "\n")

    def start(self) -> Self:
        log = (self._folder / "mosquitto.log").open("ab")
        with log:
            config = str(self._folder / "mosquitto.conf")
            self._process = subprocess.Popen(
                [self._program, *self._verbose, "-c", config], stdout=log, stderr=log
            )
        process = self._process

        def listens() -> bool:
            assert process.poll() is None, (self._folder / "mosquitto.log").read_text()
            return listening(self.port)

        try:
            until(listens, "mosquitto listens")
        except BaseException:
            self.kill()  # nobody else will: a ``with`` has not begun yet
            raise
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> bytes:
        """What the broker has said so far."""
        return (self._folder / "mosquitto.log").read_bytes()

    def reload(self) -> None:
        """Let it read its configuration again."""

        def handles_it() -> bool:
            # It listens before this; until then the signal ends it, or is lost.
            status = Path(f"/proc/{self.pid}/status").read_text()
            handled = int(status.partition("SigCgt:")[2].split()[0], 16)
            return bool(handled >> (signal.SIGHUP - 1) & 1)

        until(handles_it, "mosquitto handles SIGHUP")
        os.kill(self.pid, signal.SIGHUP)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it do nothing while the block runs."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM: sessions are saved and known again after :meth:`start`."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def kill(self) -> None:
        """SIGKILL: what was not saved is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.kill()


class Listener:
    """A subscriber that keeps what it hears, in order, over reconnects."""

    def __init__(
        self,
        port: int,
        *filters: str,
        client_id: str = "listener",
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.messages: list[MQTTMessage] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5)
        self._client.reconnect_delay_set(0.05, 0.1)  # type: ignore[arg-type]
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.on_connect = lambda client, *_: client.subscribe([(f, 1) for f in filters or ("#",)])
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda client, data, message: self.messages.append(message)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes) -> None:
        """Say something oneself, retained."""
        self._client.publish(topic, payload, qos=1, retain=True)

    def on(self, channel: str) -> list[MQTTMessage]:
        return [message for message in list(self.messages) if message.topic.endswith("/" + channel)]

    def __enter__(self) -> Self:
        assert self._subscribed.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
