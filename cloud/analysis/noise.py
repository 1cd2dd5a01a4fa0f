"""What verdicts with noise tell of a period: sums over its days, made whole and not negative, with their intervals.

No other analysis reads these numbers: for all others, the verdicts of such cohorts are withheld.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Protocol

from cloud.domain.chain import Role, Site
from cloud.domain.day_windows import LATE
from cloud.domain.noise import ToldNoise, projected, variance, whole
from common.wire import NOISY_LABELS

_NORMAL_95 = 1.96


class NoiseSource(Protocol):
    """The part of ``Reader`` that is needed here."""

    def noise(self, site: str, start: datetime, end: datetime) -> list[ToldNoise]:
        """Return what the cohorts that were released in [start, end) tell with noise."""
        ...


@dataclass(frozen=True, slots=True)
class NoisyCount:
    """One label. ``number`` is the sum as it was told, which may be negative; ``visits`` what is shown of it. The true
    number of visits with this verdict lies between ``low`` and ``high`` in about 95 of 100 cases."""

    label: str
    number: int
    visits: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class NoisyList:
    """The visits of a period by one attribute; the counts sum to ``visits``."""

    visits: int
    counts: tuple[NoisyCount, ...]


@dataclass(frozen=True, slots=True)
class WithNoise:
    """All lists of a period. ``budgets``: each budget of a visit, with the number of days on which it was used."""

    visits: int
    budgets: Mapping[float, int]
    lists: Mapping[str, NoisyList]


def with_noise(source: NoiseSource, site: Site, first: date, last: date, role: Role) -> WithNoise | None:
    """Return what the cameras of ``role`` told with noise of the visits of these local days, also outside opening
    hours; None if they told nothing. Raises ``StoreUnavailable``."""
    start, end = site.local_day(first)[0], site.local_day(last)[1]
    told = [
        one
        for one in source.noise(site.name, start, end + LATE)
        if start <= one.since < end and site.role_of_camera(one.camera) == role
    ]
    return _summed(told, site.zone)


def noise_of_day(told: Iterable[ToldNoise], start: datetime, end: datetime) -> WithNoise | None:
    """Return what all cameras ``told`` of the visits of a local day, from ``start`` to ``end`` in the zone of the site;
    None if they told nothing."""
    return _summed([one for one in told if start <= one.since < end], start.tzinfo)


def _summed(told: Sequence[ToldNoise], zone: tzinfo | None) -> WithNoise | None:
    if not told:
        return None
    days = defaultdict[float, set[date]](set)
    for one in told:
        days[one.noise.budget].add(one.since.astimezone(zone).date())
    return WithNoise(
        visits=sum(one.visits for one in told),
        budgets={budget: len(days[budget]) for budget in sorted(days)},
        lists={
            name: _list([one for one in told if name in one.noise.lists()], name)
            for name in NOISY_LABELS
            if any(name in one.noise.lists() for one in told)
        },
    )


def _list(told: Sequence[ToldNoise], name: str) -> NoisyList:
    labels, visits = NOISY_LABELS[name], sum(one.visits for one in told)
    numbers = [sum(one.noise.lists()[name][label] for one in told) for label in labels]
    shown = whole(projected(numbers, visits), visits)
    error = _NORMAL_95 * math.sqrt(sum(variance(one.noise) for one in told))
    counts = (
        NoisyCount(
            label,
            number,
            count,
            # What is shown is in the range, also where the noise alone took the number out of all that is possible.
            low=min(count, max(0.0, number - error)),
            high=max(count, min(visits, number + error)),
        )
        for label, number, count in zip(labels, numbers, shown, strict=True)
    )
    return NoisyList(visits, tuple(counts))
