"""What a report of a whole chain says: its sites side by side, each week from their tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cloud.analysis.change import WEEKS_BEFORE, Change, changes
from cloud.analysis.comparable import LEAST_COVERAGE, coverage
from cloud.analysis.compare import LEVEL, Comparison, compare
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Chain, Role
from cloud.domain.tally import Tally, with_silent_days
from cloud.reports.site import notes
from cloud.reports.week import IsoWeek
from cloud.rollup.comparisons import METRICS, PERIOD_DAYS
from cloud.stores.tallies import Tallies, days


@dataclass(frozen=True, slots=True)
class SiteWeek:
    """One site's week in short, of the role that says most about it."""

    site: str
    title: str
    role: Role
    coverage: float
    visits: int | None
    """None where nobody watched."""
    days_without_data: int
    """Of the days on which it was open."""
    silent: tuple[str, ...]
    """Cameras of any role of which nothing came."""
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """All sites of a chain."""

    chain: str
    week: str
    first: date
    last: date
    role: Role
    """The cameras that are compared."""
    without: tuple[str, ...]
    """Sites that have no such camera."""
    notes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    """Over four weeks, the last of which is this one: of each metric that is compared every night."""
    changes: Mapping[str, Change]
    """Visits this week against the weeks before, by site. The level is divided by the number of sites."""
    sites: tuple[SiteWeek, ...]
    poorly_watched: tuple[str, ...]
    """Sites that were watched for less than the share of their time that a comparison asks for."""
    silent: tuple[str, ...]
    """Sites of which nothing came."""
    models: Mapping[str, int]
    """Sites by version of the models that they used last, the most common first."""


ByRole = Mapping[Role, Sequence[Tally]]
"""The days of one site."""


def chain_report(source: Tallies, chain: Chain, week: IsoWeek, role: Role) -> ChainReport:
    """Raises ``StoreUnavailable``."""
    first = week.weeks_before(WEEKS_BEFORE)
    found = {one: _tallies(source, chain, one, first, week.last) for one in chain.roles}
    by_site = {
        name: {one: [tally for tally in found[one] if tally.site == name] for one in site.roles}
        for name, site in chain.sites.items()
    }
    visits = metric_named(METRICS[0])
    sites = tuple(_site(chain, name, own, week) for name, own in by_site.items())
    compared = chain.with_role(role)
    period = week.weeks_before(PERIOD_DAYS // 7 - 1), week.last
    return ChainReport(
        chain=chain.name,
        week=week.name,
        first=week.first,
        last=week.last,
        role=role,
        without=tuple(name for name in chain.sites if name not in compared),
        notes=notes(chain, None, week),
        comparisons=tuple(
            compare(
                found[role], metric_named(name), sites=compared, role=role, first=period[0], last=period[1]
            )
            for name in METRICS
        ),
        changes={
            name: changes(own[chain.sites[name].roles[0]], [visits], week.first, level=LEVEL / len(by_site))[
                0
            ]
            for name, own in by_site.items()
        },
        sites=sites,
        poorly_watched=tuple(one.site for one in sites if 0 < one.coverage < LEAST_COVERAGE),
        silent=tuple(one.site for one in sites if one.coverage == 0),
        models=dict(Counter(one.models[-1] for one in sites if one.models).most_common()),
    )


def _tallies(source: Tallies, chain: Chain, role: Role, first: date, last: date) -> list[Tally]:
    sites = chain.with_role(role)
    return with_silent_days(
        source.tallies(list(sites), first, last, role), sites.values(), days(first, last), role
    )


def _site(chain: Chain, name: str, found: ByRole, week: IsoWeek) -> SiteWeek:
    site = chain.sites[name]
    own = {role: [one for one in tallies if one.day >= week.first] for role, tallies in found.items()}
    totals = {role: sum(tallies[1:], tallies[0]) for role, tallies in own.items()}
    main = site.roles[0]
    seen = [one for one in own[main] if one.covered_s > 0]
    return SiteWeek(
        site=name,
        title=site.title,
        role=main,
        coverage=coverage(totals[main]),
        visits=totals[main].visits if seen else None,
        days_without_data=sum(one.open_s > 0 and one.covered_s <= 0 for one in own[main]),
        silent=tuple(
            camera
            for total in totals.values()
            for camera, watched_s in total.watched_s.items()
            if not watched_s
        ),
        models=tuple(sorted(seen[-1].models)) if seen else (),
    )
