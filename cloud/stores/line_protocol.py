"""Writes points as InfluxDB's line protocol: what influxdb-client writes, in a fraction of its time.

The writer of the library took most of what a message costs the bridge. Tests compare our lines with the library's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache

from cloud.stores.measurement import Point, Value

_IN_NAME = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\n", "\t": r"\t", "\r": r"\r"})
_IN_STRING = str.maketrans({'"': r"\"", "\\": r"\\"})


def line(point: Point) -> str:
    """Return one point as a line, or "" if no field has a value: numbers that are not finite are none."""
    fields = ",".join(_fields(point["fields"]))
    if not fields:
        return ""
    return f"{_series(point['measurement'], tuple(point['tags'].items()))} {fields} {point['time']}"


def _fields(fields: Mapping[str, Value]) -> Iterator[str]:
    for name, key in _keys(tuple(fields)):
        value = fields[name]
        if isinstance(value, str):
            yield f'{key}"{value.translate(_IN_STRING)}"'
        elif isinstance(value, bool):
            yield f"{key}{'true' if value else 'false'}"
        elif isinstance(value, int):
            yield f"{key}{value}i"
        elif math.isfinite(value):
            yield f"{key}{repr(value).removesuffix('.0')}"


# The same cameras and fields come again and again, so what is the same in each of their lines is made once. The numbers
# are those of a chain with hundreds of cameras.


@lru_cache(20_000)
def _series(measurement: str, tags: tuple[tuple[str, str], ...]) -> str:
    # Sorted, or InfluxDB would have to sort them.
    return _name(measurement) + "".join(
        f",{_name(name)}={_tag(value)}" for name, value in sorted(tags) if value
    )


@lru_cache(2_000)
def _keys(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the names of fields in order, each as it is and as it begins a field of a line."""
    return tuple((name, f"{_name(name)}=") for name in sorted(names))


def _name(name: str) -> str:
    return name.translate(_IN_NAME)


def _tag(value: str) -> str:
    escaped = value.translate(_IN_NAME)
    return f"{escaped} " if escaped.endswith("\\") else escaped
