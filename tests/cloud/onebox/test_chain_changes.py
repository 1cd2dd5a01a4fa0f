"""A device of a chain, changed on the page of the chain server: over the broker, as the user who configures."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.config import InfluxSettings, Settings
from cloud.onebox.chain_page import serve_page
from cloud.serve_settings import PageSettings, ServeSettings
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import ConfigMessage, decode, encode, short_hash, topic
from tests.cloud.rollup.both_stores import Both, chain
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.influxdb import InfluxDB
from tests.support.messages import health, placement

pytestmark = [pytest.mark.influxdb, pytest.mark.mosquitto]


@pytest.mark.parametrize("may_configure", [True, False])
def test_a_change_goes_to_the_broker_and_its_answer_to_the_page(
    influxdb: InfluxDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_configure: bool
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        both.influx.write([health()])
    store = InfluxSettings.model_validate(influxdb.settings)

    async def visit(broker: Broker, listener: Listener) -> None:
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve_page(
                Settings(store=store, serve=ServeSettings(page=PageSettings(port=0))),
                chain(),
                clock=SystemClock(),
                stop=stop,
                ready=address.set_result,
                configure=broker if may_configure else None,
            )
        )
        try:
            await asyncio.to_thread(use, await address, listener)
        finally:
            stop.set()
            await serving

    def use(address: str, listener: Listener) -> None:
        with httpx.Client(base_url=address, timeout=60) as client:
            shown = client.get("/site/shop/position")
            assert shown.status_code == 200
            if not may_configure:
                assert 'id="editor"' not in shown.text
                return
            (token,) = re.findall(r'data-token="(\w+)"', shown.text)

            def device() -> dict[str, Any]:
                (found,) = client.get("/api/shop/changes").json()["devices"]
                return dict(found)

            body: dict[str, Any] = {"seen": None, "sections": {"doors": []}}
            answer = client.post("/api/shop/changes/door", json=body, headers={"x-csrf-token": token})
            assert answer.status_code == 202, answer.text
            until(lambda: listener.on("config"), "the broker has it")
            sent = bytes(listener.on("config")[0].payload)
            asked = decode("footlight/v1/shop/door/config", sent)
            assert isinstance(asked, ConfigMessage)
            assert asked.settings == {"doors": []}

            for message in (health(config_message=short_hash(sent)), placement(places={"zones": []})):
                listener.publish(topic(message), encode(message))
            until(lambda: device()["changes"][0]["answer"] == "accepted", "the page shows the answer")
            until(lambda: device()["own"] == {"zones": []}, "the page knows the places in the file")
            (position,) = client.get("/api/shop/positions").json()["positions"]
            assert position["device"] == "door"

    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/+/+/+/config") as listener:
        asyncio.run(visit(Broker("127.0.0.1", mosquitto.port), listener))
    assert (tmp_path / "footlight.changes.sqlite").exists() == may_configure
