"""The floor: where people stood (heat) and how they went from place to place (ways), summed over cohorts.

A heat map lies over the view of one camera, or over its plan, so heat is never added up over cameras. Places of one
name are the same place in all cameras of a role, so ways are. Cells that a cohort withholds are in no sum: a sum is at
least what was there, and a cell that no cohort told is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from common.wire import Cohort, Heat, Ways

Seconds = tuple[int | None, ...]
"""Seconds by cell, row by row from the top left; None if withheld in every cohort."""


class Grid(NamedTuple):
    """Whose heat it is. A camera whose grid was changed has two maps, because they cannot be added up."""

    camera: str
    """``device/camera``."""
    columns: int
    rows: int


class Way(NamedTuple):
    """From one place to the next: ``entry`` or a zone, then a zone or ``exit``."""

    place: str
    next_place: str


@dataclass(frozen=True, slots=True)
class HeatTally:
    """The heat of one camera."""

    cohort_visits: int
    """Visits of the cohorts that have a heat map."""
    standing_s: Seconds
    looking_s: Seconds
    """Those of ``standing_s`` in which people looked at the camera or a target."""

    def __add__(self, other: HeatTally) -> HeatTally:
        return HeatTally(
            self.cohort_visits + other.cohort_visits,
            _added(self.standing_s, other.standing_s),
            _added(self.looking_s, other.looking_s),
        )


@dataclass(frozen=True, slots=True)
class FloorTally:
    """The floor in front of the cameras of one role. ``+`` adds them up."""

    heat: Mapping[Grid, HeatTally] = field(default_factory=dict)
    ways: Mapping[Way, int] = field(default_factory=dict)
    """Visits that went this way at least once; a missing way is 0."""
    ways_visits: int = 0
    """Visits of the cohorts that tell ways; nothing is known of the others."""

    def __add__(self, other: FloorTally) -> FloorTally:
        heat, ways = dict(self.heat), dict(self.ways)
        for grid, seconds in other.heat.items():
            heat[grid] = heat[grid] + seconds if grid in heat else seconds
        for way, visits in other.ways.items():
            ways[way] = ways.get(way, 0) + visits
        return FloorTally(heat, ways, self.ways_visits + other.ways_visits)


def floor_tally(cohorts: Iterable[tuple[str, Cohort]]) -> FloorTally:
    """Add up what cohorts tell of the floor, each given with its camera."""
    return sum((_of_cohort(camera, cohort) for camera, cohort in cohorts), FloorTally())


def _of_cohort(camera: str, cohort: Cohort) -> FloorTally:
    ways = _ways(cohort.ways or {})
    return FloorTally(
        heat={} if cohort.heat is None else dict([_heat(camera, cohort.visits, cohort.heat)]),
        ways=ways,
        ways_visits=cohort.visits if ways else 0,
    )


def _heat(camera: str, visits: int, heat: Heat) -> tuple[Grid, HeatTally]:
    return Grid(camera, heat.columns, heat.rows), HeatTally(visits, heat.standing_s, heat.looking_s)


def _ways(ways: Ways) -> dict[Way, int]:
    return {
        Way(place, after): visits for place, following in ways.items() for after, visits in following.items()
    }


def _added(one: Seconds, other: Seconds) -> Seconds:
    return tuple(
        None if both == (None, None) else sum(seconds or 0 for seconds in both)
        for both in zip(one, other, strict=True)
    )
