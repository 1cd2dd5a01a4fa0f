"""The local topic tells players what HTTP tells them, over a real broker of the shop, and nothing when it is not on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.mqtt.broker import Broker
from edge.player.link import PlayerLink
from edge.player.topic import PlayerTopic
from tests.edge.player.players import ask, linked
from tests.support.brokers import Listener, Mosquitto, password_file, until

pytestmark = pytest.mark.mosquitto

SHOW, SHOWN = "footlight-player/shop/window/show", "footlight-player/shop/window/shown"


@contextmanager
def told_by(broker: Broker, link: PlayerLink) -> Iterator[PlayerTopic]:
    topic = PlayerTopic(broker, site="shop", device="window", report=link.report)
    topic.start()
    try:
        yield topic
    finally:
        topic.stop()


def at(server: Mosquitto, **login: Any) -> Broker:
    return Broker("127.0.0.1", server.port, **login)


def shows(listener: Listener) -> list[bytes]:
    return [bytes(message.payload) for message in listener.on("show")]


def test_a_player_hears_what_it_hears_over_http(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener, linked() as (link, port):
        with told_by(at(server), link) as topic:
            for number, clip in ((1, "brand"), (1, "brand"), (2, "scarf")):
                link.tell(number, clip)
                topic.tell(number, clip)
            until(lambda: shows(listener)[-1:] == [ask(port, "GET", "/show")[1]], "the newest show")
            assert json.loads(shows(listener)[-1]) == {"show": 2, "clip": "scarf"}
            assert {message.topic for message in listener.messages} == {SHOW}
            with Listener(server.port, client_id="late") as late:
                until(lambda: shows(late) == shows(listener)[-1:], "who comes late hears what is on")
        until(lambda: shows(listener)[-1] == b"", "nothing is on any more")
        with Listener(server.port, client_id="later") as later:
            assert shows(later) == []


def test_a_show_that_is_told_again_is_published_once(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as server,
        Listener(server.port) as listener,
        linked() as (link, _),
        told_by(at(server), link) as topic,
    ):
        topic.tell(1, "brand")
        until(lambda: shows(listener), "the first show")
        for number in (1, 1, 2, 2):
            topic.tell(number, "brand")
        until(lambda: b"2" in shows(listener)[-1], "the second show")
        assert [json.loads(show)["show"] for show in shows(listener)] == [1, 2]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_player_reports_the_show_that_is_on(tmp_path: Path, protocol: str) -> None:
    with (
        Mosquitto(tmp_path) as server,
        Listener(server.port) as listener,
        linked() as (link, _),
        told_by(at(server, protocol=protocol), link) as topic,
    ):
        link.tell(7, "brand")
        topic.tell(7, "brand")
        until(lambda: shows(listener), "the show")
        for wrong in (b"", b"{}", b"[" * 190, b'{"show": true}', b'{"show": 6}', b"x" * 5000):
            listener.publish(SHOWN, wrong)
        listener.publish(SHOWN, b'{"show": 7}')
        reported = list[int]()

        def arrived() -> list[int]:
            reported.extend(link.reported())
            return reported

        until(arrived, "the report")
        assert reported == [7]


def test_a_broker_that_comes_later_or_again_is_told_what_is_on(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path)
    with linked() as (link, _), told_by(at(server), link) as topic:
        topic.tell(1, "brand")
        with server, Listener(server.port) as listener:
            until(lambda: shows(listener), "the first show")
        topic.tell(2, "scarf")
        with server, Listener(server.port, client_id="second") as listener:
            until(lambda: shows(listener) and b"scarf" in shows(listener)[-1], "the second show")


def test_a_broker_that_refuses_is_told_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    password_file(tmp_path / "passwords", "player", "right")
    with (
        Mosquitto(tmp_path, f"password_file {tmp_path / 'passwords'}", anonymous=False) as server,
        linked() as (link, _),
        told_by(at(server, username="player", password="wrong"), link) as topic,
    ):
        topic.tell(1, "brand")

        def refusals() -> list[str]:
            return [text for text in caplog.messages if "refuses the connection" in text]

        until(refusals, "the refusal is logged")
        until(lambda: server.log().count(b"CONNACK") > 1, "it is tried again")
        assert len(refusals()) == 1
        assert refusals()[0].startswith(f"signage.broker 127.0.0.1:{server.port} refuses the connection")


def test_a_device_that_dies_leaves_no_show_behind(tmp_path: Path) -> None:
    dies = (
        "import os, sys\n"
        "from common.mqtt.broker import Broker\n"
        "from edge.player.topic import PlayerTopic\n"
        "topic = PlayerTopic(Broker('127.0.0.1', int(sys.argv[1])), site='shop', device='window', report=print)\n"
        "topic.start(); topic.tell(1, 'brand'); sys.stdin.read(); os._exit(1)"
    )
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        with subprocess.Popen([sys.executable, "-c", dies, str(server.port)], stdin=subprocess.PIPE):
            until(lambda: shows(listener), "the show")
        until(lambda: shows(listener)[-1] == b"", "the last will")
