"""Periods of whole local days, and the periods that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
MOST_DAYS = 92
"""The longest period that the page reads: a quarter of a year."""

Kind = Literal["week", "month", "days"]


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``first`` to ``last``, both included. A week or month that is not over ends earlier."""

    first: date
    last: date
    kind: Kind = "days"

    @property
    def days(self) -> list[date]:
        return [self.first + index * _DAY for index in range((self.last - self.first).days + 1)]

    @property
    def name(self) -> str:
        """How a request names a week or a month: ``2026-W48``, ``2026-11``. Other days have no name."""
        return self.first.strftime({"week": "%G-W%V", "month": "%Y-%m"}[self.kind])

    def until(self, last: date) -> Period:
        """Return the part up to ``last``."""
        return replace(self, last=min(self.last, last))

    @property
    def next(self) -> Period:
        """The whole period after this one."""
        if self.kind == "week":
            return week_of(self.first + _WEEK)
        if self.kind == "month":
            return month_of(self.first + 31 * _DAY)
        return self._moved(self._weeks_long)

    @property
    def previous(self) -> Period:
        """The whole period before this one."""
        if self.kind == "week":
            return week_of(self.first - _WEEK)
        if self.kind == "month":
            return month_of(self.first - _DAY)
        return self._moved(-self._weeks_long)

    @property
    def before(self) -> Period:
        """The same part of the period before, so that four days of this week stand beside four of the last one. Days
        that are no week or month are moved by whole weeks: they begin on the same weekday."""
        whole = self.previous
        return whole.until(whole.first + (self.last - self.first))

    @property
    def year_before(self) -> Period:
        """The same days last year: of the month of that name, or else on the same weekdays, 52 weeks before."""
        if self.kind == "month":
            month = month_of(self.first.replace(year=self.first.year - 1))
            return month.until(month.first + (self.last - self.first))
        return self._moved(-52)

    @property
    def _weeks_long(self) -> int:
        return -(-len(self.days) // 7)

    def _moved(self, weeks: int) -> Period:
        return replace(self, first=self.first + weeks * _WEEK, last=self.last + weeks * _WEEK)


def monday_of(week: str) -> date:
    """Return the first day of an ISO 8601 week such as ``2026-W46``. Raises ``ValueError`` for anything else."""
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def week_of(day: date) -> Period:
    """Return the ISO week that contains ``day``, Monday to Sunday."""
    monday = day - day.weekday() * _DAY
    return Period(monday, monday + 6 * _DAY, "week")


def month_of(day: date) -> Period:
    """Return the calendar month that contains ``day``."""
    first = day.replace(day=1)
    return Period(first, (first + 31 * _DAY).replace(day=1) - _DAY, "month")


def paired_days(one: Sequence[date], other: Sequence[date]) -> list[tuple[date, date]]:
    """Pair days by weekday: the first Monday with the first Monday, and so on; days that are left over have no pair."""
    by_weekday: tuple[list[list[date]], ...] = tuple(
        [[day for day in row if day.weekday() == weekday] for weekday in range(7)] for row in (one, other)
    )
    return sorted(pair for both in zip(*by_weekday, strict=True) for pair in zip(*both, strict=False))
