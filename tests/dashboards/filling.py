"""Fills a real InfluxDB with the small chain of :mod:`tests.dashboards.shops`: sent, stored, rolled up and compared."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloud.analysis.compare import compare
from cloud.analysis.metrics import metric_named
from cloud.ingest.intake import Delivery, Intake
from cloud.rollup.command import rollup
from cloud.rollup.comparisons import METRICS, PERIOD_DAYS, comparison_points
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.tallies import InfluxTallies, WindowTallies
from cloud.stores.windows import InfluxWindows
from common.wire import AlertMessage, HealthMessage, StatusMessage, WindowMessage, topic
from tests.dashboards import shops
from tests.dashboards.scenes import SITES
from tests.dashboards.world import World
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB

LEARNED = shops.NOW - timedelta(minutes=39)
"""When the bridge heard the last will of a device, and when it gave up what it could not decode."""


class Sent:
    """The windows that were sent, for the path that needs no database."""

    def __init__(self, sent: list[WindowMessage]) -> None:
        self._sent = sent

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return [w for w in self._sent if w.site == site and start <= w.start < end]


def fill(influxdb: InfluxDB) -> World:
    """Sends the chain's messages the way of the bridge; the answer is what was sent and what follows from it."""
    windows, others = shops.windows(), shops.others()
    store = InfluxStore(
        url=influxdb.url,
        token=influxdb.token,
        org="-",
        bucket=influxdb.bucket,
        timeout_s=20.0,
        clock=ManualClock(LEARNED),
    )
    for start in range(0, len(windows), 1000):
        store.write(windows[start : start + 1000])
    store.write(others)
    letters: list[str] = []
    intake = Intake(
        store, lambda letter: letters.append(letter.reason), lambda _: None, clock=ManualClock(LEARNED)
    )
    intake.submit(Delivery(topic(windows[0]), b"{}", intake.stop))
    intake.run()
    yesterday = shops.TODAY - timedelta(days=1)
    source = InfluxQL(url=influxdb.url, token=influxdb.token, bucket=influxdb.bucket, timeout_s=20.0)
    rollup(shops.CHAIN, InfluxWindows(source), store, first=shops.FIRST, last=yesterday, now=shops.NOW)
    store.write_points(comparison_points(InfluxTallies(source), shops.CHAIN, yesterday), "day")
    source.close()
    store.close()

    first = yesterday - timedelta(days=PERIOD_DAYS - 1)
    tallies = WindowTallies(Sent(windows), shops.CHAIN).tallies(SITES, first, yesterday)
    return World(
        windows=windows,
        health=[m for m in others if isinstance(m, HealthMessage)],
        status=[m for m in others if isinstance(m, StatusMessage)],
        alerts=[m for m in others if isinstance(m, AlertMessage)],
        letters=[(windows[0].site, windows[0].device, reason) for reason in letters],
        letters_at=LEARNED,
        tallies=tallies,
        comparisons={
            name: compare(tallies, metric_named(name), sites=SITES, first=first, last=yesterday)
            for name in METRICS
        },
    )
