"""The CPU time of the stages of the bridge, each measured alone on the same windows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import TypeVar

from cloud.domain import arrival
from cloud.ingest.intake import BATCH
from cloud.ingest.repeats import Repeats
from cloud.stores.influx import InfluxStore, points
from cloud.stores.line_protocol import line
from cloud.stores.measurement import Point
from common.clock import SystemClock
from common.wire import decode
from tests.support.influxdb import InfluxDB

T = TypeVar("T")


def stages(messages: Sequence[tuple[str, bytes]], store: InfluxDB, rounds: int) -> dict[str, float]:
    """Return microseconds for a window: the median of ``rounds``."""
    found = [_once(messages, store) for _ in range(rounds)]
    return {name: round(median(one[name] for one in found), 1) for name in found[0]}


def _once(messages: Sequence[tuple[str, bytes]], store: InfluxDB) -> dict[str, float]:
    spent: dict[str, float] = {}
    now, repeats = datetime.now(UTC), Repeats()

    def timed(name: str, work: Callable[[], T]) -> T:
        began = time.thread_time()
        made = work()
        spent[name] = 1e6 * (time.thread_time() - began) / len(messages)
        return made

    decoded = timed("decode and check the contract", lambda: [decode(*message) for message in messages])
    timed("check the time of arrival", lambda: [arrival.checked(message, now) for message in decoded])
    timed("recognise repeats", lambda: [repeats.is_repeat(message) for message in decoded])
    made = timed("make points", lambda: [list(points(message, now)) for message in decoded])
    timed("write the line protocol", lambda: [line(point) for of_one in made for point in of_one])
    influx = InfluxStore(**store.address, org=store.org, timeout_s=60, clock=SystemClock())
    try:
        batches = [
            [point for of_one in made[at : at + BATCH] for point in of_one]
            for at in range(0, len(made), BATCH)
        ]
        timed("HTTP", lambda: _write(influx, batches))
    finally:
        influx.close()
    spent["HTTP"] -= spent["write the line protocol"]  # which it does once more
    return spent


def _write(influx: InfluxStore, batches: Sequence[Sequence[Point]]) -> None:
    for batch in batches:
        influx.write_points(batch, "raw")
