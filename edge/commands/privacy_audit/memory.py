"""Where the memory of the service, in which the pictures are, could be written: swap and core dumps."""

from __future__ import annotations

import re
from pathlib import Path

from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.subject import Subject

DUMPS = (Path("/var/lib/systemd/coredump"), Path("/var/crash"))
_OBEYS = "systemd-coredump"
"""The only program for dumps that keeps to the limit of the process."""


def swap(subject: Subject) -> Finding:
    """Check that no memory of the process can be swapped out."""
    areas = [line.split()[0] for line in (subject.proc / "swaps").read_text().splitlines()[1:]]
    status = subject.about("status").read_text()
    swapped = re.search(r"^VmSwap:\s+([1-9]\d*) kB", status, re.MULTILINE)
    fix = "set MemorySwapMax=0 in the unit, and cgroup_enable=memory on the kernel's command line; restart it"
    if swapped:
        return red(
            f"{swapped[1]} kB of the service are in swap ({', '.join(areas)})", f"swapoff --all; {fix}"
        )
    if not areas:
        return green("this device has no swap")
    if not _never_swapped(subject):
        return red(f"this device swaps to {', '.join(areas)}, and nothing keeps the service out of it", fix)
    return green(f"this device swaps to {', '.join(areas)}, but never the service")


def _never_swapped(subject: Subject) -> bool:
    """Return whether a control group of the process, or one above it, allows no swap."""
    lines = subject.about("cgroup").read_text().splitlines()
    group = next((line[3:] for line in lines if line.startswith("0::")), None)
    if group is None:
        return False
    folder = subject.cgroups / group.lstrip("/")
    for one in (folder, *folder.parents):
        limit = one / "memory.swap.max"
        if limit.exists() and limit.read_text().strip() == "0":
            return True
        if one == subject.cgroups:
            break
    return False


def core_dumps(subject: Subject) -> Finding:
    """Check that a crash of the process writes no memory, and that no earlier one did."""
    limit = _core_limit(subject)
    memory = int(subject.about("coredump_filter").read_text(), 16) != 0
    pattern = (subject.proc / "sys" / "kernel" / "core_pattern").read_text().strip()
    obeys = not pattern.startswith("|") or Path(pattern[1:].split()[0]).name == _OBEYS
    dumps = [
        path for folder in DUMPS if folder.is_dir() for path in folder.iterdir() if "footlight" in path.name
    ]
    if dumps:
        return red(
            f"there is a dump of Footlight's memory: {dumps[0]}", "delete it; see its date for when and why"
        )
    if memory and (limit != "0" or not obeys):
        how = f"its limit is {limit}" if limit != "0" else f"{pattern[1:].split()[0]} ignores the limit"
        return red(
            f"a crash writes the service's memory to a core dump: {how}",
            "use the unit of systemd/ unchanged (LimitCORE=0, CoredumpFilter=0) and restart the service",
        )
    return green("off: " + (f"limit {limit}" if limit == "0" else "no memory is part of a dump"))


def _core_limit(subject: Subject) -> str:
    """Return the hard limit; the soft one can be raised up to it."""
    for line in subject.about("limits").read_text().splitlines():
        if line.startswith("Max core file size"):
            return line.split()[5]
    return "unknown"
