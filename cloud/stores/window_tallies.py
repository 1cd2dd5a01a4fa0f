"""Tallies computed from windows: those of one shop in the embedded store.

A day that was computed once is kept in memory, until one of its windows is new: a month of windows takes seconds to
read, and a page is read several times.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from threading import Lock
from typing import Protocol

from cloud.domain.chain import Chain, Role, Site
from cloud.domain.clips import ToldClips
from cloud.domain.day_tallies import count_day
from cloud.domain.day_windows import LATE
from cloud.domain.floor_tally import FloorTally
from cloud.domain.place_tally import PlaceTally
from cloud.domain.tally import Tally
from cloud.domain.till import Kept
from cloud.stores.tallies import Windows, days
from common.wire import WindowMessage

MOST_DAYS_KEPT = 250
"""A day takes about 100 kB."""
_AT_ONCE = 4
"""Days whose windows are in memory together."""


class Remembered(Protocol):
    """A source of windows that can tell cheaply whether they are still the same."""

    def cohorts(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Return the windows that start in [start, end) and have a cohort."""
        ...

    def stamp(self, site: str, start: datetime, end: datetime) -> Hashable:
        """Return a value that changes when a window of this time is written or removed."""
        ...


@dataclass(frozen=True, slots=True)
class _Day:
    total: Tally
    quarters: dict[datetime, Tally]
    floor: FloorTally


@dataclass(slots=True)
class DayMemory:
    """The days that were computed last, with the stamps of their windows. Safe to use from several threads."""

    source: Remembered
    _days: OrderedDict[Hashable, _Day | None] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def key(self, site: Site, day: date, role: Role) -> Hashable:
        """Return what identifies a day as it is now: also how its site is configured. Raises ``StoreUnavailable``."""
        start, end = site.local_day(day)
        return site.name, site.model_dump_json(), day, role, self.source.stamp(site.name, start, end + LATE)

    def find(self, key: Hashable) -> tuple[bool, _Day | None]:
        """Return whether the day is kept, and the day; None for one without windows."""
        with self._lock:
            if key not in self._days:
                return False, None
            self._days.move_to_end(key)
            return True, self._days[key]

    def keep(self, key: Hashable, found: _Day | None) -> None:
        """Keep a day, and give up the one that was not used for longest."""
        with self._lock:
            self._days[key] = found
            while len(self._days) > MOST_DAYS_KEPT:
                self._days.popitem(last=False)


class WindowTallies:
    """``Tallies`` computed from windows. Without a ``memory``, they are computed on each call."""

    def __init__(self, windows: Windows, chain: Chain, memory: DayMemory | None = None) -> None:
        self._windows, self._chain, self._memory = windows, chain, memory

    def tallies(self, sites: Sequence[str], first: date, last: date, role: Role) -> list[Tally]:
        return [day.total for name in sorted(sites) for day in self._days(name, first, last, role)]

    def quarters(self, site: str, first: date, last: date, role: Role) -> dict[datetime, Tally]:
        return {at: part for day in self._days(site, first, last, role) for at, part in day.quarters.items()}

    def floor(self, site: str, first: date, last: date, role: Role) -> FloorTally:
        return sum((day.floor for day in self._days(site, first, last, role)), FloorTally())

    def clips(self, site: str, start: datetime, end: datetime) -> list[ToldClips]:
        read = self._memory.source.cohorts if self._memory else self._windows.windows
        return [
            ToldClips(window.device, window.start, window.cohort.clips)
            for window in read(site, start, end)
            if window.cohort is not None and window.cohort.clips
        ]

    def sales(self, site: str, start: datetime, end: datetime) -> list[Kept]:
        """Return nothing: the till is not in the store, and ``TillTallies`` reads it."""
        return []

    def _days(self, name: str, first: date, last: date, role: Role) -> Iterator[_Day]:
        """Yield each day that has windows, in order."""
        site, wanted = self._chain.sites[name], days(first, last)
        for begin in range(0, len(wanted), _AT_ONCE):
            for day in self._some(site, wanted[begin : begin + _AT_ONCE], role):
                if day is not None:
                    yield day

    def _some(self, site: Site, wanted: Sequence[date], role: Role) -> list[_Day | None]:
        """Return a few days, reading the windows of those that are not kept once."""
        keys = {day: self._memory.key(site, day, role) for day in wanted} if self._memory else {}
        kept = {day: self._memory.find(key) for day, key in keys.items()} if self._memory else {}
        missing = [day for day in wanted if not kept.get(day, (False, None))[0]]
        computed = self._computed(site, missing, role) if missing else {}
        for day, found in computed.items():
            if self._memory:
                self._memory.keep(keys[day], found)
        return [computed[day] if day in computed else kept[day][1] for day in wanted]

    def _computed(self, site: Site, wanted: Sequence[date], role: Role) -> dict[date, _Day | None]:
        bounds = {day: site.local_day(day) for day in wanted}
        start, end = bounds[wanted[0]][0], bounds[wanted[-1]][1]
        # After the last day, only late cohorts count.
        after = self._memory.source.cohorts if self._memory else self._windows.windows
        read = [*self._windows.windows(site.name, start, end), *after(site.name, end, end + LATE)]
        return {day: _day(read, site, day, role) for day in wanted}


def _day(read: Sequence[WindowMessage], site: Site, day: date, role: Role) -> _Day | None:
    start, end = site.local_day(day)
    near = [window for window in read if start <= window.start < end + LATE]
    if not any(window.start < end for window in near):
        return None
    counted = count_day(near, site, day, role)
    thin = {at: replace(part, places=PlaceTally()) for at, part in counted.quarters.items()}
    return _Day(counted.total, thin, counted.floor)
