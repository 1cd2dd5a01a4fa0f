"""A Pi has no clock that runs while it is off: what a window says of its time when a time server has set the clock."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from common.mqtt.broker import Broker
from edge.service.build import build
from edge.service.trust import ClockTrust
from tests.edge.service.runs import LiveCamera, alerts, running, settings, statuses, windows
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.clock import SettableClock
from tests.support.short_scene import models

NIGHT = timedelta(hours=12)


@pytest.mark.mosquitto
def test_a_window_from_before_the_clock_was_set_is_not_trusted_though_it_is_told_afterwards(
    tmp_path: Path,
) -> None:
    clock, is_set = SettableClock(-NIGHT), threading.Event()
    with Mosquitto(tmp_path) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        app = build(
            settings(tmp_path),
            clock=clock,
            camera=LiveCamera(clock),
            broker=Broker("127.0.0.1", mosquitto.port),
            models=models(),
            is_clock_set=is_set.is_set,
        )
        with running(app):
            until(lambda: windows(listener), "a window is over")
            until(lambda: len(alerts(listener, "clock")) == 1, "the fault is told")
            clock.ahead = timedelta()
            is_set.set()
            set_at = clock.now()
            until(lambda: sum(w.clock_trusted for w in windows(listener)) >= 2, "windows are trusted")
        until(lambda: statuses(listener) == [True, False], "it has gone")
        came, (began, ended) = windows(listener), alerts(listener, "clock")
    assert (began.active, ended.active) == (True, False)
    assert {window.clock_trusted for window in came} == {False, True}
    for window in came:
        assert window.clock_trusted == (window.start > set_at - NIGHT / 2)
    assert [window.seq for window in came] == list(range(len(came))), "in between, no windows were made up"


def test_one_moment_without_trust_is_enough_for_a_window_and_says_nothing_of_the_next() -> None:
    is_set = threading.Event()
    trust = ClockTrust(is_set.is_set)
    assert not trust.now()
    is_set.set()
    assert trust.now()
    assert not trust.until_now()
    assert trust.now()
    assert trust.until_now()
    is_set.clear()
    assert trust.until_now()
    is_set.set()
    assert not trust.until_now(), "it began while the clock was not set"
