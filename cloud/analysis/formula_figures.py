"""The figures with a formula of one page: each of this period and of another, and what changed beyond chance.

They are a family of their own: with every metric that a chain adds, the others of that family need a clearer change,
and visits and entries do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloud.analysis.change import Change
from cloud.analysis.compare import LEVEL
from cloud.analysis.estimates import Estimate, estimate
from cloud.analysis.metrics import Metric, formula_metric
from cloud.analysis.recall import Recall
from cloud.domain.formula import BUILT_IN, Formula
from cloud.domain.tally import Tally


@dataclass(frozen=True, slots=True)
class FormulaFigure:
    """One figure of both sides. ``change`` is None if this side cannot be told."""

    this: Estimate
    other: Estimate
    change: Change | None


def relevant(formulas: Sequence[Formula], tallies: Sequence[Tally], *, main: bool) -> list[Formula]:
    """Return what a page about these days shows.

    Metrics of every chain only if the shop has a till; those without a camera of this role only on the page of the
    ``main`` role of the site.
    """
    has_till = any(one.till for one in tallies)
    built_in = {one.name for one in BUILT_IN}
    return [
        one
        for one in formulas
        if (main or "cameras" in one.sources) and (has_till or one.name not in built_in)
    ]


def formula_figures(
    formulas: Sequence[Formula],
    this: Sequence[Tally],
    other: Sequence[Tally],
    compared: Callable[[Metric, float], Change],
    doors: tuple[Sequence[Recall], Sequence[Recall]] = ((), ()),
) -> tuple[FormulaFigure, ...]:
    """Compute them; ``compared`` tells the change of one metric at the level that is its part, and ``doors`` are the
    count checks of both sides. A change is that of the counted figures: a check that holds for both changes it not."""
    found = [(estimate(one, this, doors[0]), estimate(one, other, doors[1])) for one in formulas]
    told = sum(own.value is not None for own, _ in found)
    return tuple(
        FormulaFigure(
            own, others, None if own.value is None else compared(formula_metric(own.formula), LEVEL / told)
        )
        for own, others in found
    )
