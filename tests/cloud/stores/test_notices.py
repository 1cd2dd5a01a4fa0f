"""Notices in both stores: what began and is not over, and every one of them in InfluxDB."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from tests.cloud.stores.influx_server import Influx
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, notice

LATER = MORNING + timedelta(minutes=5)


def test_a_notice_is_shown_until_its_end(store: EmbeddedStore) -> None:
    long, empty = notice(), notice(name="empty", rule="zone_empty", limit=None, count=0, at=LATER)
    store.write([long, empty, notice(site="elsewhere")])
    assert store.notices("shop") == [empty, long], "newest first"
    store.write([notice(active=False, at=LATER)])
    assert store.notices("shop") == [empty]
    store.write([long])
    assert store.notices("shop") == [empty], "delivered again, or late, it is no news"
    (state,) = store.devices("shop")
    assert state.last_seen is not None


def test_a_file_from_before_the_notices_takes_them_and_gives_them_back(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "store.sqlite"
    EmbeddedStore(path, retention_days=30, clock=clock).close()
    with sqlite3.connect(path) as before:
        before.execute("DROP TABLE notices")
    before.close()
    store = EmbeddedStore(path, retention_days=30, clock=clock)
    store.write([notice()])
    other = EmbeddedStore(tmp_path / "other.sqlite", retention_days=30, clock=clock)
    other.take_over(path)
    assert other.notices("shop") == store.notices("shop") == [notice()]
    store.close()
    other.close()


def test_every_notice_is_a_point_and_what_is_not_told_is_absent(
    influx: Influx, influx_store: InfluxStore
) -> None:
    few = notice(name="few", rule="nobody_at_desk", limit=None, count=None, at=LATER)
    influx_store.write([notice(), notice(active=False, at=LATER), few])
    long = "notice,device=door,notice=long-queue,site=shop above=4i"
    assert influx.bodies[0].splitlines() == [
        f'{long},active=true,k=5i,people=6i,rule="queue_over" 1772438400000000000',
        f'{long},active=false,k=5i,rule="queue_over" 1772438700000000000',
        'notice,device=door,notice=few,site=shop active=true,k=5i,rule="nobody_at_desk" 1772438700000000000',
    ]
