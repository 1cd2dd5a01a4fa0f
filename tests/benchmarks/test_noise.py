"""The figures of ``python -m benchmarks.noise`` are those of a private mechanism."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.noise import BUDGETS, LABELS, laplace, measure, scale_of


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


def test_a_larger_budget_and_more_visits_cost_less() -> None:
    few, many = (measure(visits, 1, 8) for visits in (60, 200))
    assert few.keys() == many.keys() == LABELS.keys()
    for name in LABELS:
        for errors in (few[name].noise, many[name].noise):
            assert errors[0.5] > errors[4.0]
        assert few[name].noise[1.0] > many[name].noise[1.0]
        assert few[name].withheld > many[name].withheld
