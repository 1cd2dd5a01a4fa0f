"""ISO 8601 weeks, Monday to Sunday, named like ``2026-W46``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cloud.domain.chain import Site
from cloud.domain.periods import monday_of
from common.errors import UserError

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class IsoWeek:
    """One week; ``first`` is its Monday."""

    first: date

    @property
    def last(self) -> date:
        return self.first + 6 * _DAY

    @property
    def name(self) -> str:
        year, number, _ = self.first.isocalendar()
        return f"{year}-W{number:02}"

    def weeks_before(self, count: int) -> date:
        """Return the Monday ``count`` weeks before."""
        return self.first - 7 * count * _DAY


def week_named(text: str) -> IsoWeek:
    """Return the week named ``text``. Raises ``UserError`` for anything else."""
    try:
        return IsoWeek(monday_of(text))
    except ValueError:
        raise UserError(f"--week {text}: is not a week; write it like 2026-W46") from None


def last_week(now: datetime) -> IsoWeek:
    """Return the week before the current one (UTC)."""
    day = now.date()
    return IsoWeek(day - (day.weekday() + 7) * _DAY)


def require_over(week: IsoWeek, sites: Iterable[Site], now: datetime) -> None:
    """Raise ``UserError`` if the week is not over at one of ``sites``: future days would look like missing data."""
    for site in sites:
        end = site.local_day(week.last)[1]
        if now < end:
            local = end.astimezone(site.zone)
            raise UserError(
                f"--week {week.name}: does not end at {site.name} before {local:%Y-%m-%d %H:%M %Z}"
            )
