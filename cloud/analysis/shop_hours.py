"""The hours of a shop, with who came in and what the till sold: what the effect of a clip is measured by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cloud.analysis.estimates import watched_share
from cloud.domain.formula import BUILT_IN
from cloud.domain.tally import Tally, added_by
from cloud.domain.thresholds import FULL_COVERAGE
from cloud.domain.till import Kept

_HOUR: Final = timedelta(hours=1)
_CONVERSION: Final = BUILT_IN[0]
"""Needs the doors to be watched, as the hours here do."""


@dataclass(frozen=True, slots=True)
class ShopHour:
    """One hour in UTC in which a shop was open and its doors were watched. ``start`` is in its local time."""

    start: datetime
    entries: int
    sales: int | None
    """None if the till does not tell them for the whole of this hour and nothing else."""

    @property
    def number(self) -> int:
        """The hours since 1970."""
        return int(self.start.timestamp() // 3600)


def shop_hours(quarters: Mapping[datetime, Tally], kept: Iterable[Kept], zone: ZoneInfo) -> list[ShopHour]:
    """Return the whole hours of these open quarters of an hour that were watched, with their sales."""
    sales = _sales(kept)
    hours = added_by(quarters, lambda at: at.astimezone(UTC).replace(minute=0))
    return [
        ShopHour(start.astimezone(zone), one.doors.entries, sales.get(start))
        for start, one in sorted(hours.items())
        if one.open_s >= _HOUR.total_seconds()
        and one.doors is not None
        and watched_share(_CONVERSION, one) >= FULL_COVERAGE
    ]


def _sales(kept: Iterable[Kept]) -> dict[datetime, int]:
    """Return the sales of each hour that intervals of the till cover without reaching into another one."""
    parts: dict[datetime, list[Kept]] = {}
    for one in kept:
        start = one.takings.start.astimezone(UTC).replace(minute=0, second=0)
        if one.takings.end <= start + _HOUR:
            parts.setdefault(start, []).append(one)
    return {start: _sum(part) for start, part in parts.items() if _length(part) == _HOUR}


def _sum(part: Sequence[Kept]) -> int:
    return sum(one.takings.transactions for one in part)


def _length(part: Sequence[Kept]) -> timedelta:
    return sum((one.takings.end - one.takings.start for one in part), timedelta())
