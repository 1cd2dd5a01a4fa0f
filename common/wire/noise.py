"""The verdicts of a cohort with noise, for devices with a budget (docs/decisions/0122).

These numbers are no counts: any of them may be negative, or below k. So they are in a model of their own, beside which
a cohort tells nothing else about verdicts.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Self

from pydantic import Field, model_validator

from common.vocabulary import ATTRIBUTES, NOT_SEEN, UNKNOWN
from common.wire.fields import MOST, MOST_LABELS, Label, WireModel

BUDGETS = (0.01, 10.0)
"""Least and most. Less would need years of visits to tell anything, more would protect nobody."""
_CHANGED_CELLS = 2
"""A visit with another verdict is missing in one cell of a list, and counts in another."""

NOISY_LABELS = {name: (*labels, UNKNOWN, NOT_SEEN) for name, labels in ATTRIBUTES.items()}
"""The labels of each list. All are told, also those that nobody has."""

Budget = Annotated[float, Field(ge=BUDGETS[0], le=BUDGETS[1], allow_inf_nan=False)]
NoisyCells = Annotated[
    dict[Label, Annotated[int, Field(ge=-MOST, le=MOST)]], Field(min_length=1, max_length=MOST_LABELS)
]
"""Visits by label, plus noise."""


def noise_scale(budget: float, lists: int) -> Fraction:
    """Return the scale of the noise in every cell, if one visit in so many ``lists`` has this ``budget``."""
    return _CHANGED_CELLS * lists / Fraction(budget)


class Noise(WireModel):
    """The verdicts of a cohort with noise: discrete Laplace of scale 2 x number of lists / budget in every cell. A
    number may be negative. Add up cohorts first, and make sums whole only to show them."""

    budget: Budget = Field(
        description="the odds of a verdict on one visit change at most by e to this, with all lists together"
    )
    gender: NoisyCells = Field(description="visits by gender, with noise")
    age_band: NoisyCells = Field(description="visits by age band, with noise")
    expression: NoisyCells | None = Field(
        default=None, description="visits by expression, with noise (profile expression)"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, cells in self.lists().items():
            if different := cells.keys() ^ set(NOISY_LABELS[name]):
                raise ValueError(f"{name}: label {min(different)!r} is unknown or missing")
        return self

    @property
    def scale(self) -> Fraction:
        """The scale of the noise in every cell."""
        return noise_scale(self.budget, len(self.lists()))

    def lists(self) -> dict[str, dict[str, int]]:
        """Return the lists that are told, by attribute."""
        lists = {"gender": self.gender, "age_band": self.age_band, "expression": self.expression}
        return {name: cells for name, cells in lists.items() if cells is not None}
