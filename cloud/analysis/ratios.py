"""One sum over days divided by another, and the interval in which the ratio lies in 19 of 20 cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from cloud.domain.formula import Formula

Interval = Literal["wilson", "days"]
"""How an interval was found: by the chance that one more or one less buys, or by how much the days differ."""

LEAST_DAYS: Final = 3
"""Days without which nobody knows how much days differ."""
_Z = 1.959964
"""The normal quantile of 95 %."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The two sums of one day, and how much of its opening time was watched (1 if no camera is needed)."""

    above: float
    below: float
    coverage: float
    open_s: float
    entries: float = 0.0
    """The counted entries in both sums, before their factors."""

    def with_entries(self, formula: Formula, entries: float) -> Terms:
        """Return the terms as if so many entries had been counted."""
        more = entries - self.entries
        return replace(
            self,
            above=self.above + formula.above.get("entries", 0.0) * more,
            below=self.below + formula.below.get("entries", 0.0) * more,
            entries=entries,
        )


def total(factors: Mapping[str, float], values: Mapping[str, float]) -> float:
    return sum(factor * values[name] for name, factor in factors.items())


def interval_of(
    formula: Formula, used: Sequence[Terms], above: float, below: float
) -> tuple[Interval | None, float | None, float | None]:
    """Return the 95 % interval of ``above / below``, the sums of ``used``, and its kind; None with too few days."""
    if formula.is_share and 0 <= above <= below:
        return "wilson", *wilson(above, below)
    if len(used) < LEAST_DAYS:
        return None, None, None
    return "days", *_by_days(used, above / below, below)


def wilson(hits: float, of: float) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), in 0..1. ``of`` is more than 0."""
    share, z2 = hits / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    reach = _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _by_days(used: Sequence[Terms], value: float, below: float) -> tuple[float, float]:
    """Return the 95 % interval of a ratio of sums, from how much the days differ from it."""
    from scipy.stats import t  # imported here: it takes seconds to load on a Pi

    count = len(used)
    scatter = sum((one.above - value * one.below) ** 2 for one in used) * count / (count - 1)
    reach = float(t.ppf(0.975, count - 1)) * math.sqrt(scatter) / below
    return value - reach, value + reach
