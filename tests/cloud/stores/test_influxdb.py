"""The InfluxDB store against the real engine: what was written is what InfluxQL reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from cloud.ingest.intake import Delivery, Intake
from cloud.stores.influx import InfluxStore
from cloud.stores.influxql import InfluxQL
from cloud.stores.store import DeadLetter, StoreRejected, StoreUnavailable
from cloud.stores.windows import InfluxWindows
from common.clock import SystemClock
from common.vocabulary import EXPRESSIONS
from common.wire import Heat, encode, topic
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import (
    MORNING,
    alert,
    cohort,
    first_words,
    health,
    probe,
    status,
    window,
)

pytestmark = pytest.mark.influxdb


@pytest.fixture
def store(influxdb: InfluxDB) -> Iterator[InfluxStore]:
    opened = open_store(influxdb)
    yield opened
    opened.close()


def open_store(influxdb: InfluxDB, *, token: str | None = None, bucket: str | None = None) -> InfluxStore:
    return InfluxStore(
        url=influxdb.url,
        token=token or influxdb.token,
        org=influxdb.org,
        bucket=bucket or influxdb.bucket,
        timeout_s=5.0,
        clock=ManualClock(MORNING + timedelta(hours=1)),
    )


def test_what_is_delivered_twice_counts_once(influxdb: InfluxDB, store: InfluxStore) -> None:
    messages = [
        window(minute, visits=minute % 7, camera=name) for minute in range(60) for name in ("in", "out")
    ]
    store.write(messages[:80])
    late = [message.model_copy(update={"is_historical": True}) for message in messages[40:]]
    store.write(late)
    each = sum(minute % 7 for minute in range(60))
    rows = influxdb.query("SELECT count(visits), sum(visits) FROM window GROUP BY camera")
    assert [(row["camera"], row["count"], row["sum"]) for row in rows] == [
        ("in", 60, each),
        ("out", 60, each),
    ]


def test_a_cohort_can_be_asked_for_and_a_withheld_cell_is_no_number(
    influxdb: InfluxDB, store: InfluxStore
) -> None:
    store.write([window(0, visits=8, cohort=cohort()), window(1, visits=8, cohort=cohort())])
    (genders,) = influxdb.query("SELECT sum(female) AS female, sum(male) AS male FROM cohort_gender")
    assert (genders["female"], genders["male"]) == (16, 0)
    pyramid = influxdb.query('SELECT sum("25-34") FROM cohort_gender_age_band GROUP BY gender')
    assert [(row["gender"], row["sum"]) for row in pyramid] == [("female", 16)]
    assert influxdb.query('SELECT "unknown" FROM cohort_age_band') == []
    zones = influxdb.query("SELECT sum(visits) FROM cohort_zone GROUP BY zone")
    assert [(row["zone"], row["sum"]) for row in zones] == [("shelf", 16), ("till", 16)]
    (dwell,) = influxdb.query("SELECT sum(dwell_sum_s) / sum(visits) AS mean FROM cohort")
    assert dwell["mean"] == pytest.approx(96.5 / 8)


def test_places_come_back_as_they_were_and_a_withheld_one_is_missing(
    influxdb: InfluxDB, store: InfluxStore
) -> None:
    faces = dict.fromkeys((*EXPRESSIONS, "unknown", "not_seen"), 0) | {"happy": 8}
    tea = cohort().targets["tea"].model_copy(update={"expression": faces | {"sad": None}})
    sent = cohort().model_copy(
        update={
            "targets": cohort().targets | {"tea": tea},
            "heat": Heat(
                columns=3,
                rows=2,
                standing_s=(80, None, 90, None, 700, None),
                looking_s=(None,) * 4 + (120, None),
            ),
        }
    )
    message = window(0, visits=8).model_copy(update={"cohort": sent})
    store.write([message])
    reading = InfluxQL(**influxdb.address, timeout_s=5.0)
    (found,) = InfluxWindows(reading).windows("shop", MORNING, MORNING + timedelta(minutes=1))
    reading.close()
    assert found.totals == message.totals
    assert found.cohort is not None
    assert found.cohort.zones.keys() == sent.zones.keys() - {"lift"}
    for name, zone in found.cohort.zones.items():
        assert _without_zeros(zone) == _without_zeros(sent.zones[name])
    for name, target in found.cohort.targets.items():
        assert _without_zeros(target) == _without_zeros(sent.targets[name])
    assert found.cohort.heat == sent.heat
    assert found.cohort.ways == sent.ways


def _without_zeros(model: BaseModel) -> Any:
    """A label that is missing means 0; one of times that are withheld, or of no list, is null."""

    def shown(table: Any) -> Any:
        return (
            {key: shown(value) for key, value in table.items() if value} if isinstance(table, dict) else table
        )

    return shown(model.model_dump())


def test_the_last_word_on_a_device_is_the_newest_point(influxdb: InfluxDB, store: InfluxStore) -> None:
    will = status(online=False, since=MORNING - timedelta(milliseconds=3))
    store.write([status(online=True), health(fps=9.5), alert(active=True), will])
    (row,) = influxdb.query("SELECT last(online) AS online FROM status")
    assert row["online"] is False
    (row,) = influxdb.query("SELECT last(fps) AS fps FROM health")
    assert row["fps"] == 9.5
    (row,) = influxdb.query("SELECT last(active) AS active FROM alert GROUP BY fault")
    assert (row["fault"], row["active"]) == ("camera", True)


@pytest.mark.parametrize("camera", [None, "still no camera"])
def test_an_alert_of_a_run_that_crashed_ends_with_the_first_words_of_the_next(
    influxdb: InfluxDB, store: InfluxStore, camera: str | None
) -> None:
    crashed = alert(active=True, at=MORNING)
    restarted = first_words(MORNING + timedelta(minutes=5), camera=camera)
    store.write([status(online=True), crashed, status(online=True, boot_id="fedcba98"), *restarted])
    store.write([crashed])
    rows = influxdb.query("SELECT last(active) AS active FROM alert GROUP BY fault")
    expected = {
        "camera": camera is not None,
        "moved": False,
        "picture": False,
        "dark": False,
        "outbox": False,
        "clock": False,
        "config": False,
    }
    assert {row["fault"]: row["active"] for row in rows} == expected


def test_a_probe_is_there_once_it_was_written(influxdb: InfluxDB, store: InfluxStore) -> None:
    at = MORNING + timedelta(microseconds=1)
    assert not store.contains(probe(1, at=at))
    store.write([probe(1, at=at), probe(2, at=at, device="shelf")])
    assert store.contains(probe(1, at=at))
    assert not store.contains(probe(2, at=at))
    assert not store.contains(probe(1))


def test_a_camera_costs_few_series(influxdb: InfluxDB, store: InfluxStore) -> None:
    store.write([window(minute, visits=8, cohort=cohort()) for minute in range(30)])
    assert influxdb.series() == 18, "8 of the camera, 10 of its places"


def test_a_wrong_password_and_a_missing_database_keep_the_counts(
    influxdb: InfluxDB, store: InfluxStore
) -> None:
    for other in (open_store(influxdb, token="footlight:wrong"), open_store(influxdb, bucket="nowhere")):
        with pytest.raises(StoreUnavailable):
            other.write([window(0)])
        other.close()


def test_a_point_older_than_the_retention_is_rejected_and_its_neighbours_are_not(
    influxdb: InfluxDB, store: InfluxStore
) -> None:
    influxdb.keep(days=7)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    fresh = window(0).model_copy(update={"start": now})
    old = window(1).model_copy(update={"start": now - timedelta(days=30)})
    with pytest.raises(StoreRejected, match="retention policy"):
        store.write([fresh, old])
    assert len(influxdb.query("SELECT visits FROM window")) == 1


def test_windows_that_meet_a_field_of_another_type_are_kept_told_once_and_stored_when_it_is_gone(
    influxdb: InfluxDB, store: InfluxStore, caplog: pytest.LogCaptureFixture
) -> None:
    influxdb.write("window,site=shop,device=door,camera=front k=0.5 1772438400000000000")
    letters: list[DeadLetter] = []
    intake = Intake(
        store, letters.append, lambda _: None, clock=SystemClock(), retry_first_s=0.01, retry_most_s=0.01
    )
    acknowledged = threading.Semaphore(0)
    for minute in range(5):
        intake.submit(Delivery(topic(window(minute)), encode(window(minute)), acknowledged.release))
    thread = threading.Thread(target=intake.run)
    thread.start()
    until(lambda: intake.stats.retries > 3, "it is tried again")
    assert intake.stats.stored == 0
    influxdb.query("DROP MEASUREMENT window")
    until(lambda: intake.stats.stored == 5, "all windows are stored")
    intake.stop()
    thread.join(20)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert ["use a separate bucket for Footlight" in line for line in told] == [True]
    assert letters == []
    assert all(acknowledged.acquire(blocking=False) for _ in range(5))
    assert len(influxdb.query("SELECT k FROM window")) == 5


def test_dead_letters_can_be_read_back(influxdb: InfluxDB, store: InfluxStore) -> None:
    letters = [
        DeadLetter(
            at=MORNING + timedelta(minutes=minute),
            site="shop",
            device="door",
            topic="footlight/v1/shop/door/window",
            reason='not "JSON"\\',
            payload=b"\x00\xff{\n" * minute,
        )
        for minute in range(4)
    ]
    for letter in letters:
        store.record_dead_letter(letter)
    found = store.dead_letters(3)
    assert [(letter.at, letter.reason) for letter in found] == [
        (letter.at, letter.reason) for letter in reversed(letters[1:])
    ]
    assert found[0].payload.isascii()


def test_the_counts_of_one_device_can_be_deleted(influxdb: InfluxDB, store: InfluxStore) -> None:
    """With the statement of docs/storage.md, which 1.x and 2.x both take."""
    others = [window(0, device="other"), window(0, site="other")]
    store.write([window(0, visits=8, cohort=cohort()), health(), status(online=True), alert(active=True)])
    store.write(others)
    influxdb.query("DELETE WHERE site = 'shop' AND device = 'door'")
    left = influxdb.query("SELECT * FROM /.*/ GROUP BY *")
    assert {(row["site"], row["device"]) for row in left} == {("shop", "other"), ("other", "door")}
    store.write([window(1)])
    assert len(influxdb.query("SELECT visits FROM window WHERE site = 'shop' AND device = 'door'")) == 1
