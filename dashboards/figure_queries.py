"""The InfluxQL queries about derived figures, clips and who is left out or shows a code; by site and by chain.

A figure that cannot be told any more keeps its old number beside ``told = false``, so each query asks for what is told,
has an interval or is corrected. A day has one point of a figure and period, so that its mean is its value.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.queries import SITES, Query

_SITE = "\"site\" = '$site' AND $timeFilter"
_PERIOD = "\"period\" = '$period'"
_CHAIN = f"{SITES} AND \"role\" = '$role' AND \"metric\" = '$figure' AND {_PERIOD}"

METRICS = Query(
    'SHOW TAG VALUES FROM "day_figure" WITH KEY = "metric" WHERE "site" =~ /^${site:regex}$/', "day"
)
PERIODS = Query('SHOW TAG VALUES FROM "day_figure" WITH KEY = "period"', "day")

_LINES = (
    ("told", "value", "counted"),
    ("bounded", "low", "low"),
    ("bounded", "high", "high"),
    ("checked", "corrected", "corrected"),
    ("checked", "corrected_low", "corrected low"),
    ("checked", "corrected_high", "corrected high"),
)
"""The condition, the field and the name of each line of a figure."""


def _by_day(field: str, where: str, name: str, condition: str) -> Query:
    return Query(
        f'SELECT mean("{field}") FROM "day_figure" WHERE {_SITE} AND {where} AND "{condition}" = true'
        ' GROUP BY time(1d, 12h), "role" fill(null)',
        "day",
        alias=f"$tag_role: {name}",
    )


def figure(metric: str) -> Sequence[Query]:
    """Build the queries of a figure of the chosen period by its last day: counted, corrected, and both intervals."""
    where = f"\"metric\" = '{metric}' AND {_PERIOD}"
    return [_by_day(field, where, name, condition) for condition, field, name in _LINES]


def each_day(metric: str, name: str) -> Query:
    """Build the query of a figure of single days, as counted."""
    return _by_day("value", f"\"metric\" = '{metric}' AND \"period\" = '1d'", name, "told")


def each_hour(metric: str, name: str) -> Query:
    """Build the query of a figure of single hours, as counted."""
    return Query(
        f'SELECT mean("value") FROM "hour_figure" WHERE {_SITE} AND "metric" = \'{metric}\' AND "told" = true'
        ' GROUP BY time(1h), "role" fill(null)',
        "quarter",
        alias=f"$tag_role: {name}",
    )


CHOSEN = figure("$metric")


def _newest(where: str, by: str, condition: str, fields: Sequence[str]) -> Query:
    """Build the query of the newest figures that meet a condition, by these tags."""
    shown = ", ".join(f'"{name}"' for name in fields)
    last = 'SELECT last("told") AS "told", "bounded", "checked"'
    inner = f'{last}, {shown} FROM "day_figure" WHERE {where} GROUP BY {by}'
    return Query(f"SELECT {shown} FROM ({inner}) WHERE {condition} GROUP BY {by}", "day")


def _table(where: str, by: str) -> Sequence[Query]:
    return [
        _newest(where, by, '"told" = true', ("title", "value", "unit", "coverage")),
        _newest(where, by, '"bounded" = true', ("low", "high")),
        _newest(where, by, '"checked" = true', ("corrected", "corrected_low", "corrected_high")),
    ]


def _refused(where: str, by: str) -> Query:
    return _newest(where, by, '"told" = false', ("title", "refused", "coverage"))


ALL_FIGURES = _table(f"{_SITE} AND {_PERIOD}", '"role", "metric"')
ALL_REFUSED = _refused(f"{_SITE} AND {_PERIOD}", '"role", "metric"')


def _passed(where: str, by: str) -> Query:
    """Build the query of the limits that are passed now, of which somebody is told."""
    inner = f'SELECT last("holds") AS "holds", "value" FROM "figure_alert" WHERE {where} GROUP BY {by}'
    return Query(f'SELECT "value" FROM ({inner}) WHERE "holds" = true GROUP BY {by}', "day")


PASSED = _passed(_SITE, '"role", "alert"')


def _of_day(above: str, below: str, name: str) -> Query:
    return Query(
        f'SELECT {above} FROM "day" WHERE {_SITE} AND "{below}" > 0 GROUP BY time(1d, 12h), "role" fill(null)',
        "day",
        alias=f"$tag_role: {name}",
    )


STAFF = _of_day('sum("staff") / sum("staff_of")', "staff_of", "staff")
MEMBERS = _of_day('sum("members")', "members_of", "members")
MEMBER_SHARE = _of_day('sum("members") / sum("members_of")', "members_of", "members")

CLIPS = Query(
    'SELECT sum("shows") AS "shows", sum("visits") AS "visits", sum("viewers") / sum("viewers_of") AS "watched",'
    ' sum("attention_sum_s") / sum("attention_visits") AS "seconds"'
    f' FROM "cohort_clip" WHERE {_SITE} GROUP BY "device", "clip", "side"'
)
EFFECTS = Query(
    'SELECT last("compared") AS "compared", "verdict", "change", "low", "high", "needed" FROM "clip_effect"'
    f' WHERE {_SITE} GROUP BY "device", "clip", "outcome"',
    "day",
)

# Of several shops.

OF_SHOPS = Query(
    f'SELECT mean("value") FROM "day_figure" WHERE {_CHAIN} AND "told" = true'
    ' GROUP BY time(1d, 12h), "site" fill(null)',
    "day",
    alias="$tag_site",
)
SHOPS_FIGURES = _table(_CHAIN, '"site"')
SHOPS_REFUSED = _refused(_CHAIN, '"site"')
SHOPS_PASSED = _passed(f"{SITES} AND \"role\" = '$role'", '"site", "alert"')
