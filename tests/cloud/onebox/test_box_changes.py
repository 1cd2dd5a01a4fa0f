"""Settings of devices, changed on the page of one box: through its own broker, and together with the command line."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud.devices.configure import ask
from cloud.onebox.serve import Box
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import ConfigMessage, decode, encode, topic
from tests.cloud.onebox.boxes import running, settings
from tests.support.brokers import until
from tests.support.messages import asking, health

pytestmark = pytest.mark.slow

USERS = {"shop/door": "right", "configure": "settings"}
DOOR = {"name": "street", "line": [[0.3, 0.6], [0.7, 0.6]], "inside": [0.5, 0.9]}


@contextmanager
def device(box: Box) -> Iterator[list[ConfigMessage]]:
    """A device that says how it does, and what it is asked."""
    heard: list[ConfigMessage] = []

    def take(message: mqtt.MQTTMessage) -> None:
        asked = decode(message.topic, bytes(message.payload))
        assert isinstance(asked, ConfigMessage)
        heard.append(asked)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="door", protocol=mqtt.MQTTv311)
    client.username_pw_set("shop/door", "right")
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _, __, message: take(message)
    client.connect("127.0.0.1", box.mqtt_port)
    client.loop_start()
    try:
        client.subscribe("footlight/v1/shop/door/config", 1)
        assert subscribed.wait(10)
        client.publish(topic(health()), encode(health()), qos=1).wait_for_publish(10)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


class Page:
    """The page of the box in the browser of somebody who sits at it."""

    def __init__(self, box: Box) -> None:
        self._client = httpx.Client(base_url=box.page_url, timeout=20)
        shown = self._client.get("/site/shop/position").text
        (token,) = re.findall(r'data-token="(\w+)"', shown)
        self._client.headers["x-csrf-token"] = token

    def close(self) -> None:
        self._client.close()

    @property
    def changes(self) -> list[dict[str, Any]]:
        (found,) = self._client.get("/api/shop/changes").json()["devices"]
        changes: list[dict[str, Any]] = found["changes"]
        return changes

    def send(self, **sections: Any) -> None:
        seen = next((change["number"] for change in self.changes), None)
        answer = self._client.post("/api/shop/changes/door", json={"seen": seen, "sections": sections})
        assert answer.status_code == 202, answer.text


def test_what_the_command_line_has_set_stays_when_the_page_changes_a_door(tmp_path: Path) -> None:
    with running(settings(tmp_path, users=USERS)) as box, device(box) as heard, closing(Page(box)) as page:
        wanted = asking({"pacing": {"hot_c": 60}, "doors": []})
        command = Broker(
            "127.0.0.1", box.mqtt_port, protocol="3.1.1", username="configure", password="settings"
        )
        ask(command, wanted, wait_s=0.1, clock=SystemClock())
        until(lambda: len(page.changes) == 1, "the box has noticed it")
        page.send(doors=[DOOR])
        until(lambda: len(heard) == 2, "the device hears both")
        assert heard[0] == wanted
        assert heard[1].settings == {"pacing": {"hot_c": 60}, "doors": [DOOR]}
        assert [(change["who"], change["keys"]) for change in page.changes] == [
            ("local", ["doors"]),
            ("footlight-cloud configure", ["doors", "pacing"]),
        ]


def test_a_device_that_was_away_hears_its_change_after_the_box_has_restarted(tmp_path: Path) -> None:
    with running(settings(tmp_path, users=USERS)) as box:
        with device(box):
            until(lambda: box.reader.sites() == ["shop"], "the device is known")
        with closing(Page(box)) as page:
            page.send(doors=[])
            page.send(doors=[DOOR])
    with running(settings(tmp_path, users=USERS)) as box, device(box) as heard:
        until(lambda: heard, "the device hears it")
        assert [message.settings for message in heard] == [{"doors": [DOOR]}]
        with closing(Page(box)) as page:
            assert len(page.changes) == 2, "what the box sends again is no new change"
