"""The sockets of the service: it listens nowhere, and talks to its broker, its camera and systemd only."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from edge.capture.source import Stream, parse_source
from edge.commands.doctor.broker import resolve
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.subject import Subject, cannot_tell

RESOLVER = Path("/etc/resolv.conf")
SYSTEM = frozenset(
    {
        "/run/systemd/notify",
        "/run/systemd/journal/stdout",
        "/run/systemd/journal/socket",
        "/run/systemd/journal/dev-log",
        "/run/dbus/system_bus_socket",
        "/run/systemd/resolve/io.systemd.Resolve",
    }
)
"""Ends of Unix sockets at which systemd and D-Bus listen."""
_FIX = "stop the service and find out what opened it: its code, its settings, or somebody on this device"


def sockets(subject: Subject) -> Finding:
    """Look at every socket of the process and at whom it is connected to."""
    process = subject.running
    if _network(subject, str(process.pid)) != _network(subject, "self"):
        return cannot_tell(
            "the service has a network of its own", "run this beside the service, in its network"
        )
    wrong, peers = _internet(subject, process)
    unix = _unix(subject)
    if unix is None:
        wanted = cannot_tell(
            "ss, which knows who is at a Unix socket, is missing or may not ask",
            "apt-get install iproute2; run it as root",
        )
        return red("; ".join(wrong), _FIX) if wrong else wanted
    wrong += unix
    if wrong:
        return red("; ".join(wrong), _FIX)
    return green(f"listens nowhere; connected to {', '.join(sorted(peers)) or 'nobody'}, systemd aside")


def _internet(subject: Subject, process: psutil.Process) -> tuple[list[str], set[str]]:
    """Return what is wrong, and the peers that are right."""
    mqtt, camera = subject.own.mqtt, parse_source(str(subject.settings.camera.source))
    broker = set(resolve(mqtt.host, mqtt.port)[1])
    stream = set(addresses_of(camera)) if isinstance(camera, Stream) else set()
    names = set(_resolvers())
    found = process.net_connections(kind="inet")
    own = {(_plain(one.laddr.ip), one.laddr.port) for one in found if len(one.raddr)}
    wrong: list[str] = []
    peers: set[str] = set()
    for one in found:
        if one.status == psutil.CONN_LISTEN:
            wrong.append(f"listens on {_at(one.laddr.ip, one.laddr.port)}")
        elif not one.raddr:
            if one.type == socket.SOCK_DGRAM and one.laddr and one.laddr.port and not stream:
                wrong.append(f"receives datagrams on {_at(one.laddr.ip, one.laddr.port)}")
        elif (_plain(one.raddr.ip), one.raddr.port) in own:
            continue  # both ends are its own: how one thread wakes another
        elif _plain(one.raddr.ip) in broker and one.raddr.port == mqtt.port:
            peers.add(f"the broker {_at(one.raddr.ip, one.raddr.port)}")
        elif _plain(one.raddr.ip) in stream:
            peers.add(f"the camera {_at(one.raddr.ip, one.raddr.port)}")
        elif _plain(one.raddr.ip) in names and one.raddr.port == 53:
            peers.add(f"the name server {_at(one.raddr.ip, one.raddr.port)}")
        else:
            wrong.append(f"connected to {_at(one.raddr.ip, one.raddr.port)}, neither broker nor camera")
    return wrong, peers


def _unix(subject: Subject) -> list[str] | None:
    """Return what is wrong with its Unix sockets; None without ``ss``, the only tool that knows both ends."""
    if shutil.which("ss") is None:
        return None
    shown = subprocess.run(
        ["ss", "--unix", "--all", "--no-header"], capture_output=True, text=True, check=False
    )
    if shown.returncode:
        return None
    # Kind, state, two queues, then path and inode of this end, and path and inode of the other end.
    ends = {row[5]: row for line in shown.stdout.splitlines() if len(row := line.split()) >= 8}
    own = set(_own_inodes(subject))
    wrong = []
    for inode in sorted(own & ends.keys()):
        _, state, _, _, path, _, other_path, other = ends[inode][:8]
        there = ends[other][4] if other in ends else other_path
        if state == "ESTAB" and other == "0":  # ss could not ask the kernel, and read a list without peers
            return None
        if state == "LISTEN" or path != "*":
            wrong.append(f"has the Unix socket {path} ({state.lower()})")
        elif other not in {"0", *own} and there not in SYSTEM:
            wrong.append(
                f"connected to {'a program on this device' if there == '*' else there} by a Unix socket"
            )
    return wrong


def _own_inodes(subject: Subject) -> Iterator[str]:
    for path in subject.about("fd").iterdir():
        try:
            link = str(path.readlink())
        except FileNotFoundError:
            continue
        if found := re.fullmatch(r"socket:\[(\d+)\]", link):
            yield found[1]


def _network(subject: Subject, pid: str) -> str:
    return str((subject.proc / pid / "ns" / "net").readlink())


def addresses_of(camera: Stream) -> tuple[str, ...]:
    parts = urlsplit(camera.url)
    return resolve(parts.hostname or "", parts.port or 0)[1]


def _resolvers() -> Iterator[str]:
    if RESOLVER.exists():
        for line in RESOLVER.read_text(encoding="utf-8").splitlines():
            if line.startswith("nameserver") and len(line.split()) > 1:
                yield line.split()[1]


def _plain(address: str) -> str:
    """Return an IPv4 address that is written as an IPv6 one as the former."""
    return address.removeprefix("::ffff:")


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
