"""The till of a simulated shop: what it sold in each hour, with a conversion rate that only the simulator knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from cloud.domain.chain import Site
from cloud.simulation.doors import ENTRY
from cloud.simulation.visitors import Visitors

_HOUR_S = 3600
_SPENDS, _SPREAD = 18.0, 0.6
"""The median of what one sale brings, and the standard deviation of its log."""
_MORE_ITEMS = 1.4
_STAFF = 2.0


@dataclass(frozen=True, slots=True)
class TillHour:
    """One hour of the local clock, as a row of a till."""

    start: datetime
    transactions: int
    turnover: float
    items: int
    staff_hours: float


@dataclass(frozen=True, slots=True)
class TillDay:
    """One day of a till, with the truth: how many people really entered, and the share of them that buys."""

    hours: Sequence[TillHour]
    entered: int
    conversion: float


def conversion_of(rng: np.random.Generator) -> float:
    """Draw the share of the people who enter a shop that buys."""
    return float(rng.uniform(0.15, 0.45))


def till_day(
    rng: np.random.Generator,
    site: Site,
    day: date,
    cameras: Sequence[Visitors],
    conversion: float,
) -> TillDay:
    """Make the hours of a day. ``cameras`` are those at entrances: everybody who passed, counted or not."""
    entered = np.sort(np.concatenate([np.empty(0), *(one.end_s[one.crossing == ENTRY] for one in cameras)]))
    hours = []
    total = 0
    for first, last in site.opening_intervals(day):
        start = first.timestamp() - first.astimezone(site.zone).minute * 60
        while start < last.timestamp():
            begins, ends = max(start, first.timestamp()), min(start + _HOUR_S, last.timestamp())
            came = int(np.searchsorted(entered, ends) - np.searchsorted(entered, begins))
            total += came
            hours.append(_hour(rng, start, int(rng.binomial(came, conversion)), ends - begins))
            start += _HOUR_S
    return TillDay(hours, total, conversion)


def _hour(rng: np.random.Generator, start_s: float, sales: int, open_s: float) -> TillHour:
    spent = rng.lognormal(np.log(_SPENDS), _SPREAD, sales).sum()
    return TillHour(
        start=datetime.fromtimestamp(start_s, UTC),
        transactions=sales,
        turnover=round(float(spent), 2),
        items=sales + int(rng.poisson(_MORE_ITEMS * sales)),
        staff_hours=round(_STAFF * open_s / _HOUR_S, 2),
    )


HEADER = "site,start,minutes,transactions,turnover,items,staff_hours\n"


def csv_lines(site: Site, day: TillDay, now: datetime) -> list[str]:
    """Return the hours of a day that are over as ``till import`` reads them, in the local time of the shop."""
    return [
        f"{site.name},{one.start.astimezone(site.zone).isoformat()},60,{one.transactions},{one.turnover:.2f},"
        f"{one.items},{one.staff_hours:.2f}\n"
        for one in day.hours
        if one.start + timedelta(seconds=_HOUR_S) <= now
    ]
