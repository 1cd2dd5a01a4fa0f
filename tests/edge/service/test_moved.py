"""A camera that is moved: an alert, and no figures from places that lie somewhere else now."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from common.mqtt.broker import Broker
from common.wire import AlertMessage, WindowMessage
from edge.service.build import build
from edge.types import Frame
from tests.edge.service.runs import alerts, running, settings, windows
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.shop import FastTime, NobodyThere
from tests.support.short_scene import models, stretch

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

ZONE = {"name": "hall", "polygon": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}


class Turning:
    """A live camera in a fast time that looks at an empty shop, or past it while ``away`` is set."""

    live = True

    def __init__(self, clock: FastTime) -> None:
        self.away, self._clock, self._given, self._rate = threading.Event(), clock, 0, threading.Event()
        self._shop = np.asarray(cv2.resize(stretch().render(0), (384, 216)), np.uint8)
        self._past = np.asarray(self._shop[::-1, ::-1].copy(), np.uint8)

    def open(self) -> None:
        pass

    def read(self) -> Frame:
        self._rate.wait(0.005)
        self._clock.advance(0.25)
        self._given += 1
        picture = self._past if self.away.is_set() else self._shop
        return Frame(picture, self._clock.now(), self._clock.monotonic(), self._given)

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "turning"


def turn_and_return(
    folder: Path, **sections: Any
) -> tuple[list[AlertMessage], list[WindowMessage], list[WindowMessage]]:
    """Return the alerts, the windows that began while the camera was known to be moved, and those after it."""
    clock = FastTime()
    camera = Turning(clock)
    with Mosquitto(folder) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = build(
            settings(folder, window={"seconds": 30, "max_gap_s": 5}, **sections),
            clock=clock,
            camera=camera,
            broker=Broker("127.0.0.1", mosquitto.port),
            models=replace(models(), detector=NobodyThere()),
        )
        with running(app):
            until(lambda: len(windows(listener)) >= 4, "two minutes are learnt")
            camera.away.set()
            until(lambda: len(alerts(listener, "moved")) == 2, "the alert")
            since = alerts(listener, "moved")[1].at
            until(lambda: windows(listener)[-1].start > since, "a whole window after it")
            camera.away.clear()
            until(lambda: len(alerts(listener, "moved")) == 3, "its end")
            back = alerts(listener, "moved")[2].at
            until(lambda: windows(listener)[-1].start > back, "a whole window after that")
        told, came = alerts(listener, "moved"), windows(listener)
    return told, [one for one in came if since < one.start < back], [one for one in came if one.start > back]


def test_with_places_nobody_is_counted_until_the_camera_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="edge.service.moved")
    told, moved, after = turn_and_return(tmp_path, zones=[ZONE])
    assert [one.active for one in told] == [False, True, False]
    assert "another view than before" in told[1].text
    assert "nobody is counted" in told[1].text
    assert moved[0].coverage.share == 0
    assert all(one.coverage.share > 0 for one in after)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_without_places_counting_goes_on(tmp_path: Path) -> None:
    told, moved, _ = turn_and_return(tmp_path)
    assert [one.active for one in told] == [False, True, False]
    assert "nobody is counted" not in told[1].text
    assert all(one.coverage.share > 0 for one in moved)
