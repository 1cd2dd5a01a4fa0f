"""The InfluxDB store against the real engine: what was written is what InfluxQL reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cloud.stores.influx import InfluxStore
from cloud.stores.store import StoreRejected, StoreUnavailable
from tests.influxdb import DATABASE, POLICY, InfluxDB, influxdb
from tests.messages import MORNING, SetClock, alert, cohort, health, status, window


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with influxdb(tmp_path_factory.mktemp("influxdb")) as running:
        yield running


@pytest.fixture
def store(server: InfluxDB) -> Iterator[InfluxStore]:
    server.query(f"DROP DATABASE {DATABASE}")
    server.query(f"CREATE DATABASE {DATABASE} WITH DURATION INF NAME {POLICY}")
    opened = open_store(server)
    yield opened
    opened.close()


def open_store(server: InfluxDB, *, token: str | None = None, bucket: str | None = None) -> InfluxStore:
    return InfluxStore(
        url=server.url,
        token=token or server.token,
        org="-",
        bucket=bucket or server.bucket,
        timeout_s=5.0,
        clock=SetClock(MORNING + timedelta(hours=1)),
    )


def test_what_is_delivered_twice_counts_once(server: InfluxDB, store: InfluxStore) -> None:
    messages = [
        window(minute, visits=minute % 7, camera=name) for minute in range(60) for name in ("in", "out")
    ]
    store.write(messages[:80])
    late = [message.model_copy(update={"is_historical": True}) for message in messages[40:]]
    store.write(late)
    each = sum(minute % 7 for minute in range(60))
    rows = server.query("SELECT count(visits), sum(visits) FROM window GROUP BY camera")
    assert [(row["camera"], row["count"], row["sum"]) for row in rows] == [
        ("in", 60, each),
        ("out", 60, each),
    ]


def test_a_cohort_can_be_asked_for_and_a_withheld_cell_is_no_number(
    server: InfluxDB, store: InfluxStore
) -> None:
    store.write([window(0, visits=8, cohort=cohort()), window(1, visits=8, cohort=cohort())])
    (genders,) = server.query("SELECT sum(female) AS female, sum(male) AS male FROM cohort_gender")
    assert (genders["female"], genders["male"]) == (16, 0)
    pyramid = server.query('SELECT sum("25-34") FROM cohort_gender_age_band GROUP BY gender')
    assert [(row["gender"], row["sum"]) for row in pyramid] == [("female", 16)]
    assert server.query('SELECT "unknown" FROM cohort_age_band') == []
    zones = server.query("SELECT sum(visits) FROM cohort_zone GROUP BY zone")
    assert [(row["zone"], row["sum"]) for row in zones] == [("shelf", 12)]
    (dwell,) = server.query("SELECT sum(dwell_sum_s) / sum(visits) AS mean FROM cohort")
    assert dwell["mean"] == pytest.approx(96.5 / 8)


def test_the_last_word_on_a_device_is_the_newest_point(server: InfluxDB, store: InfluxStore) -> None:
    will = status(online=False, since=MORNING - timedelta(milliseconds=3))
    store.write([status(online=True), health(fps=9.5), alert(active=True), will])
    (row,) = server.query("SELECT last(online) AS online FROM status")
    assert row["online"] is False
    (row,) = server.query("SELECT last(fps) AS fps FROM health")
    assert row["fps"] == 9.5
    (row,) = server.query("SELECT last(active) AS active FROM alert GROUP BY fault")
    assert (row["fault"], row["active"]) == ("camera", True)


def test_a_camera_costs_few_series(server: InfluxDB, store: InfluxStore) -> None:
    store.write([window(minute, visits=8, cohort=cohort()) for minute in range(30)])
    assert len(server.query("SHOW SERIES")) == 8


def test_a_wrong_password_and_a_missing_database_keep_the_counts(
    server: InfluxDB, store: InfluxStore
) -> None:
    for other in (open_store(server, token="footlight:wrong"), open_store(server, bucket="nowhere/kept")):
        with pytest.raises(StoreUnavailable):
            other.write([window(0)])
        other.close()


def test_a_point_older_than_the_retention_is_rejected_and_its_neighbours_are_not(
    server: InfluxDB, store: InfluxStore
) -> None:
    server.query(f"ALTER RETENTION POLICY {POLICY} ON {DATABASE} DURATION 7d SHARD DURATION 1d")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    fresh = window(0).model_copy(update={"start": now})
    old = window(1).model_copy(update={"start": now - timedelta(days=30)})
    with pytest.raises(StoreRejected, match="beyond retention policy"):
        store.write([fresh, old])
    assert len(server.query("SELECT visits FROM window")) == 1


def test_a_field_of_another_type_is_rejected(server: InfluxDB, store: InfluxStore) -> None:
    server.write("window,site=shop,device=door,camera=front k=0.5 1772438400000000000")
    with pytest.raises(StoreRejected, match="field type conflict"):
        store.write([window(0)])
