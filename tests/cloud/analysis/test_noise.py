"""The figures with noise of a period: which cohorts are in them, their intervals, and how sure these are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from cloud.analysis.noise import with_noise
from cloud.domain.noise import ToldNoise
from common.wire import Noise
from edge.vision.noise import noisy
from tests.cloud.domain.test_tally import site
from tests.support.messages import with_noise as a_cohort

MONDAY = date(2026, 3, 2)
SITE = site("09:00-19:00", cameras={"door/front": "entrance", "shelf/main": "area"})


@dataclass
class Source:
    """Cohorts as a store returns them."""

    told: Sequence[ToldNoise]

    def noise(self, site: str, start: datetime, end: datetime) -> list[ToldNoise]:
        assert site == SITE.name
        return list(self.told)


def told(
    noise: Noise | None, *, camera: str = "door/front", visits: int = 40, hours: float = 12
) -> ToldNoise:
    assert noise is not None
    return ToldNoise(camera, datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours), visits, noise)


def women(number: int, budget: float = 1.0) -> Noise | None:
    return a_cohort(budget=budget, cells={"gender": {"female": number, "male": 10}}).noise


def test_sums_are_of_the_days_and_the_role_that_are_asked_for() -> None:
    source = Source(
        [
            told(women(30)),
            told(women(-4), hours=36),
            told(women(100), camera="shelf/main"),
            told(women(1000), hours=23.5),  # in Berlin, the next day
            told(women(1000), hours=-1.5),
            told(women(1000), camera="new/main"),
        ]
    )
    found = with_noise(source, SITE, MONDAY, MONDAY, "entrance")
    assert found is not None
    assert found.visits == 40
    female, male, *_ = found.lists["gender"].counts
    assert (female.label, female.number, male.number) == ("female", 30, 10)
    both = with_noise(source, SITE, MONDAY, MONDAY + timedelta(days=1), "entrance")
    assert both is not None
    assert both.visits == 120
    assert both.lists["gender"].counts[0].number == 1026
    assert with_noise(source, SITE, MONDAY + timedelta(days=5), MONDAY + timedelta(days=6), "area") is None


def test_a_negative_sum_is_shown_as_nobody_and_its_range_says_what_is_possible() -> None:
    found = with_noise(Source([told(women(-100))]), SITE, MONDAY, MONDAY, "entrance")
    assert found is not None
    female = found.lists["gender"].counts[0]
    assert (female.number, female.visits, female.low, female.high) == (-100, 0, 0.0, 0.0)
    for counts in (one.counts for one in found.lists.values()):
        assert sum(one.visits for one in counts) == 40
        assert all(0 <= one.low <= one.visits <= one.high <= 40 for one in counts)


def test_each_budget_is_told_with_its_days() -> None:
    source = Source(
        [told(women(1)), told(women(2), hours=14), told(women(3), hours=36), told(women(1, 0.5), hours=60)]
    )
    found = with_noise(source, SITE, MONDAY, MONDAY + timedelta(days=6), "entrance")
    assert found is not None
    assert found.budgets == {0.5: 1, 1.0: 2}


def test_a_device_without_expressions_is_not_in_their_list() -> None:
    with_faces = a_cohort(cells={"gender": {"female": 7}, "expression": {"happy": 9}}).noise
    source = Source([told(women(1), visits=11), told(with_faces, visits=20)])
    found = with_noise(source, SITE, MONDAY, MONDAY, "entrance")
    assert found is not None
    assert {name: one.visits for name, one in found.lists.items()} == {
        "gender": 31,
        "age_band": 31,
        "expression": 20,
    }


@pytest.mark.parametrize(("days", "least"), [(1, 0.92), (28, 0.94)])
def test_the_truth_is_in_the_range_in_about_19_of_20_cases(days: int, least: float) -> None:
    """The noise of one cohort has heavier tails than that of many, which is nearly normal."""
    rng = random.Random(5)
    inside = cells = 0
    true = {
        ("female", "25-34", "neutral"): 60,
        ("male", "65+", "happy"): 60,
        ("unknown", "35-44", "unknown"): 40,
    }
    for _ in range(3000 // days):
        day = [told(noisy(true, 1.0, "expression", rng.randrange), visits=160) for _ in range(days)]
        found = with_noise(Source(day), SITE, MONDAY, MONDAY, "entrance")
        assert found is not None
        for place, one in enumerate(found.lists.values()):
            for count in one.counts:
                share = sum(visits for labels, visits in true.items() if labels[place] == count.label)
                inside += count.low <= days * share <= count.high
                cells += 1
    assert least < inside / cells <= 1
    if days > 1:  # a cell of nobody is often cut off at 0, and then in the range for sure
        assert inside / cells < 0.99
