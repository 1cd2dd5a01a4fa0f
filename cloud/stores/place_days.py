"""Places of a day in InfluxDB: the measurement, its points from a tally, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from cloud.domain.place_tally import PlaceTally, QueueTally, TargetTally, ZoneTally
from cloud.domain.tally import Tally
from cloud.domain.time_bins import TIME_BINS
from cloud.stores.declared import of_bins
from cloud.stores.forgotten import FORGOTTEN, FORGOTTEN_FIELD, Row, Stored, Tags, day_points, known_points
from cloud.stores.measurement import Field, Measurement, Point, Value

DAY_PLACE = Measurement(
    "day_place",
    "day",
    ("site", "role", "kind", "place"),
    "noon UTC of the local date",
    {
        "cohort_visits": Field(
            "integer",
            "visits of the cohorts that tell `visits`, `waits` or `passers`; the others withhold it",
        ),
        "visits": Field("integer", "kind zone: visits that were in it"),
        "stops": Field("integer", "kind zone: those of `stops_of` that stopped"),
        "stops_of": Field("integer", "visits where `stops` is told: divide it by these"),
        "dwell_sum_s": Field("float", "kind zone: sum of the seconds in it, but not of a queue"),
        "dwell_visits": Field("integer", "visits whose seconds are in `dwell_sum_s`: divide it by these"),
        "waits": Field("integer", "kind queue: people who waited"),
        "served": Field("integer", "kind queue: those of `served_of` who were served"),
        "served_of": Field("integer", "people where `served` is told: divide it by these"),
        "waiting_sum_s": Field("float", "kind queue: sum of the waiting times"),
        "waiting_visits": Field("integer", "people whose seconds are in `waiting_sum_s`: divide it by these"),
        **of_bins("waiting", "kind queue: people by waiting time"),
        "passers": Field("integer", "kind target: visits that could see it"),
        "viewers": Field("integer", "kind target: those of `viewers_of` who looked at it"),
        "viewers_of": Field("integer", "passers where `viewers` is told: divide it by these"),
        "attention_sum_s": Field(
            "float", "kind target: sum of the seconds of looking, of one visit at most 30"
        ),
        "attention_passers": Field(
            "integer",
            "passers whose seconds are in `attention_sum_s`: divide it by these for the interest index",
        ),
        "attention_viewers": Field("integer", "those of `attention_passers` who looked at it"),
        "attention_squares_s2": Field(
            "float",
            "kind target: sum of the squares of these seconds, for the interval; absent in days that an earlier"
            " version added up",
        ),
        "interest_low_s": Field(
            "float",
            "kind target: lower end of the 95 % interval of the interest index; absent if it cannot be estimated",
        ),
        "interest_high_s": Field("float", "kind target: its upper end"),
        **of_bins("attention", "kind target: `attention_viewers` by seconds of looking"),
        FORGOTTEN: FORGOTTEN_FIELD,
    },
)
_KINDS: Mapping[str, type[ZoneTally | QueueTally | TargetTally]] = {
    "zone": ZoneTally,
    "queue": QueueTally,
    "target": TargetTally,
}
_SUM_OF = {
    "stops": "stops_of",
    "dwell_sum_s": "dwell_visits",
    "served": "served_of",
    "waiting_sum_s": "waiting_visits",
    "viewers": "viewers_of",
    "attention_sum_s": "attention_passers",
    "attention_viewers": "attention_passers",
    "attention_squares_s2": "attention_passers",
}
"""A sum of no visits is not known."""
_TABLES = {"waiting": "waiting_visits", "attention": "attention_passers"}
"""The tables by time, and of how many they are."""


def place_day_points(value: Tally, at: datetime, stored: Stored) -> Iterator[Point]:
    """Make a point for each place of a day. What is withheld has no field; what is only ``stored`` is forgotten."""
    found: dict[Tags, dict[str, Value]] = {
        **{("zone", name): _values(zone) for name, zone in value.places.zones.items()},
        **{("queue", name): _values(queue) for name, queue in value.places.queues.items()},
        **{("target", name): _values(target) for name, target in value.places.targets.items()},
    }
    return day_points(DAY_PLACE, (value.site, value.role), at, found, stored)


def _values(place: ZoneTally | QueueTally | TargetTally) -> dict[str, Value]:
    plain = {each.name: getattr(place, each.name) for each in fields(place)}
    tables = {name: plain.pop(name) for name in _TABLES if name in plain}
    cells = {f"{name}_{label}": count for name, table in tables.items() for label, count in table.items()}
    told = {name: count for name, count in plain.items() if name not in _SUM_OF or plain[_SUM_OF[name]]}
    known = {name: count for name, count in {**told, **cells}.items() if count is not None}
    return {**known, **_interval(place)}


def _interval(place: ZoneTally | QueueTally | TargetTally) -> dict[str, Value]:
    """Return the ends of the interval of the interest: a query cannot compute them."""
    interest = place.interest if isinstance(place, TargetTally) else None
    if interest is None or interest.interval is None:
        return {}
    return {"interest_low_s": interest.interval.low, "interest_high_s": interest.interval.high}


def places_from(rows: Iterable[tuple[Tags, Row]]) -> PlaceTally:
    """Return the places of one site, role and day from their points."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in _KINDS}
    for (kind, name), row in known_points(rows):
        found[kind][name] = _place(kind, row)
    return PlaceTally(zones=found["zone"], queues=found["queue"], targets=found["target"])


def _place(kind: str, row: Row) -> ZoneTally | QueueTally | TargetTally:
    values: dict[str, Any] = {}
    for name in (each.name for each in fields(_KINDS[kind])):
        if name in _TABLES:
            told = row[_TABLES[name]]
            values[name] = {label: row[f"{name}_{label}"] for label in TIME_BINS} if told else {}
        elif name == "attention_squares_s2" and row["attention_passers"]:
            values[name] = row[name]
        else:
            values[name] = row[name] or 0
    return _KINDS[kind](**values)
