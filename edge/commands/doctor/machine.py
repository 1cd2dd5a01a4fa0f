"""The Pi itself: system, processor, power, disk, clock. Only plain files are read, so that a test can replace ``/sys``
with a folder."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from edge.commands.doctor.checks import Finding, amber, green, red, worst_of

SUPPORTED = {"bookworm": "Debian 12", "trixie": "Debian 13"}
PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest version that were tested."""

BOARDS = re.compile(r"Raspberry Pi (3 Model B|4|400|5|500|Compute Module [345])")
LEAST_MEMORY_MIB = 700
"""In MiB. A Pi with 1 GiB reports at least 900, depending on its graphics memory."""

WEAK_NOW, CAPPED_NOW, THROTTLED_NOW, HOT_NOW = 1 << 0, 1 << 1, 1 << 2, 1 << 3
WEAK_BEFORE, CAPPED_BEFORE, THROTTLED_BEFORE, HOT_BEFORE = 1 << 16, 1 << 17, 1 << 18, 1 << 19
"""Bits of the firmware's status (``vcgencmd get_throttled``)."""

LEAST_FREE_MIB = (200.0, 1000.0)
"""With less free space, in MiB, the disk is red, and amber."""
WORN_AT = (0x0B, 0x09)
"""Wear of an eMMC in JEDEC's steps of 10 % from which it is red (used up), and amber (80 % and more)."""


def system(os_release: Path, machine: str, *, bits: int) -> Finding:
    """Check the system. ``machine`` is as in ``uname -m``; ``bits`` are those of the programs, which may be 32 on a
    64-bit kernel."""
    known = {}
    for line in os_release.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        known[key] = value.strip('"')
    name = known.get("PRETTY_NAME", "unknown system")
    value = f"{name}, {machine}, {bits}-bit"
    if bits != 64 or machine not in {"aarch64", "x86_64"}:
        return red(value, "flash Raspberry Pi OS Lite (64-bit): the models do not run on this system")
    if known.get("VERSION_CODENAME") not in SUPPORTED:
        return amber(value, f"not tested; tested on {' and '.join(SUPPORTED)}")
    return green(value)


def python(version: tuple[int, int, int]) -> Finding:
    value = ".".join(str(part) for part in version)
    first, last = (".".join(str(part) for part in one) for one in PYTHONS)
    return green(value) if PYTHONS[0] <= version[:2] <= PYTHONS[1] else amber(value, f"use {first} to {last}")


def board(model: str | None, *, memory_mib: float, processors: int) -> Finding:
    """Check the kind of Raspberry Pi and its memory. ``model`` is None for another machine."""
    model = model or "not a Raspberry Pi"
    value = f"{model}, {processors} processors, {memory_mib / 1024:.1f} GiB memory"
    if memory_mib < LEAST_MEMORY_MIB:
        return amber(value, "tested with at least 1 GiB of memory")
    if model.startswith("Raspberry Pi") and not BOARDS.match(model):
        return amber(
            value, "tested on Raspberry Pi 3B+ to 5; the speed below shows whether this one is fast enough"
        )
    return green(value)


def processor(cpu: Path, word: int | None, temperature_c: float | None) -> Finding:
    """Check governor and temperature, and whether the firmware slows it. ``cpu`` is /sys/devices/system/cpu."""
    governors, drivers = (
        sorted({path.read_text().strip() for path in cpu.glob(f"cpufreq/policy*/scaling_{what}")})
        for what in ("governor", "driver")
    )
    value = f"governor {', '.join(governors) or 'none (the hypervisor decides)'}"
    if temperature_c is not None:
        value += f", {temperature_c:.0f} °C"
    cool = "add a heat sink or a fan, and let air in"
    if word is not None and word & THROTTLED_NOW:
        return red(f"{value}, throttled now", f"{cool}; it is too slow now and misses faces")
    if word is not None and word & (CAPPED_NOW | HOT_NOW):
        return amber(f"{value}, slowed a little now", cool)
    if word is not None and word & (CAPPED_BEFORE | THROTTLED_BEFORE | HOT_BEFORE):
        return amber(
            f"{value}, was slowed since boot", f"{cool}, or use a better power supply if power is amber"
        )
    # With intel_pstate and amd-pstate, powersave means what ondemand means on a Pi.
    if "powersave" in governors and not any("pstate" in driver for driver in drivers):
        return amber(value, "it stays at its lowest frequency; choose governor ondemand or schedutil")
    return green(value)


def power(word: int | None) -> Finding:
    supply = "use the official power supply and a short cable, and unplug other USB devices"
    if word is None:
        return green("not measured on this machine")
    if word & WEAK_NOW:
        return red("undervoltage now", supply)
    if word & WEAK_BEFORE:
        return amber("undervoltage since boot", supply)
    return green("steady since boot")


def disk(folder: Path, *, sys: Path, uptime_s: float, writes_a_day: float) -> Finding:
    """Check free space at the outbox, and the wear of the card. ``folder`` may not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return worst_of(
        [_free(folder), *_wear(folder, sys, uptime_s), green(f"{writes_a_day:,.0f} outbox writes a day")]
    )


def _free(folder: Path) -> Finding:
    free_mib = shutil.disk_usage(folder).free / 2**20
    value = f"{free_mib / 1024:.1f} GiB free"
    delete = "delete what is not needed: apt-get clean, journalctl --vacuum-size=50M, old versions"
    if free_mib < LEAST_FREE_MIB[0]:
        return red(value, delete)
    return amber(value, delete) if free_mib < LEAST_FREE_MIB[1] else green(value)


def _wear(folder: Path, sys: Path, uptime_s: float) -> list[Finding]:
    """Report how much the file system has written, and the wear that the chip reports; SD cards report none."""
    device = folder.stat().st_dev
    block = (sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}").resolve()
    found = []
    written = {
        part: int(path.read_text())
        for part in ("lifetime", "session")
        if (path := sys / "fs" / "ext4" / block.name / f"{part}_write_kbytes").exists()
    }
    if len(written) == 2 and uptime_s > 0:
        daily_gib = written["session"] / 2**20 / uptime_s * 86_400
        found.append(
            green(
                f"{written['lifetime'] / 2**20:.0f} GiB written so far, {daily_gib:.2f} GiB a day since boot"
            )
        )
    # A partition lies below its disk; a disk without partitions is used directly.
    chip = next((path for b in (block, block.parent) if (path := b / "device" / "life_time").exists()), None)
    if chip is None:
        return [*found, green("wear: not reported by this disk")]
    used = max(int(word, 16) for word in chip.read_text().split())
    value = (
        f"wear: {10 * (used - 1)} to {10 * used} % of its life used"
        if used < WORN_AT[0]
        else "wear: life used up"
    )
    swap = "replace the card or module; counts that were delivered are not lost"
    state = (
        red(value, swap) if used >= WORN_AT[0] else amber(value, swap) if used >= WORN_AT[1] else green(value)
    )
    return [*found, state]


def clock(*, trusted: bool, error_s: float | None) -> Finding:
    """Check the clock. ``error_s`` is the kernel's estimate of its largest error."""
    if not trusted:
        return amber(
            "not synchronised since boot",
            "give it access to a time server (timedatectl timesync-status); until then windows are marked as untrusted",
        )
    return green("synchronised" if error_s is None else f"synchronised, at most {1000 * error_s:.0f} ms off")
