"""The page reads the same from a real InfluxDB as from the embedded store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.domain.notices import is_current
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.store import DeadLetter
from common.wire import Message
from tests.cloud.rollup.both_stores import Both
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, alert, health, notice, status, window

pytestmark = pytest.mark.influxdb
LATER = MORNING + timedelta(minutes=5)


@pytest.fixture
def both(influxdb: InfluxDB, tmp_path: Path) -> Iterator[Both]:
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as opened:
        yield opened


@pytest.fixture
def reader(both: Both) -> InfluxReader:
    return InfluxReader(both.influxql, both.influx)


def test_an_empty_store_has_nothing(reader: InfluxReader) -> None:
    assert (reader.sites(), reader.devices("shop"), reader.notices("shop")) == ([], [], [])
    assert (reader.latest("shop"), reader.dead_letters(5)) == (None, [])


def test_windows_are_the_same(both: Both, reader: InfluxReader) -> None:
    both.write([window(0), window(1), window(1, camera="back")])
    end = MORNING + timedelta(hours=1)
    assert reader.sites() == both.embedded.sites() == ["shop"]
    assert reader.windows("shop", MORNING, end) == both.embedded.windows("shop", MORNING, end)
    assert reader.latest("shop") in both.embedded.windows("shop", LATER - timedelta(minutes=4), end)
    assert reader.latest("elsewhere") is None


def test_devices_are_the_same_but_for_their_last_word(both: Both, reader: InfluxReader) -> None:
    """InfluxDB does not keep when a message arrived."""
    messages: list[Message] = [
        status(online=True),
        health(),
        health(at=LATER, fps=7.0),
        alert(active=True),
        alert(active=True, fault="clock"),
        alert(active=False, fault="clock", at=LATER),
        status(online=True, device="only-online"),
    ]
    both.embedded.write(messages)
    both.influx.write(messages)
    both.write([window(7)])
    found = reader.devices("shop")
    assert [replace(one, last_seen=None) for one in found] == [
        replace(one, last_seen=None) for one in both.embedded.devices("shop")
    ]
    assert [one.last_seen for one in found] == [MORNING + timedelta(minutes=7), None]


def test_notices_are_those_that_go_on(both: Both, reader: InfluxReader) -> None:
    over = notice(name="over")
    messages = [notice(), over, over.model_copy(update={"active": False, "count": None, "at": LATER})]
    both.embedded.write(messages)
    both.influx.write(messages)
    both.write([window(0, k=5)])
    assert reader.notices("shop") == both.embedded.notices("shop") == [notice()]


def test_without_a_window_a_notice_is_shown_for_the_shorter_time(both: Both, reader: InfluxReader) -> None:
    """Its k is not stored, so nobody knows whether its end will be told."""
    both.influx.write([notice()])
    (found,) = reader.notices("shop")
    assert is_current(found, MORNING + timedelta(minutes=14))
    assert not is_current(found, MORNING + timedelta(minutes=16))


def test_dead_letters_are_read(both: Both, reader: InfluxReader) -> None:
    both.influx.record_dead_letter(DeadLetter(MORNING, "shop", "door", "t", "no seq", b"{}"))
    (found,) = reader.dead_letters(5)
    assert (found.site, found.reason) == ("shop", "no seq")
