"""The comparison of stores as points: a dashboard shows what ``footlight-cloud compare`` says and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from cloud.analysis.compare import Row, compare
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Chain
from cloud.domain.tally import Tally
from cloud.stores import layout
from cloud.stores.measurement import Point
from cloud.stores.tallies import Tallies, day_time

METRICS = (
    "visits_per_open_hour",
    "viewers_share",
    "dwell_mean",
    "attraction_ratio",
    "share:gender=female",
)
"""What is compared every night; ``compare`` can do more."""

PERIOD_DAYS = 28
"""Four of each weekday."""


def comparison_points(tallies: Tallies, chain: Chain, last: date) -> Iterator[Point]:
    """A point for each metric and store, over the four weeks to ``last``. Raises ``StoreUnavailable``."""
    first = last - timedelta(days=PERIOD_DAYS - 1)
    found = tallies.tallies(sorted(chain.sites), first, last)
    newest = {tally.site: tally for tally in found}
    for name in METRICS:
        comparison = compare(found, metric_named(name), sites=chain.sites, first=first, last=last)
        for row in comparison.rows:
            yield _point(chain, name, row, newest.get(row.site), last)


def _point(chain: Chain, metric: str, row: Row, newest: Tally | None, last: date) -> Point:
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
    return layout.COMPARISON.point({"site": row.site, "metric": metric}, day_time(last), values)
