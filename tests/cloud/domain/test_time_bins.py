"""What a histogram of times tells: quantiles between two ends, and an interval that holds what it promises."""

from __future__ import annotations

from random import Random

import pytest

from cloud.domain.time_bins import TIME_BINS, Span, interest, quantile_s
from common.vocabulary import DWELL_BINS_S
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


def test_the_interval_of_the_interest_is_that_of_a_mean() -> None:
    """Of 100 passers, half look for 2 to 5 seconds: a mean of 1.75 s, a standard deviation of 1.75 s."""
    found = interest(bins(s2=50), 175.0, 50, 100)
    assert found is not None
    assert found.mean_s == 1.75
    assert found.interval == pytest.approx((1.75 - 1.96 * 1.75 / 99**0.5, 1.75 + 1.96 * 1.75 / 99**0.5))


def test_the_interval_is_unknown_where_most_viewers_are_in_withheld_bins() -> None:
    assert interest(bins(s2=4, s5=None), 50.0, 10, 100) == (0.5, None)
    wider = interest(bins(s2=6, s5=None), 50.0, 10, 100)
    assert wider is not None
    assert wider.interval is not None
    assert interest(bins(s2=1), 3.0, 1, 1) == (3.0, None), "one passer has no spread"
    nobody = interest(bins(), 0.0, 0, 50)
    assert nobody is not None
    assert nobody.interval == (0.0, 0.0)


def test_the_interval_of_the_interest_holds_the_true_mean_in_19_of_20_cases() -> None:
    """A third of the passers look, for times of which most are short."""
    random, passers, held = Random(3), 200, 0
    true_mean = 0.3 * 6.0
    for _ in range(400):
        times = [random.expovariate(1 / 6.0) for _ in range(passers) if random.random() < 0.3]
        counts = dict.fromkeys(TIME_BINS, 0)
        for seconds in times:
            counts[bin_label(max(edge for edge in DWELL_BINS_S if edge <= seconds))] += 1
        found = interest(counts, sum(times), len(times), passers)
        assert found is not None
        assert found.interval is not None
        held += found.interval.low <= true_mean <= found.interval.high
    assert 0.92 < held / 400 < 0.98
