"""Places in a window: doors, zones, queues, targets, heat and ways.

What happens at a door is counted for everybody and told with the totals. All the rest describes visits, so it waits for
the cohort. Numbers may be null: withheld by the privacy rules (docs/privacy.md).
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from common.wire.fields import MOST, Cells, Name, Number, Seconds, Visits, WireModel

MOST_DOORS, MOST_TARGETS = 8, 16
HEAT_COLUMNS, HEAT_ROWS = 16, 9
"""The finest grid of the heat map."""
ENTRY, EXIT = "entry", "exit"
"""Where ways begin and end, beside the names of zones."""

HeatSeconds = Annotated[
    tuple[Annotated[int, Field(ge=0, le=MOST)] | None, ...], Field(max_length=HEAT_COLUMNS * HEAT_ROWS)
]


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

    waits: Visits | None = Field(description="people who waited in it")
    served: Visits | None = Field(
        description="those of them who left at its front; the others gave up; null when withheld"
    )
    waiting_sum_s: Seconds | None = Field(description="sum of the waiting times; null when withheld")
    waiting: Cells = Field(description="people by waiting time; a label is the lower edge in seconds")
    length_mean: Number | None = Field(
        description="people in it at a time, on average since the cohort before; null when the times are withheld"
    )
    length_max: Visits = Field(description="most people in it at one instant since the cohort before")


class Zone(WireModel):
    """One zone in a cohort."""

    visits: Visits | None = Field(description="visits that were in the zone; zones may overlap")
    stops: Visits | None = Field(description="those of them that stayed longer than the stop time")
    dwell_sum_s: Seconds | None = Field(description="sum of the seconds in the zone; null when withheld")
    dwell: Cells = Field(description="visits by their seconds in the zone; a label is the lower edge")
    occupancy_mean: Number | None = Field(
        description="people in the zone at a time, on average since the cohort before; null when the times are withheld"
    )
    occupancy_max: Visits = Field(description="most people in the zone at one instant since the cohort before")
    queue: Queue | None = Field(default=None, description="for a zone that is a queue")


class Target(WireModel):
    """One target in a cohort: a product, a screen, a sign."""

    passers: Visits | None = Field(description="visits that could see it: those in its zone, or all")
    viewers: Visits | None = Field(description="those of them that looked at it")
    attention_sum_s: Seconds | None = Field(
        description="sum of the seconds of looking; null when withheld; divide by passers for the interest index"
    )
    attention: Cells = Field(description="viewers by their seconds of looking; a label is the lower edge")
    expression: Cells | None = Field(
        default=None, description="viewers by expression (profile expression); null when withheld"
    )


class Heat(WireModel):
    """Where people stood, on a grid over the picture or the plan, row by row from the top left. Of one visit at most
    30 s count in a cell. A cell is null if fewer than k visits, or too few seconds, are in it."""

    columns: Annotated[int, Field(ge=1, le=HEAT_COLUMNS)] = Field(description="cells side by side")
    rows: Annotated[int, Field(ge=1, le=HEAT_ROWS)] = Field(description="cells on top of each other")
    standing_s: HeatSeconds = Field(description="seconds of standing, in tens")
    looking_s: HeatSeconds = Field(description="seconds of looking at the camera or a target, in tens")

    @model_validator(mode="after")
    def _fills_the_grid(self) -> Self:
        if {len(self.standing_s), len(self.looking_s)} != {self.columns * self.rows}:
            raise ValueError("standing_s and looking_s need columns x rows values")
        return self


Doors = Annotated[dict[Name, Door], Field(max_length=MOST_DOORS)]
Targets = Annotated[dict[Name, Target], Field(max_length=MOST_TARGETS)]
Ways = dict[Name, Cells]
"""Visits by (place, next place)."""
