"""Days of shops, and their comparison, for the tests of the analysis."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta

import numpy as np

from cloud.analysis.compare import Comparison, Row, compare
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Role
from cloud.domain.labels import JOINT_LABELS, LABELS
from cloud.domain.tally import Tally
from common.vocabulary import AGE_BANDS

FIRST = date(2026, 10, 1)
VERSION = frozenset({"2026.11.21-2"})
WEEK = np.array([0.75, 0.85, 0.9, 1.0, 1.15, 1.5, 0.9])


def day(site: str, number: int, **changes: object) -> Tally:
    """Ten hours open and watched, with 200 visits."""
    values: dict[str, object] = {
        "site": site,
        "role": "unassigned",
        "day": FIRST + timedelta(days=number),
        "open_s": 36_000.0,
        "watched_s": {"door/front": 36_000.0},
        "visits": 200,
        "viewers": 120,
        "dwell_sum_s": 2000.0,
        "attention_sum_s": 800.0,
        "dwell_visits": 200,
        "attention_visits": 200,
        "attention_dwell_s": 2000.0,
        "cohort_visits": 200,
        "gender": {**dict.fromkeys(LABELS["gender"], 0), "female": 110, "male": 75, "unknown": 15},
        "age_band": dict.fromkeys((*AGE_BANDS, "unknown"), 25),
        "gender_age_band": {**dict.fromkeys(JOINT_LABELS, 0), ("female", "25-34"): 200},
        "expression": {},
        "demographics_visits": 200,
        "expression_visits": 0,
        "described": 200,
        "described_of": 200,
        "models": VERSION,
        "calibrations": VERSION,
    }
    return Tally(**{**values, **changes})  # type: ignore[arg-type]


def days(site: str, rng: np.random.Generator, *, count: int = 28, factor: float = 1.0) -> list[Tally]:
    usual = 200 * WEEK[np.arange(count) % 7] * factor
    visits = rng.poisson(usual * rng.lognormal(0, 0.12, count))
    return [day(site, number, visits=int(n)) for number, n in enumerate(visits)]


def compared(
    tallies: Iterable[Tally],
    sites: Collection[str],
    metric: str = "visits_per_open_hour",
    role: Role = "unassigned",
) -> Comparison:
    last = FIRST + timedelta(days=27)
    return compare(tallies, metric_named(metric), sites=sites, role=role, first=FIRST, last=last)


def rows(comparison: Comparison) -> dict[str, Row]:
    return {row.site: row for row in comparison.rows}
