"""The CPU time of the stages of the bridge, each measured alone on the same windows."""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import TypeVar

from cloud.domain import arrival
from cloud.ingest.duplicates import Duplicates
from cloud.ingest.intake import BATCH
from cloud.stores.influx import InfluxStore, points
from common.clock import SystemClock
from common.wire import decode
from tests.support.influxdb import InfluxDB

T = TypeVar("T")


def stages(messages: Sequence[tuple[str, bytes]], store: InfluxDB, rounds: int) -> dict[str, float]:
    """Return microseconds for a window: the median of ``rounds``."""
    gc.collect()
    gc.freeze()  # as the bridge does
    influx = InfluxStore(**store.address, org=store.org, timeout_s=60, clock=SystemClock())
    try:
        found = [_once(messages, influx) for _ in range(rounds)]
    finally:
        influx.close()
        gc.unfreeze()
    return {name: round(median(one[name] for one in found), 1) for name in found[0]}


def _once(messages: Sequence[tuple[str, bytes]], influx: InfluxStore) -> dict[str, float]:
    spent: defaultdict[str, float] = defaultdict(float)
    now, duplicates = datetime.now(UTC), Duplicates()

    def timed(name: str, work: Callable[[], T]) -> T:
        began = time.thread_time()
        made = work()
        spent[name] += 1e6 * (time.thread_time() - began) / len(messages)
        return made

    def settle(batch: Sequence[tuple[str, bytes]]) -> None:
        decoded = timed("decode and check the contract", lambda: [decode(*message) for message in batch])
        timed("check the time of arrival", lambda: [arrival.checked(message, now) for message in decoded])
        timed("recognise duplicates", lambda: duplicates.among(decoded, time.monotonic()))
        made = timed("make points", lambda: [point for one in decoded for point in points(one, now)])
        timed("HTTP", lambda: influx.write_points(made, "raw"))

    for at in range(0, len(messages), BATCH):
        settle(messages[at : at + BATCH])
    return dict(spent)
