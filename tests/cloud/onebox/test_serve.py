"""One box in one process: a device hears an acknowledgement only once its count is in the store."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from cloud.config import Settings
from cloud.stores.embedded import EmbeddedStore
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.wire import EchoMessage, Message, decode, encode, topic
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from tests.cloud.onebox.boxes import running, settings
from tests.support.brokers import free_port, until
from tests.support.messages import BOOT, MORNING, health, placement, probe, status, window

pytestmark = pytest.mark.slow


@contextmanager
def device(port: int, *, user: str | None = None, password: str | None = None) -> Iterator[mqtt.Client]:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id="door", protocol=mqtt.MQTTv311, clean_session=False
    )
    if user is not None:
        client.username_pw_set(user, password)
    last_will = status(online=False)
    client.will_set(topic(last_will), encode(last_will), qos=1, retain=True)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def publish(client: mqtt.Client, message: Message, *, retain: bool = False) -> mqtt.MQTTMessageInfo:
    return client.publish(topic(message), encode(message), qos=1, retain=retain)


def test_a_window_is_stored_when_its_acknowledgement_comes_and_the_page_shows_it(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as box, device(box.mqtt_port) as client:
        sent = [window(minute) for minute in range(40)]
        for message in sent:
            publish(client, message).wait_for_publish(10)
            assert box.reader.latest("shop") == message
        publish(client, health()).wait_for_publish(10)
        assert box.reader.windows("shop", MORNING, MORNING + timedelta(hours=1)) == sent
        assert box.stats().stored == 41
        assert "Footlight" in httpx.get(box.page_url, timeout=10, follow_redirects=True).text


def test_a_camera_being_hung_is_shown_and_never_stored(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as box, device(box.mqtt_port) as client:
        said = placement()
        client.publish(topic(said), encode(said), qos=0)
        publish(client, said).wait_for_publish(10)
        shown = httpx.get(f"{box.page_url}api/shop/positions", timeout=10).json()["positions"]
        assert [(one["device"], one["state"]) for one in shown] == [("door", "watching")]
        assert (box.stats().received, box.reader.sites()) == (0, [])
    assert b"footlight.placement" not in (tmp_path / "store.sqlite").read_bytes()


def test_while_the_store_cannot_write_nothing_is_acknowledged_and_nothing_is_lost(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as box, device(box.mqtt_port) as client:
        publish(client, window(0)).wait_for_publish(10)
        # Another process holds the file: SQLite waits, then says that the database is locked.
        other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = [publish(client, window(minute)) for minute in range(1, 10)]
        until(lambda: box.stats().retries >= 1, "a write failed")
        assert not any(sent.is_published() for sent in waiting)
        other.execute("ROLLBACK")
        other.close()
        for sent in waiting:
            sent.wait_for_publish(30)
        assert len(box.reader.windows("shop", MORNING, MORNING + timedelta(hours=1))) == 10


def test_a_device_that_leaves_before_its_acknowledgement_sends_again_and_is_counted_once(
    tmp_path: Path,
) -> None:
    with running(settings(tmp_path)) as box:
        with device(box.mqtt_port) as client:
            publish(client, window(0)).wait_for_publish(10)
            other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            sent = publish(client, window(1, visits=6))
            until(lambda: box.stats().retries >= 1, "a write failed")
        assert not sent.is_published()
        other.execute("ROLLBACK")
        other.close()
        with device(box.mqtt_port) as client:
            publish(client, window(1, visits=6)).wait_for_publish(30)
        stored = box.reader.windows("shop", MORNING, MORNING + timedelta(hours=1))
        assert [message.totals.visits for message in stored] == [3, 6]


def test_the_box_is_killed_midway_and_every_window_is_stored_once(tmp_path: Path) -> None:
    port, sent = free_port(), [window(minute, visits=minute % 7) for minute in range(400)]
    config = tmp_path / "cloud.yaml"
    config.write_text(yaml.safe_dump(json.loads(settings(tmp_path, port=port).model_dump_json())))
    command = [sys.executable, "-m", "cloud", "serve", "--config", str(config)]
    outbox = Outbox(tmp_path / "outbox.sqlite", max_messages=1000)
    uplink = Uplink(
        outbox,
        Broker("127.0.0.1", port, protocol="3.1.1"),
        site="shop",
        device="door",
        boot_id=BOOT,
        software="0.1.0",
        clock=SystemClock(),
        late_after_s=10**10,
        late_per_s=1000.0,
        retry_s=(0.05, 0.2),
    )
    uplink.start()
    for message in sent:
        uplink.send(message)
    store: EmbeddedStore | None = None
    try:
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
            until(lambda: outbox.depth < 350, "a part is acknowledged")
            first.kill()
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as second:
            until(lambda: outbox.depth == 0, "the rest is acknowledged", timeout_s=60)
            second.kill()
        store = EmbeddedStore(tmp_path / "store.sqlite", retention_days=3650, clock=SystemClock())
        assert store.windows("shop", MORNING, MORNING + timedelta(days=1)) == sent
    finally:
        uplink.stop(1)
        outbox.close()
        if store is not None:
            store.close()


def test_a_device_that_disappears_is_shown_offline(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as box, device(box.mqtt_port) as client:
        publish(client, status(online=True), retain=True).wait_for_publish(10)
        assert [state.online for state in box.reader.devices("shop")] == [True]
        sock = client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)  # as if the plug was pulled: no goodbye
        until(
            lambda: [state.online for state in box.reader.devices("shop")] == [False],
            "the last will is stored",
        )


def test_what_cannot_be_decoded_is_handed_on_and_stops_nothing(tmp_path: Path) -> None:
    heard: list[mqtt.MQTTMessage] = []
    with running(settings(tmp_path)) as box, device(box.mqtt_port) as client:
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _, __, message: heard.append(message)
        client.subscribe("footlight/v1-dead-letter/shop/door", 1)
        assert subscribed.wait(10)
        client.publish(topic(window(0)), b"nonsense", qos=1).wait_for_publish(10)
        publish(client, window(1)).wait_for_publish(10)
        until(lambda: len(heard) == 1, "the dead letter is heard")
        assert heard[0].payload == b"nonsense"
        assert (box.stats().dead, box.stats().stored) == (1, 1)


def test_a_probe_comes_back_from_the_box(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as box, device(box.mqtt_port) as client:
        subscribed, heard = threading.Event(), []
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _, __, message: heard.append(message)
        client.subscribe("footlight/v1/shop/door/echo", 1)
        assert subscribed.wait(10)
        publish(client, probe(7)).wait_for_publish(10)
        until(lambda: heard, "the echo")
        answer = decode(heard[0].topic, bytes(heard[0].payload))
        assert isinstance(answer, EchoMessage)
        assert answer.nonce == probe(7).nonce


def test_the_counts_are_there_after_a_restart(tmp_path: Path) -> None:
    for minute in (0, 1):
        with running(settings(tmp_path)) as box, device(box.mqtt_port) as client:
            publish(client, window(minute)).wait_for_publish(10)
    with running(settings(tmp_path)) as box:
        assert [w.seq for w in box.reader.windows("shop", MORNING, MORNING + timedelta(hours=1))] == [0, 1]


@pytest.mark.parametrize(
    ("user", "password", "welcome"),
    [("shop/door", "right", True), ("shop/door", "wrong", False), (None, None, False)],
)
def test_with_users_only_they_come_in(
    tmp_path: Path, user: str | None, password: str | None, welcome: bool
) -> None:
    answers: list[bool] = []
    with running(settings(tmp_path, users={"shop/door": "right"})) as box:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="door", protocol=mqtt.MQTTv311)
        client.username_pw_set(user, password)
        client.on_connect = lambda _, __, ___, reason, ____: answers.append(not reason.is_failure)
        client.connect("127.0.0.1", box.mqtt_port)
        client.loop_start()
        until(lambda: answers, "the broker answers")
        client.disconnect()
        client.loop_stop()
    assert answers[0] is welcome


@pytest.mark.parametrize("part", ["broker", "page"])
def test_a_port_that_is_taken_is_one_line(tmp_path: Path, part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        data = settings(tmp_path).model_dump()
        data["serve"][part]["port"] = taken.getsockname()[1]
        with (
            pytest.raises(UserError, match=rf"^serve\.{part}: cannot listen on "),
            running(Settings.model_validate(data)),
        ):
            pytest.fail("it must not start")


def test_the_command_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    config = tmp_path / "cloud.yaml"
    config.write_text(yaml.safe_dump(json.loads(settings(tmp_path).model_dump_json())))
    command = [sys.executable, "-W", "error", "-m", "cloud", "serve", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert "page at http://127.0.0.1:" in first, first
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
        assert process.returncode == 0, rest
        assert "Traceback" not in rest
