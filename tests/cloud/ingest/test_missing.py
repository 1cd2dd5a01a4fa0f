"""Head office hears of windows that are missing: once, when none comes by itself any more, and when they have come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cloud.config import NoticeSettings
from cloud.domain.notices import Event
from cloud.ingest.missing import LOOKED_AT, SETTLED, Missing, telling_missing
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.numbers import InfluxNumbers
from common.wire import WindowMessage
from tests.cloud.ingest.receiver import Receiver
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, window


class Office:
    """A store, the clock, and what head office was told of it: type and text of each event."""

    def __init__(self, store: EmbeddedStore, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.events: list[Event] = []
        self._missing = Missing(store, self.events.append, clock)

    def look(self, *, after: timedelta) -> list[tuple[str, str]]:
        """What is told when it is looked so long after the morning began."""
        self.clock.time = MORNING + after
        self.events.clear()
        self._missing.look()
        bodies = [json.loads(event.body) for event in self.events]
        return [(body["type"], body["data"]["text"]) for body in bodies]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = ManualClock()
    with closing(EmbeddedStore(tmp_path / "store.sqlite", retention_days=30, clock=clock)) as store:
        yield Office(store, clock)


TEXT = "shop/door, camera front: 3 windows are missing between 2026-03-02 08:01 and 2026-03-02 08:05 UTC"
GAP = [window(0), window(1), window(5)]
SETTLES = timedelta(minutes=5) + SETTLED


def test_a_gap_is_told_once_and_only_when_nothing_comes_any_more_by_itself(office: Office) -> None:
    office.store.write(GAP)
    assert office.look(after=SETTLES - timedelta(minutes=1)) == []
    assert office.look(after=SETTLES) == [("windows.missing", TEXT)]
    assert office.look(after=SETTLES + timedelta(hours=1)) == []


def test_its_end_is_told_once_when_all_of_it_has_come(office: Office) -> None:
    office.store.write(GAP)
    office.look(after=SETTLES)
    office.store.write([window(3)])
    assert office.look(after=SETTLES) == []
    office.store.write([window(2), window(4)])
    assert office.look(after=SETTLES) == [("windows.found", f"no longer so: {TEXT}")]
    assert office.look(after=SETTLES) == []


def test_what_comes_in_time_is_never_told(office: Office) -> None:
    office.store.write(GAP)
    office.look(after=timedelta(minutes=6))
    office.store.write([window(minute) for minute in (2, 3, 4)])
    assert office.look(after=SETTLES) == []


def test_a_gap_that_is_too_old_to_be_seen_is_not_called_found(office: Office) -> None:
    office.store.write([*GAP, *(window(minute) for minute in range(6, 9))])
    office.look(after=SETTLES)
    assert office.look(after=LOOKED_AT + timedelta(minutes=3)) == []


def test_every_gap_is_told_though_not_all_at_once(office: Office) -> None:
    gaps: list[WindowMessage] = []
    for number in range(70):
        gaps += [window(minute, site=f"shop-{number}") for minute in (0, 2)]
    office.store.write(gaps)
    first, second = (office.look(after=SETTLES + timedelta(hours=hour)) for hour in (0, 1))
    assert len(first) == 50
    assert len({text for _, text in first + second}) == 70


def test_two_bridges_tell_it_with_the_same_id(office: Office) -> None:
    office.store.write(GAP)
    other = Office(office.store, office.clock)
    office.look(after=SETTLES)
    other.look(after=SETTLES + timedelta(minutes=30))
    assert [event.id for event in office.events] == [event.id for event in other.events] != []


def test_the_webhook_of_the_settings_is_told(office: Office) -> None:
    office.store.write(GAP)
    office.clock.time = MORNING + SETTLES
    with Receiver() as receiver:
        settings = NoticeSettings(url=receiver.url, secret=SecretStr("whsec_" + "QUJD" * 10))
        with telling_missing(settings, office.store, office.clock, every_s=0.01):
            until(lambda: receiver.calls, "the event")
    (call,) = receiver.calls
    assert json.loads(call.body)["data"] == {
        "site": "shop",
        "device": "door",
        "camera": "front",
        "missing": 3,
        "after": "2026-03-02T08:01:00+00:00",
        "before": "2026-03-02T08:05:00+00:00",
        "text": TEXT,
    }


@pytest.mark.influxdb
def test_influxdb_tells_the_same_numbers(influxdb: InfluxDB, office: Office) -> None:
    with closing(
        InfluxStore(**influxdb.address, org=influxdb.org, timeout_s=10, clock=office.clock)
    ) as store:
        store.write(GAP)
    office.clock.time = MORNING + SETTLES
    told: list[Event] = []
    with closing(InfluxQL(**influxdb.address, timeout_s=10)) as influxql:
        numbers = InfluxNumbers(influxql)
        assert numbers.sites() == ["shop"]
        Missing(numbers, told.append, office.clock).look()
    assert [json.loads(event.body)["data"]["text"] for event in told] == [TEXT]
