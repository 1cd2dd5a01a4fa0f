"""What the till told of today so far, and the figures with a formula up to the end of its last interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cloud.analysis.estimates import Estimate, of_days
from cloud.analysis.ratios import Terms, total
from cloud.domain.formula import FIELDS, Formula
from cloud.domain.till import TOLD, Kept, TillTally, till_tally
from common.wire import WindowMessage

if TYPE_CHECKING:
    from cloud.analysis.recall import Recall

_COUNTED: Final = ("visits", "viewers", "entries", "exits", "passers", "groups")
"""The fields of windows; what cohorts tell comes later in the day."""


@dataclass(frozen=True, slots=True)
class TillToday:
    """``figures`` are those of which the till tells every field, and the doors theirs."""

    told: TillTally
    figures: tuple[Estimate, ...]


def till_today(
    kept: Sequence[Kept],
    windows: Sequence[WindowMessage],
    formulas: Sequence[Formula],
    doors: Sequence[Recall] = (),
) -> TillToday | None:
    """Compute it from the takings and the windows of one site and day; None if the till told nothing.

    ``doors`` are the count checks of all its doors, which correct the entries.
    """
    told = till_tally(kept)
    if told is None:
        return None
    first = min(
        (one.takings.start for one in kept if one.takings.transactions), default=kept[0].takings.start
    )
    span = [w for w in windows if first <= w.start < told.until]
    at_doors = [w for w in span if w.totals.doors]
    known = {name for name in TOLD if getattr(told, name) is not None}
    figures = [
        of_days(one, [_terms(one, told, at_doors if "doors" in one.sources else span, first)], doors)
        for one in formulas
        if "till" in one.sources
        and known.union(_COUNTED).issuperset(one.fields)
        and ("doors" not in one.sources or at_doors)
    ]
    return TillToday(told, tuple(figures))


def _terms(formula: Formula, told: TillTally, windows: Sequence[WindowMessage], first: datetime) -> Terms:
    span_s = (told.until - first).total_seconds()
    coverage = _coverage(windows, span_s)
    cameras = any(FIELDS[name] != "till" for name in formula.fields)
    values = {
        name: float(getattr(told, name)) * (coverage if cameras else 1.0)
        if FIELDS[name] == "till"
        else float(_count(name, windows))
        for name in formula.fields
    }
    above, below = (total(side, values) for side in (formula.above, formula.below))
    return Terms(above, below, coverage if cameras else 1.0, span_s, values.get("entries", 0.0))


def _coverage(windows: Sequence[WindowMessage], span_s: float) -> float:
    """Return the share of a time that the least of its cameras watched."""
    watched: dict[tuple[str, str], float] = {}
    for window in windows:
        camera = window.device, window.camera
        watched[camera] = watched.get(camera, 0.0) + window.coverage.share * window.duration_s
    return min(1.0, min(watched.values()) / span_s) if watched and span_s > 0 else 0.0


def _count(name: str, windows: Sequence[WindowMessage]) -> int:
    if name in ("visits", "viewers"):
        return sum(getattr(window.totals, name) for window in windows)
    return sum(getattr(door, name) for window in windows for door in window.totals.doors.values())
