"""Recall, false counts and corrected entries hold what their intervals promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, poisson

from cloud.analysis.recall import ENOUGH, Recall, by_busyness, corrected, rate, recall_of, share
from cloud.domain.count_check import Sums, compare
from tests.support.door import counted

RUNS = 1000


def checked(rng: np.random.Generator, **door: float) -> Recall:
    """What a check of twenty minutes says of the people who come in."""
    one = counted(rng, minutes=20, **door)  # type: ignore[arg-type]
    check = replace(one.check, parts=compare(one.check, one.taps, one.windows))
    return recall_of(check.sums["entries"], check.seconds)


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


def test_the_interval_of_a_recall_of_80_percent_holds_it_in_93_to_97_percent_of_the_checks() -> None:
    rng = np.random.default_rng(93)
    found = [checked(rng, a_minute=8, recall=0.8) for _ in range(RUNS)]
    held = sum(one.recall is not None and one.recall.low <= 0.8 <= one.recall.high for one in found)
    assert 0.93 <= held / RUNS <= 0.97
    values = [one.recall.value for one in found if one.recall]
    assert np.mean(values) == pytest.approx(0.8, abs=0.004)


def test_false_counts_hide_as_many_misses_and_no_more() -> None:
    """In the same minute a miss and a false count look like one hit: recall is then the most that it can be."""
    rng = np.random.default_rng(94)
    found = [checked(rng, a_minute=8, recall=0.8, false_an_hour=30) for _ in range(200)]
    recall = np.mean([one.recall.value for one in found if one.recall])
    false = np.mean([one.false_an_hour.value for one in found])
    assert 0.8 < recall < 0.8 + 30 / 60 / 8
    assert 0 < false < 30
    # What the correction needs is not hidden: how often the device counts for each person.
    ratio = np.mean([one.ratio.value for one in found if one.ratio])
    assert ratio == pytest.approx(0.8 + 30 / 60 / 8, abs=0.01)


@pytest.mark.parametrize(("recall", "false_an_hour"), [(0.8, 0.0), (0.9, 20.0)])
def test_corrected_entries_hold_the_truth_of_other_days(recall: float, false_an_hour: float) -> None:
    rng = np.random.default_rng(95)
    held = 0
    for _ in range(RUNS):
        check = checked(rng, a_minute=8, recall=recall, false_an_hour=false_an_hour)
        came = int(rng.poisson(900))
        seen = int(rng.binomial(came, recall) + rng.poisson(came / 8 / 60 * false_an_hour))
        right = corrected(seen, [check])
        assert right is not None
        held += right.low <= came <= right.high
    assert 0.93 <= held / RUNS <= 0.99


def test_doors_without_known_shares_are_corrected_for_every_share() -> None:
    good, poor = recall_of(Sums(100, 95, 95, 0), 1200), recall_of(Sums(100, 70, 70, 0), 1200)
    right = corrected(800, [good, poor])
    assert right is not None
    alone = [corrected(800, [one]) for one in (good, poor)]
    assert all(one is not None and right.low <= one.value <= right.high for one in alone)
    assert right.value == pytest.approx(800 / 0.825)


def test_nothing_is_corrected_by_a_check_of_nobody_or_of_too_few() -> None:
    nobody, missed = recall_of(Sums(), 600), recall_of(Sums(5, 0, 0, 0), 600)
    assert nobody.recall is None
    assert (corrected(10, [nobody]), corrected(10, [missed]), corrected(10, [])) == (None, None, None)
    assert corrected(10, [nobody, recall_of(Sums(50, 40, 40, 0), 600)]) is None


def test_busy_minutes_have_a_recall_of_their_own_where_there_are_enough() -> None:
    rng = np.random.default_rng(96)
    one = counted(rng, minutes=30, a_minute=3, recall=0.8)
    parts = compare(one.check, one.taps, one.windows)
    found = by_busyness(parts)
    assert set(found) == {False, True}
    assert sum(group.sums.people for group in found.values()) == sum(part.both.people for part in parts)
    few = [part for part in parts if part.busy][:2]
    assert sum(part.both.people for part in few) < ENOUGH
    assert by_busyness(few) == {}
