"""A chain without a chain file: the sites of one box, as its embedded store knows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.domain.chain import WEEKDAYS, Chain
from common.errors import UserError

NAME = "one-box"
_LOOKED_AT = timedelta(weeks=5)
"""As long as a report looks back."""


class Starts(Protocol):
    """What is asked of the store."""

    def sites(self) -> list[str]:
        """Every site that windows are kept of, by name."""
        ...

    def starts(self, site: str, start: datetime, end: datetime) -> list[datetime]:
        """When the windows of a site start, within [start, end)."""
        ...


def assumed_chain(store: Starts, zone: ZoneInfo, last: date) -> Chain:
    """The sites of ``store`` with the opening hours that their devices suggest. Raises ``UserError`` without any."""
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
        raise UserError("store: no windows came yet; there is nothing to report")
    return Chain.model_validate({"name": NAME, "sites": sites})


def usual_hours(starts: Iterable[datetime], zone: ZoneInfo) -> dict[str, list[str] | str]:
    """The opening hours by weekday: the quarters of an hour of the local clock with windows on at least half of the
    days of that weekday on which any came. Where a device is switched off at night, the shop is closed then; else it is
    always open."""
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
    """Quarters in a row as one interval."""
    starts = [quarter for quarter in quarters if quarter - 1 not in quarters]
    ends = [quarter + 1 for quarter in quarters if quarter + 1 not in quarters]
    return [f"{_clock(start)}-{_clock(end)}" for start, end in zip(starts, ends, strict=True)]


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"
