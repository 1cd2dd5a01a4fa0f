"""Corrects a figure with entries, such as conversion, by the count checks of the doors.

The counted entries are divided by the ratio of the checks (``cloud.analysis.recall``), and so the figure has two
uncertainties: that of the figure itself, if it were known how many people came, and that of how many came. They are
independent: who buys does not change what the camera counted of him, nor what a check of another hour found. Each has
an interval of its own, and MOVER joins them (G. Y. Zou, A. Donner, "Construction of confidence limits about effect
measures", Statistics in Medicine 27, 2008): the distances of both ends from the figure are added as squares. It needs
no symmetry, which neither interval has.

- **A share** (Wilson): the interval of the corrected share, with the figure at both ends of the corrected entries.
  These ends include the chance by which each person is counted or missed.
- **Others** (by days): the interval of the corrected days, with the figure at both ends of the ratio. How the days
  differ includes the chance of the counts already.

Only ``entries`` are corrected. A formula that divides them by something else that the same cameras count, such as
``entries / (entries + passers)``, is not: no check says how many of those are missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from cloud.analysis.ratios import Terms, interval_of
from cloud.analysis.recall import Estimate, Recall, corrected, ratio_of
from cloud.domain.formula import CONVERSION, FIELDS, Formula


@dataclass(frozen=True, slots=True)
class CorrectedFigure:
    """A figure with corrected entries and its 95 % interval, which is None if there are too few days for one."""

    value: float
    low: float | None
    high: float | None


def is_corrected(formula: Formula) -> bool:
    """Return whether checks correct all that cameras count in a formula."""
    others = [name for name in formula.fields if name not in ("entries", "watched_hours")]
    return "entries" in formula.fields and all(FIELDS[name] in ("till", "hours") for name in others)


def corrected_figure(
    formula: Formula, days: Sequence[Terms], doors: Sequence[Recall]
) -> CorrectedFigure | None:
    """Correct a figure of these days by the checks of all their doors; None if they cannot."""
    ratio = ratio_of(doors)
    if ratio is None or not is_corrected(formula):
        return None
    right = [one.with_entries(formula, one.entries / ratio.value) for one in days]
    above, below = sum(one.above for one in right), sum(one.below for one in right)
    if below <= 0 or (formula.name == CONVERSION and above > below):
        return None
    value = above / below
    kind, low, high = interval_of(formula, right, above, below)
    people = _people(sum(one.entries for one in days), doors, ratio, chance=kind == "wilson")
    ends = [_with(formula, above, below, end - people.value) for end in (people.low, people.high)]
    if low is None or high is None or None in ends:
        return CorrectedFigure(value, None, None)
    least, most = sorted(end for end in ends if end is not None)
    low, high = value - hypot(value - low, value - least), value + hypot(high - value, most - value)
    if formula.is_share:
        low, high = max(0.0, low), min(1.0, high)
    return CorrectedFigure(value, low, high)


def _people(counted: float, doors: Sequence[Recall], ratio: Estimate, *, chance: bool) -> Estimate:
    found = corrected(counted, doors) if chance else None
    return found or Estimate(counted / ratio.value, counted / ratio.high, counted / ratio.low)


def _with(formula: Formula, above: float, below: float, more: float) -> float | None:
    """Return the figure with so many more people; None if nothing would be left to divide by."""
    divisor = below + formula.below.get("entries", 0.0) * more
    return (above + formula.above.get("entries", 0.0) * more) / divisor if divisor > 0 else None
