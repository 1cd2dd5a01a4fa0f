"""The sandbox: as the unit declares it, and as the kernel enforces it on the running process."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edge.commands.doctor import service
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.subject import Subject, cannot_tell

_DECLARED = {**service.LOCKS, "LimitCORE": "0", "MemorySwapMax": "0"}
_FIX = "use the unit of systemd/ unchanged: systemctl daemon-reload, then systemctl restart {unit}"
_SYSTEM = ("/proc", "/sys", "/dev", "/run")
"""What the kernel and systemd keep in memory; the unit's own folders in /run are among them."""
_OWN = ("/tmp", "/var/tmp", "/var/lib", "/var/cache", "/var/log")  # noqa: S108 - where the service may write
_DISKS = frozenset(
    "bcachefs btrfs cifs exfat ext2 ext3 ext4 f2fs nfs nfs4 overlay vfat xfs zfs".split()  # noqa: SIM905 - one word each
)


def sandbox(subject: Subject) -> Finding:
    """Look at the process itself, then at the unit."""
    fix = _FIX.format(unit=subject.unit)
    if open_locks := [*_not_enforced(subject)]:
        return red(f"not in force: {', '.join(open_locks)}", fix)
    declared = subject.properties
    if not service.is_installed(declared):
        return cannot_tell(
            "the process is locked in, but systemd knows no such unit", f"install {subject.unit}"
        )
    if changed := service.not_set(declared, _DECLARED):
        return red(f"the unit does not ask for it: {', '.join(changed)}", fix)
    if declared.get("NeedDaemonReload") == "yes":
        return red("the unit was changed, and the process runs with the one before", fix)
    return green("in force on the process, as the unit declares: no new privileges, seccomp, no capabilities")


def _not_enforced(subject: Subject) -> Iterator[str]:
    status = dict(
        line.split(":\t", 1) for line in subject.about("status").read_text().splitlines() if ":\t" in line
    )
    if status.get("NoNewPrivs") != "1":
        yield "no new privileges (NoNewPrivs 0)"
    if status.get("Seccomp") != "2":
        yield f"the filter of system calls (Seccomp {status.get('Seccomp', 'unknown')})"
    for name, what in (("CapEff", "no capabilities"), ("CapBnd", "none to gain")):
        if int(status.get(name, "1"), 16):
            yield f"{what} ({name} {status.get(name, 'unknown')})"
    if status.get("Uid", "0").split()[1:2] == ["0"]:
        yield "a user of its own (it runs as root)"
    if writable := [*_writable(subject)]:
        yield f"a read-only system (it can write to {', '.join(writable)})"


def _writable(subject: Subject) -> Iterator[str]:
    """Yield where a disk is mounted for writing in the process's own view of the files, besides its folders."""
    for line in subject.about("mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        point, options = before.split()[4:6]
        kind = after.split()[0]
        inside = any(re.match(rf"{re.escape(folder)}(/|$)", point) for folder in (*_SYSTEM, *_OWN))
        if kind in _DISKS and "rw" in options.split(",") and not inside:
            yield point
