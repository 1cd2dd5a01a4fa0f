"""From what visits did at places to counts, and the counts as JSON."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from common.wire import DWELL_BINS_S
from edge.place_types import (
    CellCounts,
    DoorCounts,
    PlaceCounts,
    TargetCounts,
    TimeCounts,
    VisitPlaces,
    ZoneCounts,
    times,
)


def time_bin(seconds: float) -> int:
    """Return the bin of ``DWELL_BINS_S`` that holds this time."""
    return max(0, bisect_right(DWELL_BINS_S, seconds) - 1)


def of_visit(places: VisitPlaces, dwell_s: float, expression: str) -> PlaceCounts:
    """Return the counts of one visit; ``expression`` is its label, possibly unknown or not seen."""
    zones = {}
    for name, stay_s in places.stays.items():
        wait = places.waits.get(name)
        zones[name] = ZoneCounts(
            stays=_one(stay_s),
            outside=_one(max(0.0, dwell_s - stay_s)),
            stops=int(name in places.stops),
            waits=TimeCounts() if wait is None else _one(wait.seconds),
            served=int(wait is not None and wait.served),
        )
    return PlaceCounts(
        zones=zones,
        targets={
            name: TargetCounts(_one(seconds), {expression: 1}) for name, seconds in places.looks.items()
        },
        ways=dict.fromkeys(places.ways, 1),
        heat={
            cell: CellCounts(1, standing_s, looking_s)
            for cell, (standing_s, looking_s) in places.heat.items()
        },
    )


def of_moment(doors: Mapping[str, DoorCounts], crowds: Mapping[str, int]) -> PlaceCounts:
    """Return the counts of one moment: what happened at the doors, and how many people are in each zone."""
    return PlaceCounts(doors=doors, zones={name: ZoneCounts(most=people) for name, people in crowds.items()})


def plain(counts: PlaceCounts) -> dict[str, Any]:
    """Return the counts as a tree for JSON, in which pairs and numbers cannot be keys."""
    tree: dict[str, Any] = _ADAPTER.dump_python(counts)
    tree["ways"] = [[*pair, visits] for pair, visits in counts.ways.items()]
    tree["heat"] = [[cell, *_CELL.dump_python(counts_).values()] for cell, counts_ in counts.heat.items()]
    return tree


def keyed(tree: Mapping[str, Any]) -> PlaceCounts:
    """Return what ``plain`` made a tree of. Raises ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
    ways = {(place, following): visits for place, following, visits in tree["ways"]}
    heat = {
        cell: {"visits": visits, "standing_s": standing_s, "looking_s": looking_s}
        for cell, visits, standing_s, looking_s in tree["heat"]
    }
    counts = _ADAPTER.validate_python({**tree, "ways": ways, "heat": heat})
    all_times = [
        zone_times for zone in counts.zones.values() for zone_times in (zone.stays, zone.outside, zone.waits)
    ]
    all_times += [target.looks for target in counts.targets.values()]
    if any(len(one.histogram) != len(DWELL_BINS_S) for one in all_times):
        raise ValueError("other bins")
    return counts


_ADAPTER, _CELL = TypeAdapter(PlaceCounts), TypeAdapter(CellCounts)


def _one(seconds: float) -> TimeCounts:
    return times([seconds], [time_bin(seconds)])
