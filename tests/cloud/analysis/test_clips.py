"""The effect of a clip: what is there is found, what is not there is not called real, however often somebody looks."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from cloud.analysis.clips import LEAST_COHORTS, WORTH, Effect, effect
from cloud.domain.clips import Trial, Watched
from tests.support.campaigns import Campaign

pytestmark = pytest.mark.slow

CAMPAIGNS = 200


@cache
def campaigns(truth: float) -> list[list[Effect]]:
    """What the page says on each evening of each of the campaigns with this true effect."""
    told = []
    for seed in range(CAMPAIGNS):
        trials: list[Trial] = []
        days = []
        for cohorts in Campaign(effect=truth).cohorts(seed):
            trials += cohorts
            days.append(effect(trials))
        told.append(days)
    return told


def ever(truth: float, verdict: str) -> int:
    return sum(any(day.verdict == verdict for day in days) for days in campaigns(truth))


def test_ten_per_cent_more_are_found_in_four_of_five_campaigns() -> None:
    assert sum(days[-1].verdict == "worked" for days in campaigns(0.1)) >= 0.8 * CAMPAIGNS


def test_no_effect_is_called_real_in_at_most_one_of_twenty_even_if_somebody_looks_every_day() -> None:
    assert ever(0.0, "worked") <= 0.05 * CAMPAIGNS


def test_what_is_worth_it_is_hardly_ever_given_up_early() -> None:
    assert ever(0.1, "did not") <= 0.05 * CAMPAIGNS


def test_most_campaigns_without_effect_end_with_a_clear_no() -> None:
    ends = Counter(days[-1].verdict for days in campaigns(0.0))
    assert ends["did not"] >= 0.8 * CAMPAIGNS


def test_the_interval_holds_the_truth_on_all_days_at_once() -> None:
    for truth in (0.0, 0.1):
        missed = sum(
            any(
                day.low is not None and day.high is not None and not day.low <= truth <= day.high
                for day in days
            )
            for days in campaigns(truth)
        )
        assert missed <= 0.05 * CAMPAIGNS


def test_the_visits_that_are_needed_are_about_those_with_which_it_is_found() -> None:
    """From the first week on, the forecast is right to a factor of two."""
    for days in campaigns(0.1):
        week, end = days[6].needed, days[-1].needed
        assert week is not None
        assert end is not None
        assert 0.5 < week / end < 2


def trial(shown_s: float = 100.0, held_s: float = 50.0) -> Trial:
    return Trial(Watched(40, shown_s), Watched(20, held_s))


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [trial()] * (LEAST_COHORTS - 1),
        [Trial(Watched(40, 90.0), Watched(0, 0.0))] * 20,
        [trial(held_s=0.0)] * 20,
        [trial(shown_s=0.0)] * 20,
    ],
)
def test_without_enough_to_compare_nothing_is_claimed(trials: list[Trial]) -> None:
    found = effect(trials)
    assert found.verdict == "cannot tell yet"
    assert found.change is None
    assert found.low is None


def test_an_effect_is_relative_to_the_rotation() -> None:
    days = [trial(shown_s=120.0 + number % 3, held_s=50.0 + number % 2) for number in range(20)]
    found = effect(days)
    assert found.change is not None
    assert found.change == pytest.approx(0.2, abs=0.02)
    assert found.visits == 20 * 60
    assert WORTH == 0.1
