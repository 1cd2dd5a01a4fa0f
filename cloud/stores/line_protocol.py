"""Writes points as InfluxDB's line protocol: what influxdb-client writes, in a fraction of its time.

The writer of the library took most of what a message costs the bridge. Tests compare our lines with the library's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache

from cloud.stores.measurement import Point, Value

_IN_NAME = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\n", "\t": r"\t", "\r": r"\r"})
_IN_STRING = str.maketrans({'"': r"\"", "\\": r"\\"})


def line(point: Point) -> str:
    """Return one point as a line, or "" if no field has a value: numbers that are not finite are none."""
    fields = ",".join(_fields(point["fields"]))
    if not fields:
        return ""
    # Sorted, or InfluxDB would have to sort them.
    tags = "".join(
        [f",{_name(name)}={_tag(value)}" for name, value in sorted(point["tags"].items()) if value]
    )
    return f"{_name(point['measurement'])}{tags} {fields} {point['time']}"


def _fields(fields: Mapping[str, Value]) -> Iterator[str]:
    for name, value in sorted(fields.items()):
        if isinstance(value, str):
            yield f'{_name(name)}="{value.translate(_IN_STRING)}"'
        elif isinstance(value, bool):
            yield f"{_name(name)}={'true' if value else 'false'}"
        elif isinstance(value, int):
            yield f"{_name(name)}={value}i"
        elif math.isfinite(value):
            yield f"{_name(name)}={repr(value).removesuffix('.0')}"


@cache
def _name(name: str) -> str:
    """Escape a name of the layout; there are a few hundred."""
    return name.translate(_IN_NAME)


def _tag(value: str) -> str:
    escaped = value.translate(_IN_NAME)
    return f"{escaped} " if escaped.endswith("\\") else escaped
