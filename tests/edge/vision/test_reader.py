"""What readers make of a share of the cohorts, and of the totals. All 10,000: ``python -m tests.support.reader``."""

from __future__ import annotations

import numpy as np
import pytest

from edge.types import Coverage, WindowAggregate
from edge.vision.privacy import CohortRule
from tests.support.crowds import MORNING, cohorts
from tests.support.day_reader import hits, prior_hits, shop_day
from tests.support.reader import read_people, read_times


@pytest.mark.parametrize("seed", range(3))
def test_no_reader_knows_a_small_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = [attack(truth, rng) for truth in cohorts(rng, 8) for attack in (read_times, read_people)]
    assert sum(one.cells for one in found) > 30
    assert [one.exact for one in found if one.exact] == []


@pytest.mark.parametrize("per_hour", [5, 12, 60])
def test_the_totals_tell_of_a_single_visit_no_more_than_is_known_before(per_hour: int) -> None:
    """The reader takes every number of a window and the usual dwell times, and guesses those of visits that ended
    alone, to a quarter. Before, occupancy gave him half of them to 0.04 s."""
    day = shop_day(np.random.default_rng(per_hour), per_hour, hours=400 // per_hour)
    assert len(day.alone) > 100
    assert hits(day) <= prior_hits(day) + 1e-9


def test_the_reader_would_notice_a_leak() -> None:
    """With occupancy in the totals again he finds what he is after."""
    day = shop_day(np.random.default_rng(12), 12, hours=30)
    assert hits(day, leak=True) > 2 * prior_hits(day)


def test_a_window_without_a_cohort_publishes_nothing_but_its_counts() -> None:
    window = WindowAggregate(
        start=MORNING, end=MORNING, visits=1, viewers=1, occupancy_mean=0.31, occupancy_max=1, dwell_sum_s=18.6,
        attention_sum_s=3.0, dwell_histogram=(0, 0, 0, 1, 0, 0, 0, 0, 0),
        attention_histogram=(0, 1, 0, 0, 0, 0, 0, 0, 0), breakdown={("female", "25-34", "happy"): 1},
        coverage=Coverage(60.0, 600, 3),
    )  # fmt: skip
    release = CohortRule(k=5, profile="expression").release(window)
    assert (release.cohort, release.totals.model_dump()) == (None, {"visits": 1, "viewers": 1, "doors": {}})
