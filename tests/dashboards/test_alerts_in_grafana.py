"""Alert rules that a real Grafana evaluates on messages that arrive: they fire, are told, and resolve."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud.domain.chain import Chain
from cloud.grafana.contacts import Contact
from cloud.stores.influx import InfluxStore
from common.wire import Coverage
from tests.cloud.ingest.receiver import Receiver
from tests.dashboards import shops
from tests.dashboards.grafana_world import brought
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import alert, window
from tests.support.real_grafana import RealGrafana, needs_grafana

# A rule is evaluated once a minute, and a notification waits half a minute for others of its group.
pytestmark = [pytest.mark.influxdb, needs_grafana, pytest.mark.timeout(600)]

CHAIN = Chain.model_validate(
    {"name": "shops", "sites": {"shop": {"title": "Shop", "timezone": "UTC", "opening": shops.HOURS}}}
)
RULES = {"Camera blind", "Privacy leak"}
DEVICE = f"door-{secrets.token_hex(3)}"
"""Of this run alone: what was told of a device is not told again for some time, and an alert outlives its rule."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def grafana(influxdb: InfluxDB, receiver: Receiver) -> Iterator[RealGrafana]:
    with brought(CHAIN, influxdb, {"installer": Contact(webhook=receiver.url)}) as running:
        yield running


def send(influxdb: InfluxDB, *, well: bool) -> None:
    """What a device says in this minute: its window, and what its last privacy audit found."""
    now = datetime.now(UTC).replace(microsecond=0)
    store = InfluxStore(**influxdb.address, org=influxdb.org, timeout_s=20.0, clock=ManualClock(now))
    minute = now.replace(second=0) - timedelta(minutes=1)
    share = Coverage(share=float(well))
    store.write([window(0, device=DEVICE, start=minute, coverage=share, visits=int(well))])
    store.write([alert(active=not well, at=now, fault="privacy").model_copy(update={"device": DEVICE})])
    store.close()


def firing(grafana: RealGrafana) -> dict[str, dict[str, str]]:
    """The labels of the alerts of this device that are on, by rule."""
    found = grafana.get("alertmanager/grafana/api/v2/alerts")
    return {a["labels"]["alertname"]: a["labels"] for a in found if a["labels"].get("device") == DEVICE}


def test_a_rule_fires_is_told_and_resolves(
    grafana: RealGrafana, influxdb: InfluxDB, receiver: Receiver
) -> None:
    send(influxdb, well=False)
    until(lambda: firing(grafana).keys() == RULES, "both rules fire", 200, every_s=2)
    for labels in firing(grafana).values():
        assert (labels["site"], labels["audience"]) == ("shop", "installer")

    def told() -> dict[str, Any]:
        alerts = [one for call in receiver.calls for one in json.loads(call.body)["alerts"]]
        return {a["labels"]["alertname"]: a for a in alerts if a["labels"].get("device") == DEVICE}

    until(lambda: told().keys() >= RULES, "both alerts are told", 120, every_s=2)
    assert told()["Camera blind"]["status"] == "firing"
    summary = told()["Privacy leak"]["annotations"]["summary"]
    assert summary == f"shop: the privacy audit of {DEVICE} found a leak"

    send(influxdb, well=True)
    until(lambda: not firing(grafana), "both rules resolve", 200, every_s=2)
