"""The values of places: what one visit did at doors, in zones and towards targets, and the counts of many visits.

A place has a name from the settings. ``VisitPlaces`` is the part of one finished visit; ``PlaceCounts`` adds up visits,
and is all that a window and the pool of the privacy rule keep.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from common.vocabulary import DWELL_BINS_S, LOOK_MOST_S

Key = TypeVar("Key")
Histogram = tuple[int, ...]
"""Visits by time: one count for each bin of ``DWELL_BINS_S``."""

NO_TIMES: Histogram = (0,) * len(DWELL_BINS_S)

LOOK_GAP_S = 0.75
"""Looking counts between two sights that are at most this far apart: long enough for a camera with 2 frames a second
and some jitter."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One person in a queue: ``seconds`` from joining to leaving; ``served`` if the person left it at its front."""

    seconds: float
    served: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The show on a display that a visit belongs to: ``clip`` suited, and was shown unless it was ``held`` out.
    ``looked_s``: seconds of looking at the display during it. ``first``: no visit before this one belongs to the same
    show, which ran for ``seconds``; 0 for the others."""

    clip: str
    held: bool
    looked_s: float
    first: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class VisitPlaces:
    """What one visit did. It has no time of day and no path.

    ``stays``: seconds in each zone that the visit was in. ``stops``: those of them in which it stayed longer than the
    stop time without leaving. ``looks``: seconds towards each target. ``waits``: by queue. ``ways``: which (place, next
    place) it went at least once. ``heat``: (seconds standing, seconds of looking) by cell of the grid, row by row.
    """

    stays: Mapping[str, float] = field(default_factory=dict)
    stops: frozenset[str] = frozenset()
    looks: Mapping[str, float] = field(default_factory=dict)
    waits: Mapping[str, Wait] = field(default_factory=dict)
    ways: frozenset[tuple[str, str]] = frozenset()
    heat: Mapping[int, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoorCounts:
    """People who crossed a door line inwards and outwards, who were seen outside and never crossed, and the groups
    that entered together."""

    entries: int = 0
    exits: int = 0
    passers: int = 0
    groups: int = 0

    def __add__(self, other: DoorCounts) -> DoorCounts:
        return DoorCounts(
            self.entries + other.entries,
            self.exits + other.exits,
            self.passers + other.passers,
            self.groups + other.groups,
        )


@dataclass(frozen=True, slots=True)
class TimeCounts:
    """Times of several visits: how many, their sum in seconds, and their histogram. Of times of looking at most
    ``LOOK_MOST_S`` of a visit are in the sum; the histogram has all of them."""

    visits: int = 0
    sum_s: float = 0.0
    histogram: Histogram = NO_TIMES

    def __add__(self, other: TimeCounts) -> TimeCounts:
        return TimeCounts(
            self.visits + other.visits,
            self.sum_s + other.sum_s,
            tuple(a + b for a, b in zip(self.histogram, other.histogram, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class ZoneCounts:
    """One zone. ``stays``: the visits that were in it, with their seconds there. ``most``: most people in it at one
    instant. ``waits``: of a queue, with ``served`` of them."""

    stays: TimeCounts = TimeCounts()
    stops: int = 0
    most: int = 0
    waits: TimeCounts = TimeCounts()
    served: int = 0

    def __add__(self, other: ZoneCounts) -> ZoneCounts:
        return ZoneCounts(
            self.stays + other.stays,
            self.stops + other.stops,
            max(self.most, other.most),
            self.waits + other.waits,
            self.served + other.served,
        )


@dataclass(frozen=True, slots=True)
class TargetCounts:
    """One target: the visits that looked at it, with their seconds of looking, and their expressions."""

    looks: TimeCounts = TimeCounts()
    expressions: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: TargetCounts) -> TargetCounts:
        return TargetCounts(self.looks + other.looks, added(self.expressions, other.expressions))


@dataclass(frozen=True, slots=True)
class CellCounts:
    """One cell of the heat grid: visits that stood in it, and their seconds of standing and of looking. Of one visit
    at most ``HEAT_MOST_S`` count in a cell, so that nobody who stands all day draws the map alone. Of its looking at
    most ``LOOK_MOST_S`` count in all cells together: the cells stay a part of the sums of looking."""

    visits: int = 0
    standing_s: float = 0.0
    looking_s: float = 0.0

    def __add__(self, other: CellCounts) -> CellCounts:
        return CellCounts(
            self.visits + other.visits,
            self.standing_s + other.standing_s,
            self.looking_s + other.looking_s,
        )


@dataclass(frozen=True, slots=True)
class ClipCounts:
    """Shows of a clip, or of the rotation while it was held out: ``visits`` that belong to them, ``shows`` that a visit
    belongs to and the seconds for which they ran, and the ``looks`` of those visits at the display."""

    visits: int = 0
    shows: int = 0
    shown_s: float = 0.0
    looks: TimeCounts = TimeCounts()

    def __add__(self, other: ClipCounts) -> ClipCounts:
        return ClipCounts(
            self.visits + other.visits,
            self.shows + other.shows,
            self.shown_s + other.shown_s,
            self.looks + other.looks,
        )


HEAT_MOST_S = 30.0


@dataclass(frozen=True, slots=True)
class PlaceCounts:
    """All places of one camera. ``ways``: visits that went from one place to the next at least once. ``elsewhere``: the
    visits that spent time in view outside the zones whose times may be told, with their seconds there, so that the
    privacy rule can judge the difference between the zones and the whole view. ``clips``: by name, and whether it was
    held out."""

    doors: Mapping[str, DoorCounts] = field(default_factory=dict)
    zones: Mapping[str, ZoneCounts] = field(default_factory=dict)
    targets: Mapping[str, TargetCounts] = field(default_factory=dict)
    ways: Mapping[tuple[str, str], int] = field(default_factory=dict)
    heat: Mapping[int, CellCounts] = field(default_factory=dict)
    elsewhere: TimeCounts = TimeCounts()
    clips: Mapping[tuple[str, bool], ClipCounts] = field(default_factory=dict)

    def __add__(self, other: PlaceCounts) -> PlaceCounts:
        return PlaceCounts(
            added(self.doors, other.doors),
            added(self.zones, other.zones),
            added(self.targets, other.targets),
            added(self.ways, other.ways),
            added(self.heat, other.heat),
            self.elsewhere + other.elsewhere,
            added(self.clips, other.clips),
        )


Value = TypeVar("Value", int, DoorCounts, ZoneCounts, TargetCounts, CellCounts, ClipCounts)


def added(first: Mapping[Key, Value], second: Mapping[Key, Value]) -> dict[Key, Value]:
    """Return the sum of two mappings: a key may be in only one of them."""
    total = dict(first)
    for key, value in second.items():
        total[key] = total[key] + value if key in total else value
    return total


def counts_of(visit: VisitPlaces, dwell_s: float, expression: str, timed: Collection[str]) -> PlaceCounts:
    """Return the counts of one visit of ``dwell_s`` seconds, without those of doors and the most people in a zone.
    ``timed``: zones that overlap none of the others, see ``PlaceCounts.elsewhere``."""
    elsewhere_s = max(0.0, dwell_s - sum(s for name, s in visit.stays.items() if name in timed))
    looked_s = sum(looking_s for _, looking_s in visit.heat.values())
    part = LOOK_MOST_S / max(LOOK_MOST_S, looked_s)
    return PlaceCounts(
        zones={
            name: ZoneCounts(
                stays=time(seconds),
                stops=int(name in visit.stops),
                waits=time(visit.waits[name].seconds) if name in visit.waits else TimeCounts(),
                served=int(name in visit.waits and visit.waits[name].served),
            )
            for name, seconds in visit.stays.items()
        },
        targets={name: TargetCounts(look(seconds), {expression: 1}) for name, seconds in visit.looks.items()},
        ways=dict.fromkeys(visit.ways, 1),
        heat={
            cell: CellCounts(1, min(standing_s, HEAT_MOST_S), part * looking_s)
            for cell, (standing_s, looking_s) in visit.heat.items()
        },
        elsewhere=time(elsewhere_s) if elsewhere_s else TimeCounts(),
    )


def time_bin(seconds: float) -> int:
    """Return the bin of ``DWELL_BINS_S`` that holds this time."""
    return max(0, bisect_right(DWELL_BINS_S, seconds) - 1)


def time(seconds: float) -> TimeCounts:
    """Return the counts of one visit with this time."""
    histogram = [0] * len(DWELL_BINS_S)
    histogram[time_bin(seconds)] = 1
    return TimeCounts(1, seconds, tuple(histogram))


def look(seconds: float) -> TimeCounts:
    """Return the counts of one visit that looked for this time."""
    return replace(time(seconds), sum_s=min(seconds, LOOK_MOST_S))
