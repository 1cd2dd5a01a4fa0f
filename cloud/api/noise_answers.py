"""What the API answers about verdicts with noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from cloud.analysis.noise import NoisyList, WithNoise
from cloud.api.answers import Answer, Asked, Range


class NoisyCountAnswer(Answer):
    """The visits of one label."""

    label: str
    number: int = Field(description="the sum as it was told: no count, it may be negative; add up these")
    visits: int = Field(description="what is shown of it: whole and not negative, all labels sum to `visits`")
    share: float = Field(description="this / `visits` of the list")
    interval: Range = Field(description="the range in which the true share lies in about 19 of 20 cases")


class NoisyListAnswer(Answer):
    """The visits of a period by one attribute, also those without a verdict."""

    visits: int = Field(description="visits that this divides, without noise")
    counts: list[NoisyCountAnswer]


class BudgetAnswer(Answer):
    """How exact devices were allowed to be."""

    budget: float = Field(description="of each visit, with all lists of its day")
    days: int = Field(description="days on which it was used")


class Noisy(Asked):
    """Verdicts with noise, added up over a period. Everywhere else, those of devices with a budget are withheld."""

    visits: int = Field(description="visits of the groups that were told with noise; 0 if there are none")
    budgets: list[BudgetAnswer]
    gender: NoisyListAnswer | None
    age_band: NoisyListAnswer | None
    expression: NoisyListAnswer | None = Field(description="null unless the devices estimate it")


def noisy_figures(found: WithNoise | None) -> dict[str, Any]:
    """Return the fields of ``Noisy`` beside those of ``Asked``."""
    lists: Mapping[str, NoisyList] = found.lists if found else {}
    return {
        "visits": found.visits if found else 0,
        "budgets": [
            BudgetAnswer(budget=budget, days=days)
            for budget, days in (found.budgets if found else {}).items()
        ],
        **{
            name: _list(lists[name]) if name in lists else None
            for name in ("gender", "age_band", "expression")
        },
    }


def _list(found: NoisyList) -> NoisyListAnswer:
    return NoisyListAnswer(
        visits=found.visits,
        counts=[
            NoisyCountAnswer(
                label=one.label,
                number=one.number,
                visits=one.visits,
                share=one.visits / found.visits,
                interval=(one.low / found.visits, one.high / found.visits),
            )
            for one in found.counts
        ],
    )
