"""Compares sites with each other, so that chance is not mistaken for a difference.

A site is compared with the rest of its chain on the same dates: its count is divided by the count it would have had at
the others' rate (indirect standardisation). This removes weekdays, holidays and weather that all have in common. The
variance is estimated from the site's days, because daily visits vary far more than a Poisson count. The variances of
all sites are combined (moderated t, Smyth 2004, along the trend with size), a day that resembles the one before has
less weight, and the false discovery rate over all sites is controlled (Benjamini and Hochberg 1995). Only cameras of
one role are compared. docs/decisions/0020 and 0057 explain why, docs/numbers.md how to read the result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.stats import norm

from cloud.analysis.comparable import LEAST_DAYS, comparable, since_heard
from cloud.analysis.confusion import Matrix
from cloud.analysis.differences import differences
from cloud.analysis.metrics import Metric
from cloud.domain.chain import Role
from cloud.domain.tally import Tally

LEVEL = 0.05
"""On average, at most this share of the differences that are called real is chance; in a chain of equal sites, at most
this share of the comparisons calls any site different."""


@dataclass(frozen=True, slots=True)
class Row:
    """One site. Fields are None if it was not compared."""

    site: str
    days: int
    """Days that counted; all fields below refer to them unless stated otherwise."""
    coverage: float
    """Share of the opening time that was watched, over all days."""
    rate: float | None
    """Adjusted if the site's days differ from those of the others."""
    low: float | None
    """``low`` to ``high`` is the 95 % interval of this site alone."""
    high: float | None
    versus: float | None
    """``rate`` divided by that of the rest of the chain on the same dates; 1.15 is 15 % more."""
    p: float | None
    q: float | None
    """p corrected for the number of sites."""
    real: bool
    """Whether the difference from the rest is real, at ``LEVEL``."""
    set_apart: str | None
    """Why the site is not compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result. ``rows`` has the compared sites by rate, highest first, then those not compared, by name."""

    metric: str
    title: str
    unit: str
    role: Role
    first: date
    last: date
    level: float
    rate: float | None
    """The rate of all compared sites together."""
    detectable: float | None
    """The smallest difference, as a share, that would be called real in 9 of 10 cases if one site had it (median over
    the sites). A smaller difference may exist and not be found."""
    rows: tuple[Row, ...]


def compare(
    tallies: Iterable[Tally], metric: Metric, *, sites: Collection[str], role: Role, first: date, last: date
) -> Comparison:
    """Compare ``sites`` from ``first`` to ``last``, both included.

    ``tallies`` has at most one for each site and day; those of other roles are ignored.
    """
    inside = since_heard(t for t in tallies if first <= t.day <= last and t.role == role)
    chosen = comparable(inside, sites, metric)
    table = _table(chosen.kept, metric)
    apart = {**chosen.set_apart, **dict.fromkeys(table.alone, "too few days on which other shops are open")}
    watched = _watched(inside, sites)
    rows, detectable = _rows(table, metric, watched) if table.sites else ([], None)
    rows.sort(key=lambda row: (-(row.rate or 0), row.site))
    rows += [
        Row(site, 0, watched[site], None, None, None, None, None, None, False, apart[site])
        for site in sorted(apart)
    ]
    total = float(table.denominator.sum())
    rate = float(table.numerator.sum()) / total if total else None
    return Comparison(
        metric=metric.name,
        title=metric.title,
        unit=metric.unit,
        role=role,
        first=first,
        last=last,
        level=LEVEL,
        rate=rate,
        detectable=detectable,
        rows=tuple(rows),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """Arrays (sites, dates), 0 if a day does not count."""

    sites: list[str]
    alone: list[str]
    """Sites that are not in the arrays, because no other site is open on their days."""
    numerator: Matrix
    denominator: Matrix


def _table(kept: Collection[Tally], metric: Metric) -> _Table:
    tallies = list(kept)
    sites, dates = sorted({t.site for t in tallies}), sorted({t.day for t in tallies})
    row, column = ({name: i for i, name in enumerate(names)} for names in (sites, dates))
    numerator, denominator = np.zeros((2, len(sites), len(dates)))
    place = [row[t.site] for t in tallies], [column[t.day] for t in tallies]
    if tallies:
        numerator[place], denominator[place] = metric.terms(tallies)
    alone = np.zeros(len(sites), bool)
    while True:  # repeat: a removed site may have been the only other one on some dates
        used = denominator > 0
        used &= used.sum(0) > 1
        found = (used.sum(1) < LEAST_DAYS) & ~alone
        numerator, denominator = np.where(used, numerator, 0), np.where(used, denominator, 0)
        if not found.any():
            break
        alone |= found
        numerator[alone], denominator[alone] = 0, 0
    kept_sites = [site for site, left in zip(sites, alone, strict=True) if not left]
    left_out = [site for site, left in zip(sites, alone, strict=True) if left]
    return _Table(kept_sites, left_out, numerator[~alone], denominator[~alone])


def _watched(tallies: Iterable[Tally], sites: Collection[str]) -> dict[str, float]:
    """Return the share of the opening time that was watched, in 0..1, by site."""
    opened, covered = dict.fromkeys(sites, 0.0), dict.fromkeys(sites, 0.0)
    for tally in tallies:
        if tally.site in opened:
            opened[tally.site] += tally.open_s
            covered[tally.site] += min(tally.covered_s, tally.open_s)
    return {site: covered[site] / opened[site] if opened[site] else 0.0 for site in sites}


def _rows(table: _Table, metric: Metric, watched: Mapping[str, float]) -> tuple[list[Row], float | None]:
    """Return the rows, and the smallest difference that would be found."""
    found = differences(table.numerator, table.denominator, by_date=metric.by_date)
    most = 1.0 if metric.unit == "%" else np.inf
    rows = [
        Row(
            site=site,
            days=int((table.denominator[i] > 0).sum()),
            coverage=watched[site],
            rate=float(found.rate[i]),
            low=float(np.clip(found.low[i], 0, most)),
            high=float(np.clip(found.high[i], 0, most)),
            versus=None if np.isnan(found.versus[i]) else float(found.versus[i]),
            p=float(found.p[i]),
            q=float(found.q[i]),
            real=bool(found.q[i] <= LEVEL),
            set_apart=None,
        )
        for i, site in enumerate(table.sites)
    ]
    errors = found.error[~np.isnan(found.error)]
    bar = norm.ppf(1 - LEVEL / 2 / len(rows)) + norm.ppf(0.9)
    return rows, float(bar * np.median(errors)) if len(errors) else None
