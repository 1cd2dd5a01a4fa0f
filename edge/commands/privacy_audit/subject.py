"""What the privacy audit looks at: the service, its process and its files; and what every check of it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import psutil

from common import salvage
from common.clock import Clock, SystemClock
from edge.commands.doctor.checks import Finding, Look, amber, green
from edge.commands.doctor.service import Properties
from edge.config import Settings
from edge.uplink import rows
from edge.uplink.rows import Item

SIGN = Path("/etc/footlight/sign.yaml")
"""The record of what the sign at the door of the shop says."""


@dataclass(frozen=True)
class Subject:
    """The service that is looked at. ``settings`` are those in force, ``own`` those of the file. ``process`` is None
    while the service does not run, or nothing tells which process it is. ``proc`` and ``cgroups`` are the folders in
    which Linux shows its state."""

    settings: Settings
    own: Settings
    unit: str
    process: psutil.Process | None
    properties: Properties = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    made_of: Look = lambda: green("the file")
    """Says what the settings in force are made of. Raises ``UserError`` where that cannot be read."""
    sign: Path = SIGN
    clock: Clock = field(default_factory=SystemClock)
    proc: Path = Path("/proc")
    cgroups: Path = Path("/sys/fs/cgroup")

    @property
    def outbox(self) -> Path:
        return self.own.outbox.location(self.environ)

    @cached_property
    def kept(self) -> list[Item]:
        """The messages that wait in the outbox and that were sent within two hours, oldest first, from a copy: a
        running service does not notice. Raises ``OSError``."""
        found: dict[int, Item] = {}
        with salvage.opened_copy(self.outbox) as copy:
            for table in ("delivered", "message"):
                for row in salvage.whole_rows(copy, table, rows.COLUMNS):
                    if (item := rows.item(row)) is not None:
                        found[item.id] = item
        return [found[number] for number in sorted(found)]

    @property
    def running(self) -> psutil.Process:
        """The process of the service. Raises ``NotRunning`` without one."""
        if self.process is None:
            raise NotRunning
        return self.process

    def about(self, name: str) -> Path:
        """Return a file or folder that Linux shows of the process. Raises ``NotRunning``."""
        return self.proc / str(self.running.pid) / name


class NotRunning(Exception):
    """There is no process to look at."""


class Inspection(Protocol):
    """One check of the audit: green if it found nothing, red for a leak, amber if it cannot tell.

    May raise ``UserError``, ``OSError``, ``psutil.Error`` or ``NotRunning``: then the audit says that it cannot tell,
    and what to do.
    """

    def __call__(self, subject: Subject, /) -> Finding: ...


def open_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each entry of a ``/proc/PID/fd``, and what it leads to; what is closed meanwhile is left out."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            yield path, str(path.readlink())


def main_process(properties: Properties) -> psutil.Process | None:
    """Return the process of the unit with these properties; None while there is none."""
    with suppress(psutil.NoSuchProcess):
        if number := int(properties.get("MainPID") or 0):
            return psutil.Process(number)
    return None


def start(subject: Subject) -> str:
    """Say how the audit gets to know the process of the service."""
    return f"start it (systemctl start {subject.unit}), or name its process with --pid"


def cannot_tell(why: str, fix: str) -> Finding:
    """Report a check that could not be done. It is never taken for a good one."""
    return amber(f"cannot tell: {why}", fix)
