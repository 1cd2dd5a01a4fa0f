"""Choose the cells of a heat map that are told.

A cell needs k visits. Of one visit at most ``HEAT_MOST_S`` = 30 s count in a cell, so the two longest are 60 s at most;
with 67.5 s or more in the cell, the others are at least a quarter of the longest, whichever it is: the p% rule holds.
Of looking it is not known how many visits did it, but more than 30 (k-1) seconds take k of them, and so does standing
without looking.

A reader also subtracts: the dwell times of all, or of a zone, minus the cells in it are what the other cells hold, and
the time that no cell counts. That is judged like any difference of times (``place_times``). Where it is not safe,
further cells are left out, from the top of the map on, where people are farthest away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from common.wire import HEAT_STEP_S, heat_least_s
from edge.place_types import HEAT_MOST_S, CellCounts
from edge.vision.times import sensitivity_below

_CELL_MOST_S = (HEAT_MOST_S, HEAT_MOST_S)


@dataclass(frozen=True, slots=True)
class Area:
    """A sum of times that is told, the most that the two longest of them can be, and the cells that count a part of
    them."""

    sum_s: float
    most_s: tuple[float, float]
    cells: Collection[int]


def tell_heat(
    heat: Mapping[int, CellCounts], size: int, k: int, standing: Sequence[Area], looking: Sequence[Area]
) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """Return the seconds of standing and of looking of ``size`` cells, None where they are withheld."""
    cells = [heat.get(index, CellCounts()) for index in range(size)]
    standing_s, looking_s = heat_least_s(k)
    if k == 1:
        stood = looked = set(range(size))
    else:
        stood = {
            index for index, cell in enumerate(cells) if cell.visits >= k and cell.standing_s >= standing_s
        }
        _leave_out(stood, [cell.standing_s for cell in cells], [cell.visits for cell in cells], k, standing)
        looked = {
            index
            for index in stood
            if min(cells[index].looking_s, cells[index].standing_s - cells[index].looking_s) > looking_s
        }
        many = [k if cell.looking_s > (k - 1) * HEAT_MOST_S else 0 for cell in cells]
        _leave_out(looked, [cell.looking_s for cell in cells], many, k, looking)
    return (
        tuple(_rounded(cell.standing_s) if index in stood else None for index, cell in enumerate(cells)),
        tuple(_rounded(cell.looking_s) if index in looked else None for index, cell in enumerate(cells)),
    )


def _leave_out(
    told: set[int], seconds: Sequence[float], visits: Sequence[int], k: int, areas: Sequence[Area]
) -> None:
    """Remove cells from ``told`` until no area minus its cells is about a few visits. ``visits`` are at least those in
    each cell."""
    for area in areas:
        for index in sorted(told.intersection(area.cells)):
            if _safe(area, told, seconds, visits, k):
                break
            told.remove(index)


def _safe(area: Area, told: Collection[int], seconds: Sequence[float], visits: Sequence[int], k: int) -> bool:
    others = [index for index in area.cells if index not in told]
    uncounted_s = max(0.0, area.sum_s - sum(seconds[index] for index in area.cells))
    missing_s = sensitivity_below(uncounted_s, area.most_s)
    missing_s += sum(sensitivity_below(seconds[index], _CELL_MOST_S) for index in others)
    left_s = uncounted_s + sum(seconds[index] for index in others)
    enough = max((visits[index] for index in others), default=0) >= k or left_s > (k - 1) * area.most_s[0]
    return left_s < 0.05 or (enough and missing_s <= 0)


def _rounded(seconds: float) -> int:
    return round(seconds / HEAT_STEP_S) * HEAT_STEP_S
