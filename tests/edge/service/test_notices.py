"""The service tells staff what they should know, over a real broker."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from common.wire import NoticeMessage, decode
from edge.config import Settings
from tests.edge.service.runs import service
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.shop import NobodyThere

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


def test_an_empty_zone_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.model_validate(
        {
            "outbox": {"path": tmp_path / "outbox.sqlite"},
            "zones": [{"name": "hall", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
            "notices": [
                {"name": "quiet", "rule": "zone_empty", "zone": "hall", "seconds": 1, "hours": [0, 24]}
            ],
            "privacy": {"k": 1},
        }
    )
    caplog.set_level(logging.INFO)
    with Mosquitto(tmp_path) as server, Listener(server.port, "footlight/#") as listener:
        run = service(settings, server.port, detector=NobodyThere())
        run.run()
        until(lambda: len(listener.on("notice")) == 2, "the end at the start, and the notice")
        told = [decode(one.topic, bytes(one.payload)) for one in listener.on("notice")]
    assert [(one.name, one.active, one.count) for one in told if isinstance(one, NoticeMessage)] == [
        ("quiet", False, None),
        ("quiet", True, 0),
    ]
    logged = [one.getMessage() for one in caplog.records if one.getMessage().startswith("notice")]
    assert logged == ["notice quiet (zone_empty) begins"]
