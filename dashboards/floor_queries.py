"""The InfluxQL queries of *Doors and zones*: days of doors, places, heat and ways, and the notices for staff.

A count that is no longer known is stored as 0 (``forgotten``). Each query therefore asks for days whose denominator is
above 0, so that such a 0 is a gap. A day is at noon UTC, as it is stored: at midnight UTC, it would be drawn a day too
early west of Greenwich.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloud.domain.time_bins import TIME_BINS
from common.wire import HEAT_COLUMNS, HEAT_ROWS
from dashboards.queries import Query

_SITE = "\"site\" = '$site' AND $timeFilter"
_HEAT = f"{_SITE} AND \"camera\" = '$camera' AND \"grid\" = '$grid'"
_BY_PLACE = '"role", "place"'

CAMERAS = Query(
    'SHOW TAG VALUES FROM "day_heat" WITH KEY = "camera" WHERE "site" =~ /^${site:regex}$/', "day"
)
GRIDS = Query(
    'SHOW TAG VALUES FROM "day_heat" WITH KEY = "grid"'
    ' WHERE "site" =~ /^${site:regex}$/ AND "camera" =~ /^${camera:regex}$/',
    "day",
)


def _of_doors(value: str, name: str) -> Query:
    text = (
        f'SELECT {value} FROM "day" WHERE {_SITE} AND "door_watched_s" > 0'
        ' GROUP BY time(1d, 12h), "role" fill(null)'
    )
    return Query(text, "day", alias=f"$tag_role: {name}")


ENTRIES = _of_doors('sum("entries")', "entries")
EXITS = _of_doors('sum("exits")', "exits")
PASSERS = _of_doors('sum("passers")', "passers")
CAPTURE = Query(
    'SELECT "entries" / "outside" FROM (SELECT sum("entries") AS "entries",'
    ' sum("entries") + sum("passers") AS "outside"'
    f' FROM "day" WHERE {_SITE} AND "door_watched_s" > 0 GROUP BY time(1d, 12h), "role" fill(none))'
    ' WHERE "outside" > 0 GROUP BY "role"',
    "day",
    alias="$tag_role",
)
GROUP_SIZE = Query(
    f'SELECT sum("entries") / sum("groups") FROM "day" WHERE {_SITE} AND "groups" > 0'
    ' GROUP BY time(1d, 12h), "role" fill(null)',
    "day",
    alias="$tag_role",
)


def of_place(kind: str, value: str, told: str = '"cohort_visits" > 0', name: str = "") -> Query:
    """Build the query of a figure of each zone, queue or target by day; ``told`` is true of days that tell it."""
    text = (
        f'SELECT {value} FROM "day_place" WHERE {_SITE} AND "kind" = \'{kind}\' AND {told}'
        f" GROUP BY time(1d, 12h), {_BY_PLACE} fill(null)"
    )
    return Query(text, "day", alias=f"$tag_role $tag_place{name and f': {name}'}")


def _mean(above: str, below: str) -> tuple[str, str]:
    return f'sum("{above}") / sum("{below}")', f'"{below}" > 0'


ZONE_VISITS = of_place("zone", 'sum("visits")')
ZONE_DWELL = of_place("zone", *_mean("dwell_sum_s", "dwell_visits"))
WAITS = of_place("queue", 'sum("waits")')
GAVE_UP = of_place("queue", '1 - sum("served") / sum("served_of")', '"served_of" > 0')
WAITING = of_place("queue", *_mean("waiting_sum_s", "waiting_visits"))
WAITING_TIMES = Query(
    "SELECT " + ", ".join(f'sum("waiting_{label}") AS "{label} s"' for label in TIME_BINS)
    + f" FROM \"day_place\" WHERE {_SITE} AND \"kind\" = 'queue' AND \"waiting_visits\" > 0 GROUP BY {_BY_PLACE}",
    "day",
)  # fmt: skip
ENGAGEMENT = of_place("target", *_mean("viewers", "viewers_of"))
INTEREST = (
    of_place("target", *_mean("attention_sum_s", "attention_passers"), "interest"),
    of_place("target", 'mean("interest_low_s")', '"interest_high_s" > 0', "low"),
    of_place("target", 'mean("interest_high_s")', '"interest_high_s" > 0', "high"),
)
"""A day has one point for each place, so that its mean is its value."""
WAYS = Query(
    f'SELECT sum("visits") AS "visits" FROM "day_way" WHERE {_SITE} AND "cohort_visits" > 0'
    ' GROUP BY "role", "place", "next_place"',
    "day",
)


def heat(kind: str) -> Sequence[Query]:
    """Build a query for each row of the grid, from the top: its number, and its cells from the left."""
    return [
        Query(
            f'SELECT sum("cohort_visits") * 0 + {row} AS "row", '
            + ", ".join(f'sum("{kind}_{row}_{column}") AS "{column}"' for column in range(HEAT_COLUMNS))
            + f' FROM "day_heat" WHERE {_HEAT} AND "cohort_visits" > 0',
            "day",
        )
        for row in range(HEAT_ROWS)
    ]


NOTICES = Query(
    'SELECT "rule", "people", "above" FROM "notice" WHERE "site" = \'$site\' AND $timeFilter AND "active" = true'
    ' GROUP BY "device", "notice" ORDER BY time DESC LIMIT 50'
)
ACKNOWLEDGED = Query(
    f'SELECT "who", "began" / 1000000 AS "began" FROM "acknowledgement" WHERE {_SITE}'
    ' GROUP BY "device", "notice" ORDER BY time DESC LIMIT 50'
)
