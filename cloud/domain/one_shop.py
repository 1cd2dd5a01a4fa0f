"""A chain without a chain file: the sites in the embedded store of one box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.domain.chain import Chain
from cloud.domain.opening import WEEKDAYS
from common.errors import UserError

NAME = "one-box"
_LOOKED_AT = timedelta(weeks=5)
"""How far a report looks back."""


class Starts(Protocol):
    """The part of a store that is needed here."""

    def sites(self) -> list[str]:
        """Return every site that has windows, sorted by name."""
        ...

    def starts(self, site: str, start: datetime, end: datetime) -> list[datetime]:
        """Return the start times of a site's windows in [start, end)."""
        ...


def assumed_chain(store: Starts, zone: ZoneInfo, last: date) -> Chain:
    """Return the sites of ``store`` with opening hours estimated from windows. Raises ``UserError`` without sites."""
    until = datetime.combine(last, time.max, zone)
    sites = {
        name: {
            "title": name,
            "timezone": zone.key,
            "opening": usual_hours(store.starts(name, until - _LOOKED_AT, until), zone),
        }
        for name in store.sites()
    }
    if not sites:
        raise UserError(
            "store: it has no windows yet, so there is nothing to report; check that a device is sending"
        )
    return Chain.model_validate({"name": NAME, "sites": sites})


def usual_hours(starts: Iterable[datetime], zone: ZoneInfo) -> dict[str, list[str] | str]:
    """Estimate the opening hours by weekday, in local time.

    A quarter of an hour is open if it has windows on at least half of that weekday's days with data. So a shop whose
    device is switched off at night is closed then; otherwise it is always open.
    """
    dates: dict[int, set[int]] = defaultdict(set)
    seen: dict[tuple[int, int], set[int]] = defaultdict(set)
    for start in starts:
        local = start.astimezone(zone)
        dates[local.weekday()].add(local.toordinal())
        seen[local.weekday(), 4 * local.hour + local.minute // 15].add(local.toordinal())
    return {
        name: _intervals([q for q in range(96) if 2 * len(seen[day, q]) >= len(dates[day]) > 0]) or "closed"
        for day, name in enumerate(WEEKDAYS)
    }


def _intervals(quarters: Sequence[int]) -> list[str]:
    """Join consecutive quarters to intervals."""
    starts = [quarter for quarter in quarters if quarter - 1 not in quarters]
    ends = [quarter + 1 for quarter in quarters if quarter + 1 not in quarters]
    return [f"{_clock(start)}-{_clock(end)}" for start, end in zip(starts, ends, strict=True)]


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"
