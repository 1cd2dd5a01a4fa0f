"""Fills a real InfluxDB with the small chain of :mod:`tests.dashboards.shops`: sent, stored, rolled up and compared."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from cloud.analysis.compare import Comparison, compare
from cloud.analysis.metrics import metric_named
from cloud.domain.chain import Role
from cloud.domain.day_tallies import with_silent_days
from cloud.domain.tally import Tally
from cloud.ingest.intake import Delivery, Intake
from cloud.rollup.comparisons import PERIOD_DAYS, comparison_points, formulas_of, metrics_of
from cloud.rollup.figures import Shops, write_figures
from cloud.rollup.tallying import rollup
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.tallies import InfluxTallies, days, every_day
from cloud.stores.till_tallies import TillTallies
from cloud.stores.window_tallies import WindowTallies
from cloud.stores.windows import InfluxWindows
from common.wire import (
    AlertMessage,
    HealthMessage,
    NoticeMessage,
    StatusMessage,
    WindowMessage,
    encode,
    topic,
)
from tests.dashboards import shop_sales, shops
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


def fill(influxdb: InfluxDB, folder: Path) -> World:
    """Sends the chain's messages the way of the bridge; the answer is what was sent and what follows from it.

    Takings and count checks are in files in ``folder``.
    """
    windows, others = shops.windows(), shops.others()
    store = InfluxStore(
        **influxdb.address,
        org=influxdb.org,
        timeout_s=20.0,
        clock=ManualClock(LEARNED),
    )
    for start in range(0, len(windows), 1000):
        store.write(windows[start : start + 1000])
    store.write(others)
    for acknowledgement in shops.acknowledgements():
        store.record_acknowledgement(acknowledgement)
    letters: list[str] = []
    intake = Intake(
        store, lambda letter: letters.append(letter.reason), lambda _: None, clock=ManualClock(LEARNED)
    )
    intake.submit(Delivery(topic(windows[0]), b"{}", intake.stop))
    intake.run()
    again = shops.again(windows)
    came_again(store, again)
    yesterday = shops.TODAY - timedelta(days=1)
    source = InfluxQL(**influxdb.address, timeout_s=20.0)
    levels, read = InfluxTallies(source), InfluxWindows(source)
    till = shop_sales.fill_till(folder / "till.sqlite", shops.CHAIN, shops.FIRST, yesterday, shops.NOW)
    checks = shop_sales.fill_checks(folder / "checks.sqlite", shops.CHAIN, shops.FIRST)
    rollup(shops.CHAIN, read, levels, store, first=shops.FIRST, last=yesterday, now=shops.NOW)
    sold = TillTallies(levels, till, shops.CHAIN)
    store.write_points(comparison_points(sold, shops.CHAIN, yesterday), "day")
    of_shops = Shops(shops.CHAIN, sold, till, checks, levels)
    write_figures(of_shops, store, first=shops.FIRST, last=yesterday, now=shops.NOW)
    source.close()
    store.close()

    first = yesterday - timedelta(days=PERIOD_DAYS - 1)
    worked_out = TillTallies(WindowTallies(Sent(windows), shops.CHAIN), till, shops.CHAIN)
    found = {
        role: worked_out.tallies(list(shops.CHAIN.with_role(role)), first, yesterday, role)
        for role in shops.CHAIN.roles
    }
    return World(
        windows=windows,
        health=[m for m in others if isinstance(m, HealthMessage)],
        status=[m for m in others if isinstance(m, StatusMessage)],
        alerts=[m for m in others if isinstance(m, AlertMessage)],
        notices=[m for m in others if isinstance(m, NoticeMessage)],
        acknowledgements=shops.acknowledgements(),
        letters=[(windows[0].site, windows[0].device, reason) for reason in letters],
        letters_at=LEARNED,
        again=again,
        tallies=[tally for tallies in found.values() for tally in tallies],
        floors={
            (name, role): worked_out.floor(name, first, yesterday, role)
            for name in shops.CHAIN.sites
            for role in shops.CHAIN.sites[name].roles
        },
        comparisons={
            (role, name): compared(tallies, role, name, first, yesterday)
            for role, tallies in found.items()
            for name in (
                *metrics_of(tallies),
                *(one.name for one in formulas_of(shops.CHAIN.formulas, tallies)),
            )
        },
        sold=list(shop_sales.takings(shops.CHAIN, shops.FIRST, yesterday)),
        checks=checks,
        source=worked_out,
        daily={
            (site.name, role): every_day(
                worked_out, [site], first - timedelta(days=PERIOD_DAYS), yesterday, role
            )
            for site in shops.CHAIN.sites.values()
            for role in site.roles
        },
        quarters={
            (site.name, role): worked_out.quarters(site.name, shops.FIRST, yesterday, role)
            for site in shops.CHAIN.sites.values()
            for role in site.roles
        },
    )


def came_again(store: InfluxStore, again: list[WindowMessage]) -> None:
    """Deliver these windows, and then once more as often as they are in the list."""
    intake = Intake(store, lambda _: None, lambda _: None, clock=ManualClock(shops.NOW), min_k=1)
    before = {(one.site, one.device, one.start): one for one in again}
    *others, last = *before.values(), *again
    for window in others:
        intake.submit(Delivery(topic(window), encode(window), lambda: None))
    intake.submit(Delivery(topic(last), encode(last), intake.stop))
    intake.run()


def compared(tallies: list[Tally], role: Role, metric: str, first: date, last: date) -> Comparison:
    sites = shops.CHAIN.with_role(role)
    filled = with_silent_days(tallies, sites.values(), days(first, last), role)
    known = metric_named(metric, formulas=shops.CHAIN.formulas)
    return compare(filled, known, sites=sites, role=role, first=first, last=last)
