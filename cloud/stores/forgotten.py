"""Fields of a point that are not known any more.

InfluxDB cannot remove a field from a point. So it is written as 0, which does not change a sum, and named in
``forgotten``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cloud.stores.measurement import Field, Measurement, Point, Value

FORGOTTEN = "forgotten"
FORGOTTEN_FIELD = Field(
    "string",
    "counts that were known when this point was first written and now are not, separated by commas: they are written as"
    " 0, because InfluxDB cannot remove a field",
)
Tags = tuple[str, ...]
"""The values of the tags of a point, after site and role."""
Row = Mapping[str, Any]
Stored = Mapping[Tags, Collection[str]]
"""The fields of the points that exist."""


def with_forgotten(values: Mapping[str, Value], stored: Collection[str]) -> dict[str, Value]:
    """Add each ``stored`` field that has no value any more as 0, and name these in ``forgotten``."""
    gone = sorted({*stored} - {*values, FORGOTTEN})
    named = {FORGOTTEN: ",".join(gone)} if gone or FORGOTTEN in stored else {}
    return {**values, **named, **dict.fromkeys(gone, 0)}


def without_forgotten(row: Row) -> Row:
    """Return the fields of a point, with None for those that were forgotten."""
    return {**row, **dict.fromkeys(_names(row))}


def day_points(
    measurement: Measurement,
    of: tuple[str, str],
    at: datetime,
    found: Mapping[Tags, Mapping[str, Value]],
    stored: Stored,
) -> Iterator[Point]:
    """Make the points of a day ``of`` a site and a role. A field, or a whole point, that is only ``stored`` is
    forgotten."""
    for key in sorted({*found, *stored}):
        tags = dict(zip(measurement.tags, (*of, *key), strict=True))
        yield measurement.point(tags, at, with_forgotten(found.get(key, {}), stored.get(key, ())))


def known_points(points: Iterable[tuple[Tags, Row]]) -> Iterator[tuple[Tags, Row]]:
    """Leave out what was forgotten: whole points, and the fields of others."""
    for tags, row in points:
        if "cohort_visits" not in _names(row):
            yield tags, without_forgotten(row)


def _names(row: Row) -> list[str]:
    return (row[FORGOTTEN] or "").split(",")
