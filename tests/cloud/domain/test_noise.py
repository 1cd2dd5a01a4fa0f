"""Numbers with noise become counts only when they are shown, by the smallest change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.noise import projected, variance, whole
from tests.support.messages import with_noise

cells = st.lists(st.integers(-40, 200).map(float), min_size=2, max_size=9)


@given(cells, st.integers(0, 400))
def test_counts_are_made_whole_by_the_smallest_change(counts: list[float], total: int) -> None:
    made = np.array(projected(counts, total))
    assert made.min() >= 0
    assert made.sum() == pytest.approx(total)
    change = made - np.array(counts)
    # All that is left has changed by as much, and nothing that is gone had to change by more.
    left = change[made > 1e-9]
    assert np.allclose(left, left[:1], atol=1e-6)
    assert (change[made <= 1e-9] >= left.max(initial=-np.inf) - 1e-6).all()


@given(cells)
def test_counts_that_fit_stay(counts: list[float]) -> None:
    told = [abs(count) for count in counts]
    assert projected(told, sum(told)) == pytest.approx(told)


@given(cells, st.integers(0, 400))
def test_what_is_shown_is_whole_and_sums_to_the_visits(counts: list[float], total: int) -> None:
    exact = projected(counts, total)
    shown = whole(exact, total)
    assert sum(shown) == total
    assert min(shown) >= 0
    assert all(abs(one - other) < 1 + 1e-6 for one, other in zip(shown, exact, strict=True))


@pytest.mark.parametrize(("lists", "budget"), [(2, 1.0), (3, 1.0), (3, 0.1)])
def test_the_variance_is_that_of_the_distribution(lists: int, budget: float) -> None:
    noise = with_noise(budget=budget, cells={"expression": {}} if lists == 3 else {}).noise
    assert noise is not None
    chances = [(value, math.exp(-abs(value) * budget / (2 * lists))) for value in range(-5000, 5001)]
    every = sum(chance for _, chance in chances)
    assert variance(noise) == pytest.approx(sum(value**2 * chance for value, chance in chances) / every)
