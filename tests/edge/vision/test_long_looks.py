"""Of one visit at most 30 s of looking are in a sum: long looks withhold nothing, and a reader who knows of the limit
learns no time by it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from common.vocabulary import LOOK_MOST_S
from edge.place_types import TimeCounts, VisitPlaces, counts_of, look
from edge.types import Visit
from edge.vision.aggregate import Aggregator
from edge.vision.times import dominated
from tests.support.places import Someone, published

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_no_sum_with_long_looks_tells_a_time_below_the_limit() -> None:
    """A reader knows the second longest look of a sum, or of those in it below the limit, and how many are above it."""
    rng, told = np.random.default_rng(5), 0
    for _ in range(4000):
        seconds = rng.lognormal(rng.uniform(0, 4), rng.uniform(0.2, 1.5), int(rng.integers(1, 25)))
        looks = sum((look(float(one)) for one in seconds), TimeCounts())
        if dominated(looks.histogram, looks.sum_s, LOOK_MOST_S):
            continue
        told += bool((seconds > LOOK_MOST_S).any())
        for known in (np.minimum(seconds, LOOK_MOST_S), seconds[seconds < LOOK_MOST_S]):
            longest = np.sort(known)[::-1]
            assert not longest.size or longest[2:].sum() >= 0.25 * longest[0] - 1e-9
    assert told > 500, "many sums with long looks are told"


def test_one_who_looks_for_minutes_seldom_withholds_the_others() -> None:
    """So that the cohorts that tell their looks are not those in which nobody looked for long."""
    rng = np.random.default_rng(2)
    short, long = [0, 0], [0, 0]
    for _ in range(40):
        usual = np.clip(rng.lognormal(1, 0.9, 40), 0.3, 25.0).tolist()
        others = [*map(_at_shelf, usual), *[Someone(40.0, 20.0)] * 50]
        for seconds, found in ((4.0, short), (200.0, long)):
            told_s = published([*others, _at_shelf(seconds)], 5).targets["tea"].attention_sum_s
            found[told_s is not None] += 1
            assert told_s in (None, pytest.approx(sum(usual) + min(seconds, LOOK_MOST_S), abs=0.06))
    assert min(short[True], long[True]) > 30


def test_how_much_longer_than_the_limit_somebody_looked_is_not_told() -> None:
    people = [Someone(40.0, 3.0 + number % 10) for number in range(30)]
    cohorts = [published([*people, *[Someone(290.0, seconds)] * 6], 5) for seconds in (125.0, 285.0)]
    assert cohorts[0].attention_sum_s == pytest.approx(30 * 7.5 + 6 * LOOK_MOST_S)
    assert cohorts[0] == cohorts[1]


def test_the_attention_of_a_window_has_the_limit_and_its_histogram_has_not() -> None:
    aggregator = Aggregator(window_s=60)
    aggregator.observe(NOON, 0.0, 1, 0)
    for seconds in (10.0, 150.0):
        aggregator.add(
            Visit(NOON, NOON, dwell_s=200.0, attention_s=seconds, viewer=True, described=False, attributes={})
        )
    (window,) = aggregator.close()
    assert window.attention_sum_s == 10.0 + LOOK_MOST_S
    assert window.attention_histogram == (0, 0, 0, 1, 0, 0, 0, 1, 0)


def test_the_looks_of_a_visit_on_the_map_are_a_part_of_its_looks_in_the_sums() -> None:
    """Or the map minus the sums would be how long few people looked beyond the limit."""
    visit = VisitPlaces(heat={0: (30.0, 25.0), 1: (30.0, 25.0), 2: (30.0, 0.0)}, looks={"tea": 50.0})
    counts = counts_of(visit, 100.0, "neutral", ())
    assert [counts.heat[cell].looking_s for cell in range(3)] == [15.0, 15.0, 0.0]
    assert counts.targets["tea"].looks.sum_s == LOOK_MOST_S
    short = counts_of(VisitPlaces(heat={0: (30.0, 12.0)}, looks={"tea": 12.0}), 30.0, "neutral", ())
    assert short.heat[0].looking_s == 12.0


def _at_shelf(seconds: float) -> Someone:
    """Look at the tea for so long."""
    return Someone(250.0, 0.0, places=VisitPlaces(stays={"shelf": 240.0}, looks={"tea": seconds}))
