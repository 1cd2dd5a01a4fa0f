"""The figures of formulas: what a shop sold beside who came in, each with its coverage and its interval.

A figure is refused, and not shown as a number, where it cannot be told: nobody watched the door, or too little of the
opening time. What goes on whether or not a camera watches (sales, hours) counts for the watched share of a day, so
that a blind hour does not look like a better one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cloud.analysis.ratios import Interval, Terms, interval_of, total
from cloud.domain.formula import CONVERSION, FIELDS, Formula
from cloud.domain.messages import Percent
from cloud.domain.messages import gettext as _
from cloud.domain.tally import Tally
from cloud.domain.thresholds import LEAST_COVERAGE

if TYPE_CHECKING:
    from cloud.analysis.corrected_figures import CorrectedFigure
    from cloud.analysis.recall import Recall

NO_TILL: Final = _("the till told nothing")
NO_DOOR: Final = _("there is no door")
MORE_SALES: Final = _("more sales than entries: the till and the door are not about the same people")


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure of a site and period."""

    formula: Formula
    value: float | None
    """None if it cannot be told; ``refused`` says why."""
    low: float | None
    """``low`` to ``high`` is the 95 % interval; None if there are too few days for one."""
    high: float | None
    interval: Interval | None
    coverage: float | None
    """The share of the opening time in which its cameras watched, on the days that the figure could be about; None if
    it needs no camera."""
    days: int
    """Days that count, of ``of_days`` that have something of all its fields."""
    of_days: int
    refused: str | None
    corrected: CorrectedFigure | None = None
    """The same with the entries as count checks correct them; None if they do not. It may be known where the counted
    figure is refused, because the door misses so many that there were more sales than entries."""

    @property
    def title(self) -> str:
        return self.formula.title


def estimate(formula: Formula, tallies: Sequence[Tally], doors: Sequence[Recall] = ()) -> Estimate:
    """Compute a figure of these days of one site and role; ``doors`` are the count checks of all its doors."""
    told = [one for one in tallies if _tells(formula, one)]
    if not told:
        return _refused(formula, None, 0, lacking(formula, tallies))
    days = [terms_of(formula, one) for one in told]
    return of_days(formula, days, doors)


def of_days(formula: Formula, days: Sequence[Terms], doors: Sequence[Recall] = ()) -> Estimate:
    """Compute a figure from the terms of its days, at least one; ``doors`` as for :func:`estimate`."""
    open_s = sum(one.open_s for one in days)
    watched = sum(one.coverage * one.open_s for one in days) / open_s if open_s > 0 else 0.0
    coverage = watched if needs_cameras(formula) else None
    used = [one for one in days if one.coverage >= LEAST_COVERAGE]
    if coverage is not None and (coverage < LEAST_COVERAGE or not used):
        return _refused(formula, coverage, len(days), unwatched(formula, coverage))
    above, below = sum(one.above for one in used), sum(one.below for one in used)
    if below <= 0:
        return _refused(formula, coverage, len(days), _("nothing was counted"))
    right = _corrected(formula, used, doors)
    if formula.name == CONVERSION and above > below:
        return replace(_refused(formula, coverage, len(days), MORE_SALES), corrected=right)
    kind, low, high = interval_of(formula, used, above, below)
    return Estimate(formula, above / below, low, high, kind, coverage, len(used), len(days), None, right)


def _corrected(formula: Formula, used: Sequence[Terms], doors: Sequence[Recall]) -> CorrectedFigure | None:
    if not doors:
        return None
    from cloud.analysis.corrected_figures import corrected_figure  # imported here: it needs scipy

    return corrected_figure(formula, used, doors)


def needs_cameras(formula: Formula) -> bool:
    return bool({"cameras", "doors"}.intersection(formula.sources))


def lacking(formula: Formula, tallies: Sequence[Tally]) -> str:
    """Return why no day has all that a formula needs."""
    if "doors" in formula.sources and not any(one.doors for one in tallies):
        return NO_DOOR
    if "till" in formula.sources and not any(one.till for one in tallies):
        return NO_TILL
    if "till" in formula.sources:
        names = [name for name in formula.fields if FIELDS[name] == "till"]
        missing = [
            name for name in names if all(one.till is None or _till(one, name) is None for one in tallies)
        ]
        if missing:
            return _("the till does not tell %(field)s", field=missing[0])
    return _("no day has all that it needs")


def unwatched(formula: Formula, coverage: float) -> str:
    """Return why a figure is refused, for the share of the opening time that was watched."""
    share = Percent(math.floor(100 * coverage) / 100)
    if "doors" in formula.sources:
        return _("the door was watched for %(share)s", share=share)
    return _("the cameras watched for %(share)s", share=share)


def terms_of(formula: Formula, one: Tally) -> Terms:
    """Return the terms of one day that tells every field of the formula."""
    coverage = watched_share(formula, one)
    scale = min(1.0, one.coverage or 0.0) if needs_cameras(formula) else 1.0
    values = {
        name: READ[name](one) * (scale if FIELDS[name] in ("till", "hours") else 1.0)
        for name in formula.fields
    }
    above, below = (total(side, values) for side in (formula.above, formula.below))
    return Terms(above, below, coverage, one.open_s, values.get("entries", 0.0))


def watched_share(formula: Formula, one: Tally) -> float:
    """Return the share of the opening time that the least of its cameras watched, in 0..1.

    Doors that were drawn in the afternoon watched half a day.
    """
    if not needs_cameras(formula):
        return 1.0
    if not one.watched_s or one.open_s <= 0:
        return 0.0
    share = min(1.0, min(one.watched_s.values()) / one.open_s)
    if "doors" in formula.sources and one.doors:
        watched_s = sum(one.watched_s.values())
        share *= min(1.0, one.doors.watched_s / watched_s) if watched_s > 0 else 0.0
    return share


def _tells(formula: Formula, one: Tally) -> bool:
    """Tell whether a day has something of every field.

    An open day on which all cameras were blind has, as far as it is about them: it counts against the coverage.
    """
    if needs_cameras(formula) and one.open_s <= 0:
        return False
    for name in formula.fields:
        if FIELDS[name] == "till" and (one.till is None or _till(one, name) is None):
            return False
        if FIELDS[name] == "doors" and one.doors is None and one.covered_s > 0:
            return False
    return True


def _till(one: Tally, name: str) -> float | None:
    value: float | None = getattr(one.till, name)
    return value


def _of_till(name: str) -> Callable[[Tally], float]:
    return lambda one: float(getattr(one.till, name) or 0)


def _of_doors(name: str) -> Callable[[Tally], float]:
    return lambda one: float(getattr(one.doors, name)) if one.doors else 0.0


def _of_tally(name: str) -> Callable[[Tally], float]:
    return lambda one: float(getattr(one, name))


_MAKERS: Final = {"till": _of_till, "doors": _of_doors, "cameras": _of_tally}
READ: Final[Mapping[str, Callable[[Tally], float]]] = {
    **{name: _MAKERS[source](name) for name, source in FIELDS.items() if not name.endswith("_hours")},
    "staff_hours": _of_till("staff_hours"),
    "watched_hours": lambda one: one.exposure_s / 3600,
    "open_hours": lambda one: one.open_s / 3600,
}
"""How each field is read from a day that tells it."""


def _refused(formula: Formula, coverage: float | None, days: int, why: str) -> Estimate:
    return Estimate(formula, None, None, None, None, coverage, 0, days, why)
