"""What a histogram of times tells: quantiles between two ends, and an interval that holds what it promises."""

from __future__ import annotations

from math import exp
from random import Random

import pytest

from cloud.domain.time_bins import TIME_BINS, Span, interest, quantile_s, squares_s2
from common.vocabulary import DWELL_BINS_S, LOOK_MOST_S
from common.wire import bin_label


def bins(**counts: int | None) -> dict[str, int | None]:
    return {**dict.fromkeys(TIME_BINS, 0), **{label.removeprefix("s"): n for label, n in counts.items()}}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 10.0), (0.25, 7.5), (0.75, 15.0), (0.9, 18.0), (1.0, 20.0)]
)
def test_a_quantile_is_interpolated_within_its_bin(share: float, expected: float) -> None:
    assert quantile_s(bins(s5=10, s10=10), 20, share) == pytest.approx(Span(expected, expected))


def test_people_whose_bin_is_withheld_may_have_waited_for_any_time() -> None:
    span = quantile_s(bins(s0=None, s10=8, s60=None), 12, 0.5)
    assert span is not None
    assert span.low == pytest.approx(12.5)
    assert span.high == pytest.approx(17.5)
    assert quantile_s({}, 0, 0.5) is None
    assert quantile_s(dict.fromkeys(TIME_BINS), 12, 0.5) == (1.0, 300.0), "nothing is known of the times"


def test_who_waited_longest_waited_at_least_five_minutes() -> None:
    assert quantile_s(bins(s300=10), 10, 0.5) == (300.0, 300.0)


def test_the_interval_of_the_interest_is_that_of_the_logarithm_of_a_mean() -> None:
    """Of 100 passers, half look for 2 to 5 seconds: a mean of 1.75 s, a standard deviation of 1.75 s."""
    squares = squares_s2(bins(s2=50), 175.0, 50)
    assert squares == 50 * 3.5**2
    found = interest(175.0, squares, 100)
    assert found is not None
    assert found.mean_s == 1.75
    assert found.interval == pytest.approx((1.75 * exp(-1.96 / 99**0.5), 1.75 * exp(1.96 / 99**0.5)))


def test_viewers_in_withheld_bins_have_the_rest_of_the_sum() -> None:
    """Ten look for 3.5 s, it is taken, and four for 85 s together: 10 to 30 s count of each of them."""
    hidden = {"10": None, "60": None}
    told = {**dict.fromkeys(TIME_BINS, 0), "2": 10, **hidden}
    assert squares_s2(told, 35 + 85.0, 14) == pytest.approx(10 * 3.5**2 + 2.25 * 30**2 + 1.75 * 10**2)
    assert squares_s2(told, 35 + 40.0, 14) == pytest.approx(10 * 3.5**2 + 4 * 10**2), "all at the lower end"


def test_the_squares_are_those_of_times_with_the_sum_that_is_told() -> None:
    """Eight in the bin of 2 to 5 seconds, for 16.5 s together: they look equally long as far as is known."""
    assert squares_s2(bins(s2=8), 16.5, 8) == pytest.approx(16.5**2 / 8)


def test_a_look_of_any_length_counts_for_thirty_seconds() -> None:
    assert squares_s2(bins(s30=1, s60=1, s300=1), 90.0, 3) == 3 * 30.0**2


def test_the_interval_is_unknown_of_one_passer_and_of_days_without_squares() -> None:
    assert interest(3.0, 9.0, 1) == (3.0, None), "one passer has no spread"
    assert interest(50.0, None, 100) == (0.5, None)
    assert interest(0.0, 0.0, 50) == (0.0, (0.0, 0.0)), "nobody looked"
    assert interest(0.0, 0.0, 0) is None


def test_the_interval_of_the_interest_holds_the_true_mean_in_19_of_20_cases() -> None:
    """A third of the passers look, for times of which most are short. Bins of less than five are withheld."""
    random, passers, held = Random(3), 200, 0
    true_mean = 0.3 * 6.0 * (1 - exp(-LOOK_MOST_S / 6.0))
    for _ in range(400):
        times = [random.expovariate(1 / 6.0) for _ in range(passers) if random.random() < 0.3]
        counts = dict.fromkeys(TIME_BINS, 0)
        for seconds in times:
            counts[bin_label(max(edge for edge in DWELL_BINS_S if edge <= seconds))] += 1
        told = {label: None if 0 < count < 5 else count for label, count in counts.items()}
        sum_s = sum(min(seconds, LOOK_MOST_S) for seconds in times)
        found = interest(sum_s, squares_s2(told, sum_s, len(times)), passers)
        assert found is not None
        assert found.interval is not None
        held += found.interval.low <= true_mean <= found.interval.high
    assert 0.92 < held / 400 < 0.98
