"""How the device does: the numbers of a health message, and the faults that become alerts."""

from __future__ import annotations

import ctypes
import os
import shutil
import statistics
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from edge.clock import Clock
from edge.wire import AlertMessage, HealthMessage

Fault = Literal["camera", "outbox", "clock", "config"]

_STEPS = 512
"""Step times the median is taken over: half a minute at 15 frames a second."""


class Health:
    """Collects what a health message says. ``state`` is the directory that the outbox lies in, ``config`` the hash of
    the settings in force; ``proc``, ``thermal``
    and ``platform`` are where Linux shows its state."""

    def __init__(
        self,
        *,
        site: str,
        device: str,
        boot_id: str,
        software: str,
        model: str,
        clock: Clock,
        state: Path,
        config: str | None = None,
        proc: Path = Path("/proc"),
        thermal: Path = Path("/sys/class/thermal"),
        platform: Path = Path("/sys/devices/platform"),
    ) -> None:
        self._site, self._device, self._boot_id = site, device, boot_id
        self._software, self._model, self._config = software, model, config
        self._clock, self._state = clock, state
        self._proc, self._thermal, self._platform = proc, thermal, platform
        self._steps: deque[float] = deque(maxlen=_STEPS)
        self._started_s = clock.monotonic()
        self._dropped_before = 0
        self._faults: dict[Fault, str | None] = {}

    def step(self, seconds: float) -> None:
        """One frame was processed and took so long."""
        self._steps.append(seconds)

    @property
    def slow_step_ms(self) -> float:
        """The 95th percentile of the steps whose median a message tells."""
        if len(self._steps) < 2:
            return 1000 * sum(self._steps)
        return 1000 * statistics.quantiles(self._steps, n=20, method="inclusive")[-1]

    def message(
        self,
        *,
        fps: float,
        camera_open: bool,
        dropped_total: int,
        outbox_depth: int,
        outbox_lost: int,
        clock_trusted: bool,
        config_message: str | None = None,
    ) -> HealthMessage:
        """The state now; dropped frames are those since the last call. ``fps`` is what the camera gives, because the
        number of processed frames would tell for how long somebody was in view."""
        dropped = max(0, dropped_total - self._dropped_before)
        self._dropped_before = dropped_total
        return HealthMessage(
            site=self._site,
            device=self._device,
            at=self._clock.now(),
            boot_id=self._boot_id,
            software=self._software,
            model=self._model,
            camera_open=camera_open,
            fps=round(fps, 2),
            step_ms=round(1000 * statistics.median(self._steps), 2) if self._steps else 0.0,
            dropped=dropped,
            outbox_depth=outbox_depth,
            outbox_lost=outbox_lost,
            clock_trusted=clock_trusted,
            temperature_c=temperature_c(self._thermal),
            throttled=throttled(self._platform),
            disk_free_mb=disk_free_mb(self._state),
            rss_mb=round(rss_mb(self._proc), 1),
            uptime_s=round(self._clock.monotonic() - self._started_s, 1),
            config=self._config,
            config_message=config_message,
        )

    def alerts(self, faults: Mapping[Fault, str | None]) -> list[AlertMessage]:
        """What began or ended since the last call. ``faults`` says in words what is wrong, or None if nothing.

        The first call speaks of every fault: a run that ended without a word, in a crash, may have left one open,
        and whoever listens knows only the last that was said. What was said by a wrong clock is said again when it
        is right, since it may be dated before that.
        """
        found = []
        clock_was_wrong = self._faults.get("clock") is not None
        for fault in get_args(Fault):
            text, before = faults.get(fault), self._faults.get(fault)
            # why a camera is away may be put in ever other words; of a config each refusal is an answer
            differs = text != before if fault == "config" else (text is None) != (before is None)
            if fault not in self._faults or differs:
                over = f"over: {before}" if before else "none"
                found.append(self._alert(fault, text is not None, over if text is None else text))
                self._faults[fault] = text
        if clock_was_wrong and self._faults["clock"] is None:
            self._faults = {"clock": None}
        return found

    def _alert(self, fault: Fault, active: bool, text: str) -> AlertMessage:
        at = self._clock.now()
        return AlertMessage(
            site=self._site, device=self._device, at=at, fault=fault, active=active, text=text[:240]
        )


def rss_mb(proc: Path = Path("/proc")) -> float:
    """Resident memory of this process in MiB."""
    pages = int((proc / "self" / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


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
