"""What a report of a whole chain says: its stores side by side, each week from their tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cloud.analysis.change import WEEKS_BEFORE, Change, changes
from cloud.analysis.comparable import LEAST_COVERAGE, coverage
from cloud.analysis.compare import LEVEL, Comparison, compare
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Chain
from cloud.domain.tally import Tally, tally
from cloud.reports.store import notes
from cloud.reports.week import IsoWeek
from cloud.rollup.comparisons import METRICS, PERIOD_DAYS
from cloud.stores.tallies import Tallies, days


@dataclass(frozen=True, slots=True)
class StoreWeek:
    """One store's week in short."""

    site: str
    title: str
    coverage: float
    visits: int | None
    """None where nobody watched."""
    days_without_data: int
    """Of the days on which it was open."""
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """All stores of a chain."""

    chain: str
    week: str
    first: date
    last: date
    notes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    """Over four weeks, the last of which is this one: of each metric that is compared every night."""
    changes: Mapping[str, Change]
    """Visits this week against the weeks before, by store. The level is divided by the number of stores."""
    stores: tuple[StoreWeek, ...]
    poorly_watched: tuple[str, ...]
    """Stores that were watched for less than the share of their time that a comparison asks for."""
    silent: tuple[str, ...]
    """Stores of which nothing came."""
    models: Mapping[str, int]
    """Stores by version of the models that they used last, the most common first."""


def chain_report(source: Tallies, chain: Chain, week: IsoWeek) -> ChainReport:
    """Raises ``StoreUnavailable``."""
    found = source.tallies(sorted(chain.sites), week.weeks_before(WEEKS_BEFORE), week.last)
    by_site: dict[str, list[Tally]] = {name: [] for name in chain.sites}
    for one in found:
        by_site[one.site].append(one)
    visits = metric_named(METRICS[0])
    stores = tuple(_store(chain, name, own, week) for name, own in by_site.items())
    period = week.weeks_before(PERIOD_DAYS // 7 - 1), week.last
    return ChainReport(
        chain=chain.name,
        week=week.name,
        first=week.first,
        last=week.last,
        notes=notes(chain, None, week),
        comparisons=tuple(
            compare(found, metric_named(name), sites=chain.sites, first=period[0], last=period[1])
            for name in METRICS
        ),
        changes={
            name: changes(own, [visits], week.first, level=LEVEL / len(by_site))[0]
            for name, own in by_site.items()
        },
        stores=stores,
        poorly_watched=tuple(one.site for one in stores if 0 < one.coverage < LEAST_COVERAGE),
        silent=tuple(one.site for one in stores if one.coverage == 0),
        models=dict(Counter(one.models[-1] for one in stores if one.models).most_common()),
    )


def _store(chain: Chain, name: str, found: Sequence[Tally], week: IsoWeek) -> StoreWeek:
    site = chain.sites[name]
    by_day = {one.day: one for one in found}
    own = [by_day.get(day) or tally((), site, day) for day in days(week.first, week.last)]
    total = sum(own[1:], own[0])
    seen = [one for one in own if one.covered_s > 0]
    return StoreWeek(
        site=name,
        title=site.title,
        coverage=coverage(total),
        visits=total.visits if seen else None,
        days_without_data=sum(one.open_s > 0 and one.covered_s <= 0 for one in own),
        models=tuple(sorted(seen[-1].models)) if seen else (),
    )
