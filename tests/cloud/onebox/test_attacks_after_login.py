"""After the login a user is one device: real sockets against the real box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from common.wire import WindowMessage, encode, topic
from tests.cloud.onebox.boxes import running, settings
from tests.cloud.onebox.logins import DESK, DOOR, NOBODY_ELSES, PUBACK, SHELF, USERS
from tests.support.attacks import CONNACK_OK, Line, Login, packet, publish, subscribe
from tests.support.brokers import until
from tests.support.messages import status, window

pytestmark = pytest.mark.slow


def test_nobody_takes_over_the_connection_of_another_user(tmp_path: Path) -> None:
    with (
        running(settings(tmp_path, users=USERS)) as running_box,
        Line(running_box.mqtt_port) as door,
        Line(running_box.mqtt_port) as shelf,
    ):
        assert door.log_in(Login(client_id="the same", **DOOR)) == CONNACK_OK
        assert shelf.log_in(Login(client_id="the same", **SHELF)) == CONNACK_OK
        door.send(publish(topic(window(0)), encode(window(0))))
        assert door.read(4) == PUBACK


def test_a_device_that_comes_back_takes_its_own_place(tmp_path: Path) -> None:
    """And is online, though the last will of its dead connection says the contrary."""
    offline = status(online=False)
    login = Login(client_id="door", will_topic=topic(offline), will=encode(offline), clean=False, **DOOR)
    with (
        running(settings(tmp_path, users=USERS)) as running_box,
        Line(running_box.mqtt_port) as before,
        Line(running_box.mqtt_port) as after,
    ):
        assert before.log_in(login) == CONNACK_OK
        assert after.log_in(login) == CONNACK_OK
        assert before.hung_up()
        online = status(online=True)
        after.send(publish(topic(online), encode(online), retain=True))
        assert after.read(4) == PUBACK
        assert [state.online for state in running_box.reader.devices("shop")] == [True]


@pytest.mark.parametrize(
    ("login", "name"),
    [
        pytest.param(DOOR, "footlight/v1/shop/shelf/window", id="as another device"),
        pytest.param(DOOR, "footlight/v1/other/door/window", id="as another shop"),
        pytest.param(DOOR, "footlight/v1/shop/door/config", id="its own settings"),
        pytest.param(DOOR, "footlight/v1/shop/shelf/config", id="settings of another"),
        pytest.param(DOOR, "footlight/v1/shop/door/echo", id="an echo"),
        pytest.param(DOOR, "footlight/v1/shop/door/window/x", id="below a channel"),
        pytest.param(DOOR, "elsewhere", id="outside"),
        pytest.param({}, "footlight/v1/shop/door/config", id="settings, where there are no users"),
        pytest.param(DESK, topic(window(0)), id="a window, who configures"),
    ],
)
@pytest.mark.parametrize("qos", [0, 1])
def test_what_a_user_may_not_say_is_neither_stored_nor_acknowledged(
    tmp_path: Path, login: dict[str, Any], name: str, qos: int
) -> None:
    users = USERS if login else {}
    with running(settings(tmp_path, users=users)) as running_box, Line(running_box.mqtt_port) as line:
        assert line.log_in(Login(**login)) == CONNACK_OK
        line.send(publish(name, encode(window(0)), qos=qos))
        assert line.read(4) == b""
        assert running_box.stats().received == 0


def test_a_last_will_is_a_message_like_any_other(tmp_path: Path) -> None:
    with running(settings(tmp_path, users=USERS)) as running_box, Line(running_box.mqtt_port) as line:
        assert line.log_in(Login(will_topic=topic(status(online=False)), **SHELF)) == NOBODY_ELSES


@pytest.mark.parametrize(
    ("login", "filters", "answer"),
    [
        (DOOR, ["#"], b"\x80"),
        (DOOR, ["+/+/+/+/+"], b"\x80"),
        (DOOR, ["footlight/v1/+/+/window"], b"\x80"),
        (DOOR, ["footlight/v1/shop/+/config"], b"\x80"),
        (DOOR, ["footlight/v1/shop/shelf/config", "footlight/v1/shop/door/config"], b"\x80\x01"),
        (DOOR, ["footlight/v1/shop/door/window"], b"\x80"),
        (DOOR, ["$SYS/#"], b"\x80"),
        (DOOR, ["footlight/v1-dead-letter/shop/shelf", "footlight/v1-dead-letter/#"], b"\x80\x80"),
        (DESK, ["footlight/v1/+/+/health"], b"\x01"),
        (DESK, ["footlight/v1/+/+/window", "#"], b"\x80\x80"),
    ],
)
def test_nobody_hears_what_is_not_for_him(
    tmp_path: Path, login: dict[str, Any], filters: list[str], answer: bytes
) -> None:
    with (
        running(settings(tmp_path, users=USERS)) as running_box,
        Line(running_box.mqtt_port) as line,
        Line(running_box.mqtt_port) as shelf,
    ):
        assert line.log_in(Login(**login)) == CONNACK_OK
        line.send(subscribe(*filters))
        assert line.read(4 + len(filters)) == b"\x90" + bytes([2 + len(filters)]) + b"\x00\x01" + answer
        assert shelf.log_in(Login("shelf", **SHELF)) == CONNACK_OK
        other = WindowMessage.model_validate(window(0).model_dump() | {"device": "shelf"})
        shelf.send(publish(topic(other), encode(other), retain=True))
        assert shelf.read(4) == PUBACK
        line.send(b"\xc0\x00")  # a ping: what was on its way comes before its answer
        assert line.read(2) == b"\xd0\x00"


def test_settings_of_one_device_never_reach_another(tmp_path: Path) -> None:
    asked = "footlight/v1/shop/door/config"
    with (
        running(settings(tmp_path, users=USERS)) as running_box,
        Line(running_box.mqtt_port) as desk,
        Line(running_box.mqtt_port) as door,
        Line(running_box.mqtt_port) as shelf,
    ):
        assert desk.log_in(Login("desk", **DESK)) == CONNACK_OK
        desk.send(publish(asked, b"{}", retain=True))
        assert desk.read(4) == PUBACK
        assert door.log_in(Login("door", clean=False, **DOOR)) == CONNACK_OK
        door.send(subscribe(asked))
        assert door.read(5) == b"\x90\x03\x00\x01\x01"
        assert asked.encode() in door.read(8 + len(asked))
        # amqtt would send it now, as somebody subscribes to it.
        assert shelf.log_in(Login("shelf", clean=False, **SHELF)) == CONNACK_OK
        shelf.send(b"\xc0\x00")
        assert shelf.read(2) == b"\xd0\x00"


def test_a_device_that_falls_silent_is_offline(tmp_path: Path) -> None:
    offline = status(online=False)
    login = Login("door", keepalive_s=1, will_topic=topic(offline), will=encode(offline), **DOOR)
    with running(settings(tmp_path, users=USERS)) as running_box, Line(running_box.mqtt_port) as line:
        assert line.log_in(login) == CONNACK_OK
        line.send(publish(topic(status(online=True)), encode(status(online=True)), retain=True))
        assert line.read(4) == PUBACK
        assert line.hung_up()
        until(
            lambda: [state.online for state in running_box.reader.devices("shop")] == [False],
            "the last will is stored",
        )


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(packet(0x32, b"\x00\x01" * 40_000), id="too large"),
        pytest.param(publish(topic(window(0)), encode(window(0)), qos=2), id="QoS 2"),
        pytest.param(b"\x32\xff\xff\xff\xff\x01", id="a length without end"),
    ],
)
def test_a_packet_past_the_limits_ends_the_connection(tmp_path: Path, wrong: bytes) -> None:
    with running(settings(tmp_path, users=USERS)) as running_box, Line(running_box.mqtt_port) as line:
        assert line.log_in(Login(**DOOR)) == CONNACK_OK
        line.send(wrong)
        assert line.read(4) == b""
        assert running_box.stats().received == 0
