"""The faults of one simulated device, as intervals of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from cloud.domain.chain import Interval, Site

ROOMY = 100_000
"""An outbox size in windows that lasts for weeks."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Intervals in aware UTC; those of one kind do not overlap."""

    blind: Sequence[Interval] = ()
    """The camera sends no pictures."""
    off: Sequence[Interval] = ()
    """No power."""
    offline: Sequence[Interval] = ()
    """No network: counts arrive afterwards, from the outbox."""
    outbox: int = ROOMY
    """Windows that fit in the outbox; more are lost."""
    coverage: float = 0.995
    """Share of the time in which frames are processed when there is no other fault."""
    temperature_c: float = 52.0


def draw_faults(rng: np.random.Generator, site: Site, days: Sequence[date]) -> Faults:
    """Draw the faults of one device.

    About one device in ten has up to two days without pictures, one in twenty has no power for hours or days, a third
    lose the network for up to three hours, and a few are too slow or have a small outbox.
    """
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
    """Draw an interval that begins on a full ten minutes of some day, at a usual opening time."""
    midnight, _ = site.local_day(days[int(rng.integers(len(days)))])
    start = midnight + timedelta(minutes=10 * int(rng.integers(6 * 8, 6 * 18)))
    return start, start + timedelta(minutes=10 * max(1, round(6 * hours)))


def within(moment: datetime, intervals: Sequence[Interval]) -> Interval | None:
    """Return the interval that contains ``moment``, or None."""
    return next((interval for interval in intervals if interval[0] <= moment < interval[1]), None)


def overlap_s(start: datetime, end: datetime, intervals: Sequence[Interval]) -> float:
    """Return how many seconds of [start, end) are covered by ``intervals``."""
    return sum(max(0.0, (min(end, last) - max(start, first)).total_seconds()) for first, last in intervals)
