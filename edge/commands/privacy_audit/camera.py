"""The camera: nobody but the service may have it open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from edge.capture.source import Device, File, Ribbon, SampleScene, Source, Stream, parse_source
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.sockets import addresses_of, plain
from edge.commands.privacy_audit.subject import Subject, cannot_tell, open_files


def camera(subject: Subject) -> Finding:
    """Look at every process of this device. Raises ``PermissionError`` where one may not be looked at."""
    source = parse_source(str(subject.settings.camera.source))
    own = {os.getpid()} | ({subject.process.pid} if subject.process else set())
    if isinstance(source, SampleScene):
        return green("none: the sample scene is drawn")
    if isinstance(source, Stream):
        holders, hidden = _connected(addresses_of(source), urlsplit(source.url).port)
        reach = "on this device; only the camera itself knows who else watches it"
    else:
        nodes = {str(Path(node).resolve()) for node in _nodes(source)}
        holders, hidden = _holding(nodes)
        reach = "on this device"
    others = [f"{process.name()} (process {process.pid})" for process in holders if process.pid not in own]
    if others:
        return red(
            f"also open in {', '.join(others)}",
            "end it and find out who started it: systemctl status PROCESS",
        )
    if hidden:
        return cannot_tell(f"{hidden} processes of others cannot be looked at", "run it as root")
    if subject.process is None:
        return green(f"open in no process {reach}; the service is not running, or not known")
    return green(f"open in no process but the service {reach}")


def _nodes(source: Source) -> Iterator[str]:
    match source:
        case Device(path):
            yield path
        case File(path):
            yield str(path)
        case Ribbon():  # libcamera opens several nodes, and which ones differs between models
            yield from (
                str(node) for kind in ("video", "media") for node in Path("/dev").glob(f"{kind}[0-9]*")
            )
        case _:
            return


def _holding(nodes: set[str]) -> tuple[list[psutil.Process], int]:
    """Return the processes that have one of ``nodes`` open, and how many could not be looked at."""
    found, hidden = [], 0
    for process in psutil.process_iter():
        try:
            links = {link for _, link in open_files(Path(f"/proc/{process.pid}/fd"))}
        except PermissionError:
            hidden += 1
            continue
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if links & nodes or any(Path(link).parent.as_posix() in nodes for link in links):
            found.append(process)
    return found, hidden


def _connected(addresses: tuple[str, ...], port: int | None) -> tuple[list[psutil.Process], int]:
    """Return the processes with a connection to one of ``addresses``, and how many are not known; to its ``port`` alone
    where one is named, as a broker, or the stream's own server, may have the same address."""
    found, hidden = {}, 0
    for one in psutil.net_connections(kind="inet"):
        if one.raddr and plain(one.raddr.ip) in addresses and port in {None, one.raddr.port}:
            if one.pid is None:
                hidden += 1
            else:
                found[one.pid] = one
    return [psutil.Process(pid) for pid in sorted(found) if psutil.pid_exists(pid)], hidden
