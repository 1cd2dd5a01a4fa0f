"""What a report of one store says: its week from its tallies. All arithmetic is that of the tally and the analysis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Literal

from cloud.analysis.change import WEEKS_BEFORE, Change, changes
from cloud.analysis.comparable import coverage
from cloud.analysis.metrics import metric_named
from cloud.analysis.mix import Mix, mix, mixes, verdicts
from cloud.domain.chain import Chain, Site
from cloud.domain.tally import QUARTER, Tally, quarters, tally
from cloud.domain.thresholds import FULL_COVERAGE
from cloud.reports.week import IsoWeek
from cloud.rollup.comparisons import METRICS
from cloud.stores.tallies import Tallies, days
from common.vocabulary import ATTRIBUTES, GENDERS, UNKNOWN

HIDES_MOST = 2
"""Ages are shown by gender unless that shows fewer than one in so many of the visits that ages alone show."""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day on which the store is open. Without coverage the counts are None: nobody watched."""

    day: date
    open_s: float
    coverage: float
    visits: int | None
    viewers: int | None


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the local clock in which the store is open."""

    day: date
    hour: int
    coverage: float
    state: Literal["no_data", "partial", "full"]
    visits: int | None
    rate: float | None
    """Visits per watched hour: fair where an hour was open or watched only in part."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Opening time in which no camera saw anything, in local time."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class StoreReport:
    """One store's week."""

    site: str
    title: str
    timezone: str
    week: str
    first: date
    last: date
    notes: tuple[str, ...]
    """Promotions and the like, from the chain file."""
    open_s: float
    coverage: float
    visits: int | None
    viewers: int | None
    changes: tuple[Change, ...]
    """The visits first."""
    days: tuple[Day, ...]
    hours: tuple[Hour, ...]
    busiest: Hour | None
    """Of the hours that were wholly watched."""
    cohort_visits: int
    mixes: Mapping[str, Mix]
    """By attribute, those that the profile allows and of which anything was released."""
    ages: Mapping[str, Mix]
    """By gender as counted, where that hides little; each adds up to 1."""
    unknown: Mapping[str, float]
    """Share of the visits without a verdict, by attribute."""
    withheld: Mapping[str, float]
    """Share of the visits described at all whose cell was withheld, by attribute."""
    outages: tuple[Outage, ...]
    models: tuple[str, ...]
    calibrations: tuple[str, ...]


def store_report(source: Tallies, chain: Chain, site: Site, week: IsoWeek) -> StoreReport:
    """Raises ``StoreUnavailable``."""
    found = source.tallies([site.name], week.weeks_before(WEEKS_BEFORE), week.last)
    by_day = {one.day: one for one in found}
    # A day that nothing came from was open all the same: its time was not watched.
    own = [by_day.get(day) or tally((), site, day) for day in days(week.first, week.last)]
    total = sum(own[1:], own[0])
    parts = _quarters(source, site, week)
    hours = tuple(_hours(parts, site))
    described = mixes(own)
    return StoreReport(
        site=site.name,
        title=site.title,
        timezone=site.timezone,
        week=week.name,
        first=week.first,
        last=week.last,
        notes=notes(chain, site, week),
        open_s=total.open_s,
        coverage=coverage(total),
        visits=total.visits if total.covered_s > 0 else None,
        viewers=total.viewers if total.covered_s > 0 else None,
        changes=tuple(changes(found, [metric_named(name) for name in METRICS], week.first)),
        days=tuple(_day(one) for one in own if one.open_s > 0),
        hours=hours,
        busiest=max(
            (hour for hour in hours if hour.state == "full"), key=lambda hour: hour.rate or 0.0, default=None
        ),
        cohort_visits=total.cohort_visits,
        mixes={one.attribute: one for one in described},
        ages=_ages(total),
        unknown={one.attribute: _unknown(total, one) for one in described},
        withheld={one.attribute: one.withheld / (one.n + one.withheld) for one in described},
        outages=tuple(_outages(parts, site)),
        models=tuple(sorted(total.models)),
        calibrations=tuple(sorted(total.calibrations)),
    )


def notes(chain: Chain, site: Site | None, week: IsoWeek) -> tuple[str, ...]:
    """What the chain file says of the week: of one store, or of the chain."""
    return tuple(
        f"{one.text} ({one.first:%a %-d %b} to {one.last:%a %-d %b})"
        for one in chain.annotations
        if one.first <= week.last and one.last >= week.first
        if site is None or not one.sites or site.name in one.sites
    )


def _day(one: Tally) -> Day:
    seen = one.covered_s > 0
    return Day(
        one.day, one.open_s, coverage(one), one.visits if seen else None, one.viewers if seen else None
    )


def _quarters(source: Tallies, site: Site, week: IsoWeek) -> dict[datetime, Tally]:
    """Every quarter of an hour in which the store is open, those that nothing came from included."""
    opening = {
        at: part for day in days(week.first, week.last) for at, part in quarters((), site, day).items()
    }
    stored = source.quarters(site.name, week.first, week.last)
    return {at: stored.get(at, part) for at, part in sorted(opening.items()) if part.open_s > 0}


def _hours(parts: Mapping[datetime, Tally], site: Site) -> Iterable[Hour]:
    groups: dict[tuple[date, int], Tally] = {}
    for at, part in parts.items():
        local = at.astimezone(site.zone)
        key = (local.date(), local.hour)
        groups[key] = groups[key] + part if key in groups else part
    metric = metric_named(METRICS[0])
    for (day, hour), total in groups.items():
        seen = total.covered_s > 0
        visits, watched_h = (float(terms[0]) for terms in metric.terms([total]))
        yield Hour(
            day=day,
            hour=hour,
            coverage=coverage(total),
            state="no_data" if not seen else "full" if coverage(total) >= FULL_COVERAGE else "partial",
            visits=total.visits if seen else None,
            rate=visits / watched_h if seen else None,
        )


def _ages(total: Tally) -> dict[str, Mix]:
    if HIDES_MOST * sum(total.gender_age_band.values()) < sum(total.age_band.values()):
        return {}
    found = {gender: mix(_of_gender(total, gender), "age_band") for gender in GENDERS}
    return {gender: one for gender, one in found.items() if one is not None}


def _of_gender(total: Tally, gender: str) -> Tally:
    """The visits that were read as of one gender; what is withheld may be of either."""
    cells = {label: count for label, count in total.gender_age_band.items() if label[0] == gender}
    bands = {band: cells.get((gender, band), 0) for band in (*ATTRIBUTES["age_band"], UNKNOWN)}
    return replace(total, gender_age_band=cells, age_band=bands)


def _unknown(total: Tally, of: Mix) -> float:
    return verdicts(total, of.attribute)[UNKNOWN] / of.n


def _outages(parts: Mapping[datetime, Tally], site: Site) -> Iterable[Outage]:
    blind: Sequence[datetime] = [at for at, part in parts.items() if part.covered_s <= 0]
    begin: datetime | None = None
    local = partial(datetime.astimezone, tz=site.zone)
    for at in blind:
        begin = begin or at
        if at + QUARTER not in parts or parts[at + QUARTER].covered_s > 0:
            yield Outage(local(begin), local(at + QUARTER))
            begin = None
