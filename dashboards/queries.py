"""The InfluxQL queries of the dashboards and alert rules.

Grafana fills in ``$timeFilter`` and the variables. Two rules apply. Windows in which no camera was watching are left
out, so that they are a gap and not a zero. If a share is based on fewer than :data:`SMALL_SAMPLE` visits, a query
marked ``few`` returns it instead of the other one, and it is drawn grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud.domain.levels import Level
from cloud.domain.thresholds import FULL_COVERAGE, SMALL_SAMPLE
from cloud.stores import layout

SOURCES: Mapping[Level, str] = {
    "raw": "footlight",
    "quarter": "footlight-quarter",
    "day": "footlight-day",
}
"""The fixed uid of the provisioned data source for each level of storage."""


@dataclass(frozen=True, slots=True)
class Query:
    """One InfluxQL statement. With an ``alias`` the result is a time series of that name, else a table."""

    text: str
    level: Level = "raw"
    alias: str = ""
    few: bool = False

    @property
    def source(self) -> str:
        return SOURCES[self.level]


SITE = '"site" = \'$site\' AND "device" =~ /^${device:regex}$/ AND $timeFilter'
"""One site and the devices that are selected there."""
SITES = '"site" =~ /^${site:regex}$/ AND $timeFilter'
WATCHED = '("coverage" > 0 OR "visits" > 0)'
"""Windows with real counts; a visit that ended when the camera failed also counts."""
LOCAL = "tz('$timezone')"

# Variables. One that names another does so in a regex: Grafana 9 escapes its value as for a regex wherever it stands.

SITE_NAMES = Query('SHOW TAG VALUES FROM "window" WITH KEY = "site"')
SITE_DEVICES = Query('SHOW TAG VALUES FROM "window" WITH KEY = "device" WHERE "site" =~ /^${site:regex}$/')
DEVICE_NAMES = Query('SHOW TAG VALUES FROM "health" WITH KEY = "device" WHERE "site" =~ /^${site:regex}$/')
SITE_ZONE = Query(
    'SHOW TAG VALUES FROM "site" WITH KEY = "timezone" WHERE "site" =~ /^${site:regex}$/', "day"
)
"""Empty without a chain file; InfluxQL then uses UTC."""
CHAINS = Query('SHOW TAG VALUES FROM "site" WITH KEY = "chain"', "day")
REGIONS = Query('SHOW TAG VALUES FROM "site" WITH KEY = "region" WHERE "chain" =~ /^${chain:regex}$/', "day")
ROLES = Query('SHOW TAG VALUES FROM "comparison" WITH KEY = "role"', "day")
METRICS = Query('SHOW TAG VALUES FROM "comparison" WITH KEY = "metric"', "day")
REGION_SITES = Query(
    'SHOW TAG VALUES FROM "site" WITH KEY = "site" WHERE "chain" =~ /^${chain:regex}$/'
    ' AND "region" =~ /^${region:regex}$/',
    "day",
)

# Annotations.

PROMOTIONS = Query(
    'SELECT "words", "end_ms" FROM "annotation" WHERE ("site" =~ /^${site:regex}$/ OR "site" = \'*\') AND $timeFilter'
    ' GROUP BY "site"',
    "day",
)
STARTS = Query(
    'SELECT "words" FROM (SELECT "software" AS "words", "online" FROM "status" WHERE '
    f'{SITES} GROUP BY "site", "device") WHERE "online" = true GROUP BY "site", "device"'
)

# Shop today.

VISITS = Query(f'SELECT sum("visits") AS "visits" FROM "window" WHERE {SITE} AND {WATCHED}')
VIEWERS = Query(f'SELECT sum("viewers") AS "viewers" FROM "window" WHERE {SITE} AND {WATCHED}')
JUST_NOW = Query(
    'SELECT sum("visits") AS "visits" FROM (SELECT last("visits") AS "visits" FROM "window"'
    f' WHERE {SITE} AND "coverage" > 0 GROUP BY "device", "camera")'
)


def _hourly(name: str) -> str:
    """Build the query of visits by hour of the site's local time, and how much of each hour was watched."""
    return (
        f'SELECT sum("visits") AS "{name}", mean("coverage") AS "watched" FROM "window" WHERE {SITE}'
        f" GROUP BY time(1h) fill(none) {LOCAL}"
    )


HOURS = Query(f'SELECT "today" FROM ({_hourly("today")}) WHERE "watched" >= {FULL_COVERAGE}')
HOURS_PARTLY = Query(
    f'SELECT "partly watched" FROM ({_hourly("partly watched")})'
    f' WHERE "watched" < {FULL_COVERAGE} AND ("watched" > 0 OR "partly watched" > 0)',
    few=True,
)
HOURS_BEFORE = Query(
    'SELECT sum("visits") AS "a week before" FROM "window" WHERE "site" = \'$site\''
    ' AND "device" =~ /^${device:regex}$/'
    f" AND time >= ${{__from}}ms - 7d AND time < ${{__from}}ms - 6d AND {WATCHED}"
    f" GROUP BY time(1h) fill(none) {LOCAL}"
)
BUSIEST = Query(
    f'SELECT max("visits") AS "visits" FROM ({_hourly("visits")}) WHERE "watched" > 0 OR "visits" > 0'
)
DWELL_MEAN = Query(f'SELECT sum("dwell_sum_s") / sum("dwell_visits") AS "dwell" FROM "cohort" WHERE {SITE}')
ATTENTION_MEAN = Query(
    f'SELECT sum("attention_sum_s") / sum("attention_visits") AS "attention" FROM "cohort" WHERE {SITE}'
)
ATTRACTION = Query(
    f'SELECT sum("attention_sum_s") / sum("attention_dwell_s") AS "attraction" FROM "cohort" WHERE {SITE}'
)
WITH_GENDER = Query(f'SELECT sum("known") AS "visits" FROM "cohort_gender" WHERE {SITE}')
DESCRIBED = Query(f'SELECT sum("described") / sum("described_of") AS "described" FROM "cohort" WHERE {SITE}')
COVERAGE = Query(f'SELECT mean("coverage") AS "coverage" FROM "window" WHERE {SITE}')
COVERAGE_TIMES = Query(
    f'SELECT mean("coverage") FROM "window" WHERE {SITE} GROUP BY time(15m), "device", "camera" fill(null)',
    alias="$tag_device $tag_camera",
)
CAMERAS = Query(
    'SELECT last("title") AS "title" FROM "camera" WHERE "site" = \'$site\' GROUP BY "device", "camera", "role"',
    "day",
)


def breakdown(
    measurement: str, labels: Iterable[str], *, named: str = "{}", of: str = "released", where: str = ""
) -> list[Query]:
    """Build two queries of visits by label: one for large samples and, marked ``few``, one for small samples.

    ``named`` formats the name of a bar from its label; ``of`` is the field with the size of the sample; ``where`` is a
    further condition on the points.
    """
    names = {label: named.format(label) for label in labels}
    sums = ", ".join(f'sum("{label}") AS "{name}"' for label, name in names.items())
    shown = ", ".join(f'"{name}"' for name in names.values())
    inner = f'SELECT {sums}, sum("{of}") AS "n" FROM "{measurement}" WHERE {SITE}{where}'
    return [
        Query(f'SELECT {shown} FROM ({inner}) WHERE "n" >= {SMALL_SAMPLE}'),
        Query(f'SELECT {shown} FROM ({inner}) WHERE "n" > 0 AND "n" < {SMALL_SAMPLE}', few=True),
    ]


def age_by_gender(gender: str) -> list[Query]:
    """Build the queries of visits of one gender by age band."""
    table = layout.COHORT_GENDER_AGE_BAND
    return breakdown(table.name, table.labels, named=f"{gender} {{}}", where=f" AND \"gender\" = '{gender}'")


# Chain compare.

_ROLE = "\"role\" = '$role'"
_COMPARED = f"{_ROLE} AND \"metric\" = '$metric'"
_NEWEST = (
    'SELECT last("days") AS "days", "compared", "apart_because", "title", "latitude", "longitude", "coverage", "rate",'
    ' "low", "high", "versus", "q", "real", "models", "calibrations" FROM "comparison"'
    f' WHERE {SITES} AND {_COMPARED} GROUP BY "site"'
)
"""The newest comparison of each site."""


def compared(fields: Iterable[str], condition: str = '"compared" = true') -> Query:
    shown = ", ".join(f'"{name}"' for name in fields)
    return Query(f'SELECT {shown} FROM ({_NEWEST}) WHERE {condition} GROUP BY "site"', "day")


def sites_where(condition: str) -> Query:
    """Build the query of how many sites meet a condition."""
    return Query(f'SELECT count("days") AS "shops" FROM ({_NEWEST}) WHERE {condition}', "day")


RANKED = compared(
    ("title", "rate", "low", "high", "versus", "real", "q", "coverage", "days", "models", "calibrations")
)
APART = compared(("title", "apart_because", "coverage", "models", "calibrations"), '"compared" = false')
MAP = compared(("title", "latitude", "longitude", "rate", "low", "high", "versus", "real"))
STORES_COMPARED = sites_where('"compared" = true')
STORES_APART = sites_where('"compared" = false')
STORES_DIFFERENT = sites_where('"compared" = true AND "real" = true')
CHAIN_VISITS = Query(
    f'SELECT sum("visits") / sum("exposure_s") * 3600 AS "rate" FROM "day" WHERE {SITES} AND {_ROLE}'
    ' AND "exposure_s" > 0',
    "day",
)
# A point about a local day lies at noon UTC. At midnight UTC, it would be drawn on the day before in the west.
DAILY_RATE = Query(
    f'SELECT sum("visits") / sum("exposure_s") * 3600 FROM "day" WHERE {SITES} AND {_ROLE} AND "exposure_s" > 0'
    ' GROUP BY time(1d, 12h), "site" fill(null)',
    "day",
    alias="$tag_site",
)
DAILY_COVERAGE = Query(
    f'SELECT sum("covered_s") / sum("open_s") FROM "day" WHERE {SITES} AND {_ROLE} AND "open_s" > 0'
    ' GROUP BY time(1d, 12h), "site" fill(null)',
    "day",
    alias="$tag_site",
)
CORRECTED = Query(
    'SELECT "raw", "corrected", "low", "high", "visits" FROM "corrected" WHERE '
    f'{SITES} AND {_ROLE} AND "visits" > 0 GROUP BY "site", "attribute", "label" ORDER BY time DESC LIMIT 1',
    "day",
)
