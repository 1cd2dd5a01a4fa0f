"""The contents of a report of a whole chain: its sites side by side, computed from their tallies of one week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cloud.analysis.change import WEEKS_BEFORE, Change, changes
from cloud.analysis.comparable import coverage
from cloud.analysis.compare import LEVEL, Comparison, compare
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Chain, Role
from cloud.domain.tally import Tally
from cloud.domain.thresholds import LEAST_COVERAGE
from cloud.reports.site import notes
from cloud.reports.week import IsoWeek
from cloud.rollup.comparisons import METRICS, PERIOD_DAYS, formulas_of, metrics_of
from cloud.stores.tallies import Tallies, every_day


@dataclass(frozen=True, slots=True)
class SiteWeek:
    """A summary of one site's week, for its most informative role."""

    site: str
    title: str
    role: Role
    coverage: float
    visits: int | None
    """None if no camera was watching."""
    days_without_data: int
    """Only days on which the site was open."""
    silent: tuple[str, ...]
    """Cameras of any role that sent no data."""
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One week of all sites of a chain."""

    chain: str
    week: str
    first: date
    last: date
    role: Role
    """The role of the cameras that are compared."""
    without: tuple[str, ...]
    """Sites that have no camera of this role."""
    notes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    """One for each metric that is compared every night, over four weeks that end with this one."""
    changes: Mapping[str, Change]
    """Visits this week compared with the weeks before, by site. The level is divided by the number of sites."""
    sites: tuple[SiteWeek, ...]
    poorly_watched: tuple[str, ...]
    """Sites that were watched for less of their opening time than a comparison needs."""
    silent: tuple[str, ...]
    """Sites that sent no data."""
    models: Mapping[str, int]
    """Number of sites by the version of the models that they used last, the most common first."""


ByRole = Mapping[Role, Sequence[Tally]]
"""The days of one site."""


def chain_report(source: Tallies, chain: Chain, week: IsoWeek, role: Role) -> ChainReport:
    """Compute the report of the chain for one week and role. Raises ``StoreUnavailable``."""
    first = week.weeks_before(WEEKS_BEFORE)
    found = {
        one: every_day(source, chain.with_role(one).values(), first, week.last, one) for one in chain.roles
    }
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
            compare(found[role], metric, sites=compared, role=role, first=period[0], last=period[1])
            for metric in (
                *map(metric_named, metrics_of(found[role])),
                *formulas_of(chain.formulas, found[role]),
            )
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
