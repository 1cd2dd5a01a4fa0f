"""The figures of ``python -m benchmarks.noise`` are those of a private mechanism."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.noise import BUDGETS, LABELS, laplace, measure, projected, scale_of

cells = st.lists(st.integers(-40, 200).map(float), min_size=2, max_size=9).map(np.array)


@pytest.mark.parametrize("budget", BUDGETS)
def test_another_visit_changes_the_chance_of_all_that_is_told_by_no_more_than_the_budget(
    budget: float,
) -> None:
    """The draws are those of discrete Laplace noise, whose chance falls by this factor with each visit of a cell: of a
    visit whose three verdicts change, six cells do."""
    rng, size = np.random.default_rng(1), 200_000
    draws = laplace(rng, scale_of(budget), size)
    factor = np.exp(-1 / scale_of(budget))
    assert draws.var() == pytest.approx(2 * factor / (1 - factor) ** 2, rel=0.03)
    assert np.mean(draws == 0) == pytest.approx((1 - factor) / (1 + factor), rel=0.05)
    assert factor ** -(2 * len(LABELS)) == pytest.approx(np.exp(budget))


@given(cells, st.integers(0, 400))
def test_counts_are_made_whole_by_the_smallest_change(counts: np.ndarray, total: int) -> None:
    made = projected(counts, total)
    assert made.min() >= 0
    assert made.sum() == pytest.approx(total)
    change = made - counts
    # All that is left has changed by as much, and nothing that is gone had to change by more.
    left = change[made > 1e-9]
    assert np.allclose(left, left[:1], atol=1e-6)
    assert (change[made <= 1e-9] >= left.max(initial=-np.inf) - 1e-6).all()


@given(cells)
def test_counts_that_fit_stay(counts: np.ndarray) -> None:
    counts = np.abs(counts)
    assert projected(counts, counts.sum()) == pytest.approx(counts)


def test_a_larger_budget_and_more_visits_cost_less() -> None:
    few, many = (measure(visits, 1, 8) for visits in (60, 200))
    assert few.keys() == many.keys() == LABELS.keys()
    for name in LABELS:
        for errors in (few[name].noise, many[name].noise):
            assert errors[0.5] > errors[4.0]
        assert few[name].noise[1.0] > many[name].noise[1.0]
        assert few[name].withheld > many[name].withheld
