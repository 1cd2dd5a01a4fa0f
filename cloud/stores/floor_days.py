"""Heat and ways of a day in InfluxDB: the measurements, their points, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from cloud.domain.chain import Role
from cloud.domain.floor_tally import FloorTally, Grid, HeatTally, Way
from cloud.stores.forgotten import FORGOTTEN, FORGOTTEN_FIELD, Row, Stored, Tags, day_points, known_points
from cloud.stores.heat_cells import cells, maps_from, of_cells
from cloud.stores.measurement import Field, Measurement, Point, Value

DAY_HEAT = Measurement(
    "day_heat",
    "day",
    ("site", "role", "camera", "grid"),
    "noon UTC of the local date",
    {
        "cohort_visits": Field("integer", "visits of the cohorts that have a heat map"),
        **of_cells(", where they are told"),
        FORGOTTEN: FORGOTTEN_FIELD,
    },
)
DAY_WAY = Measurement(
    "day_way",
    "day",
    ("site", "role", "place", "next_place"),
    "noon UTC of the local date",
    {
        "cohort_visits": Field("integer", "visits of the cohorts that tell ways"),
        "visits": Field("integer", "those of them that went from one place to the next at least once"),
        FORGOTTEN: FORGOTTEN_FIELD,
    },
)


def floor_day_points(
    site: str, role: Role, floor: FloorTally, at: datetime, heat: Stored, ways: Stored
) -> Iterator[Point]:
    """Make the points of a day. ``heat`` and ``ways`` are the stored ones: what is no longer known is forgotten."""
    maps: dict[Tags, dict[str, Value]] = {
        (grid.camera, _size(grid)): _values(grid, found) for grid, found in floor.heat.items()
    }
    counts: dict[Tags, dict[str, Value]] = {
        tuple(way): {"cohort_visits": floor.ways_visits, "visits": visits}
        for way, visits in floor.ways.items()
    }
    yield from day_points(DAY_HEAT, (site, role), at, maps, heat)
    yield from day_points(DAY_WAY, (site, role), at, counts, ways)


def floor_from(heat: Iterable[tuple[Tags, Row]], ways: Iterable[tuple[Tags, Row]]) -> FloorTally:
    """Return the floor of one day from its points."""
    maps: dict[Grid, HeatTally] = {}
    for (camera, size), row in known_points(heat):
        columns, rows = (int(number) for number in size.split("x"))
        standing, looking = maps_from(row, columns, rows)
        maps[Grid(camera, columns, rows)] = HeatTally(row["cohort_visits"], standing, looking)
    known = list(known_points(ways))
    return FloorTally(
        heat=maps,
        ways={Way(*tags): row["visits"] for tags, row in known},
        ways_visits=max((row["cohort_visits"] for _, row in known), default=0),
    )


def _size(grid: Grid) -> str:
    return f"{grid.columns}x{grid.rows}"


def _values(grid: Grid, found: HeatTally) -> dict[str, Value]:
    told = cells(found.standing_s, found.looking_s, grid.columns)
    known = {name: seconds for name, seconds in told.items() if seconds is not None}
    return {"cohort_visits": found.cohort_visits, **known}
