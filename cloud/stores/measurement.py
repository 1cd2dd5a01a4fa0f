"""What a measurement is, and how to make its points and queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cloud.domain.levels import Level
from cloud.stores.line_protocol import Kind, field_writer, series

Value = str | float | int | bool
Point = str
"""One point as a line of InfluxDB's line protocol; empty if no field has a value."""
_SUMS = ("known", "unknown_of", "released", "withheld")
"""Fields of a breakdown that are not labels."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Field:
    """What a field contains. InfluxDB fixes its type with the first point and refuses others."""

    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Measurement:
    """One measurement. Tags and time are the identity of a point, so writing it again overwrites it."""

    name: str
    level: Level
    tags: tuple[str, ...]
    time: str
    """What the time of a point means."""
    fields: Mapping[str, Field]

    @property
    def labels(self) -> tuple[str, ...]:
        """The fields of a breakdown that count the visits of one label."""
        return tuple(name for name in self.fields if name not in _SUMS)

    @cached_property
    def _writers(self) -> Sequence[tuple[str, Callable[[Any], str]]]:
        return [(name, field_writer(name, field.kind)) for name, field in sorted(self.fields.items())]

    def point(self, tags: Mapping[str, str], at: datetime, values: Mapping[str, Value | None]) -> Point:
        """Make a point from ``values`` by field, ignoring None. Raises ``KeyError`` for a field not in the layout."""
        if not values.keys() <= self.fields.keys():
            raise KeyError(f"{self.name} has no field {min(values.keys() - self.fields.keys())!r}")
        every = {**dict.fromkeys(self.fields), **values}
        return self.whole_point(tuple(tags[name] for name in self.tags), nanoseconds(at), every)

    def whole_point(self, tags: tuple[str, ...], at_ns: int, values: Mapping[str, Value | None]) -> Point:
        """Make a point in less time: from the tags in order, nanoseconds, and ``values`` with every field. None is
        ignored, and so is what is no field."""
        told = [write(value) for name, write in self._writers if (value := values[name]) is not None]
        fields = ",".join(filter(None, told))
        return f"{series(self.name, self.tags, tags)} {fields} {at_ns}" if fields else ""

    def select(self, sites: Sequence[str], start: datetime, end: datetime, **tags: str) -> str:
        """Return the InfluxQL for all fields of the points of ``sites`` (at least one) in [start, end).

        ``tags`` are further conditions. The answer has a series for each set of tags.
        """
        fields = ", ".join(f'"{name}"' for name in self.fields)
        chosen = " OR ".join(f"site = {quoted(site)}" for site in sites)
        wanted = [f"({chosen})", *(f"{name} = {quoted(value)}" for name, value in tags.items())]
        wanted.append(f"time >= {nanoseconds(start)} AND time < {nanoseconds(end)}")
        return (
            f"SELECT {fields} FROM {self.name} WHERE {' AND '.join(wanted)} GROUP BY {', '.join(self.tags)}"  # noqa: S608
        )

    def newest(self, since: datetime, site: str | None = None) -> str:
        """Return the InfluxQL for the last point of each series since then, of one site or of all.

        The answer has a series for each set of tags.
        """
        fields = ", ".join(f'"{name}"' for name in self.fields)
        wanted = [f"time >= {nanoseconds(since)}", *([] if site is None else [f"site = {quoted(site)}"])]
        return (
            f"SELECT {fields} FROM {self.name} WHERE {' AND '.join(wanted)}"  # noqa: S608
            f" GROUP BY {', '.join(self.tags)} ORDER BY time DESC LIMIT 1"
        )


def nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND * 1000


def moment(nanoseconds: int) -> datetime:
    """Convert nanoseconds of the UTC epoch to a time."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def quoted(value: str) -> str:
    """Quote ``value`` as a string of InfluxQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
