"""Computes the page of a period: the figures of one site and role beside those of another period or site.

All of it comes from tallies, by the functions of comparison, report and rollup, so that every view says the same. Two
rules apply everywhere: time in which no camera was watching is no data, never zero; and what the privacy rules withheld
is never filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from cloud.analysis.change import WEEKS_BEFORE, Change, changes, own_rate
from cloud.analysis.comparable import camera_coverage, coverage
from cloud.analysis.corrected import Corrected, checked_doors, corrected_entries
from cloud.analysis.formula_figures import FormulaFigure, formula_figures, relevant
from cloud.analysis.hours import Hour, weekday_hours
from cloud.analysis.metrics import Metric, metric_named
from cloud.analysis.mix import Mix, mix
from cloud.analysis.pairs import pair_changes
from cloud.domain.chain import Role, Site
from cloud.domain.formula import Formula
from cloud.domain.periods import Period, paired_days
from cloud.domain.tally import State, Tally
from cloud.rollup.comparisons import metrics_of
from cloud.stores.check_file import CheckFile
from cloud.stores.tallies import Tallies, every_day, open_quarters
from cloud.web.period_places import Places, places_of
from common.vocabulary import ATTRIBUTES

Against = Literal["before", "year", "site"]
"""What a period is compared with: the one before, the same days last year, or another site on the same days."""

NoMix = Literal["no_group", "not_allowed", "withheld"]
"""Why a mix is missing: no group of visits was released, the profile does not allow it, or all of it is withheld."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that stand side by side."""

    site: Site
    period: Period
    tallies: tuple[Tally, ...]
    """One for each day, also for those without data."""
    total: Tally

    @property
    def watched(self) -> bool:
        return any(one.covered_s > 0 for one in self.tallies)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both sides; None is not known."""

    name: str
    """The metric, or ``visits``, ``entries`` or ``coverage``."""
    unit: str
    value: float | None
    other: float | None
    ratio: float | None
    """How much more: 1.1 is 10 % more. Of visits and entries, per watched hour of opening time."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the period, and its counterpart: the day that it is compared with, if there is one."""

    day: date
    state: State
    coverage: float
    visits: int | None
    viewers: int | None
    entries: int | None
    other_day: date | None
    other_visits: int | None


@dataclass(frozen=True, slots=True)
class Who:
    """The mix of both sides by one attribute."""

    mix: Mix | None
    other: Mix | None
    missing: NoMix | None
    """Why there is no mix; None if there is one."""


@dataclass(frozen=True, slots=True)
class PeriodView:
    """Everything that the page of a period shows."""

    this: Side
    other: Side
    role: Role
    against: Against
    figures: tuple[Figure, ...]
    changes: tuple[Change, ...]
    by_weeks: bool
    """Whether ``changes`` compare a week with the four before, as the weekly report does, and not with ``other``."""
    days: tuple[Day, ...]
    hours: Mapping[tuple[int, int], Hour]
    """By weekday (0 is Monday) and hour of local time; hours in which the site is closed are missing."""
    who: Mapping[str, Who]
    places: Places
    metrics: tuple[FormulaFigure, ...]
    """The figures with a formula: those of the till, and those of the chain."""
    corrected: Corrected | None
    """The entries by the count checks; None if no door was checked."""
    other_corrected: Corrected | None
    silent_since: date | None
    """The last day with data, if the site was open on days of the period after it."""

    @property
    def coverage(self) -> float:
        return coverage(self.this.total)

    @property
    def cameras(self) -> dict[str, float]:
        """The share of the opening time that each camera watched."""
        return camera_coverage(self.this.total)


def period_view(
    source: Tallies, other_source: Tallies, sides: tuple[tuple[Site, Period], tuple[Site, Period]], role: Role,
    against: Against, formulas: Sequence[Formula] = (), checks: CheckFile | None = None,
) -> PeriodView:  # fmt: skip
    """Compute the page of the first of ``sides`` beside the second; ``checks`` correct its entries.

    ``formulas`` are the metrics of the chain that have one. Raises ``StoreUnavailable``.
    """
    (site, period), (other_site, other_period) = sides
    this = _side(source, site, period, role)
    other = _side(other_source, other_site, other_period, role)
    pairs = _pairs(this, other)
    by_weeks = against == "before" and period.kind == "week"
    metrics = [metric_named(name) for name in metrics_of((*this.tallies, *other.tallies))]
    both = [(one, counterpart) for one, counterpart in pairs if counterpart]
    weeks = Period(period.first - timedelta(weeks=WEEKS_BEFORE), period.last)
    longer = _tallies(source, site, weeks, role) if by_weeks else ()

    def compared(metric: Metric, level: float) -> Change:
        (only,) = (
            changes(longer, [metric], period.first, level=level)
            if by_weeks
            else pair_changes(both, [metric], level=level)
        )
        return only

    found = changes(longer, metrics, period.first) if by_weeks else pair_changes(both, metrics)
    shown = relevant(formulas, (*this.tallies, *other.tallies), main=role == site.roles[0])
    doors = (
        checked_doors(checks, site, role, this.tallies),
        checked_doors(checks, other_site, role, other.tallies),
    )
    return PeriodView(
        this=this,
        other=other,
        role=role,
        against=against,
        figures=tuple(_figures(this, other)),
        changes=tuple(found),
        by_weeks=by_weeks,
        days=tuple(_day(*pair) for pair in pairs),
        hours=weekday_hours(open_quarters(source, site, period.first, period.last, role), site),
        who={attribute: _who(this.total, other.total, attribute) for attribute in ATTRIBUTES},
        places=places_of(
            this.total.places,
            other.total.places,
            source.floor(site.name, period.first, period.last, role),
        ),
        metrics=formula_figures(shown, this.tallies, other.tallies, compared, doors),
        corrected=corrected_entries(checks, site, role, this.tallies),
        other_corrected=corrected_entries(checks, other_site, role, other.tallies),
        silent_since=_silent_since(this.tallies),
    )


def _side(source: Tallies, site: Site, period: Period, role: Role) -> Side:
    tallies = _tallies(source, site, period, role)
    return Side(site, period, tallies, sum(tallies[1:], tallies[0]))


def _tallies(source: Tallies, site: Site, period: Period, role: Role) -> tuple[Tally, ...]:
    return tuple(every_day(source, [site], period.first, period.last, role))


def _pairs(this: Side, other: Side) -> list[tuple[Tally, Tally | None]]:
    """Return each day with its counterpart: the same date of another site, or else the same weekday."""
    by_day = {one.day: one for one in other.tallies}
    same = this.site.name != other.site.name
    of = {
        day: by_day[counterpart]
        for day, counterpart in (
            [(day, day) for day in this.period.days]
            if same
            else paired_days(this.period.days, other.period.days)
        )
        if counterpart in by_day
    }
    return [(one, of.get(one.day)) for one in this.tallies]


def _figures(this: Side, other: Side) -> list[Figure]:
    totals = this.total, other.total
    rates = {
        name: [_rate(name, side) for side in (this, other)]
        for name in metrics_of((*this.tallies, *other.tallies))
    }

    def counted(name: str, rate: str, values: Sequence[float | None]) -> Figure:
        return Figure(name, "", values[0], values[1], _ratio(*rates[rate]))

    def rated(name: str) -> Figure:
        value, compared = rates[name]
        return Figure(name, metric_named(name).unit, value, compared, _ratio(value, compared))

    visits = [
        total.visits if side.watched else None for side, total in zip((this, other), totals, strict=True)
    ]
    found = [counted("visits", "visits_per_open_hour", visits)]
    if any(total.doors for total in totals):
        entries = [total.doors.entries if total.doors else None for total in totals]
        found += [counted("entries", "entries_per_open_hour", entries), rated("capture_rate")]
    found += [rated(name) for name in ("viewers_share", "attraction_ratio", "dwell_mean")]
    covered = [coverage(total) for total in totals]
    return [*found, Figure("coverage", "%", covered[0], covered[1], None)]


def _rate(name: str, side: Side) -> float | None:
    return own_rate(metric_named(name), [one for one in side.tallies if one.covered_s > 0])


def _ratio(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None


def _day(one: Tally, counterpart: Tally | None) -> Day:
    seen = one.covered_s > 0
    return Day(
        day=one.day,
        state=one.state,
        coverage=coverage(one),
        visits=one.visits if seen else None,
        viewers=one.viewers if seen else None,
        entries=one.doors.entries if seen and one.doors else None,
        other_day=counterpart.day if counterpart else None,
        other_visits=counterpart.visits if counterpart and counterpart.covered_s > 0 else None,
    )


def _who(this: Tally, other: Tally, attribute: str) -> Who:
    found = mix(this, attribute)
    whole = this.expression_visits if attribute == "expression" else this.demographics_visits
    missing: NoMix | None = None
    if found is None:
        missing = "no_group" if not this.cohort_visits else "withheld" if whole else "not_allowed"
    return Who(found, mix(other, attribute), missing)


def _silent_since(tallies: Sequence[Tally]) -> date | None:
    heard = [one.day for one in tallies if one.covered_s > 0]
    if heard and any(one.open_s > 0 for one in tallies if one.day > heard[-1]):
        return heard[-1]
    return None
