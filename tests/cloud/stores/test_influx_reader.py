"""The page reads the same from a real InfluxDB as from the embedded store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.domain.notices import Acknowledgement
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.store import DeadLetter
from common.wire import Message
from tests.cloud.rollup.both_stores import LATER as LATEST
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


def test_notices_and_who_takes_care_of_them_are_the_same(both: Both, reader: InfluxReader) -> None:
    at = LATEST - timedelta(minutes=5)
    messages: list[Message] = [notice(at=at), notice(name="over", at=at)]
    messages.append(notice(name="over", active=False, at=LATEST))
    taken = Acknowledgement("shop", "door", "long-queue", began=at, who="ada", at=LATEST)
    for store in (both.embedded, both.influx):
        store.write(messages)
        store.record_acknowledgement(taken)
    assert reader.notices("shop") == both.embedded.notices("shop") == [notice(at=at)]
    assert reader.acknowledgements("shop") == both.embedded.acknowledgements("shop") == [taken]


def test_dead_letters_are_read(both: Both, reader: InfluxReader) -> None:
    both.influx.record_dead_letter(DeadLetter(MORNING, "shop", "door", "t", "no seq", b"{}"))
    (found,) = reader.dead_letters(5)
    assert (found.site, found.reason) == ("shop", "no seq")
