"""The cluster of brokers that the environment names, for the tests and the benchmark that need one.

``BROKER_PORTS`` are the TLS ports of its nodes on this machine, such as ``8883,8884,8885``. ``BROKER_SECRETS`` is the
folder that ``cloud/compose/secrets.sh`` made: the nodes have its ``broker.crt``, and take the name in a client's
certificate as user name. ``BROKER_NODE`` is a program: ``BROKER_NODE kill 2`` kills the second node (SIGKILL),
``BROKER_NODE start 2`` starts it again. ``BROKER_NAME`` is what runs there, such as ``RMQTT 0.24.0``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from common.mqtt.broker import Broker
from common.mqtt.client import make_client
from common.mqtt.tls import Tls
from tests.support.brokers import free_port, listening, until
from tests.support.programs import require_program
from tests.support.secure_broker import secrets

VARIABLES = ("BROKER_PORTS", "BROKER_SECRETS", "BROKER_NODE", "BROKER_NAME")
LONGEST_START_S = 120.0

needs_cluster = pytest.mark.skipif(
    not all(os.environ.get(name) for name in VARIABLES),
    reason=f"set {', '.join(VARIABLES)} to a cluster of brokers for tests",
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Nodes are numbered from 1."""

    name: str
    ports: tuple[int, ...]
    made: Path
    program: str

    @classmethod
    def from_environment(cls) -> Cluster:
        ports, made, program, name = (os.environ[variable] for variable in VARIABLES)
        return cls(name, tuple(map(int, ports.split(","))), Path(made), program)

    def broker(self, certificate: str, port: int) -> Broker:
        """Return how the owner of a certificate logs in, such as ``bridge`` or ``devices/shop/door``."""
        own = self.made / certificate
        tls = Tls(self.made / "ca.crt", own.with_suffix(".crt"), own.with_suffix(".key"))
        return Broker("127.0.0.1", port, tls=tls)

    def device(self, site: str, name: str) -> str:
        """Make a certificate for a device, if it has none; return its name."""
        done = secrets(self.made, "device", site, name)
        assert done.returncode == 0, done.stderr
        return f"devices/{site}/{name}"

    def forget(self, client_id: str) -> None:
        """End the session that the nodes keep for a bridge, without its last will."""
        client = make_client(self.broker("bridge", self.ports[0]), client_id, reconnect=True)
        client.connect_async("127.0.0.1", self.ports[0], clean_start=False)
        client.loop_start()
        until(client.is_connected, "the session is taken over", 30)
        client.disconnect()
        client.loop_stop()

    def kill(self, node: int) -> None:
        subprocess.run([self.program, "kill", str(node)], check=True)
        until(lambda: not listening(self.ports[node - 1]), f"node {node} is dead")

    def start(self, node: int) -> None:
        subprocess.run([self.program, "start", str(node)], check=True)
        until(lambda: listening(self.ports[node - 1]), f"node {node} listens", LONGEST_START_S)

    @contextmanager
    def balancer(self, folder: Path) -> Iterator[int]:
        """Run HAProxy in front of all nodes; return the one port that devices and bridges know."""
        program = require_program("haproxy", "apt-get install haproxy")
        port, config = free_port(), folder / "haproxy.cfg"
        nodes = "".join(
            f" server node{number} 127.0.0.1:{node} check inter 1s fall 2 rise 1\n"
            for number, node in enumerate(self.ports, 1)
        )
        config.write_text(_HAPROXY.format(port=port, nodes=nodes))
        process = subprocess.Popen([program, "-q", "-db", "-f", str(config)])
        try:
            until(lambda: listening(port), "HAProxy listens")
            yield port
        finally:
            process.terminate()
            process.wait(20)


def settings(broker: Broker) -> dict[str, Any]:
    """Return the same as ``mqtt`` in a settings file."""
    assert broker.tls is not None
    tls = {"ca": broker.tls.ca, "cert": broker.tls.cert, "key": broker.tls.key}
    return {
        "host": broker.host,
        "port": broker.port,
        "tls": {name: str(path) for name, path in tls.items()},
    }


_HAPROXY = """\
defaults
 mode tcp
 timeout connect 5s
 timeout client 5m
 timeout server 5m
 option redispatch
listen brokers
 bind 127.0.0.1:{port}
 balance roundrobin
{nodes}"""
