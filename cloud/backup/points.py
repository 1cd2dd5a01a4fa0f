"""The points of InfluxDB, as lines that any version of it takes: read with InfluxQL, written with the v2 write API.

The engine's own backup differs between 1.x, 2.x and 3.x, fits only the version that made it, and has the tokens of an
old machine in it. These are the two interfaces that Footlight uses anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from cloud.domain.levels import SHARD_DAYS, Level
from cloud.stores import layout
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.measurement import Measurement, nanoseconds

_DAY_NS = 24 * 60 * 60 * 10**9
_BATCH = 5_000


def lines(influxql: InfluxQL, level: Level) -> Iterator[str]:
    """Read every point of one level, shard by shard. Raises ``StoreUnavailable``."""
    for measurement in layout.MEASUREMENTS:
        if measurement.level == level and (span := _span(influxql, measurement)):
            first, last = span
            step = SHARD_DAYS[level] * _DAY_NS
            for start in range(first, last + 1, step):
                yield from _between(influxql, measurement, start, start + step)


def _span(influxql: InfluxQL, measurement: Measurement) -> tuple[int, int] | None:
    """Return the times of the first and the last point, or None if there is none."""
    ends = []
    for order in ("ASC", "DESC"):
        question = f"SELECT * FROM {measurement.name} ORDER BY time {order} LIMIT 1"  # noqa: S608 - names of ours
        (answer,) = influxql.ask(measurement.level, question)
        ends += [row["time"] for series in answer for row in series]
    return (ends[0], ends[-1]) if ends else None


def _between(influxql: InfluxQL, measurement: Measurement, start: int, end: int) -> Iterator[str]:
    fields = ", ".join(f'"{name}"' for name in measurement.fields)
    question = (
        f"SELECT {fields} FROM {measurement.name} WHERE time >= {start} AND time < {end}"  # noqa: S608 - names of ours
        f" GROUP BY {', '.join(measurement.tags)}"
    )
    for series in influxql.stream(measurement.level, question):
        tags = tuple(series.tags[name] for name in measurement.tags)
        for row in series:
            yield measurement.whole_point(tags, row["time"], row)


def put_back(
    store: InfluxStore, level: Level, found: Iterable[str], *, now: datetime, kept_days: int | None
) -> tuple[int, int]:
    """Write the points to one level; return how many, and how many were left out because they are older than what is
    kept. A point that is there is overwritten, so it can run again. Raises the errors of ``Store.write``."""
    # InfluxDB refuses what its retention would delete; the hour is for the time that this takes.
    oldest = 0 if kept_days is None else nanoseconds(now - timedelta(days=kept_days, hours=-1))
    written = left = 0
    remaining = iter(found)
    while batch := list(islice(remaining, _BATCH)):
        fresh = [text for text in batch if int(text.rpartition(" ")[2]) >= oldest]
        left += len(batch) - len(fresh)
        store.write_points(fresh, level)
        written += len(fresh)
    return written, left
