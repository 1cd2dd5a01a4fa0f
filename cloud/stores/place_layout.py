"""The part of the layout that is about places, with the points of a window and back.

A place is a tag, because its name comes from the settings of a device; so each costs a series. A withheld zone,
queue or target has no point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cloud.domain.labels import LABELS
from cloud.domain.time_bins import TIME_BINS
from cloud.stores.declared import counts, fields_of, of_bins
from cloud.stores.heat_cells import cells, maps_from, of_cells
from cloud.stores.measurement import Field, Measurement, Point, Value
from common.wire import (
    Cells,
    Cohort,
    Coverage,
    Door,
    Heat,
    Queue,
    Target,
    Ways,
    Zone,
)

Row = Mapping[str, Any]
"""One point: its tags and fields."""

_CAMERA, _START = ("site", "device", "camera"), "start of the window"
_FACES = LABELS["expression"]

DOOR = Measurement(
    "door",
    "raw",
    (*_CAMERA, "door"),
    _START,
    # InfluxQL cannot join: without the coverage, a blind camera would look like a door through which nobody came.
    {**fields_of(Door), "coverage": fields_of(Coverage)["share"]},
)
COHORT_ZONE = Measurement(
    "cohort_zone",
    "raw",
    (*_CAMERA, "zone"),
    _START,
    {
        **fields_of(Zone, without=("dwell", "queue")),
        "stops_of": Field("integer", "visits where `stops` is told: divide it by these"),
        "dwell_visits": Field("integer", "visits whose seconds are in `dwell_sum_s`: divide it by these"),
        **of_bins("dwell", "visits by their seconds in the zone"),
    },
)
COHORT_QUEUE = Measurement(
    "cohort_queue",
    "raw",
    (*_CAMERA, "zone"),
    _START,
    {
        **fields_of(Queue, without=("waiting",)),
        "served_of": Field("integer", "people where `served` is told: divide it by these"),
        "waiting_visits": Field("integer", "people whose seconds are in `waiting_sum_s`: divide it by these"),
        **of_bins("waiting", "people by waiting time"),
    },
)
COHORT_TARGET = Measurement(
    "cohort_target",
    "raw",
    (*_CAMERA, "target"),
    _START,
    {
        **fields_of(Target, without=("attention", "expression")),
        "viewers_of": Field("integer", "passers where `viewers` is told: divide it by these"),
        "attention_passers": Field(
            "integer",
            "passers whose seconds are in `attention_sum_s`: divide it by these for the interest index",
        ),
        **of_bins("attention", "viewers by their seconds of looking"),
        **counts((f"expression_{label}" for label in _FACES), "viewers by expression"),
    },
)
COHORT_HEAT = Measurement(
    "cohort_heat",
    "raw",
    _CAMERA,
    _START,
    {
        **fields_of(Heat, without=("standing_s", "looking_s")),
        **of_cells(),
    },
)
COHORT_WAYS = Measurement(
    "cohort_ways",
    "raw",
    (*_CAMERA, "place", "next_place"),
    _START,
    {"visits": Field("integer", "visits that went from one place to the next at least once")},
)
OF_PLACES = (DOOR, COHORT_ZONE, COHORT_QUEUE, COHORT_TARGET, COHORT_HEAT, COHORT_WAYS)


def place_points(cohort: Cohort, at: datetime, tags: Mapping[str, str]) -> Iterator[Point]:
    """Make the points of all that a cohort tells of places."""
    for name, zone in cohort.zones.items():
        if zone.visits is not None:
            yield COHORT_ZONE.point({**tags, "zone": name}, at, _zone(zone))
        if zone.queue is not None and zone.queue.waits is not None:
            yield COHORT_QUEUE.point({**tags, "zone": name}, at, _queue(zone.queue))
    for name, target in cohort.targets.items():
        if target.passers is not None:
            yield COHORT_TARGET.point({**tags, "target": name}, at, _target(target))
    if (heat := cohort.heat) is not None:
        size = {"columns": heat.columns, "rows": heat.rows}
        values = {**size, **cells(heat.standing_s, heat.looking_s, heat.columns)}
        yield COHORT_HEAT.point(tags, at, values)
    for place, following in (cohort.ways or {}).items():
        for after, visits in following.items():
            yield COHORT_WAYS.point({**tags, "place": place, "next_place": after}, at, {"visits": visits})


def _zone(zone: Zone) -> dict[str, Value | None]:
    return {
        **zone.model_dump(exclude={"dwell", "queue"}),
        "stops_of": None if zone.stops is None else zone.visits,
        "dwell_visits": None if zone.dwell_sum_s is None else zone.visits,
        **_cells("dwell", zone.dwell, zone.dwell_sum_s),
    }


def _queue(queue: Queue) -> dict[str, Value | None]:
    return {
        **queue.model_dump(exclude={"waiting"}),
        "served_of": None if queue.served is None else queue.waits,
        "waiting_visits": None if queue.waiting_sum_s is None else queue.waits,
        **_cells("waiting", queue.waiting, queue.waiting_sum_s),
    }


def _target(target: Target) -> dict[str, Value | None]:
    faces = target.expression or {}
    return {
        **target.model_dump(exclude={"attention", "expression"}),
        "viewers_of": None if target.viewers is None else target.passers,
        "attention_passers": None if target.attention_sum_s is None else target.passers,
        **_cells("attention", target.attention, target.attention_sum_s),
        **{f"expression_{label}": count for label, count in faces.items()},
    }


def _cells(prefix: str, cells: Cells, sum_s: float | None) -> dict[str, Value | None]:
    """Return each bin. A missing one means 0, unless the times are withheld."""
    missing = None if sum_s is None else 0
    return {f"{prefix}_{label}": cells.get(label, missing) for label in TIME_BINS}


def doors_from(rows: Sequence[Row]) -> dict[str, Door]:
    """Return the doors of a window from their points."""
    return {
        row["door"]: Door.model_construct(**{name: row[name] for name in Door.model_fields}) for row in rows
    }


def zones_from(rows: Sequence[Row], queues: Sequence[Row]) -> dict[str, Zone]:
    """Return the zones of a cohort from their points."""
    of_zone = {row["zone"]: row for row in queues}
    return {
        row["zone"]: Zone.model_construct(
            **{name: row[name] for name in Zone.model_fields.keys() - {"dwell", "queue"}},
            dwell=_bins_from("dwell", row),
            queue=_queue_from(of_zone[row["zone"]]) if row["zone"] in of_zone else None,
        )
        for row in rows
    }


def _queue_from(row: Row) -> Queue:
    return Queue.model_construct(
        **{name: row[name] for name in Queue.model_fields.keys() - {"waiting"}},
        waiting=_bins_from("waiting", row),
    )


def targets_from(rows: Sequence[Row]) -> dict[str, Target]:
    """Return the targets of a cohort from their points."""
    return {
        row["target"]: Target.model_construct(
            **{name: row[name] for name in Target.model_fields.keys() - {"attention", "expression"}},
            attention=_bins_from("attention", row),
            expression=_faces_from(row),
        )
        for row in rows
    }


def _faces_from(row: Row) -> Cells | None:
    faces = {label: row[f"expression_{label}"] for label in _FACES}
    return None if all(count is None for count in faces.values()) else faces


def _bins_from(prefix: str, row: Row) -> Cells:
    return {label: row[f"{prefix}_{label}"] for label in TIME_BINS}


def heat_from(rows: Sequence[Row]) -> Heat | None:
    """Return the heat map of a cohort from its point."""
    for row in rows:
        size = {"columns": row["columns"], "rows": row["rows"]}
        standing, looking = maps_from(row, **size)
        return Heat.model_construct(**size, standing_s=standing, looking_s=looking)
    return None


def ways_from(rows: Sequence[Row]) -> Ways | None:
    """Return the ways of a cohort from their points."""
    ways: Ways = {}
    for row in rows:
        ways.setdefault(row["place"], {})[row["next_place"]] = row["visits"]
    return ways or None
