"""A shop whose places are edited: one box, a device that counts, and what a check of its position told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloud.onebox.serve import Box
from common.mqtt.broker import Broker
from common.wire import Message, encode, topic
from edge.config import Settings
from edge.service.supervisor import serve
from tests.cloud.onebox import boxes
from tests.support.brokers import until
from tests.support.clock import START
from tests.support.messages import placement
from tests.support.shop import FastTime, NobodyThere, Shop
from tests.support.short_scene import models

CLOSING = START.replace(hour=20)
EMPTY = np.zeros((480, 640, 3), np.uint8)
OWN_ZONES: list[dict[str, Any]] = [
    {"name": "till", "polygon": [[0.8, 0.6], [1, 0.6], [1, 1], [0.8, 1]], "exclude": True},
    {"name": "shelf", "polygon": [[0.05, 0.5], [0.25, 0.5], [0.25, 0.9], [0.05, 0.9]]},
]
SEEN = placement(
    left_s=0.0,
    floor=tuple((x / 100, 0.6 + (x % 7) / 25) for x in range(10, 90, 3)),
    places={"zones": OWN_ZONES},
)


class DayTime(FastTime):
    """The time of the shop, which goes on by itself, and can go to closing time at once."""

    def to_closing_time(self) -> None:
        self.elapsed_s += (CLOSING + timedelta(seconds=1) - self.now()).total_seconds()


class PageTime:
    """The time of the box: the day of the shop, but for how long something takes."""

    def __init__(self, day: DayTime) -> None:
        self._day = day

    def now(self) -> datetime:
        return self._day.now()

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class EditedShop:
    box: Box
    camera: Shop
    time: DayTime
    own: Settings

    @property
    def page(self) -> str:
        return f"{self.box.page_url}site/shop/position"

    @property
    def running(self) -> str | None:
        """The hash of the settings that the device uses, as it told them last."""
        (state,) = self.box.reader.devices("shop")
        return state.health.config if state.health else None

    def say(self, message: Message) -> None:
        say(self.box, message)


def say(box: Box, message: Message) -> None:
    """Publish a message as the device does."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="check", protocol=mqtt.MQTTv311)
    client.connect("127.0.0.1", box.mqtt_port)
    client.loop_start()
    client.publish(topic(message), encode(message), qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


@contextmanager
def edited_shop(folder: Path, **sections: Any) -> Iterator[EditedShop]:
    """One box, and the service in front of an empty shop that is connected to it."""
    values: dict[str, Any] = {
        "site": "shop",
        "outbox": {"path": folder / "outbox.sqlite"},
        "window": {"seconds": 900},
        "health": {"every_s": 5},
        "pacing": {"idle_fps": 240},  # every frame
        "privacy": {"closing_hour": CLOSING.astimezone().hour},
        "zones": OWN_ZONES,
    }
    own = Settings.model_validate({**values, **sections})
    clock, stop = DayTime(), threading.Event()
    camera = Shop(clock, lambda index: EMPTY)
    with (
        boxes.running(boxes.settings(folder), PageTime(clock)) as box,
        camera.in_step(),
        ThreadPoolExecutor(1) as pool,
    ):
        run = pool.submit(
            serve,
            own,
            clock=clock,
            stop=stop,
            camera=camera,
            broker=Broker("127.0.0.1", box.mqtt_port, "3.1.1"),
            models=replace(models(), detector=NobodyThere()),
        )
        try:
            shop = EditedShop(box, camera, clock, own)
            until(lambda: box.reader.sites() and shop.running, "the device says how it does")
            yield shop
        finally:
            stop.set()
            run.result(30)
