"""Everybody of a simulated run is in each store once, though windows come more than once and in any order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from cloud.ingest.intake import Delivery, Intake
from cloud.stores.store import Store
from cloud.stores.tallies import InfluxTallies
from cloud.stores.window_tallies import WindowTallies
from common.wire import WindowMessage, encode, topic
from tests.cloud.rollup.both_stores import Both
from tests.cloud.simulation.fleets import LAST_DAY, NOON, fleet, truths, windows
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB

pytestmark = [pytest.mark.influxdb, pytest.mark.slow]

AFTER = NOON + timedelta(days=1)


def deliver(store: Store, come: list[WindowMessage]) -> None:
    """Bring the windows the way of the bridge."""
    *others, last = come
    intake = Intake(store, lambda _: None, lambda _: None, clock=ManualClock(AFTER), capacity=None, min_k=1)
    for window in others:
        intake.submit(Delivery(topic(window), encode(window), lambda: None))
    intake.submit(Delivery(topic(last), encode(last), intake.stop))
    intake.run()
    assert (intake.stats.stored, intake.stats.dead) == (len(come), 0)


def people(of: Iterable[WindowMessage]) -> dict[tuple[str, str, datetime], int]:
    """The visits of each window."""
    return {(one.device, one.camera, one.start): one.totals.visits for one in of}


def test_everybody_is_counted_once_in_both_stores(influxdb: InfluxDB, tmp_path: Path) -> None:
    simulated, dice = fleet(sites=4, days=2, now=AFTER), random.Random(1)
    site_days, chain = list(simulated.site_days()), simulated.chain
    made = windows(site_days)
    come = [one for one in made for _ in range(dice.choice((1, 1, 1, 2, 3)))]
    dice.shuffle(come)
    first, total = LAST_DAY - timedelta(days=1), 0
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        for store in (both.embedded, both.influx):
            deliver(store, come)
        both.roll_up(chain, first, LAST_DAY, NOON + timedelta(days=4))
        for name in chain.sites:
            ever = first - timedelta(days=2), LAST_DAY + timedelta(days=2)
            span = [datetime.combine(day, time(), UTC) for day in ever]
            stored = both.embedded.windows(name, *span), both.windows.windows(name, *span)
            of_site = people(one for one in made if one.site == name)
            assert [people(windows) for windows in stored] == [of_site, of_site]
            assert [len(windows) for windows in stored] == [len(of_site)] * 2
            again = both.embedded.duplicates(name, AFTER, AFTER + timedelta(seconds=1))
            assert sum(again.values()) == sum(one.site == name for one in come) - len(of_site)
        for source in (WindowTallies(both.embedded, chain), InfluxTallies(both.influxql)):
            for role in chain.roles:
                counted = source.tallies(list(chain.with_role(role)), first, LAST_DAY, role)
                found = {(one.site, one.day): (one.visits, one.viewers) for one in counted}
                for truth in truths(site_days):
                    if truth.role == role and truth.visits:
                        assert found[truth.site, truth.day] == (truth.visits, truth.viewers)
                        total += truth.visits
    assert total > 2 * 1000
