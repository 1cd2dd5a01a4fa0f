"""Home Assistant finds shop and devices at the box's own broker, reads what the page shows, and says nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import paho.mqtt.client as mqtt
import pytest
from jinja2 import Environment
from paho.mqtt.enums import CallbackAPIVersion

from cloud.config import Settings
from cloud.domain.access import DISCOVERY, STATES
from cloud.onebox.home_assistant import HomeAssistant
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from common.wire import Coverage, Message, Totals, topic
from tests.cloud.onebox.boxes import running
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, health, notice, status, window

NOW = MORNING + timedelta(hours=1)
USERS = {"shop/door": "right", "home-assistant": "listening"}
MESSAGES: list[Message] = [
    status(online=True),
    health(),
    alert(active=True),
    *(window(minute) for minute in range(60)),
    notice(at=NOW - timedelta(minutes=1)),
]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def filled(tmp_path: Path, clock: ManualClock) -> Path:
    path = tmp_path / "store.sqlite"
    with closing(EmbeddedStore(path, retention_days=400, clock=clock)) as store:
        store.write(MESSAGES)
    return path


def settings(path: Path, users: dict[str, str] = USERS) -> Settings:
    page = {"port": 0, "timezone": "Europe/Berlin"}
    serve = {"broker": {"port": 0, "users": users}, "page": page, "home_assistant": True}
    return Settings.model_validate({"store": {"path": path, "backup": None}, "serve": serve})


@contextmanager
def home(port: int, user: str = "home-assistant") -> Iterator[tuple[mqtt.Client, dict[str, Any]]]:
    """A client that connects as Home Assistant does, with its birth message and last will, and keeps what it hears."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=user.replace("/", "-"), protocol=mqtt.MQTTv311
    )
    client.username_pw_set(user, USERS[user])
    heard: dict[str, Any] = {}
    client.on_message = lambda _, __, message: heard.update({message.topic: json.loads(message.payload)})
    if user == "home-assistant":
        client.will_set(f"{DISCOVERY}/status", "offline")
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client, heard
    finally:
        client.disconnect()
        client.loop_stop()


def value(entity: dict[str, Any], heard: dict[str, Any]) -> str:
    """What Home Assistant makes of a state: it renders the template of the entity."""
    template = Environment(autoescape=True).from_string(entity["value_template"])
    return template.render(value_json=heard[entity["state_topic"]])


@pytest.mark.slow
def test_home_assistant_shows_what_the_page_shows(filled: Path, clock: ManualClock) -> None:
    with running(settings(filled), clock) as box, home(box.mqtt_port) as (client, heard):
        for topics in (f"{DISCOVERY}/+/+/config", f"{DISCOVERY}/+/+/+/config"):
            client.subscribe(topics, qos=1)
        until(lambda: len(heard) == 5, "every entity is found")
        entities = {one["unique_id"]: one for one in list(heard.values())}
        assert set(entities) == {
            "footlight_shop_visits_today",
            "footlight_shop_inside",
            "footlight_shop_notice",
            "footlight_shop_door_online",
            "footlight_shop_door_camera_fault",
        }
        client.publish(f"{DISCOVERY}/status", b'"online"', qos=1).wait_for_publish(10)
        for entity in entities.values():
            client.subscribe(entity["state_topic"])
        until(lambda: {one["state_topic"] for one in entities.values()} <= set(heard), "every value is heard")
        today = httpx.get(f"{box.page_url}api/shop/today", timeout=10).json()
    values = {name: value(entity, heard) for name, entity in entities.items()}
    assert values == {
        "footlight_shop_visits_today": str(today["visits"]),
        "footlight_shop_inside": str(today["doors"]["inside"]),
        "footlight_shop_notice": "ON",
        "footlight_shop_door_online": "ON",
        "footlight_shop_door_camera_fault": "ON",
    }
    assert today["visits"] == 180
    assert heard[f"{STATES}/shop"]["notices"] == [today["notices"][0]["text"]]
    door = entities["footlight_shop_door_online"]["device"]
    assert (door["identifiers"], door["via_device"]) == (["footlight_shop_door"], "footlight_shop")


@pytest.mark.slow
def test_home_assistant_hears_no_device_and_no_device_hears_it(filled: Path, clock: ManualClock) -> None:
    said = window(61)
    with running(settings(filled), clock) as box:
        with home(box.mqtt_port) as (client, heard), home(box.mqtt_port, "shop/door") as (device, of_device):
            refused: list[int] = []
            for one in (client, device):
                one.on_subscribe = lambda _, __, ___, codes, ____: refused.extend(int(c.value) for c in codes)
            client.subscribe([("footlight/v1/#", 1), (topic(said), 1), ("#", 1)])
            device.subscribe([(f"{DISCOVERY}/#", 1), (f"{STATES}/#", 1)])
            until(lambda: len(refused) == 5, "every subscription is answered")
            assert set(refused) == {0x80}
            gone: list[object] = []
            client.on_disconnect = lambda *about: gone.append(about)
            client.publish(topic(said), b"{}", qos=1)
            until(lambda: gone, "it is closed, because it says something as a device")
        assert (heard, of_device) == ({}, {})
        assert box.stats().received == 0


def test_a_value_is_told_again_and_an_entity_once(clock: ManualClock, tmp_path: Path) -> None:
    told: list[tuple[str, bytes]] = []

    async def publish(where: str, payload: bytes) -> None:
        told.append((where, payload))

    async def twice() -> None:
        await one._tell()
        store.write([window(61, totals=Totals(visits=4, viewers=0))])
        clock.elapsed_s += 120
        await one._tell()

    with closing(EmbeddedStore(tmp_path / "s.sqlite", retention_days=400, clock=clock)) as store:
        store.write(
            [
                *MESSAGES,
                window(0, site="a.b", totals=Totals(visits=0, viewers=0), coverage=Coverage(share=0.0)),
            ]
        )
        zone = ZoneInfo("Europe/Berlin")
        one = HomeAssistant(store, OneBoxShops(store, zone), zone, clock, publish)
        asyncio.run(twice())
    entities = [where for where, _ in told if where.startswith(f"{DISCOVERY}/")]
    assert len(entities) == len(set(entities))
    assert all("." not in where.removesuffix("/config") for where in entities)
    assert [json.loads(payload)["visits_today"] for where, payload in told if where == f"{STATES}/shop"] == [
        180,
        184,
    ]
    blind = [json.loads(payload)["visits_today"] for where, payload in told if where == f"{STATES}/a.b"]
    assert blind == [None, None], "nobody was watching: no 0"


def test_a_box_with_users_needs_one_for_home_assistant(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="home_assistant needs a user; add home-assistant with a password"):
        settings(tmp_path / "s.sqlite", {"shop/door": "right"})
    assert settings(tmp_path / "s.sqlite", {}).serve.home_assistant
