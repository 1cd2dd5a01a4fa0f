"""Prometheus reads how devices and intake are doing, from this machine or with a token, with few labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloud.ingest.intake import Delivery, Intake
from cloud.ingest.metrics import IntakeMetrics, serving_metrics
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.influxql import InfluxQL
from cloud.stores.shops import OneBoxShops
from cloud.stores.store import DeviceState, StoreUnavailable
from cloud.web import metrics
from cloud.web.app import create_app
from common.errors import UserError
from common.wire import Coverage, Message, encode, topic
from tests.cloud.api.serving import TOKEN, OneToken, serving
from tests.support.brokers import free_port
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING, alert, health, status, window

NOW = MORNING + timedelta(hours=1, minutes=5)
MESSAGES: list[Message] = [
    status(online=True),
    health(at=MORNING + timedelta(minutes=50), fps=8.5, temperature_c=51.5),
    alert(active=True),
    *(window(minute) for minute in range(30)),
    *(window(minute, coverage=Coverage(share=0.5)) for minute in range(30, 60)),
    status(online=False, device="shelf"),
]

Found = dict[tuple[str, ...], float]


def read(text: str) -> Found:
    """Each sample by its name and the values of its labels."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path / "s.sqlite", retention_days=400, clock=clock)) as opened:
        opened.write(MESSAGES)
        yield opened


def scraped(reader: Any, clock: ManualClock, **headers: str) -> httpx.Response:
    shops = OneBoxShops(reader, ZoneInfo("Europe/Berlin"))
    app = create_app(reader, clock, "Europe/Berlin", access=OneToken(), shops=shops, only_api=True)
    with serving(app) as address:
        return httpx.get(f"{address}/metrics", headers=headers)


def test_the_state_of_every_device_is_told(store: EmbeddedStore, clock: ManualClock) -> None:
    answer = scraped(store, clock)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = read(answer.text)
    door, shelf = ("door", "shop"), ("shelf", "shop")
    assert found["footlight_store_up",] == 1
    assert found["footlight_devices",] == 2
    assert [found["footlight_device_online", *of] for of in (door, shelf)] == [1, 0]
    assert found["footlight_device_coverage_ratio", *door] == pytest.approx(0.75)
    assert found["footlight_device_coverage_ratio", *shelf] == 0
    assert found["footlight_device_fps", *door] == 8.5
    assert found["footlight_device_temperature_celsius", *door] == 51.5
    assert found["footlight_device_last_seen_timestamp_seconds", *door] == NOW.timestamp()
    assert found["footlight_device_alert", "door", "camera", "shop"] == 1
    assert ("footlight_device_fps", *shelf) not in found


@pytest.mark.influxdb
def test_both_stores_tell_the_same(store: EmbeddedStore, clock: ManualClock, influxdb: InfluxDB) -> None:
    of: dict[str, Any] = {
        **influxdb.address,
        "timeout_s": 5.0,
    }
    with (
        closing(InfluxStore(**of, org=influxdb.org, clock=clock)) as writer,
        closing(InfluxQL(**of)) as asking,
    ):
        writer.write(MESSAGES)
        other = read(scraped(InfluxReader(asking, writer), clock).text)
    mine = read(scraped(store, clock).text)
    seen = {key for key in mine if "last_seen" in key[0]}  # by the clock of the device there, by ours here
    assert {key: mine[key] for key in mine.keys() - seen} == {
        key: other[key] for key in other if "last_seen" not in key[0]
    }


def test_another_machine_needs_a_token(store: EmbeddedStore, clock: ManualClock) -> None:
    through_proxy = {"x-forwarded-for": "192.0.2.1"}
    assert scraped(store, clock, **through_proxy).status_code == 401
    assert scraped(store, clock, **through_proxy, **TOKEN).status_code == 200


class Away:
    """A store that cannot be read."""

    def fleet(self) -> list[DeviceState]:
        raise StoreUnavailable("locked")


class Many:
    """More devices than are told."""

    def fleet(self) -> list[DeviceState]:
        return [
            DeviceState("shop", f"d{n}", True, NOW, NOW, None, None, None, ())
            for n in range(metrics.MOST_DEVICES + 5)
        ]

    def watched_s(self, start: datetime, end: datetime) -> dict[tuple[str, str], float]:
        return {}


def test_a_store_that_is_away_is_a_figure_and_no_error(clock: ManualClock) -> None:
    answer = scraped(Away(), clock)
    assert (answer.status_code, read(answer.text)) == (200, {("footlight_store_up",): 0})


def test_the_number_of_labels_has_a_limit(clock: ManualClock) -> None:
    found = read(scraped(Many(), clock).text)
    assert found["footlight_devices",] == metrics.MOST_DEVICES + 5
    assert sum(key[0] == "footlight_device_online" for key in found) == metrics.MOST_DEVICES


def test_the_intake_counts_what_came_came_again_and_could_not_be_stored(
    store: EmbeddedStore, clock: ManualClock
) -> None:
    intake = Intake(store, lambda letter: None, lambda probe: None, clock=clock)
    acknowledged: list[int] = []

    def submit(message: Message, payload: bytes | None = None) -> None:
        intake.submit(
            Delivery(
                topic(message), payload or encode(message), lambda: acknowledged.append(len(acknowledged))
            )
        )

    for message in (window(60), window(61), window(60), health()):
        submit(message)
    submit(window(62), b"no window")
    port = free_port()
    with serving_metrics(port, lambda: intake.stats):
        waiting = read(httpx.get(f"http://127.0.0.1:{port}/metrics").text)
        assert waiting["footlight_intake_backlog",] == 5
        intake._settle(intake._take())
        found = read(httpx.get(f"http://127.0.0.1:{port}/metrics").text)
    assert {name: found[f"footlight_intake_{name}_total",] for name in (
        "received", "stored", "duplicates", "dead_letters",
    )} == {"received": 5, "stored": 4, "duplicates": 1, "dead_letters": 1}  # fmt: skip
    assert found["footlight_store_errors_total",] == 0
    assert len(acknowledged) == 5


def test_a_port_that_is_in_use_is_named(store: EmbeddedStore, clock: ManualClock) -> None:
    port = free_port()
    intake = Intake(store, lambda letter: None, lambda probe: None, clock=clock)
    with serving_metrics(port, lambda: intake.stats):  # noqa: SIM117 - the second one is refused
        with pytest.raises(UserError, match=rf"metrics.port: cannot listen on port {port}"):
            with serving_metrics(port, lambda: intake.stats):
                raise AssertionError("unreachable")
    assert list(IntakeMetrics(lambda: intake.stats).collect())
