"""The queries of *Fleet health* and *Data quality*: what each device does, and what to think of its figures."""

from __future__ import annotations

from dashboards.queries import LOCAL, SITES, Query

QUEUE = 60
"""This many waiting messages in an outbox are a problem: an hour of one camera that could not be delivered."""
DEVICES = f'{SITES} AND "device" =~ /^${{device:regex}}$/'

_LAST_HEALTH = (
    "software", "model", "config", "camera_open", "fps", "step_ms", "near_share", "dropped", "temperature_c",
    "throttled", "disk_free_mb", "clock_trusted", "outbox_depth", "outbox_lost", "rss_mb", "uptime_s",
)  # fmt: skip
DEVICE_TABLE = Query(
    "SELECT " + ", ".join(f'"{name}"' for name in _LAST_HEALTH) + f' FROM "health" WHERE {DEVICES}'
    ' GROUP BY "site", "device" ORDER BY time DESC LIMIT 1'
)
HEARD = Query(
    f'SELECT count("fps") AS "devices" FROM (SELECT last("fps") AS "fps" FROM "health" WHERE {DEVICES}'
    ' GROUP BY "site", "device")'
)
OFFLINE = Query(
    'SELECT count("online") AS "devices" FROM (SELECT last("online") AS "online" FROM "status" WHERE'
    f' {DEVICES} GROUP BY "site", "device") WHERE "online" = false'
)


def counted(field: str, condition: str) -> Query:
    """Build the query of how many devices meet a condition on a field of their last health message."""
    return Query(
        f'SELECT count("{field}") AS "devices" FROM (SELECT last("{field}") AS "{field}" FROM "health"'
        f' WHERE {DEVICES} GROUP BY "site", "device") WHERE "{field}" {condition}'
    )


BLIND = counted("camera_open", "= false")
SLOWED = counted("throttled", "= true")
QUEUED = counted("outbox_depth", f"> {QUEUE}")
_LOST = (
    'SELECT sum("missing") AS "lost" FROM (SELECT difference("seq") - 1 AS "missing" FROM "window" WHERE'
    f' {DEVICES} GROUP BY "site", "device", "camera") WHERE "missing" > 0 GROUP BY "site", "device"'
)
LOST = Query(f'{_LOST}, "camera"')


def _by_device(summed: str, measurement: str = "window", condition: str = "") -> Query:
    return Query(f'SELECT {summed} FROM "{measurement}" WHERE {DEVICES}{condition} GROUP BY "site", "device"')


LEDGER = (
    _by_device('count("seq") AS "received"'),
    _by_device('count("seq") AS "late"', condition=' AND "is_historical" = true'),
    _by_device('sum("windows") AS "duplicates"', "duplicate"),
    Query(_LOST),
)
"""The windows of each device, in columns that a table joins."""
VERSIONS = Query(
    f'SELECT "software", "model", "calibration", "profile", "k" FROM "window" WHERE {DEVICES}'
    ' GROUP BY "site", "device", "camera" ORDER BY time DESC LIMIT 1'
)
FAULTS = Query(
    'SELECT "active", "text" FROM (SELECT last("active") AS "active", "text" FROM "alert" WHERE'
    f' {DEVICES} GROUP BY "site", "device", "fault") WHERE "active" = true GROUP BY "site", "device", "fault"'
)


def over_time(field: str, measurement: str = "health", function: str = "mean") -> Query:
    """Build the query of a number of each device over time; a gap means that no message arrived."""
    return Query(
        f'SELECT {function}("{field}") FROM "{measurement}" WHERE {DEVICES}'
        ' GROUP BY time($__interval), "site", "device" fill(null)',
        alias="$tag_site $tag_device",
    )


# Data quality and privacy.

QUALITY_COVERAGE = Query(f'SELECT mean("coverage") AS "coverage" FROM "window" WHERE {DEVICES}')
COVERAGE_BY_SITE = Query(
    f'SELECT mean("coverage") FROM "window" WHERE {DEVICES} GROUP BY time(1h), "site" fill(null)',
    alias="$tag_site",
)
"""By the hour: at the panel's own interval, 300 sites would be 300,000 points, which take a second."""
COVERAGE_BY_CAMERA = Query(
    f'SELECT mean("coverage") AS "coverage" FROM "window" WHERE {DEVICES} GROUP BY "site", "device", "camera"'
)


def windows_where(condition: str) -> Query:
    """Build the query of how many windows meet a condition."""
    return Query(f'SELECT count("visits") AS "windows" FROM "window" WHERE {DEVICES} AND {condition}')


BLIND_WINDOWS = windows_where('"coverage" = 0')
UNTRUSTED_WINDOWS = windows_where('"clock_trusted" = false')
LATE_WINDOWS = windows_where('"is_historical" = true')
DEAD_LETTERS = Query(f'SELECT count("reason") AS "letters" FROM "dead_letter" WHERE {SITES}')
DEAD_LETTER_REASONS = Query(
    f'SELECT "reason" FROM "dead_letter" WHERE {SITES} GROUP BY "site", "device" ORDER BY time DESC LIMIT 5'
)
PENDING = Query(
    'SELECT sum("pending") AS "pending" FROM (SELECT last("pending") AS "pending" FROM "window" WHERE'
    f' {DEVICES} GROUP BY "site", "device", "camera")'
)
NOT_BROKEN_DOWN = Query(
    f'SELECT 1 - sum("cohort_visits") / sum("visits") AS "share" FROM "day" WHERE {SITES}', "day"
)
DESCRIBED_BY_SITE = Query(
    f'SELECT sum("described") / sum("described_of") FROM "cohort" WHERE {DEVICES}'
    f' GROUP BY time(1d), "site" fill(null) {LOCAL}',
    alias="$tag_site",
)
SMALLEST_K = Query(f'SELECT min("k") AS "k" FROM "window" WHERE {DEVICES}')


def unknown_share(attribute: str) -> Query:
    """Build the query of the share of unknown verdicts among the described visits, by day."""
    return Query(
        f'SELECT sum("unknown") / sum("unknown_of") FROM "cohort_{attribute}" WHERE {DEVICES}'
        f' GROUP BY time(1d), "site" fill(null) {LOCAL}',
        alias="$tag_site",
    )


def withheld_share(attribute: str) -> Query:
    """Build the query of the withheld share of the visits in cohorts, for one attribute."""
    return Query(
        f'SELECT sum("withheld") / (sum("released") + sum("withheld")) AS "withheld" FROM "cohort_{attribute}"'
        f" WHERE {DEVICES}"
    )
