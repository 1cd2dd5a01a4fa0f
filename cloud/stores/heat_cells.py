"""The fields of the two heat maps of a point, standing and looking.

A cell of the grid is a field: as text a heat map could not be added up over cohorts, and as a tag it would need a
hundred series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cloud.domain.floor_tally import Seconds
from cloud.stores.measurement import Field
from common.wire import HEAT_COLUMNS, HEAT_ROWS

_KINDS = ("standing", "looking")


def of_cells(also: str = "") -> dict[str, Field]:
    """Return a field for each cell of both maps; ``also`` is added to its meaning."""
    return {
        _cell(kind, index, HEAT_COLUMNS): Field(
            "integer", f"seconds of {kind} in a cell, by row and column from 0{also}"
        )
        for kind in _KINDS
        for index in range(HEAT_ROWS * HEAT_COLUMNS)
    }


def cells(standing: Seconds, looking: Seconds, columns: int) -> dict[str, int | None]:
    """Return the values of the cells by field; each map is given row by row."""
    return {
        _cell(kind, index, columns): seconds
        for kind, told in zip(_KINDS, (standing, looking), strict=True)
        for index, seconds in enumerate(told)
    }


def maps_from(row: Mapping[str, Any], columns: int, rows: int) -> Iterator[Seconds]:
    """Yield the map of standing and that of looking from the fields of a point."""
    for kind in _KINDS:
        yield tuple(row[_cell(kind, index, columns)] for index in range(columns * rows))


def _cell(kind: str, index: int, columns: int) -> str:
    """Return the field of a cell, by row and column from 0."""
    return f"{kind}_{index // columns}_{index % columns}"
