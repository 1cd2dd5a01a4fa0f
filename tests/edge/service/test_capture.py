"""All that a broker hears of a run of the service, searched: no picture, and nothing of a single visit."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from paho.mqtt.client import MQTTMessage

from common.wire import decode
from edge.commands.privacy_audit.signatures import picture_in
from edge.scene.render import Scene
from edge.types import Visit
from edge.vision.aggregate import Aggregator
from tests.edge.service.runs import play_stretch, statuses
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.short_scene import clear_frame, stretch

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

NEAR_S = 0.06
"""Sums of times are told in tenths of a second."""
ABOUT_VISITS = ("window", "notice", "alert", "status")
"""Channels whose numbers must not be those of a visit; ``health`` has measurements of the machine, which may be like
anything."""


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> list[Visit]:
    """The visits of the run, as they go into the sums."""
    found: list[Visit] = []
    add = Aggregator.add

    def noted(self: Aggregator, visit: Visit) -> None:
        found.append(visit)
        add(self, visit)

    monkeypatch.setattr(Aggregator, "add", noted)
    return found


def captured(folder: Path, **sections: Any) -> list[MQTTMessage]:
    """Every message of a run, from its first status to its last."""
    with Mosquitto(folder) as mosquitto, Listener(mosquitto.port) as listener:
        play_stretch(folder, mosquitto.port, **sections)
        until(lambda: statuses(listener) == [True, False], "the service has come and gone")
        return list(listener.messages)


def told_of_visits(messages: list[MQTTMessage], visits: list[Visit]) -> set[str]:
    """What of a single visit is in the messages: its times as texts, and its durations as numbers."""
    found = set()
    for message in messages:
        payload = bytes(message.payload)
        for visit in visits:
            for moment in (visit.started_at, visit.ended_at):
                texts = (f"{moment:%H:%M:%S.%f}"[:-3], f"{moment.timestamp():.2f}")
                found |= {text for text in texts if text.encode() in payload}
        if message.topic.rpartition("/")[2] in ABOUT_VISITS:
            for number in numbers(json.loads(payload)):
                for visit in visits:
                    times = (one for one in (visit.dwell_s, visit.attention_s) if one > 1)
                    found |= {f"{one:.2f}" for one in times if abs(number - one) < NEAR_S}
    return found


def numbers(value: Any) -> Iterator[float]:
    """Every number in it that is no count."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for inside in value.values():
            yield from numbers(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from numbers(inside)


def test_a_whole_run_tells_no_picture_and_nothing_of_one_visit(tmp_path: Path, visits: list[Visit]) -> None:
    messages = captured(tmp_path)
    assert len(visits) == len(stretch().truth.visits)
    assert {message.topic.rpartition("/")[2] for message in messages} >= {"window", "status", "alert"}
    for message in messages:
        decode(message.topic, bytes(message.payload))
        assert picture_in(bytes(message.payload)) is None, message.topic
        assert picture_in(message.topic.encode()) is None
    assert told_of_visits(messages, visits) == set()


def test_the_search_finds_what_a_cohort_of_one_would_tell(tmp_path: Path, visits: list[Visit]) -> None:
    """Only the sample scene may be told so: it has no real people."""
    alone = Scene(walks=Scene().walks[:1], seconds=len(stretch()) / stretch().fps)
    messages = captured(tmp_path, scene=alone, privacy={"k": 1, "max_cohort": 1})
    assert len(visits) == 1
    assert told_of_visits(messages, visits)


def test_the_search_finds_a_picture_in_a_payload() -> None:
    _, image = clear_frame()
    for kind in (".jpg", ".png", ".webp"):
        picture = cv2.imencode(kind, image)[1].tobytes()
        as_text = json.dumps({"schema": "footlight.window/1", "crop": base64.b64encode(picture).decode()})
        assert picture_in(as_text.encode()) is not None, kind
        assert picture_in(b'{"crop": "' + picture) is not None, kind
