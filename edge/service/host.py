"""The machine as Linux reports it: memory, heat, power, disk, and whether the clock is set."""

from __future__ import annotations

import ctypes
import shutil
import time
from pathlib import Path

import psutil


def rss_mb() -> float:
    """Return the resident memory of this process in MiB."""
    return psutil.Process().memory_info().rss / 2**20


def memory_mib() -> tuple[float, float]:
    """Return the memory of the machine, all of it and what is available, in MiB."""
    memory = psutil.virtual_memory()
    return memory.total / 2**20, memory.available / 2**20


def uptime_s() -> float:
    """Return the seconds since the machine was started."""
    return time.time() - psutil.boot_time()


def board_model(proc: Path = Path("/proc")) -> str | None:
    """Return the name of the board, such as a Raspberry Pi's; None where there is no device tree."""
    try:
        return (proc / "device-tree" / "model").read_text(encoding="utf-8").strip("\0\n ")
    except OSError:
        return None


def processor_name(proc: Path = Path("/proc")) -> str | None:
    """Return the name of the processor, where the kernel gives one (it does on x86-64)."""
    try:
        lines = (proc / "cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def temperature_c(thermal: Path = Path("/sys/class/thermal")) -> float | None:
    """Return the temperature of the hottest thermal zone in degrees Celsius; None if no zone can be read."""
    found = []
    for zone in thermal.glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):  # some zones are listed but cannot be read
            continue
    return max(found, default=None)


_HELD_BACK = 0xF
"""Bits 0 to 3 of the firmware's status are the present: undervoltage, frequency capped, throttled, close to the
temperature limit. Bits from 16 on are the past: since boot on some kernels, since the last read on others."""


def throttled(platform: Path = Path("/sys/devices/platform")) -> bool | None:
    """Return whether a Raspberry Pi is slowed down by heat or a weak power supply; None on other machines."""
    word = firmware_word(platform)
    return None if word is None else bool(word & _HELD_BACK)


def firmware_word(platform: Path = Path("/sys/devices/platform")) -> int | None:
    """Return the status bits of a Raspberry Pi's firmware for heat and power; None on other machines.

    It is the value that ``vcgencmd get_throttled`` shows, read without the device file that this command needs.
    """
    for word in platform.glob("soc*/*firmware/get_throttled"):
        try:
            return int(word.read_text(), 16)
        except (OSError, ValueError):  # the file may exist although the firmware is too old to answer
            continue
    return None


def disk_free_mb(folder: Path) -> float | None:
    """Return the free space on the file system of ``folder`` in MiB; None if it cannot be read."""
    try:
        return round(shutil.disk_usage(folder).free / 2**20, 1)
    except OSError:  # the outbox reports a card that was removed or is broken
        return None


class _Timex(ctypes.Structure):
    """The first fields of the kernel's ``struct timex`` (adjtimex(2)); the rest is space that the kernel fills."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


_LIBC = ctypes.CDLL(None, use_errno=True)
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


def clock_trusted(marker: Path = Path("/run/systemd/timesync/synchronized")) -> bool:
    """Return whether a time service has set the wall clock since boot.

    systemd-timesyncd writes the file ``marker``. Other time services (chrony, ntpd) tell the kernel. The kernel is
    asked second, because a sandbox may forbid it. If neither gives an answer, the clock is not trusted.
    """
    return marker.exists() or clock_error_s() is not None


def clock_error_s() -> float | None:
    """Return the kernel's estimate of the clock's largest error in seconds; None if it has no estimate."""
    timex = _Timex()
    state: int = _LIBC.adjtimex(ctypes.byref(timex))
    if state in (-1, _TIME_ERROR) or timex.status & _STA_UNSYNC:
        return None
    return float(timex.maxerror / 1e6)
