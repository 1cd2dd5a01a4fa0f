"""What the count checks of a site are worth now: which hold, which are void and why, and what they correct."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from cloud.domain.chain import Interval
from cloud.domain.count_check import (
    LATE_S,
    SHORTEST,
    Basis,
    BasisPeriod,
    CountCheck,
    Door,
    Sums,
    all_arrived,
    compare,
)
from cloud.stores.check_file import CheckFile
from cloud.stores.store import DeviceState, Reader, StoreUnavailable
from common.clock import Clock

log = logging.getLogger(__name__)

State = Literal["open", "waiting", "short", "unwatched", "unbound", "changed", "void", "holds"]
"""``open``: somebody taps, or has not said that it is over; ``waiting``: for windows of the device; ``unwatched``: too
few whole windows of it were watched; ``unbound``: the device has not told what it counts with; ``changed``: it changed
during the check; ``void``: it changed afterwards."""
LEAST_COMPARED: Final = timedelta(minutes=5)
"""Whole watched windows that a check needs."""
LOOK_EVERY_S: Final = 300.0
_RECENT: Final = timedelta(hours=1)
_LONGEST_WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """A check, and what it is worth."""

    check: CountCheck
    state: State
    period: BasisPeriod | None
    """What the device counted with; ``until`` and ``changed`` say since when and why a check is void."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The checks of one door together."""

    door: Door
    checks: int
    entries: tuple[Sums, ...]
    """Of each window."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Correction:
    """What the checks say about several doors. It corrects only if no door is in ``without``."""

    doors: tuple[Checked, ...]
    without: tuple[Door, ...]
    """Doors without a check that holds for the whole period."""


def judge(check: CountCheck, periods: Sequence[BasisPeriod]) -> Judged:
    """Judge a check by what its device has counted with, oldest first."""
    lacking = _lacking(check)
    if lacking is not None or check.ended is None:
        return Judged(check, lacking or "open", None)
    # Before the first basis that is known, the device is taken to have counted with it as well.
    during = [
        one
        for place, one in enumerate(periods)
        if (place == 0 or one.since < check.ended) and (one.until is None or one.until > check.started)
    ]
    if not during:
        return Judged(check, "unbound", None)
    if len(during) > 1 or during[0].basis.moved:
        return Judged(check, "changed", during[0])
    return Judged(check, "holds" if during[0].until is None else "void", during[0])


def _lacking(check: CountCheck) -> State | None:
    """Return what a check lacks to say anything at all; None if nothing."""
    if check.ended is None:
        return "open"
    if check.ended - check.started < SHORTEST:
        return "short"
    if check.parts is None:
        return "waiting"
    return "unwatched" if check.seconds < LEAST_COMPARED.total_seconds() else None


def judged(file: CheckFile, site: str) -> list[Judged]:
    """Return the checks of a site, newest first. Raises ``StoreUnavailable``."""
    periods: dict[str, list[BasisPeriod]] = {}
    found = []
    for check in file.of(site):
        device = check.door.device
        if device not in periods:
            periods[device] = file.periods(site, device)
        found.append(judge(check, periods[device]))
    return found


@dataclass(frozen=True, slots=True)
class DoorChecks:
    """The checks of some doors of a site, read once to correct many days."""

    doors: tuple[Door, ...]
    judged: tuple[Judged, ...]

    def correction(self, first: Interval, last: Interval) -> Correction | None:
        """Return what the checks say of all doors from the local day ``first`` to ``last``, each as its two ends; None
        if no door was checked.

        A check holds for the days on which its device counted with what it was checked with.
        """
        by_door: dict[Door, list[CountCheck]] = {door: [] for door in self.doors}
        for one in self.judged:
            if (
                one.state in ("holds", "void")
                and one.check.door in by_door
                and _covers(one, first[1], last[1])
            ):
                by_door[one.check.door].append(one.check)
        if not any(by_door.values()):
            return None
        return Correction(
            tuple(_together(door, checks) for door, checks in by_door.items() if checks),
            tuple(door for door, checks in by_door.items() if not checks),
        )


def door_checks(
    file: CheckFile, site: str, belongs: Callable[[Door], bool] = lambda _: True
) -> DoorChecks | None:
    """Return the checks of the doors of a site that ``belongs`` names; None without any. Raises
    ``StoreUnavailable``."""
    doors = tuple(door for door in file.doors(site) if belongs(door))
    known = tuple(judged(file, site)) if doors else ()
    return DoorChecks(doors, known) if known else None


def _covers(one: Judged, first_day_ends: datetime, last_day_ends: datetime) -> bool:
    period = one.period
    if period is None or period.since >= first_day_ends:
        return False
    return period.until is None or period.until >= last_day_ends


def _together(door: Door, checks: Sequence[CountCheck]) -> Checked:
    entries = tuple(part.entries for check in checks for part in check.parts or ())
    return Checked(door, len(checks), entries, sum(check.seconds for check in checks))


class CountChecks:
    """The checks with the store that they are compared with. Safe to use from several threads; methods raise
    ``StoreUnavailable``."""

    def __init__(self, file: CheckFile, reader: Reader, clock: Clock) -> None:
        self.file, self._reader, self._clock = file, reader, clock
        self._lock = threading.Lock()

    def look(self, site: str) -> None:
        """Keep what the devices of a site count with and which doors they have, and compare the checks whose windows
        have come."""
        with self._lock:
            for state in self._reader.devices(site):
                basis = _basis(state)
                if basis is not None:
                    self.file.observe(site, state.device, basis[0], basis[1])
            if doors := self._doors(site):
                self.file.see(site, doors)
            for check in self.file.waiting():
                if check.site == site:
                    self._compare(check)

    def watch(self, stop: threading.Event, every_s: float = LOOK_EVERY_S) -> None:
        """Look at every site that has checks now and then, until ``stop`` is set. A fault is logged once."""
        fault = ""
        while not stop.wait(every_s):
            try:
                for site in self.file.sites():
                    self.look(site)
                fault = ""
            except StoreUnavailable as error:
                if str(error) != fault:
                    log.warning("count checks: %s", error)
                fault = str(error)

    def _doors(self, site: str) -> list[Door]:
        latest = self._reader.latest(site)
        if latest is None:
            return []
        windows = self._reader.windows(site, latest.start - _RECENT, latest.start + timedelta(seconds=1))
        return sorted(
            {Door(one.device, one.camera, name) for one in windows for name in one.totals.doors},
            key=lambda door: (door.device, door.camera, door.name),
        )

    def _compare(self, check: CountCheck) -> None:
        assert check.ended is not None
        end = check.ended + timedelta(seconds=LATE_S) + _LONGEST_WINDOW
        windows = self._reader.windows(check.site, check.started - _LONGEST_WINDOW, end)
        if all_arrived(check, windows, self._clock.now()):
            self.file.keep(check.id, compare(check, self.file.taps(check.id), windows))


def _basis(state: DeviceState) -> tuple[Basis, datetime] | None:
    """Return what a device counts with, and when it said so; None if it has not."""
    health = state.health
    if health is None:
        return None
    moved = [alert.at for alert in state.alerts if alert.fault == "moved"]
    basis = Basis(health.software, health.model, health.config, moved=bool(moved))
    return basis, max([health.at, *moved])
