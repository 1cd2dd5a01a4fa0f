"""The contents of a report of one site: one week, computed from its tallies by the functions of tally and analysis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from cloud.analysis.change import WEEKS_BEFORE, Change, changes
from cloud.analysis.comparable import camera_coverage, coverage
from cloud.analysis.corrected import Corrected, checked_doors, corrected_entries
from cloud.analysis.formula_figures import FormulaFigure, formula_figures, relevant
from cloud.analysis.hours import Hour, local_hours
from cloud.analysis.metrics import Metric, metric_named
from cloud.analysis.mix import Mix, mix, mixes
from cloud.domain.chain import Chain, Role, Site
from cloud.domain.labels import WITHOUT_VERDICT, Counts
from cloud.domain.local_clock import QUARTER
from cloud.domain.tally import Tally, readable
from cloud.domain.till import TillTally
from cloud.reports.week import IsoWeek
from cloud.rollup.comparisons import metrics_of
from cloud.stores.check_file import CheckFile
from cloud.stores.tallies import Tallies, every_day, open_quarters
from common.vocabulary import ATTRIBUTES, GENDERS, UNKNOWN

HIDES_MOST = 2
"""Ages are not shown by gender if ages alone show more than this many times as many visits."""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day on which the site is open. The counts are None if no camera was watching."""

    day: date
    open_s: float
    coverage: float
    visits: int | None
    viewers: int | None


@dataclass(frozen=True, slots=True)
class Outage:
    """Opening time in which no camera saw anything, in local time."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera and the share of the opening time that it watched."""

    name: str
    coverage: float


@dataclass(frozen=True, slots=True)
class Cameras:
    """A summary of the cameras of another role at the same site."""

    role: Role
    cameras: tuple[Camera, ...]
    coverage: float
    visits: int | None
    rate: float | None
    """Visits per watched hour: all entrances added up; the average camera for other roles."""


@dataclass(frozen=True, slots=True)
class Results:
    """The visits in cohorts by result, for one attribute. The other parts add up to ``visits``."""

    visits: int
    known: int
    unknown: int
    """Looked at, but not sure."""
    not_seen: int
    """The face was never seen well enough."""
    no_verdict: int
    """One of these two, which may not be told apart."""
    withheld: int


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One week of a site, for the cameras of one role."""

    site: str
    title: str
    timezone: str
    role: Role
    cameras: tuple[Camera, ...]
    others: tuple[Cameras, ...]
    """The other roles of the site."""
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
    """Visits come first."""
    till: TillTally | None
    """What the till told of the week; None if nothing."""
    metrics: tuple[FormulaFigure, ...]
    """The figures with a formula, beside those of the week before."""
    currency: str
    days: tuple[Day, ...]
    hours: tuple[Hour, ...]
    busiest: Hour | None
    """The busiest of the hours that were watched completely."""
    cohort_visits: int
    mixes: Mapping[str, Mix]
    """By attribute; only those that the profile allows and of which anything was released."""
    ages: Mapping[str, Mix]
    """Ages by gender (as counted), empty if too much is withheld or uncertain; each gender adds up to 1."""
    described: int | None
    """Visits whose face was surely seen and classified, of ``described_of``; None if no cohort tells it."""
    described_of: int
    results: Mapping[str, Results]
    """By attribute, as in ``mixes``."""
    outages: tuple[Outage, ...]
    models: tuple[str, ...]
    calibrations: tuple[str, ...]
    corrected: Corrected | None
    """The entries by the count checks; None if no door was checked."""

    @property
    def silent(self) -> tuple[str, ...]:
        """The cameras of the site, of all roles, that sent no data."""
        cameras = [*self.cameras, *(camera for other in self.others for camera in other.cameras)]
        return tuple(camera.name for camera in cameras if camera.coverage == 0)


def site_report(
    source: Tallies, chain: Chain, site: Site, week: IsoWeek, role: Role, checks: CheckFile | None = None
) -> SiteReport:
    """Compute the report of one site and week for one role; ``checks`` correct its entries.

    Raises ``StoreUnavailable``.
    """
    first = week.weeks_before(WEEKS_BEFORE)
    found = every_day(source, [site], first, week.last, role)
    own = [one for one in found if one.day >= week.first]
    total = sum(own[1:], own[0])
    parts = open_quarters(source, site, week.first, week.last, role)
    hours = tuple(local_hours(parts, site))
    found_mixes = mixes(own)
    before = [one for one in found if one.day < week.first][-7:]
    shown = relevant(chain.formulas, [*own, *before], main=role == site.roles[0])

    def compared(metric: Metric, level: float) -> Change:
        (only,) = changes(found, [metric], week.first, level=level)
        return only

    doors = (checked_doors(checks, site, role, own), checked_doors(checks, site, role, before))
    return SiteReport(
        site=site.name,
        title=site.title,
        timezone=site.timezone,
        role=role,
        cameras=_cameras(total),
        others=tuple(_other(source, site, week, other) for other in site.roles if other != role),
        week=week.name,
        first=week.first,
        last=week.last,
        notes=notes(chain, site, week),
        open_s=total.open_s,
        coverage=coverage(total),
        visits=total.visits if total.covered_s > 0 else None,
        viewers=total.viewers if total.covered_s > 0 else None,
        changes=tuple(changes(found, [metric_named(name) for name in metrics_of(found)], week.first)),
        till=total.till,
        metrics=formula_figures(shown, own, before, compared, doors),
        currency=chain.currency or "",
        days=tuple(_day(one) for one in own if one.open_s > 0),
        hours=hours,
        busiest=max(
            (hour for hour in hours if hour.state == "full"), key=lambda hour: hour.rate or 0.0, default=None
        ),
        cohort_visits=total.cohort_visits,
        mixes={one.attribute: one for one in found_mixes},
        ages=_ages(total),
        described=total.described if total.described_of else None,
        described_of=total.described_of,
        results={one.attribute: _results(total, one) for one in found_mixes},
        outages=tuple(_outages(parts, site)),
        models=tuple(sorted(total.models)),
        calibrations=tuple(sorted(total.calibrations)),
        corrected=corrected_entries(checks, site, role, own),
    )


def notes(chain: Chain, site: Site | None, week: IsoWeek) -> tuple[str, ...]:
    """Return the annotations of the chain file in this week, for one site or for the whole chain."""
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


def _cameras(total: Tally) -> tuple[Camera, ...]:
    return tuple(Camera(name, share) for name, share in camera_coverage(total).items())


def _other(source: Tallies, site: Site, week: IsoWeek, role: Role) -> Cameras:
    own = every_day(source, [site], week.first, week.last, role)
    total = sum(own[1:], own[0])
    return Cameras(
        role=role,
        cameras=_cameras(total),
        coverage=coverage(total),
        visits=total.visits if total.covered_s > 0 else None,
        rate=3600 * total.visits / total.exposure_s if total.exposure_s > 0 else None,
    )


def _ages(total: Tally) -> dict[str, Mix]:
    bands = ATTRIBUTES["age_band"]
    by_gender = {label: n for label, n in total.gender_age_band.items() if label[1] in bands}
    if HIDES_MOST * readable(by_gender) < sum(total.age_band.get(band) or 0 for band in bands):
        return {}
    found = {gender: mix(_of_gender(total, gender), "age_band") for gender in GENDERS}
    told = {gender: one for gender, one in found.items() if one and 2 * one.told >= len(one.shares)}
    return told if len(told) == len(GENDERS) else {}


def _of_gender(total: Tally, gender: str) -> Tally:
    """Return the visits classified as one gender; withheld visits may belong to either."""
    cells = {label: count for label, count in total.gender_age_band.items() if label[0] == gender}
    bands = {band: cells.get((gender, band)) for band in (*ATTRIBUTES["age_band"], UNKNOWN)}
    # These do not belong to this gender: the visits in cells of the other one, and those without a verdict on gender.
    others = {
        label: count for label, count in total.gender_age_band.items() if label[0] not in (gender, UNKNOWN)
    }
    elsewhere = readable(others) + sum(total.gender.get(label) or 0 for label in WITHOUT_VERDICT)
    rest = total.demographics_visits - elsewhere
    # Who has a gender was seen, so a missing age band is unknown.
    return replace(
        total,
        gender_age_band=cells,
        age_band=bands,
        demographics_visits=rest,
        described=rest,
        described_of=rest,
    )


def _results(total: Tally, of: Mix) -> Results:
    counts: Counts = getattr(total, of.attribute)
    without = {label: counts.get(label) or 0 for label in WITHOUT_VERDICT}
    known = sum(counts.get(label) or 0 for label in ATTRIBUTES[of.attribute])
    visits = known + sum(without.values()) + of.withheld
    return Results(visits, known, withheld=of.withheld, **without)


def _outages(parts: Mapping[datetime, Tally], site: Site) -> Iterable[Outage]:
    blind: Sequence[datetime] = [at for at, part in parts.items() if part.covered_s <= 0]
    begin: datetime | None = None
    local = partial(datetime.astimezone, tz=site.zone)
    for at in blind:
        begin = begin or at
        if at + QUARTER not in parts or parts[at + QUARTER].covered_s > 0:
            yield Outage(local(begin), local(at + QUARTER))
            begin = None
