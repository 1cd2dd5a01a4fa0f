"""The places on the page of a period: zones, queues and targets of both sides, heat and ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from cloud.domain.floor_tally import FloorTally, Grid, HeatTally, Way
from cloud.domain.place_tally import PlaceTally, QueueTally, TargetTally, ZoneTally

_Place = TypeVar("_Place", ZoneTally, QueueTally, TargetTally)

LEVELS = 8
"""Shades of a heat map, from 1; 0 is nothing."""
MOST_WAYS = 12
"""Ways that are drawn; the table has all of them."""


@dataclass(frozen=True, slots=True)
class Beside(Generic[_Place]):
    """A place of both sides; None if all of it is withheld, or there is no such place."""

    name: str
    this: _Place | None
    other: _Place | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a heat map, by column and row from the top left."""

    column: int
    row: int
    standing_s: int | None
    """None if withheld, as ``looking_s``."""
    looking_s: int | None
    level: int
    """The shade of ``standing_s`` in 0..LEVELS."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The heat of one camera."""

    grid: Grid
    cohort_visits: int
    cells: tuple[Cell, ...]

    @property
    def withheld(self) -> int:
        return sum(cell.standing_s is None for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Step:
    """One way, and its share of the visits for which ways are told."""

    way: Way
    visits: int
    share: float


@dataclass(frozen=True, slots=True)
class Places:
    """All that is told of places."""

    zones: tuple[Beside[ZoneTally], ...]
    queues: tuple[Beside[QueueTally], ...]
    targets: tuple[Beside[TargetTally], ...]
    heat: tuple[HeatMap, ...]
    ways: tuple[Step, ...]
    """Those that most visits went come first."""
    ways_visits: int


def places_of(this: PlaceTally, other: PlaceTally, floor: FloorTally) -> Places:
    """Put the places of both sides beside each other, by name."""
    return Places(
        zones=_beside(this.zones, other.zones),
        queues=_beside(this.queues, other.queues),
        targets=_beside(this.targets, other.targets),
        heat=tuple(_map(grid, floor.heat[grid]) for grid in sorted(floor.heat)),
        ways=tuple(
            Step(way, visits, visits / floor.ways_visits)
            for way, visits in sorted(floor.ways.items(), key=lambda pair: (-pair[1], pair[0]))
            if visits
        ),
        ways_visits=floor.ways_visits,
    )


def _beside(this: Mapping[str, _Place], other: Mapping[str, _Place]) -> tuple[Beside[_Place], ...]:
    return tuple(Beside(name, this.get(name), other.get(name)) for name in sorted({*this, *other}))


def _map(grid: Grid, heat: HeatTally) -> HeatMap:
    most = max((seconds or 0 for seconds in heat.standing_s), default=0)
    return HeatMap(
        grid,
        heat.cohort_visits,
        tuple(
            Cell(
                column=index % grid.columns,
                row=index // grid.columns,
                standing_s=stood,
                looking_s=looked,
                level=-(-LEVELS * (stood or 0) // most) if most else 0,
            )
            for index, (stood, looked) in enumerate(zip(heat.standing_s, heat.looking_s, strict=True))
        ),
    )
