"""Visits of made-up shops as sums, and what the device publishes of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from common import wire
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, LOOK_MOST_S, NOT_SEEN, UNKNOWN
from edge.types import Coverage, WindowAggregate
from edge.vision.privacy import CohortRule

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

K = 5
EDGES = DWELL_BINS_S
UPPER = (*EDGES[1:], 1e5)
LOOK_EDGES, LOOK_UPPER = (tuple(min(edge, LOOK_MOST_S) for edge in edges) for edges in (EDGES, UPPER))
"""What a visit in each bin adds to a sum of looking."""
BINS = range(len(EDGES))
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
VIEWER_S = 0.3

SEEN = {
    "gender": (*GENDERS, UNKNOWN),
    "age_band": (*AGE_BANDS, UNKNOWN),
    "expression": (*EXPRESSIONS, UNKNOWN),
}
"""The labels of described visits."""
SHARES = {
    "gender": (0.52, 0.41, 0.07),
    "age_band": (0.06, 0.13, 0.22, 0.18, 0.15, 0.11, 0.08, 0.07),
    "expression": (0.60, 0.18, 0.05, 0.03, 0.04, 0.02, 0.01, 0.07),
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """The visits of one cohort as sums: what the device knows, and a reader wants to."""

    dwell: tuple[int, ...]
    attention: tuple[int, ...]
    dwell_sum_s: float
    attention_sum_s: float
    viewers: int
    breakdown: Mapping[tuple[str, str, str], int]
    times: Mapping[tuple[int, int, bool], int]
    """Visits by the bins of both times, and whether they are viewers."""

    @property
    def visits(self) -> int:
        return sum(self.dwell)

    def window(self, minute: int = 0, *, closing: bool = True, due: bool = False) -> WindowAggregate:
        return WindowAggregate(
            start=MORNING + timedelta(minutes=minute),
            end=MORNING + timedelta(minutes=minute + 1),
            visits=self.visits,
            viewers=self.viewers,
            occupancy_mean=0.5,
            occupancy_max=2,
            dwell_sum_s=self.dwell_sum_s,
            attention_sum_s=self.attention_sum_s,
            dwell_histogram=self.dwell,
            attention_histogram=self.attention,
            breakdown=self.breakdown,
            coverage=Coverage(60.0, 600, 0),
            due=due,
            closing=closing,
        )

    def published(self) -> wire.Cohort:
        cohort = CohortRule(k=K, profile="expression").release(self.window()).cohort
        assert cohort is not None
        return cohort


def crowd(rng: np.random.Generator, visits: int, not_seen: float = 0.0) -> Crowd:
    """A draw of visits: dwell times of a shop, of which each has its own median and share of viewers. ``not_seen`` is
    the share of those whose face was never classified."""
    median, viewers = rng.lognormal(np.log(9), 0.5), rng.uniform(0.1, 0.9)
    dwell = np.clip(rng.lognormal(np.log(median), 0.9, visits), 0.3, 900.0)
    attention = dwell * rng.beta(2, 3, visits) * (rng.random(visits) < viewers)
    attention[attention < VIEWER_S] = 0.0
    labels = [rng.choice(names, visits, p=SHARES[name]) for name, names in SEEN.items()]
    unseen = rng.random(visits) < not_seen
    return Crowd(
        dwell=histogram(dwell),
        attention=histogram(attention),
        dwell_sum_s=float(dwell.sum()),
        attention_sum_s=float(np.minimum(attention, LOOK_MOST_S).sum()),
        viewers=int((attention > 0).sum()),
        breakdown=Counter(
            zip(*(np.where(unseen, NOT_SEEN, column).tolist() for column in labels), strict=True)
        ),
        times=Counter(
            (_bin(a), _bin(b), b > 0) for a, b in zip(dwell.tolist(), attention.tolist(), strict=True)
        ),
    )


def _bin(seconds: float) -> int:
    return bisect_right(EDGES, seconds) - 1


def histogram(seconds: Floats) -> tuple[int, ...]:
    counts = Counter(map(_bin, seconds.tolist()))
    return tuple(counts[index] for index in BINS)


def cohorts(rng: np.random.Generator, count: int) -> Iterator[Crowd]:
    """Cohorts of shops with 5 to 60 visits an hour: what has come by noon, in the afternoon, or in a last hour."""
    for _ in range(count):
        visits = int(rng.poisson(rng.uniform(5, 60) * rng.uniform(0.3, 8)))
        not_seen = rng.choice([0.0, 0.03, rng.uniform(0, 1), 0.97])
        yield crowd(rng, min(max(visits, K), 200), float(not_seen))
