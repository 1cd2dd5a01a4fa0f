"""Open notices and their acknowledgements, in the embedded store and in a real InfluxDB alike."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.domain.notices import Acknowledgement
from cloud.ingest.acknowledging import acknowledge
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, notice

LATER = MORNING + timedelta(minutes=5)
FEW: dict[str, Any] = {"name": "desk", "rule": "nobody_at_desk", "limit": None, "count": None}
Book = EmbeddedStore | InfluxStore


@pytest.fixture(params=["embedded", pytest.param("influx", marks=pytest.mark.influxdb)])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    clock = ManualClock(LATER)
    store: Book
    if request.param == "embedded":
        store = EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)
    else:
        influxdb: InfluxDB = request.getfixturevalue("influxdb")
        store = InfluxStore(
            **influxdb.address,
            org=influxdb.org,
            timeout_s=10,
            clock=clock,
        )
    yield store
    store.close()


def test_open_notices_come_back_as_they_were_newest_first(book: Book) -> None:
    long, desk, other = notice(), notice(at=LATER, **FEW), notice(site="other")
    book.write([long, desk, other, notice(name="over"), notice(name="over", active=False, at=LATER)])
    assert book.notices("shop") == [desk, long]
    assert sorted(book.notices(), key=lambda one: one.site) == [other, desk, long]
    assert book.notices("nowhere") == []


def test_an_acknowledgement_comes_back_as_it_was_and_the_last_one_counts(book: Book) -> None:
    book.write([notice(), notice(at=LATER, **FEW)])
    one = acknowledge(book, site="shop", device="door", name="long-queue", who="Ana \u017d, 2", at=LATER)
    assert one == Acknowledgement("shop", "door", "long-queue", MORNING, "Ana \u017d, 2", LATER)
    assert book.acknowledgements() == [one]
    book.write([notice(active=False, at=LATER), notice(at=LATER + timedelta(seconds=1))])
    at = LATER + timedelta(seconds=2)
    again = acknowledge(book, site="shop", device="door", name="long-queue", who="Ben", at=at)
    desk = acknowledge(book, site="shop", device="door", name="desk", who="Ben", at=at - timedelta(seconds=1))
    assert book.acknowledgements("shop") == [again, desk]
    assert book.acknowledgements("other") == []


def test_a_restored_file_brings_its_acknowledgements_and_one_from_before_them_has_none(
    tmp_path: Path,
) -> None:
    clock = ManualClock(LATER)
    one, other = (EmbeddedStore(tmp_path / name, retention_days=30, clock=clock) for name in ("one", "other"))
    one.write([notice()])
    kept = acknowledge(one, site="shop", device="door", name="long-queue", who="Ana", at=LATER)
    other.take_over(tmp_path / "one")
    assert other.acknowledgements() == [kept]
    one.close()
    with closing(sqlite3.connect(tmp_path / "one")) as before:
        before.execute("DROP TABLE acknowledgements")
    assert other.take_over(tmp_path / "one") == 0
    with closing(EmbeddedStore(tmp_path / "one", retention_days=30, clock=clock)) as opened:
        assert opened.acknowledgements() == []
    other.close()
