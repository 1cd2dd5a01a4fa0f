"""From what visits did at places to counts, and the counts as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from common.vocabulary import DWELL_BINS_S
from edge.place_types import (
    ClipCounts,
    DoorCounts,
    PlaceCounts,
    Shown,
    TimeCounts,
    ZoneCounts,
    look,
)


def of_moment(doors: Mapping[str, DoorCounts], crowds: Mapping[str, int]) -> PlaceCounts:
    """Return the counts of one moment: what happened at the doors, and how many people are in each zone."""
    return PlaceCounts(doors=doors, zones={name: ZoneCounts(most=people) for name, people in crowds.items()})


def of_show(shown: Shown) -> PlaceCounts:
    """Return the counts of one visit that belongs to a show."""
    looks = look(shown.looked_s) if shown.looked_s else TimeCounts()
    one = ClipCounts(1, int(shown.first), shown.seconds if shown.first else 0.0, looks)
    return PlaceCounts(clips={(shown.clip, shown.held): one})


def plain(counts: PlaceCounts) -> dict[str, Any]:
    """Return the counts as a tree for JSON, in which pairs and numbers cannot be keys."""
    tree: dict[str, Any] = _ADAPTER.dump_python(counts)
    tree["ways"] = [[*pair, visits] for pair, visits in counts.ways.items()]
    tree["heat"] = [[cell, *values.values()] for cell, values in tree["heat"].items()]
    tree["clips"] = [[*side, values] for side, values in tree["clips"].items()]
    return tree


def keyed(tree: Mapping[str, Any]) -> PlaceCounts:
    """Return what ``plain`` made a tree of. Raises ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
    ways = {(place, following): visits for place, following, visits in tree["ways"]}
    heat = {
        cell: {"visits": visits, "standing_s": standing_s, "looking_s": looking_s}
        for cell, visits, standing_s, looking_s in tree["heat"]
    }
    clips = {(clip, held): values for clip, held, values in tree["clips"]}
    counts = _ADAPTER.validate_python({**tree, "ways": ways, "heat": heat, "clips": clips})
    all_times = [zone_times for zone in counts.zones.values() for zone_times in (zone.stays, zone.waits)]
    all_times += [counts.elsewhere]
    all_times += [target.looks for target in counts.targets.values()]
    all_times += [clip.looks for clip in counts.clips.values()]
    if any(len(one.histogram) != len(DWELL_BINS_S) for one in all_times):
        raise ValueError("other bins")
    return counts


_ADAPTER = TypeAdapter(PlaceCounts)
