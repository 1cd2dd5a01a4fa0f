"""The sockets of the service: it talks to its broker, its camera and systemd only, and to nobody else but the players
of a display: those that connect to it, and the broker that its settings name for them."""

from __future__ import annotations

import ipaddress
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from edge.capture.source import Stream, parse_source
from edge.commands.doctor.broker import resolve
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.subject import Subject, cannot_tell, open_files

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


@dataclass
class _Seen:
    """What the sockets are: wrong, perhaps wrong, or right."""

    wrong: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    peers: set[str] = field(default_factory=set)


def sockets(subject: Subject) -> Finding:
    """Look at every socket of the process and at whom it is connected to."""
    process = subject.running
    if _network(subject, str(process.pid)) != _network(subject, "self"):
        return cannot_tell(
            "the service has a network of its own", "run this beside the service, in its network"
        )
    seen, unix = _internet(subject, process), _unix(subject)
    wrong = [*seen.wrong, *(unix or ())]
    if wrong:
        return red("; ".join(wrong), _FIX)
    if unix is None:
        return cannot_tell(
            "ss, which knows who is at a Unix socket, is missing or may not ask",
            "apt-get install iproute2; run it as root",
        )
    if seen.unsure:
        return cannot_tell(
            "; ".join(seen.unsure),
            "check mqtt.host, camera.source and the DNS server of this Pi (resolvectl status)",
        )
    signage = subject.settings.signage
    listens = "nowhere" if signage is None else f"for players on {_at(signage.listen, signage.port)}"
    return green(
        f"listens {listens}; connected to {', '.join(sorted(seen.peers)) or 'nobody'}, systemd aside"
    )


@dataclass(frozen=True)
class _Expected:
    """Whom the settings name: addresses of the broker, which has ``mqtt_port``, the camera and the name servers, and
    the broker of the players of a display."""

    broker: frozenset[str]
    mqtt_port: int
    stream: frozenset[str]
    names: frozenset[str]
    players: tuple[str, int] | None

    def who(self, address: str, port: int) -> str | None:
        """Return who this is; None for a stranger."""
        if (address, port) == self.players:
            return "broker of players"
        if address in self.broker and port == self.mqtt_port:
            return "broker"
        if address in self.stream:
            return "camera"
        return "name server" if address in self.names and port == 53 else None


def _expected(subject: Subject) -> _Expected:
    mqtt, camera = subject.own.mqtt, parse_source(str(subject.settings.camera.source))
    signage = subject.settings.signage
    players = None if signage is None else signage.broker
    return _Expected(
        broker=frozenset(resolve(mqtt.host, mqtt.port)[1]),
        mqtt_port=mqtt.port,
        stream=frozenset(addresses_of(camera) if isinstance(camera, Stream) else ()),
        names=frozenset(_resolvers()),
        players=None if players is None else (plain(players.host), players.port),
    )


def _internet(subject: Subject, process: psutil.Process) -> _Seen:
    mqtt, camera = subject.own.mqtt, parse_source(str(subject.settings.camera.source))
    expected, signage = _expected(subject), subject.settings.signage
    player = None if signage is None else (plain(signage.listen), signage.port)
    found = process.net_connections(kind="inet")
    own = {(plain(one.laddr.ip), one.laddr.port) for one in found if len(one.raddr)}
    seen = _Seen(wrong=_same_broker(expected))
    for one in found:
        if player is not None and len(one.laddr) and (plain(one.laddr.ip), one.laddr.port) == player:
            seen.peers |= {f"the player {_at(one.raddr.ip, one.raddr.port)}"} if len(one.raddr) else set()
            continue
        if not one.raddr:
            at = _at(one.laddr.ip, one.laddr.port) if one.laddr and one.laddr.port else ""
            seen.wrong += _waits(one.status, at, streams=bool(expected.stream))
            continue
        address, port, at = plain(one.raddr.ip), one.raddr.port, _at(one.raddr.ip, one.raddr.port)
        if (address, port) in own:
            continue  # both ends are its own: how one thread wakes another
        if who := expected.who(address, port):
            seen.peers.add(f"the {who} {at}")
        elif port == mqtt.port and not _is_address(mqtt.host):
            seen.unsure.append(f"connected to {at}, which is not an address of {mqtt.host} now")
        elif isinstance(camera, Stream) and not expected.stream:
            seen.unsure.append(f"connected to {at}, and the name of the camera cannot be looked up")
        else:
            seen.wrong.append(f"connected to {at}, neither broker nor camera")
    return seen


def _same_broker(expected: _Expected) -> list[str]:
    """Return what is wrong where the broker of players is the one that gets the counts, by another name."""
    address, port = expected.players or ("", 0)
    if address not in expected.broker or port != expected.mqtt_port:
        return []
    return [
        f"signage.broker is the broker of mqtt, {_at(address, port)}: what a display shows leaves the shop"
    ]


def _waits(status: str, at: str, *, streams: bool) -> list[str]:
    """Return what is wrong with a socket without a connection; ``at`` is empty where nobody can reach it. A network
    camera may send datagrams."""
    if status == psutil.CONN_LISTEN:
        return [f"listens on {at}"]
    is_datagram = status == psutil.CONN_NONE
    return [f"receives datagrams on {at}"] if is_datagram and at and not streams else []


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
    for _, link in open_files(subject.about("fd")):
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


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def plain(address: str) -> str:
    """Return an IPv4 address that is written as an IPv6 one as the former."""
    return address.removeprefix("::ffff:")


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
