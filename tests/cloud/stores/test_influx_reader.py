"""What pages read of InfluxDB is what they read of an embedded store with the same messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.domain.count_check import Sums
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks, judged
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.influxql import InfluxQL
from cloud.stores.store import DeadLetter
from cloud.stores.tallies import InfluxTallies
from cloud.stores.window_tallies import WindowTallies
from common.wire import Message
from tests.cloud.reports.weeks import a_chain
from tests.cloud.stores.embedded_samples import DAY
from tests.support.clock import ManualClock
from tests.support.door import DOOR, check_of, door_windows, taps_at
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, alert, health, notice, status, window, with_clips

pytestmark = pytest.mark.influxdb


@pytest.fixture
def writer(influxdb: InfluxDB, clock: ManualClock) -> Iterator[InfluxStore]:
    opened = InfluxStore(
        **influxdb.address,
        org=influxdb.org,
        timeout_s=5.0,
        clock=clock,
    )
    yield opened
    opened.close()


@pytest.fixture
def reader(influxdb: InfluxDB, writer: InfluxStore) -> Iterator[InfluxReader]:
    asking = InfluxQL(**influxdb.address, timeout_s=5.0)
    yield InfluxReader(asking, writer)
    asking.close()


def test_a_count_check_is_compared_with_the_windows_in_influxdb(
    reader: InfluxReader, writer: InfluxStore, clock: ManualClock, tmp_path: Path
) -> None:
    moments = [10.0 + 20 * number for number in range(36)]
    writer.write([health(), *door_windows([at + 4 for at in moments[6:]], MORNING, 14)])
    with closing(CheckFile(tmp_path / "checks.sqlite")) as file:
        check = check_of(12)
        file.start(check)
        file.add(check.id, taps_at(moments))
        file.end(check.id, MORNING + timedelta(minutes=12))
        CountChecks(file, reader, clock).look("shop")
        (one,) = judged(file, "shop")
        assert (one.state, file.doors("shop")) == ("holds", [DOOR])
        assert one.check.sums["entries"] == Sums(36, 30, 30, 0)
        writer.write([health(at=MORNING + timedelta(minutes=20), config="f" * 12)])
        CountChecks(file, reader, clock).look("shop")
        assert judged(file, "shop")[0].state == "void"


def test_an_empty_database_knows_nothing(reader: InfluxReader) -> None:
    assert (reader.sites(), reader.devices("shop"), reader.notices("shop")) == ([], [], [])
    assert (reader.latest("shop"), reader.dead_letters(5), reader.windows("shop", *DAY)) == (None, [], [])


def test_both_stores_tell_the_same_of_devices_and_notices(
    reader: InfluxReader, writer: InfluxStore, clock: ManualClock, tmp_path: Path
) -> None:
    later = MORNING + timedelta(minutes=1)
    messages: list[Message] = [
        window(0),
        window(1, device="back"),
        status(online=True),
        status(online=False, device="back"),
        health(fps=9.0),
        health(at=later, fps=8.0, throttled=True, disk_free_mb=100.0),
        alert(active=True),
        alert(active=True, fault="clock"),
        alert(active=False, fault="clock", at=later),
        notice(),
        notice(name="desk", rule="nobody_at_desk", count=None, limit=None, at=later),
        notice(name="over"),
        notice(name="over", active=False, at=later),
    ]
    writer.write(messages)
    embedded = EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)
    embedded.write(messages)
    expected = embedded.devices("shop")
    found = reader.devices("shop")
    for one, other in zip(found, expected, strict=True):
        assert (one.device, one.online, one.since) == (other.device, other.online, other.since)
        assert (one.software, one.model, one.alerts) == (other.software, other.model, other.alerts)
        assert one.health == other.health
    # The time of the device, not that of the arrival.
    assert [one.last_seen for one in found] == [window(1).end, later]
    assert reader.notices("shop") == embedded.notices("shop")
    assert [one.has_end for one in reader.notices("shop")] == [False, True]
    assert reader.sites() == embedded.sites()
    assert reader.windows("shop", *DAY) == embedded.windows("shop", *DAY)
    assert reader.latest("shop") == embedded.latest("shop")
    embedded.close()


def test_both_stores_tell_the_same_of_clips(
    reader: InfluxReader, writer: InfluxStore, influxdb: InfluxDB, clock: ManualClock, tmp_path: Path
) -> None:
    influxql = InfluxQL(**influxdb.address, timeout_s=5.0)
    messages: list[Message] = [window(0), window(2, cohort=with_clips())]
    messages.append(window(2, device="back", cohort=with_clips()))
    writer.write(messages)
    embedded = EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)
    embedded.write(messages)
    of_influx, of_embedded = InfluxTallies(influxql), WindowTallies(embedded, a_chain())
    told = {(one.device, one.at): one.clips for one in of_embedded.clips("shop", *DAY)}
    assert told == {(device, window(2).start): with_clips().clips for device in ("back", "door")}
    assert {(one.device, one.at): one.clips for one in of_influx.clips("shop", *DAY)} == told
    assert of_influx.clips("other", *DAY) == []
    influxql.close()
    (window_of,) = reader.windows("shop", MORNING + timedelta(minutes=2), MORNING + timedelta(minutes=3))[:1]
    assert window_of.cohort is not None
    assert window_of.cohort.clips == with_clips().clips
    embedded.close()


def test_dead_letters_come_newest_first(reader: InfluxReader, writer: InfluxStore) -> None:
    for minute in range(3):
        at = MORNING + timedelta(minutes=minute)
        writer.record_dead_letter(DeadLetter(at, "shop", "door", "a/topic", f"reason {minute}", b"{"))
    assert [letter.reason for letter in reader.dead_letters(2)] == ["reason 2", "reason 1"]
