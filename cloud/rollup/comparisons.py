"""Writes the comparison of sites as points, so that a dashboard shows the same as ``footlight-cloud compare``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from cloud.analysis.compare import Comparison, Row, compare
from cloud.analysis.metrics import Metric, formula_metric, metric_named
from cloud.domain.chain import Chain
from cloud.domain.day_tallies import with_silent_days
from cloud.domain.formula import Formula
from cloud.domain.tally import Tally
from cloud.stores import layout
from cloud.stores.measurement import Point
from cloud.stores.tallies import Tallies, day_time, days

METRICS = (
    "visits_per_open_hour",
    "viewers_share",
    "dwell_mean",
    "attraction_ratio",
    "share:gender=female",
)
"""The metrics that are compared every night; ``compare`` has more."""
DOOR_METRICS = ("entries_per_open_hour", "capture_rate")
"""The same of doors, where there are any."""

PERIOD_DAYS = 28
"""Four weeks, so four of each weekday."""


def metrics_of(tallies: Iterable[Tally]) -> tuple[str, ...]:
    """Return the metrics that these tallies are compared on: those of doors only if one of them has a door."""
    return METRICS + (DOOR_METRICS if any(tally.doors for tally in tallies) else ())


def comparison_points(tallies: Tallies, chain: Chain, last: date) -> Iterator[Point]:
    """Make a point for each metric, role and site with cameras of that role, over the four weeks up to ``last``.

    Raises ``StoreUnavailable``.
    """
    first = last - timedelta(days=PERIOD_DAYS - 1)
    for role in chain.roles:
        sites = chain.with_role(role)
        stored = tallies.tallies(list(sites), first, last, role)
        newest = {tally.site: tally for tally in stored if tally.models}  # a day may have a till alone
        found = with_silent_days(stored, sites.values(), days(first, last), role)
        metrics = [*map(metric_named, metrics_of(found)), *formulas_of(chain.formulas, found)]
        for metric in metrics:
            comparison = compare(found, metric, sites=sites, role=role, first=first, last=last)
            for row in comparison.rows:
                yield _point(chain, comparison, row, newest.get(row.site))


def formulas_of(formulas: Iterable[Formula], tallies: Sequence[Tally]) -> list[Metric]:
    """Return the metrics with a formula that can be told of at least one of these days."""
    told = [formula_metric(one) for one in formulas]
    return [metric for metric in told if any(metric.told(one) for one in tallies)]


def _point(chain: Chain, comparison: Comparison, row: Row, newest: Tally | None) -> Point:
    site = chain.sites[row.site]
    place = {"latitude": None, "longitude": None} if site.place is None else site.place.model_dump()
    versions: Sequence[frozenset[str]] = (
        (newest.models, newest.calibrations) if newest else (frozenset(),) * 2
    )
    models, calibrations = (",".join(sorted(names)) for names in versions)
    values = {
        "compared": row.set_apart is None,
        "apart_because": row.set_apart or "",
        "title": site.title,
        **place,
        **{
            name: getattr(row, name)
            for name in ("days", "coverage", "rate", "low", "high", "versus", "q", "real")
        },
        "models": models,
        "calibrations": calibrations,
    }
    tags = {"site": row.site, "role": comparison.role, "metric": comparison.metric}
    return layout.COMPARISON.point(tags, day_time(comparison.last), values)
