"""Recall, false counts and corrected entries hold what their intervals promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, poisson

from cloud.analysis.recall import ENOUGH, Recall, by_busyness, corrected, rate, recall_of, share
from cloud.domain.count_check import Sums, compare
from tests.support.door import counted

RUNS = 1000


def checked(rng: np.random.Generator, **door: float) -> Recall:
    """What a check of fifteen minutes says of the people who come in, eight a minute."""
    one = counted(rng, minutes=15, a_minute=8, **door)
    parts = compare(one.check, one.taps, one.windows)
    return recall_of([part.entries for part in parts], sum(part.seconds for part in parts))


@pytest.fixture(scope="module")
def of_80_percent() -> list[Recall]:
    """A thousand checks of a device that counts 80 %."""
    rng = np.random.default_rng(93)
    return [checked(rng, recall=0.8) for _ in range(RUNS)]


@pytest.mark.parametrize(("hits", "people"), [(0, 7), (7, 7), (80, 100), (1, 3)])
def test_a_share_has_the_ends_at_which_its_tail_is_a_fortieth(hits: int, people: int) -> None:
    one = share(hits, people)
    if hits:
        assert 1 - binom.cdf(hits - 1, people, one.low) == pytest.approx(0.025)
    else:
        assert one.low == 0
    if hits < people:
        assert binom.cdf(hits, people, one.high) == pytest.approx(0.025)
    else:
        assert one.high == 1


@pytest.mark.parametrize("events", [0, 1, 12])
def test_a_rate_has_the_ends_at_which_its_tail_is_a_fortieth(events: int) -> None:
    one = rate(events, 0.25)
    assert one.value == 4 * events
    if events:
        assert 1 - poisson.cdf(events - 1, one.low / 4) == pytest.approx(0.025)
    assert poisson.cdf(events, one.high / 4) == pytest.approx(0.025)


def test_the_interval_of_a_recall_of_80_percent_holds_it_in_93_to_97_percent_of_the_checks(
    of_80_percent: list[Recall],
) -> None:
    held = sum(one.recall is not None and one.recall.low <= 0.8 <= one.recall.high for one in of_80_percent)
    assert 0.93 <= held / RUNS <= 0.97
    values = [one.recall.value for one in of_80_percent if one.recall]
    assert np.mean(values) == pytest.approx(0.8, abs=0.005)
    assert np.mean([one.sums.false for one in of_80_percent]) < 0.2  # nothing was counted that is not there


def test_false_counts_hide_as_many_misses_and_no_more() -> None:
    """In the same minute a miss and a false count look like one hit: recall is then the most that it can be."""
    rng = np.random.default_rng(94)
    found = [checked(rng, recall=0.8, false_an_hour=30) for _ in range(200)]
    recall = np.mean([one.recall.value for one in found if one.recall])
    false = np.mean([one.false_an_hour.value for one in found])
    assert 0.8 < recall < 0.8 + 30 / 60 / 8
    assert 0 < false < 30
    # What the correction needs is not hidden: how often the device counts for each person.
    ratio = np.mean([one.ratio.value for one in found if one.ratio])
    assert ratio == pytest.approx(0.8 + 30 / 60 / 8, abs=0.01)


def held(checks: list[Recall], rng: np.random.Generator, recall: float, false_a_person: float) -> float:
    """The share of days of about 900 people for which the corrected entries hold how many came."""
    good = 0
    for check in checks:
        came = int(rng.poisson(900))
        right = corrected(int(rng.binomial(came, recall) + rng.poisson(came * false_a_person)), [check])
        assert right is not None
        good += right.low <= came <= right.high
    return good / len(checks)


def test_corrected_entries_hold_the_truth_of_other_days(of_80_percent: list[Recall]) -> None:
    assert 0.93 <= held(of_80_percent, np.random.default_rng(95), 0.8, 0.0) <= 0.99


def test_false_counts_that_hide_misses_do_not_make_corrected_entries_too_sure() -> None:
    rng = np.random.default_rng(97)
    checks = [checked(rng, recall=0.9, false_an_hour=20) for _ in range(400)]
    assert 0.92 <= held(checks, rng, 0.9, 20 / 60 / 8) <= 0.99


def of(people: int, hits: int) -> Recall:
    return recall_of([Sums(people, hits, hits, 0)], 1200)


def test_doors_without_known_shares_are_corrected_for_every_share() -> None:
    doors = [of(100, 95), of(100, 70)]
    right = corrected(800, doors)
    assert right is not None
    alone = [corrected(800, [one]) for one in doors]
    assert all(one is not None and right.low <= one.value <= right.high for one in alone)
    assert right.value == pytest.approx(800 / 0.825)


def test_nothing_is_corrected_by_a_check_of_nobody_or_of_too_few() -> None:
    nobody = recall_of([], 600)
    assert nobody.recall is None
    assert (corrected(10, [nobody]), corrected(10, [of(5, 0)]), corrected(10, [])) == (None, None, None)
    assert corrected(10, [nobody, of(50, 40)]) is None


def test_busy_minutes_have_a_recall_of_their_own_where_there_are_enough() -> None:
    rng = np.random.default_rng(96)
    one = counted(rng, minutes=90, a_minute=2, recall=0.8)
    parts = compare(one.check, one.taps, one.windows)
    found = by_busyness(parts)
    assert set(found) == {False, True}
    assert sum(group.sums.people for group in found.values()) == sum(part.both.people for part in parts)
    few = [part for part in parts if part.busy][:2]
    assert sum(part.both.people for part in few) < ENOUGH
    assert by_busyness(few) == {}
