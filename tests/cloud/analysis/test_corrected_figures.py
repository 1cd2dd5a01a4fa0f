"""Figures with corrected entries hold the truth, and only checks that hold for all doors correct them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from cloud.analysis.corrected_figures import is_corrected
from cloud.analysis.estimates import MORE_SALES, estimate
from cloud.analysis.recall import Recall, recall_of
from cloud.domain.count_check import Sums, compare
from cloud.domain.formula import BUILT_IN, Formula, formula
from cloud.domain.place_tally import DoorTally
from cloud.domain.tally import Tally
from tests.cloud.analysis.test_estimates import OPEN_S, sold, told
from tests.support.door import counted

CONVERSION, SALES, ITEMS, STAFF = BUILT_IN
RUNS = 600
RECALL, FALSE_A_PERSON, BUYS, SPENDS = 0.8, 0.05, 0.25, 5.0


def checked(rng: np.random.Generator, minutes: int = 30) -> Recall:
    """What a check says of a door that misses a fifth and counts one in twenty twice."""
    one = counted(rng, minutes=minutes, a_minute=4, recall=RECALL, false_an_hour=FALSE_A_PERSON * 4 * 60)
    parts = compare(one.check, one.taps, one.windows)
    return recall_of([part.entries for part in parts], sum(part.seconds for part in parts))


def week(rng: np.random.Generator) -> list[Tally]:
    """Seven days of about 400 people, as that door counts them."""
    days = []
    for number, people in enumerate(rng.poisson(400 * rng.lognormal(0, 0.2, 7))):
        seen = int(rng.binomial(people, RECALL) + rng.poisson(FALSE_A_PERSON * people))
        money = float(people * rng.normal(SPENDS, 0.8))
        days.append(sold(number, entries=seen, till=told(int(rng.binomial(people, BUYS)), turnover=money)))
    return days


@pytest.fixture(scope="module")
def weeks() -> list[tuple[list[Tally], Recall]]:
    rng = np.random.default_rng(104)
    return [(week(rng), checked(rng)) for _ in range(RUNS)]


def held(weeks: Sequence[tuple[list[Tally], Recall]], of: Formula, truth: float) -> float:
    found = [estimate(of, days, [check]).corrected for days, check in weeks]
    ends = [(one.low, one.high) for one in found if one and one.low is not None and one.high is not None]
    assert len(ends) == len(weeks)
    return sum(low <= truth <= high for low, high in ends) / len(weeks)


@pytest.mark.slow
@pytest.mark.parametrize(("of", "truth"), [(CONVERSION, BUYS), (SALES, SPENDS)], ids=["share", "money"])
def test_the_interval_of_a_corrected_figure_holds_the_truth(
    weeks: list[tuple[list[Tally], Recall]], of: Formula, truth: float
) -> None:
    assert 0.93 <= held(weeks, of, truth) <= 0.99


@pytest.mark.slow
def test_the_counted_figure_is_too_high_and_sure_of_it(weeks: list[tuple[list[Tally], Recall]]) -> None:
    found = [estimate(CONVERSION, days) for days, _ in weeks]
    assert sum(one.low is not None and one.low > BUYS for one in found) > 0.9 * RUNS


def hits(of_100: int = 80) -> Recall:
    return recall_of([Sums(10, of_100 // 10, of_100 // 10, 0)] * 10, 1800)


def test_the_counted_figure_stays_and_the_corrected_one_stands_beside_it() -> None:
    found = estimate(CONVERSION, [sold(0), sold(1)], [hits()])
    assert (found.value, found.refused) == (0.25, None)
    right = found.corrected
    assert right is not None
    assert right.value == pytest.approx(0.2)
    assert found.low is not None
    assert found.high is not None
    assert right.low is not None
    assert right.high is not None
    assert right.low < 0.2 < right.high
    assert (right.high - right.low) / 0.2 > (found.high - found.low) / 0.25
    assert estimate(CONVERSION, [sold(0), sold(1)]).corrected is None


def test_a_longer_check_makes_it_surer_and_never_surer_than_the_figure_itself() -> None:
    days = [sold(number) for number in range(7)]
    widths = []
    for times in (1, 10, 1000):
        right = estimate(
            CONVERSION, days, [recall_of([Sums(10, 10, 10, 0)] * 10 * times, 1800 * times)]
        ).corrected
        assert right is not None
        assert right.low is not None
        assert right.high is not None
        widths.append(right.high - right.low)
    counted_only = estimate(CONVERSION, days)
    assert counted_only.low is not None
    assert counted_only.high is not None
    assert widths[0] > widths[1] > widths[2] > 0.99 * (counted_only.high - counted_only.low)


def test_a_door_that_misses_most_refuses_the_counted_figure_only() -> None:
    day = sold(entries=60, till=told(66))
    found = estimate(CONVERSION, [day], [hits(50)])
    assert found.refused == MORE_SALES
    assert found.corrected is not None
    assert found.corrected.value == pytest.approx(0.55)
    # If the truth can be no more than the sales, it is refused, too.
    assert estimate(CONVERSION, [day], [hits(100)]).corrected is None


def test_entries_above_the_line_grow_and_below_it_the_figure_shrinks() -> None:
    days = [sold(n, entries=180 + 20 * (n % 3)) for n in range(6)]
    for_each_hour = formula("flow", "Entries for each staff hour", "entries / staff_hours")
    for of, factor in ((STAFF, 0.8), (for_each_hour, 1 / 0.8)):
        found = estimate(of, days, [hits()])
        assert found.value is not None
        assert found.corrected is not None
        assert found.corrected.value == pytest.approx(factor * found.value)


def test_what_no_check_measures_is_not_corrected() -> None:
    capture = formula("capture", "Capture", "entries / (entries + passers)", "%")
    assert not is_corrected(capture)
    assert not is_corrected(ITEMS)
    assert (
        estimate(capture, [replace(sold(), doors=DoorTally(200, 0, 300, 0, OPEN_S))], [hits()]).corrected
        is None
    )
    assert estimate(ITEMS, [sold()], [hits()]).corrected is None


def test_too_few_days_have_a_corrected_figure_without_an_interval() -> None:
    right = estimate(SALES, [sold(0), sold(1)], [hits()]).corrected
    assert right is not None
    assert right.value == pytest.approx(4.0)
    assert right.low is None


def test_a_check_of_too_few_corrects_nothing() -> None:
    assert estimate(CONVERSION, [sold()], [recall_of([Sums(3, 0, 0, 0)], 600)]).corrected is None
