"""A camera that is moved, hangs, or sees nothing: an alert, its end, and no figures from what is not seen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from common.wire import AlertMessage, WindowMessage
from edge.types import Frame, Image
from tests.edge.service.runs import alerts, running, service, settings, windows
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.shop import FastTime, NobodyThere
from tests.support.short_scene import stretch

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

ZONE = {"name": "hall", "polygon": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}


class Failing:
    """A live camera in a fast time that looks at an empty shop, and shows ``wrong`` of it while ``fails`` is set."""

    live = True

    def __init__(self, clock: FastTime, wrong: Callable[[Image], Image]) -> None:
        self.fails, self._wrong = threading.Event(), wrong
        self._clock, self._given, self._rate = clock, 0, threading.Event()
        self._shop = np.asarray(cv2.resize(stretch().render(0), (384, 216)), np.uint8)
        self._noise, self._last = np.random.default_rng(0), self._shop

    def open(self) -> None:
        pass

    def read(self) -> Frame:
        self._rate.wait(0.005)
        self._clock.advance(0.25)
        self._given += 1
        if not (self.fails.is_set() and self._wrong is frozen):
            noise = self._noise.integers(0, 3, self._shop.shape, np.uint8)
            picture = self._wrong(self._shop) if self.fails.is_set() else self._shop
            self._last = np.asarray(cv2.add(picture, noise), np.uint8)
        return Frame(self._last, self._clock.now(), self._clock.monotonic(), self._given)

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "failing"


def turned(shop: Image) -> Image:
    return np.asarray(shop[::-1, ::-1], np.uint8)


def frozen(shop: Image) -> Image:
    return shop


def dark(shop: Image) -> Image:
    return np.asarray(shop // 16, np.uint8)


def washed_out(shop: Image) -> Image:
    return np.full_like(shop, 255)


def blurred(shop: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(shop, (0, 0), 3), np.uint8)


def fail_and_mend(
    folder: Path, fault: str = "moved", wrong: Callable[[Image], Image] = turned, **sections: Any
) -> tuple[list[AlertMessage], list[WindowMessage], list[WindowMessage]]:
    """Return the alerts of ``fault``, the windows that began while it was known, and those after it."""
    clock = FastTime()
    camera = Failing(clock, wrong)
    with Mosquitto(folder) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = service(
            settings(folder, window={"seconds": 30, "max_gap_s": 5}, **sections),
            mosquitto.port,
            camera,
            clock=clock,
            detector=NobodyThere(),
        )
        with running(app):
            until(lambda: len(windows(listener)) >= 4, "two minutes are learnt")
            failed = clock.now()
            camera.fails.set()
            until(lambda: len(alerts(listener, fault)) == 2, "the alert")
            since = alerts(listener, fault)[1].at
            until(lambda: windows(listener)[-1].start > since, "a whole window after it")
            camera.fails.clear()
            until(lambda: len(alerts(listener, fault)) == 3, "its end")
            back = alerts(listener, fault)[2].at
            until(lambda: windows(listener)[-1].start > back, "a whole window after that")
        told, came = alerts(listener, fault), windows(listener)
    if fault != "moved":  # whose view is a mean over some time
        assert since - failed <= timedelta(minutes=1), "told within a minute"
    return told, [one for one in came if since < one.start < back], [one for one in came if one.start > back]


def test_with_places_nobody_is_counted_until_the_camera_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="edge.service.view_faults")
    told, moved, after = fail_and_mend(tmp_path, zones=[ZONE])
    assert [one.active for one in told] == [False, True, False]
    assert "another view than before" in told[1].text
    assert "nobody is counted" in told[1].text
    assert moved[0].coverage.share == 0
    assert all(one.coverage.share > 0 for one in after)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_without_places_counting_goes_on(tmp_path: Path) -> None:
    told, moved, _ = fail_and_mend(tmp_path)
    assert [one.active for one in told] == [False, True, False]
    assert "nobody is counted" not in told[1].text
    assert all(one.coverage.share > 0 for one in moved)


@pytest.mark.parametrize(
    ("fault", "wrong", "text"),
    [
        ("picture", frozen, "again and again"),
        ("picture", washed_out, "overexposed"),
        ("picture", blurred, "less sharp"),
        ("dark", dark, "too dark"),
    ],
)
def test_a_picture_that_shows_nothing_is_told_within_a_minute_and_ends_by_itself(
    tmp_path: Path, fault: str, wrong: Callable[[Image], Image], text: str
) -> None:
    told, failing, after = fail_and_mend(tmp_path, fault, wrong)
    assert [one.active for one in told] == [False, True, False]
    assert text in told[1].text
    assert (failing[0].coverage.share == 0) == (wrong is frozen)
    assert all(one.coverage.share > 0 for one in after)
