"""What Linux tells of the machine: memory, heat, power, disk, and whether the clock is set."""

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
    """The hottest thermal zone in degrees Celsius, or None where there is none that can be read."""
    found = []
    for zone in thermal.glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):  # a zone may be listed and refuse to be read
            continue
    return max(found, default=None)


_HELD_BACK = 0xF
"""Bits 0 to 3 of the firmware's word tell what is now: supply too weak, frequency capped, throttled, close to the
limit of temperature. Those from 16 on tell of the past: since boot on some kernels, since the last look on others."""


def throttled(platform: Path = Path("/sys/devices/platform")) -> bool | None:
    """Whether a Raspberry Pi runs slower than it could, for heat or for want of power; None on other machines."""
    word = firmware_word(platform)
    return None if word is None else bool(word & _HELD_BACK)


def firmware_word(platform: Path = Path("/sys/devices/platform")) -> int | None:
    """What the firmware of a Raspberry Pi says of heat and power; None on other machines.

    The same word as ``vcgencmd get_throttled`` shows, without the device file that the command needs.
    """
    for word in platform.glob("soc*/*firmware/get_throttled"):
        try:
            return int(word.read_text(), 16)
        except (OSError, ValueError):  # the file may be there and the firmware too old to answer
            continue
    return None


def disk_free_mb(folder: Path) -> float | None:
    """MiB free on the file system of ``folder``, or None where it cannot be asked."""
    try:
        return round(shutil.disk_usage(folder).free / 2**20, 1)
    except OSError:  # a card that was pulled or died is what the outbox reports
        return None


class _Timex(ctypes.Structure):
    """The head of the kernel's ``struct timex`` (adjtimex(2)); the rest is room for what it writes."""

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
    """True once the wall clock was set by a time service since boot.

    systemd-timesyncd leaves ``marker``; any other one (chrony, ntpd) tells the kernel, which is asked second, as a
    sandboxed service may be forbidden to. Where neither can say, the clock is not trusted.
    """
    return marker.exists() or clock_error_s() is not None


def clock_error_s() -> float | None:
    """By how many seconds the wall clock is wrong at most, as the kernel reckons; None where it does not know."""
    timex = _Timex()
    state: int = _LIBC.adjtimex(ctypes.byref(timex))
    if state in (-1, _TIME_ERROR) or timex.status & _STA_UNSYNC:
        return None
    return float(timex.maxerror / 1e6)
