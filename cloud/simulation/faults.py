"""What goes wrong at one device in the days of a simulation, as stretches of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from cloud.domain.chain import Interval, Site

ROOMY = 100_000
"""Windows for weeks."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Intervals in aware UTC, those of one kind apart from each other."""

    blind: Sequence[Interval] = ()
    """The camera gives no picture."""
    off: Sequence[Interval] = ()
    """No power."""
    offline: Sequence[Interval] = ()
    """No network: what is counted comes afterwards, from the outbox."""
    outbox: int = ROOMY
    """Windows that the outbox holds; what comes on top is lost."""
    coverage: float = 0.995
    """Share of the time in which frames are processed without a gap while all is well."""
    temperature_c: float = 52.0


def draw_faults(rng: np.random.Generator, site: Site, days: Sequence[date]) -> Faults:
    """One device in some ten has a day without a picture, one in twenty is without power for some days or to the
    end, a third lose the network for an hour or so, and a few are too slow or have no room in the outbox."""
    blind, off, offline = [], [], []
    if rng.random() < 0.10:
        blind.append(_stretch(rng, site, days, hours=float(rng.uniform(2, 40))))
    if rng.random() < 0.05:
        off.append(_stretch(rng, site, days, hours=float(rng.uniform(3, 80))))
    if rng.random() < 0.015:
        start = site.local_day(days[-1])[0] - timedelta(hours=float(rng.uniform(1, 60)))
        off = [(start, site.local_day(days[-1])[1] + timedelta(days=1))]
    if rng.random() < 0.35:
        offline.append(_stretch(rng, site, days, hours=float(rng.uniform(0.4, 3))))
    slow = rng.random() < 0.03
    return Faults(
        blind=blind,
        off=off,
        offline=offline,
        outbox=30 if rng.random() < 0.1 else ROOMY,
        coverage=float(rng.uniform(0.45, 0.8)) if slow else float(rng.uniform(0.97, 1.0)),
        temperature_c=float(rng.normal(52, 4)) + (22 if slow else 0),
    )


def _stretch(rng: np.random.Generator, site: Site, days: Sequence[date], hours: float) -> Interval:
    """Begins at full ten minutes of some day while a shop is usually open."""
    midnight, _ = site.local_day(days[int(rng.integers(len(days)))])
    start = midnight + timedelta(minutes=10 * int(rng.integers(6 * 8, 6 * 18)))
    return start, start + timedelta(minutes=10 * max(1, round(6 * hours)))


def within(moment: datetime, intervals: Sequence[Interval]) -> Interval | None:
    """The interval that holds ``moment``."""
    return next((interval for interval in intervals if interval[0] <= moment < interval[1]), None)


def overlap_s(start: datetime, end: datetime, intervals: Sequence[Interval]) -> float:
    """For how many seconds of [start, end) one of ``intervals`` is on."""
    return sum(max(0.0, (min(end, last) - max(start, first)).total_seconds()) for first, last in intervals)
