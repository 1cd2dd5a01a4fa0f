"""The figures of a shop that are stored for dashboards and alerts, besides those with a formula; and limits for alerts.

Each is stored by its name, like a metric with a formula, so no metric of a chain may have one of these names.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from common.settings import Section
from common.wire import Name

COUNTS: Final[Mapping[str, str]] = {
    "entries": "Entries",
    "re_entries": "People who came in again",
    "transactions": "Transactions",
    "turnover": "Turnover",
    "items": "Items sold",
    "staff_hours": "Staff hours",
}
"""The counts, each with its title."""
LONGEST_DAYS: Final = 28
MOST_LIMITS: Final = 50


class Limit(Section):
    """A limit of a figure: whoever looks after the shop is told if each of so many days was beyond it."""

    metric: str
    below: float | None = None
    above: float | None = None
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 3
    """Days in a row; those on which the figure cannot be told do not count."""
    sites: list[Name] = Field(default_factory=list)
    """Empty for all."""

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.below is None) == (self.above is None):
            raise ValueError("needs either below or above")
        return self

    @property
    def value(self) -> float:
        value = self.above if self.below is None else self.below
        assert value is not None
        return value

    def is_about(self, site: str) -> bool:
        return not self.sites or site in self.sites

    def passed_by(self, value: float) -> bool:
        """Tell whether a figure is beyond the limit."""
        return value < self.value if self.above is None else value > self.value

    def said(self, title: str, unit: str) -> str:
        """Return it in words, such as ``Conversion rate below 20 % for 3 days``."""
        value = f"{100 * self.value:.6g} %" if unit == "%" else f"{self.value:.12g} {unit}".rstrip()
        days = f"{self.days} days" if self.days > 1 else "a day"
        return f"{title} {'above' if self.below is None else 'below'} {value} for {days}"


def check_limits(limits: Sequence[Limit], units: Mapping[str, str], sites: Collection[str]) -> None:
    """Check limits against the figures that there are, each with its unit. Raises ``ValueError`` for a mistake."""
    seen: list[tuple[Limit, list[str]]] = []
    for place, limit in enumerate(limits):
        at = f"alerts.{place}"
        if limit.metric not in units:
            close = difflib.get_close_matches(limit.metric, units, n=1)
            way = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(units)}"
            raise ValueError(f"{at}: unknown metric {limit.metric!r}; {way}")
        if units[limit.metric] == "%" and not 0 <= limit.value <= 1:
            raise ValueError(
                f"{at}: {limit.metric} is a share in 0 to 1; write 0.2 for 20 %, not {limit.value:g}"
            )
        if unknown := [name for name in limit.sites if name not in sites]:
            raise ValueError(f"{at}: names {unknown[0]!r}, which is not a site of this file")
        same = limit.model_copy(update={"sites": []})
        if any(same == one and (not limit.sites or not of or {*limit.sites} & {*of}) for one, of in seen):
            raise ValueError(f"{at}: is there twice for the same shop; keep one")
        seen.append((same, limit.sites))
