"""Visits by hour of local time, from tallies by quarter of an hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from cloud.analysis.comparable import coverage
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Site
from cloud.domain.tally import State, Tally, added_by


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of local time in which the site is open."""

    day: date
    hour: int
    coverage: float
    state: State
    """Never ``closed``."""
    visits: int | None
    rate: float | None
    """Visits per watched hour, so that hours that were open or watched only in part are comparable."""


def local_hours(parts: Mapping[datetime, Tally], site: Site) -> Iterator[Hour]:
    """Add up quarters to hours of local time; an hour that is repeated when the clocks change is one."""

    def hour_of(at: datetime) -> tuple[date, int]:
        local = at.astimezone(site.zone)
        return local.date(), local.hour

    for (day, hour), total in added_by(parts, hour_of).items():
        yield _hour(day, hour, total)


def _hour(day: date, hour: int, total: Tally) -> Hour:
    seen = total.covered_s > 0
    visits, watched_h = (float(terms[0]) for terms in metric_named("visits_per_open_hour").terms([total]))
    return Hour(
        day=day,
        hour=hour,
        coverage=coverage(total),
        state=total.state,
        visits=total.visits if seen else None,
        rate=visits / watched_h if seen else None,
    )


def weekday_hours(parts: Mapping[datetime, Tally], site: Site) -> dict[tuple[int, int], Hour]:
    """Add up the same hour of the same weekday, over all days: by weekday (0 is Monday) and hour of local time."""

    def hour_of(at: datetime) -> tuple[int, int]:
        local = at.astimezone(site.zone)
        return local.weekday(), local.hour

    return {key: _hour(total.day, key[1], total) for key, total in sorted(added_by(parts, hour_of).items())}
