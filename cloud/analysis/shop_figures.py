"""All figures of a shop over some days that dashboards show, by the functions of page and reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cloud.analysis.corrected import checked_doors, corrected_entries
from cloud.analysis.estimates import Estimate as FormulaEstimate
from cloud.analysis.estimates import estimate
from cloud.analysis.formula_figures import relevant
from cloud.analysis.recall import Estimate
from cloud.domain.chain import Role, Site
from cloud.domain.figures import COUNTS
from cloud.domain.formula import Formula
from cloud.domain.messages import gettext as _
from cloud.domain.tally import Tally
from cloud.domain.till import TillTally
from cloud.stores.check_file import CheckFile

_OF_TILL: Final = ("transactions", "turnover", "items", "staff_hours")
_UNTOLD: Final = _("the till does not tell it for the whole time")


@dataclass(frozen=True, slots=True)
class ShopFigure:
    """One figure as it is stored. ``low`` to ``high`` is its 95 % interval, None without one."""

    metric: str
    title: str
    unit: str
    value: float | None
    low: float | None = None
    high: float | None = None
    corrected: Estimate | None = None
    """The same with the entries as count checks correct them; None if they do not, or without its interval."""
    coverage: float | None = None
    refused: str = ""
    """Why there is no ``value``."""


def shop_figures(
    site: Site,
    role: Role,
    tallies: Sequence[Tally],
    formulas: Sequence[Formula],
    checks: CheckFile | None,
    currency: str = "",
) -> list[ShopFigure]:
    """Compute the figures of these days of one site and role, at least one; empty if nothing was watched or sold.

    Takings are of the whole shop, so only its main role has them. Raises ``StoreUnavailable``.
    """
    if not any(one.covered_s > 0 or one.till for one in tallies):
        return []
    main, total = role == site.roles[0], sum(tallies[1:], tallies[0])
    found = [*_at_doors(site, role, tallies, total, checks)]
    if main and total.till:
        found += _sold([one.till for one in tallies if one.till], total.till, currency)
    doors = checked_doors(checks, site, role, tallies)
    return found + [
        _of_formula(estimate(one, tallies, doors)) for one in relevant(formulas, tallies, main=main)
    ]


def _at_doors(
    site: Site, role: Role, tallies: Sequence[Tally], total: Tally, checks: CheckFile | None
) -> Iterator[ShopFigure]:
    if total.doors is None:
        return
    right = corrected_entries(checks, site, role, tallies)
    yield ShopFigure(
        "entries",
        COUNTS["entries"],
        "",
        total.doors.entries,
        corrected=right.entries if right else None,
        coverage=total.coverage,
    )
    again = total.beside.came_again
    if (ends := again.interval) is not None:
        title = COUNTS["re_entries"]
        yield ShopFigure("re_entries", title, "", again.people, *ends, coverage=total.coverage)


def _sold(days: Sequence[TillTally], total: TillTally, currency: str) -> Iterator[ShopFigure]:
    units = {"turnover": currency, "staff_hours": "h"}
    for name in _OF_TILL:
        if any(getattr(one, name) is not None for one in days):
            value = getattr(total, name)
            why = "" if value is not None else str(_UNTOLD)
            yield ShopFigure(name, COUNTS[name], units.get(name, ""), value, refused=why)


def _of_formula(found: FormulaEstimate) -> ShopFigure:
    of, right, corrected = found.formula, found.corrected, None
    if right is not None and right.low is not None and right.high is not None:
        corrected = Estimate(right.value, right.low, right.high)
    return ShopFigure(
        of.name,
        str(of.title),
        of.unit,
        found.value,
        found.low,
        found.high,
        corrected,
        coverage=found.coverage,
        refused=str(found.refused or ""),
    )
