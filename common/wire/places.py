"""Places in a window: doors, zones, queues, targets, heat and ways.

What happens at a door is counted for everybody and told with the totals. All the rest describes visits, so it waits for
the cohort. Numbers may be null: withheld by the privacy rules (docs/privacy.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from common.vocabulary import DWELL_BINS_S, EXPRESSIONS, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire.fields import (
    MOST,
    Cells,
    Name,
    Number,
    Seconds,
    Visits,
    WireModel,
    bin_label,
)

MOST_DOORS, MOST_TARGETS = 8, 16
HEAT_COLUMNS, HEAT_ROWS = 16, 9
"""The finest grid of the heat map."""
HEAT_STEP_S = 10
"""Seconds of a heat map are rounded to this."""
ENTRY, EXIT = "entry", "exit"
"""Where ways begin and end; zones have other names."""
MOST_WAYS = 17
"""Places that ways go from, or to: 16 zones, and entry or exit."""

HeatSeconds = Annotated[
    tuple[Annotated[int, Field(ge=0, le=MOST, multiple_of=HEAT_STEP_S)] | None, ...],
    Field(max_length=HEAT_COLUMNS * HEAT_ROWS),
]
_BINS = frozenset(map(bin_label, DWELL_BINS_S))
_FACES = frozenset((*EXPRESSIONS, UNKNOWN, NOT_SEEN, NO_VERDICT))


class Door(WireModel):
    """One door in one window: people, whether or not their face was seen."""

    entries: Visits = Field(description="people who crossed the line inwards and stayed inside")
    exits: Visits = Field(description="people who crossed it outwards and stayed outside")
    passers: Visits = Field(description="people who were seen outside and never crossed it")
    groups: Visits = Field(
        description="parties of one or more people: who enters within 2 s and 1.5 m of another belongs to the same"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.groups > self.entries:
            raise ValueError("groups exceed entries")
        return self


class Queue(WireModel):
    """One queue in a cohort. Divide the served people by the opening time for people an hour."""

    waits: Visits | None = Field(description="people who waited in it; null when withheld")
    served: Visits | None = Field(
        description="those of them who left at its front; the others gave up; null when withheld"
    )
    waiting_sum_s: Seconds | None = Field(description="sum of the waiting times; null when withheld")
    waiting: Cells = Field(description="people by waiting time; a label is the lower edge in seconds")
    length_mean: Number | None = Field(
        description="people in it at a time, on average since the cohort before; null when the times are withheld"
    )
    length_max: Visits | None = Field(
        description="most people in it at one instant since the cohort before; null when withheld"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_times(self.waits, self.waiting_sum_s, self.waiting, self.length_mean)
        _check_part("served", self.served, self.waits)
        _check_part("length_max", self.length_max, self.waits)
        return self


class Zone(WireModel):
    """One zone in a cohort."""

    visits: Visits | None = Field(
        description="visits that were in the zone; zones may overlap; null when withheld, and then all the rest is"
    )
    stops: Visits | None = Field(
        description="those of them that stayed longer than the stop time; null when withheld"
    )
    dwell_sum_s: Seconds | None = Field(
        description="sum of the seconds in the zone; null when withheld, and always for a queue and for a zone that"
        " overlaps an earlier one"
    )
    dwell: Cells = Field(description="visits by their seconds in the zone; a label is the lower edge")
    occupancy_mean: Number | None = Field(
        description="people in the zone at a time, on average since the cohort before; null when the times are withheld"
    )
    occupancy_max: Visits | None = Field(
        description="most people in the zone at one instant since the cohort before; null when withheld"
    )
    queue: Queue | None = Field(default=None, description="for a zone that is a queue, in place of its times")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_times(self.visits, self.dwell_sum_s, self.dwell, self.occupancy_mean)
        _check_part("stops", self.stops, self.visits)
        _check_part("occupancy_max", self.occupancy_max, self.visits)
        if self.queue is not None:
            _check_part("waits", self.queue.waits, self.visits)
            if self.dwell_sum_s is not None:
                raise ValueError("dwell_sum_s of a queue: the waiting times are told in its place")
        return self


class Target(WireModel):
    """One target in a cohort: a product, a screen, a sign."""

    passers: Visits | None = Field(
        description="visits that could see it: those in its zone, or all; null when withheld"
    )
    viewers: Visits | None = Field(description="those of them that looked at it; null when withheld")
    attention_sum_s: Seconds | None = Field(
        description="sum of the seconds of looking, of one visit at most 30; null when withheld; divide by passers for"
        " the interest index"
    )
    attention: Cells = Field(description="viewers by all their seconds of looking; a label is the lower edge")
    expression: Cells | None = Field(
        default=None,
        description="viewers by expression (profile expression); null, or null for a label, when withheld",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_part("viewers", self.viewers, self.passers)
        _check_times(self.viewers, self.attention_sum_s, self.attention, None)
        if self.expression is not None:
            if foreign := self.expression.keys() - _FACES:
                raise ValueError(f"unknown label {min(foreign)!r}")
            if self.viewers is None:
                raise ValueError("expression although viewers are withheld")
            if _told(self.expression) > self.viewers:
                raise ValueError("cells exceed the viewers")
        return self


class Heat(WireModel):
    """Where people stood, on a grid over the picture or the plan, row by row from the top left. Of one visit at most
    30 s count in a cell. A cell is null if fewer than k visits, or too few seconds, are in it."""

    columns: Annotated[int, Field(ge=1, le=HEAT_COLUMNS)] = Field(description="cells side by side")
    rows: Annotated[int, Field(ge=1, le=HEAT_ROWS)] = Field(description="cells on top of each other")
    standing_s: HeatSeconds = Field(description="seconds of standing, in tens")
    looking_s: HeatSeconds = Field(
        description="seconds of looking at the camera or a target, of one visit at most 30 in all cells, in tens"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if {len(self.standing_s), len(self.looking_s)} != {self.columns * self.rows}:
            raise ValueError("standing_s and looking_s need columns x rows values")
        for stood, looked in zip(self.standing_s, self.looking_s, strict=True):
            if looked is not None and (stood is None or looked > stood):
                raise ValueError("looking_s exceeds standing_s")
        return self


Doors = Annotated[dict[Name, Door], Field(max_length=MOST_DOORS)]
Targets = Annotated[dict[Name, Target], Field(max_length=MOST_TARGETS)]
Ways = Annotated[
    dict[Name, Annotated[dict[Name, Visits], Field(max_length=MOST_WAYS)]], Field(max_length=MOST_WAYS)
]
"""Visits by place, then next place; a missing cell is 0."""


def counts_of_zone(zone: Zone) -> Iterator[tuple[str, int | None]]:
    """Yield the counts of a zone that overlap those of other zones and of the cohort, by name."""
    yield "visits", zone.visits
    yield "stops", zone.stops
    if zone.queue is not None:
        yield "queue.waits", zone.queue.waits
        yield "queue.served", zone.queue.served


def lists_of_zone(zone: Zone) -> Iterator[tuple[str, Cells, int | None]]:
    """Yield each list of a zone that divides visits, by name, with how many it divides."""
    yield "dwell", zone.dwell, zone.visits
    if zone.queue is not None:
        yield "queue.waiting", zone.queue.waiting, zone.queue.waits


def heat_least_s(k: int) -> tuple[int, int]:
    """Return the fewest seconds of standing, and of looking, that a cell of a heat map tells.

    With at most 30 s of one visit, the two longest are 60 s at most: the others must be a quarter of 30 s more. Of
    looking it is not known how many visits did it, but more than 30 (k-1) seconds need k of them.
    """
    return (0, 0) if k == 1 else (70, max(70, 30 * (k - 1)))


def _check_times(visits: int | None, sum_s: float | None, cells: Cells, mean: float | None) -> None:
    """Refuse times that are not those of ``visits`` visits, or of which only a part is withheld."""
    if foreign := cells.keys() - _BINS:
        raise ValueError(f"unknown label {min(foreign)!r}")
    if visits is None and sum_s is not None:
        raise ValueError("times although the visits are withheld")
    if sum_s is None and (mean is not None or any(count is not None for count in cells.values())):
        raise ValueError("a part of times that are withheld")
    if visits is not None and _told(cells) > visits:
        raise ValueError("cells exceed the visits")


def _check_part(name: str, part: int | None, whole: int | None) -> None:
    if part is not None and (whole is None or part > whole):
        raise ValueError(f"{name} is more than the whole, or told where the whole is withheld")


def _told(cells: Cells) -> int:
    return sum(count or 0 for count in cells.values())
