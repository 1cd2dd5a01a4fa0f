"""The privacy audit finds each leak that is planted on a device, and nothing on one without."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from common.mqtt.broker import Broker
from common.wire import encode, topic
from edge.commands.privacy_audit.camera import camera
from edge.commands.privacy_audit.command import inspect
from edge.commands.privacy_audit.payloads import payloads
from edge.commands.privacy_audit.publisher import publisher
from edge.commands.privacy_audit.sign import sign
from edge.commands.privacy_audit.sockets import sockets
from edge.commands.privacy_audit.written import files
from edge.scene.render import crowd
from edge.uplink.mqtt import Connection, Outgoing
from edge.uplink.outbox import Outbox
from tests.edge.commands.audited import process, settings, subject
from tests.support.brokers import Mosquitto, until
from tests.support.messages import MORNING, cohort, health, status, window

IMAGE = crowd(1, 640, 480).render(0)


@pytest.fixture
def encoded() -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", IMAGE)[1].tobytes())


# Files.


def test_a_service_with_its_outbox_and_notes_is_clean(tmp_path: Path) -> None:
    with process(tmp_path, "open('outbox.config.json', 'w').write('{}'); log = open('log', 'w')") as running:
        own = settings(tmp_path)
        with closing(Outbox(own.outbox.location(), max_messages=10)) as outbox:
            outbox.put(topic(window(0)), encode(window(0)), MORNING)
            found = inspect(files, subject(tmp_path, running))
    assert (found.state, found.fix) == ("green", ""), found


@pytest.mark.parametrize("name", ["state/frame", "state/outbox.sqlite-wal", "state/deep/log.txt", "tmp/x"])
def test_a_frame_as_jpeg_is_found_by_its_content(tmp_path: Path, encoded: bytes, name: str) -> None:
    with process(tmp_path) as running:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(encoded)
        found = inspect(files, subject(tmp_path, running))
    assert found.state == "red"
    assert f"{tmp_path / name} is a JPEG picture" in found.value


def test_raw_pixels_are_found_by_their_size(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        noise = np.random.default_rng(1).integers(128, 256, (2, 480, 640, 3), np.uint8)
        (tmp_path / "state" / "cache").write_bytes(noise.tobytes())
        found = inspect(files, subject(tmp_path, running))
    assert found.state == "red"
    assert "an array of pixel size (" in found.value


def test_a_picture_in_a_file_that_was_deleted_is_found_while_it_is_open(
    tmp_path: Path, encoded: bytes
) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "gone"
    planted = f"file = open({str(path)!r}, 'wb+'); file.write(bytes.fromhex('{encoded.hex()[:400]}')); file.flush()\n"
    with process(tmp_path, f"{planted}import os; os.unlink({str(path)!r})") as running:
        found = inspect(files, subject(tmp_path, running))
    assert found.state == "red"
    assert f"{path} (deleted) is a JPEG picture" in found.value


def test_a_picture_inside_the_outbox_is_found(tmp_path: Path, encoded: bytes) -> None:
    own = settings(tmp_path)
    with process(tmp_path) as running, closing(Outbox(own.outbox.location(), max_messages=10)) as outbox:
        outbox.put("footlight/v1/shop/door/window", b"0" * 5000 + encoded, MORNING)
        found = inspect(files, subject(tmp_path, running))
        said = inspect(payloads, subject(tmp_path, running))
    assert found.state == "red"
    assert "a picture or an array inside" in found.value
    assert said.state == "red"
    assert "the payload is a picture" in said.value


# Sockets.


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_service_that_talks_to_its_broker_only_is_clean(tmp_path: Path, stranger: socket.socket) -> None:
    port = stranger.getsockname()[1]
    planted = (
        f"import socket; one = socket.create_connection(('127.0.0.1', {port})); pair = socket.socketpair()\n"
        # how paho wakes its thread
        "server = socket.create_server(('127.0.0.1', 0)); a = socket.create_connection(server.getsockname())\n"
        "b, _ = server.accept(); server.close()"
    )
    with process(tmp_path, planted) as running:
        own = settings(tmp_path, mqtt={"host": "127.0.0.1", "port": port})
        found = inspect(sockets, subject(tmp_path, running, own=own))
    assert (found.state, found.fix) == ("green", ""), found
    assert f"the broker 127.0.0.1:{port}" in found.value


@pytest.mark.parametrize("other", [False, True], ids=["as set", "elsewhere"])
def test_a_display_lets_it_listen_for_the_player_and_nowhere_else(
    tmp_path: Path, stranger: socket.socket, *, other: bool
) -> None:
    port = stranger.getsockname()[1] + 1 if other else stranger.getsockname()[1]
    stranger.close()  # so that the service can have its port
    planted = (
        f"import socket; server = socket.create_server(('127.0.0.1', {stranger_port(port, other=other)}))\n"
        "player = socket.create_connection(server.getsockname()); told, _ = server.accept()"
    )
    signage = {
        "token": "0123456789abcdef",
        "port": port,
        "clips": [{"name": "brand", "kind": "brand"}],
        "rotation": ["brand"],
    }
    with process(tmp_path, planted) as running:
        own = settings(tmp_path, mqtt={"host": "127.0.0.1", "port": 1}, signage=signage)
        found = inspect(sockets, subject(tmp_path, running, own=own))
    if other:
        assert (found.state, found.value.startswith("listens on 127.0.0.1:")) == ("red", True), found
    else:
        assert found.state == "green", found
        assert found.value.startswith(f"listens for players on 127.0.0.1:{port}; connected to the player"), (
            found
        )


def stranger_port(port: int, *, other: bool) -> int:
    """The port that the service has: that of the settings, or the one beside it."""
    return port - 1 if other else port


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("server = socket.create_server(('127.0.0.1', 0))", "listens on 127.0.0.1:"),
        (
            "server = socket.socket(socket.AF_UNIX); server.bind('debug'); server.listen()",
            "has the Unix socket debug (listen)",
        ),
        (
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))",
            "receives datagrams on 127.0.0.1:",
        ),
    ],
    ids=["debug", "in the file system", "for datagrams"],
)
def test_a_socket_that_others_can_reach_is_found(tmp_path: Path, planted: str, told: str) -> None:
    with process(tmp_path, f"import socket; {planted}") as running:
        found = inspect(sockets, subject(tmp_path, running))
    assert found.state == "red"
    assert found.value.startswith(told)


def test_a_connection_to_somebody_else_is_found(tmp_path: Path, stranger: socket.socket) -> None:
    port = stranger.getsockname()[1]
    planted = f"import socket; one = socket.create_connection(('127.0.0.1', {port}))"
    with process(tmp_path, planted) as running:
        own = settings(tmp_path, mqtt={"host": "127.0.0.1", "port": port - 1})
        found = inspect(sockets, subject(tmp_path, running, own=own))
    assert found.state == "red"
    assert f"connected to 127.0.0.1:{port}, neither broker nor camera" in found.value


def test_a_broker_of_players_is_expected_only_where_the_settings_name_it(
    tmp_path: Path, stranger: socket.socket
) -> None:
    port = stranger.getsockname()[1]
    planted = f"import socket; one = socket.create_connection(('127.0.0.1', {port}))"
    signage = {
        "token": "0123456789abcdef",
        "clips": [{"name": "brand", "kind": "brand"}],
        "rotation": ["brand"],
    }
    named = {**signage, "broker": {"host": "127.0.0.1", "port": port}}
    with process(tmp_path, planted) as running:
        found = {
            name: inspect(
                sockets, subject(tmp_path, running, own=settings(tmp_path, mqtt=mqtt, signage=asked))
            )
            for name, mqtt, asked in (
                ("named", {"host": "192.0.2.1", "port": port}, named),
                ("not named", {"host": "192.0.2.1", "port": port}, signage),
            )
        }
    assert found["named"].state == "green", found
    assert f"the broker of players 127.0.0.1:{port}" in found["named"].value
    assert found["not named"].state == "red"
    assert f"connected to 127.0.0.1:{port}, neither broker nor camera" in found["not named"].value


def test_a_broker_of_players_that_gets_the_counts_by_another_name_is_found(tmp_path: Path) -> None:
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except socket.gaierror:
        pytest.skip("this machine cannot look up its own name")
    signage = {
        "token": "0123456789abcdef",
        "clips": [{"name": "brand", "kind": "brand"}],
        "rotation": ["brand"],
        "broker": {"host": address},
    }
    with process(tmp_path) as running:
        own = settings(tmp_path, mqtt={"host": name}, signage=signage)
        found = inspect(sockets, subject(tmp_path, running, own=own))
    assert (found.state, "leaves the shop" in found.value) == ("red", True), found


def test_an_address_that_the_name_of_the_broker_has_no_more_is_not_fine(
    tmp_path: Path, stranger: socket.socket
) -> None:
    port = stranger.getsockname()[1]
    planted = f"import socket; one = socket.create_connection(('127.0.0.1', {port}))"
    with process(tmp_path, planted) as running:
        own = settings(tmp_path, mqtt={"host": "broker.invalid", "port": port})
        found = inspect(sockets, subject(tmp_path, running, own=own))
    assert found.state == "amber"
    assert "which is not an address of broker.invalid now" in found.value


# Settings and messages.


def test_a_profile_wider_than_the_sign_is_found(tmp_path: Path) -> None:
    wide = settings(tmp_path, privacy={"profile": "expression", "k": 4})
    record = tmp_path / "sign.yaml"
    record.write_text(yaml.safe_dump({"profile": "demographics"}))
    found = inspect(sign, subject(tmp_path, None, own=wide))
    assert found.state == "red"
    assert (
        "settings: profile expression tells more than demographics; settings: k 4 is less than 5"
        in found.value
    )
    assert inspect(sign, subject(tmp_path, None)).state == "green"
    record.write_text(yaml.safe_dump({"profile": "expression", "k": 4}))
    assert inspect(sign, subject(tmp_path, None, own=wide)).state == "green"
    record.write_text(yaml.safe_dump({"window_s": 900}))
    assert "windows of 60 s are shorter than 900 s" in inspect(sign, subject(tmp_path, None)).value


def test_without_a_sign_only_the_defaults_are_known_to_be_right(tmp_path: Path) -> None:
    wide = settings(tmp_path, privacy={"profile": "expression"})
    assert inspect(sign, subject(tmp_path, None)).state == "green"
    found = inspect(sign, subject(tmp_path, None, own=wide))
    assert found.state == "amber"
    assert str(tmp_path / "sign.yaml") in found.fix


def test_a_server_that_widened_the_settings_is_found(tmp_path: Path) -> None:
    own = settings(tmp_path, privacy={"profile": "count"})
    found = inspect(sign, subject(tmp_path, None, own=own, settings=settings(tmp_path)))
    assert found.state == "red"
    assert "which only the file may" in found.value


def test_a_message_wider_than_the_settings_is_found_and_others_are_told_in_words(tmp_path: Path) -> None:
    own = settings(tmp_path)
    with closing(Outbox(own.outbox.location(), max_messages=10)) as outbox:
        outbox.put(topic(window(0)), encode(window(0, cohort=cohort())), MORNING)
        outbox.put(topic(health()), encode(health()), MORNING)
        outbox.delivered([1], MORNING, forget=False)
        found = inspect(payloads, subject(tmp_path, None))
        assert found.state == "green", found
        assert "window of 08:00 UTC: 3 visits, " in found.value
        assert found.value.endswith("nobody in it")
        narrow = settings(tmp_path, privacy={"profile": "count", "k": 7})
        found = inspect(payloads, subject(tmp_path, None, own=narrow))
        assert found.state == "red"
        assert "a window told profile" in found.value
        outbox.put("footlight/v1/shop/door/window", b'{"people": ["Ada"]}', MORNING)
        assert "no message of Footlight" in inspect(payloads, subject(tmp_path, None)).value


# The camera, and the broker's side.


def test_a_second_process_with_the_camera_is_found(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.write_bytes(b"")
    own = settings(tmp_path, camera={"source": str(node)})
    planted = f"camera = open({str(node)!r}, 'rb')"
    with process(tmp_path, planted) as running:
        assert inspect(camera, subject(tmp_path, running, own=own)).state != "red"
        with process(tmp_path, planted) as second:
            found = inspect(camera, subject(tmp_path, running, own=own))
            assert found.state == "red"
            assert f"(process {second.pid})" in found.value
            assert f"(process {running.pid})" not in found.value


@pytest.mark.mosquitto
def test_a_second_publisher_under_the_same_name_is_found(tmp_path: Path) -> None:
    client_id, ours, theirs = (
        "footlight-shop-door",
        status(online=True),
        status(online=True, boot_id="f" * 16),
    )
    with Mosquitto(tmp_path) as mosquitto, process(tmp_path) as running:
        own = settings(tmp_path, mqtt={"host": "127.0.0.1", "port": mosquitto.port})
        with closing(Outbox(own.outbox.location(), max_messages=10)) as outbox:
            outbox.put(topic(health()), encode(health()), MORNING)
        looked_at = subject(tmp_path, running, own=own)
        service = Connection(
            Broker("127.0.0.1", mosquitto.port), client_id, will=None, on_event=lambda: None, timeout_s=10
        )
        service.publish(Outgoing(topic(ours), encode(ours), qos=1, retain=True))
        until(service.answers, "the broker has the status")
        assert inspect(publisher, looked_at).state == "green"
        line = (
            "0.0 frames/s; broker x: the network may be bad; or does another device use the name shop/door?"
        )
        suspected = subject(tmp_path, running, own=own, properties={"StatusText": line})
        assert inspect(publisher, suspected).state == "amber", "the broker knows of no other run"
        second = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5)
        second.connect("127.0.0.1", mosquitto.port)
        second.loop_start()
        second.publish(topic(theirs), encode(theirs), qos=1, retain=True).wait_for_publish(10)
        until(lambda: service.end is not None, "the broker has put the service out")
        found = inspect(publisher, looked_at)
        second.disconnect()
        second.loop_stop()
        service.close()
    assert found.state == "red"
    assert "f" * 16 in found.value


def test_what_the_service_says_of_a_second_publisher_is_found(tmp_path: Path) -> None:
    line = "0.0 frames/s; broker x: another device uses the name shop/door; give each a name of its own"
    assert inspect(publisher, subject(tmp_path, None, properties={"StatusText": line})).state == "red"
