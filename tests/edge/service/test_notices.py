"""The service tells in its log what staff should know."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from common.clock import SystemClock
from common.mqtt.broker import Broker
from edge.config import Settings
from edge.scene.camera import SceneCamera
from edge.service.build import build
from tests.support.brokers import free_port
from tests.support.shop import NobodyThere
from tests.support.short_scene import models, stretch

pytestmark = pytest.mark.slow


def test_an_empty_zone_is_noticed_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.model_validate(
        {
            "outbox": {"path": tmp_path / "outbox.sqlite"},
            "zones": [{"name": "hall", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
            "notices": [
                {"name": "quiet", "rule": "zone_empty", "zone": "hall", "seconds": 1, "hours": [0, 24]}
            ],
        }
    )
    run = build(
        settings,
        clock=SystemClock(),
        camera=SceneCamera(clock=SystemClock(), scene=stretch()),
        broker=Broker("localhost", free_port()),
        models=replace(models(), detector=NobodyThere()),
    )
    caplog.set_level(logging.INFO)
    run.run()
    told = [record.getMessage() for record in caplog.records if "notice" in record.getMessage()]
    assert told == ["notice quiet (zone_empty) begins: 0 people"]
