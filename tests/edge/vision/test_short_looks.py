"""Nobody can work out how many viewers looked for a moment only, although the number of viewers is published."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from common.wire import Cohort
from edge.vision.privacy import CohortRule
from edge.vision.times import Times, bins, publishable
from tests.support.places import Someone, window

SHORT_S, LONG_S, STAY_S = 1.0, 12.0, 40.0


def cohort(idle: int, short: int, long: int, *, k: int) -> Cohort:
    people = [
        *[Someone(STAY_S)] * idle,
        *[Someone(STAY_S, SHORT_S)] * short,
        *[Someone(STAY_S, LONG_S)] * long,
    ]
    released = CohortRule(k=k, profile="count").release(window(people)).cohort
    assert released is not None
    released.check(k, "count")
    return released


@pytest.mark.parametrize("k", [3, 5])
def test_the_first_bin_less_the_idle_visits_is_no_small_cell(k: int) -> None:
    """Whoever is no viewer has no attention, so these visits are known to be in the first bin."""
    told = 0
    for idle, short, long in product(range(14), range(9), range(14)):
        if idle + short + long < k:
            continue
        first = cohort(idle, short, long, k=k).attention["0"]
        if first is not None and short + long > 0:
            assert first - idle == 0 or first - idle >= k, (idle, short, long)
            told += 1
    assert told > 100


@pytest.mark.parametrize("k", [3, 5])
def test_a_withheld_bin_has_two_values_that_fit(k: int) -> None:
    """Without the sums, which are judged by the rule itself: list all histograms of up to 15 visits in each of three
    bins, and read what is published of each as one who knows all of this would."""
    read: dict[object, set[tuple[int, int, int]]] = defaultdict(set)
    for idle, short, middle, long in product((0, 1, 2, 4, 7), *[range(16)] * 3):
        if idle + short + middle + long < k or short + middle + long < k:
            continue
        counts = (idle + short, middle, long, 0, 0, 0, 0, 0, 0)
        hidden = Times(counts, None, idle=idle).hidden(k)
        shown = tuple(None if index in hidden else count for index, count in enumerate(counts))
        read[idle, short + middle + long, shown].add((short, middle, long))
    for tables in read.values():
        if max(map(max, tables)) > 10:  # others that fit may have more visits than were listed
            continue
        for values in zip(*tables, strict=True):
            assert not (len(set(values)) == 1 and 0 < values[0] < k), (tables, values)


def test_attention_is_still_told_in_most_shops() -> None:
    """Of shops with sixty visits, half of them viewers, a third of whom look for a moment."""
    rng, told, draws = np.random.default_rng(7), 0, 60
    for _ in range(draws):
        attention = rng.choice([0.0, 1.0, 4.0, 8.0, 15.0], 60, p=[0.5, 0.17, 0.18, 0.1, 0.05])
        people = [Someone(float(rng.uniform(20, 60)), float(seconds)) for seconds in attention]
        released = CohortRule(k=5, profile="count").release(window(people)).cohort
        assert released is not None
        told += released.attention_sum_s is not None
    assert told > 0.8 * draws


def test_few_idle_visits_do_not_withhold_everything() -> None:
    """Two visits of twenty never looked: that is in the totals, and the others are told."""
    released = cohort(2, 0, 18, k=5)
    assert released.attention_sum_s == 18 * LONG_S
    assert released.attention["0"] is None
    assert publishable(
        Times((0, 0, 0, 0, 0, 20, 0, 0, 0), 800.0), Times((20, 0, 0, 0, 0, 0, 0, 0, 0), 0.0, idle=20), 5
    )
    assert bins(Times((20, 0, 0, 0, 0, 0, 0, 0, 0), 0.0, idle=20), 5)["0"] == 20


def test_who_alone_looked_elsewhere_is_not_told_by_the_difference_of_the_sums() -> None:
    """All others looked here the whole time, so the difference would be the time of one visit."""
    watching = [Someone(seconds, seconds) for seconds in (25.0, 26.0, 27.0, 28.0, 29.0, 24.0)]
    alone = CohortRule(k=3, profile="count").release(window([*watching, Someone(28.0, 20.5)])).cohort
    assert alone is not None
    assert (alone.dwell_sum_s, alone.attention_sum_s) == (187.0, None)
    some = [Someone(28.0, 10.5 - index) for index in range(6)]
    together = CohortRule(k=3, profile="count").release(window([*watching, *some])).cohort
    assert together is not None
    assert together.attention_sum_s is not None
