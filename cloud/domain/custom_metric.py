"""A metric that a chain has of its own, as its chain file writes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from cloud.domain.formula import Better, Formula, formula, parsed
from common.settings import Section

MOST_METRICS = 20


def _formula(text: str) -> str:
    parsed(text)
    return text


def _unit(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


class CustomMetric(Section):
    """A metric of the chain itself. Its name is its key in the file."""

    title: Annotated[str, Field(min_length=1, max_length=60)]
    formula: Annotated[str, AfterValidator(_formula)]
    unit: Annotated[str, Field(max_length=12), AfterValidator(_unit)] = ""
    better: Better | None = None

    def named(self, name: str) -> Formula:
        """Return it as a metric of this name."""
        return formula(name, self.title, self.formula, self.unit, self.better)
