"""The one box on a network with somebody hostile on it: real sockets against the real process."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cloud.onebox.broker import MOST_UNSTORED
from cloud.onebox.connections import Connections, Slot, WrongPasswords
from cloud.onebox.log_rate import LogRate
from cloud.onebox.packets import PacketRefused, read_connect, read_packet
from common.wire import WindowMessage, encode, topic
from tests.cloud.onebox.test_serve import running, settings
from tests.support.attacks import CONNACK_OK, Line, Login, flood, packet, publish, subscribe
from tests.support.brokers import free_port, until
from tests.support.messages import status, window

pytestmark = pytest.mark.slow

DOOR: dict[str, Any] = {"user": "shop/door", "password": "right"}
SHELF: dict[str, Any] = {"user": "shop/shelf", "password": "left"}
DESK: dict[str, Any] = {"user": "configure", "password": "settings"}
USERS = {"shop/door": "right", "shop/shelf": "left", "configure": "settings"}
REFUSED = b"\x20\x02\x00\x04"
NOBODY_ELSES = b"\x20\x02\x00\x05"
PUBACK = b"\x40\x02\x00\x01"


# Floods, against the process as systemd starts it.


@contextmanager
def box(folder: Path) -> Iterator[tuple[int, str, Path]]:
    """The command, with as many open files as systemd allows: the broker's port, the page, the log."""
    port, page, log = free_port(), free_port(), folder / "log"
    chosen = json.loads(settings(folder, port=port).model_dump_json())
    chosen["serve"]["page"]["port"] = page
    (folder / "cloud.yaml").write_text(yaml.safe_dump(chosen))
    command = [sys.executable, "-m", "cloud", "serve", "--config", str(folder / "cloud.yaml")]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stderr=stderr,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),  # noqa: PLW1509
        )
    try:
        until(lambda: b"page at" in log.read_bytes() or process.poll() is not None, "the box is up")
        yield port, f"http://127.0.0.1:{page}", log
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("part", ["broker", "page"])
def test_silent_connections_starve_nobody_and_fill_no_disk(tmp_path: Path, part: str) -> None:
    with box(tmp_path) as (port, page, log):
        with flood(port if part == "broker" else int(page.rpartition(":")[2]), 1100):
            with Line(port) as line:
                assert line.log_in(Login()) == CONNACK_OK
                line.send(publish(topic(window(0)), encode(window(0))))
                assert line.read(4) == PUBACK
            assert httpx.get(f"{page}/site/shop", timeout=20).status_code == 200
        assert log.stat().st_size < 20_000


def test_connections_with_nonsense_fill_no_disk(tmp_path: Path) -> None:
    with box(tmp_path) as (port, page, log):
        for number in range(600):
            with Line(port) as line:
                line.send(packet(0x10, b"\x00\x04MQTT\x04" + bytes([number % 256]) + b"\xff" * 40))
                line.hung_up()
            with Line(int(page.rpartition(":")[2])) as line:
                line.send(b"GET / nonsense\r\n\r\n" if number % 2 else b"\x16\x03\x01" * 9 + b"\r\n\r\n")
                line.hung_up()
        assert httpx.get(page, timeout=20, follow_redirects=True).status_code == 200
        assert log.stat().st_size < 20_000


# Before the login.


@pytest.mark.parametrize("sent", [0, 1, 12])
def test_who_does_not_finish_its_login_in_time_is_hung_up_on(tmp_path: Path, sent: int) -> None:
    with running(settings(tmp_path)) as running_box, Line(running_box.mqtt_port) as line:
        line.send(Login().packet()[:sent])
        assert line.hung_up()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_request_that_does_not_come_in_time_ends_its_connection(tmp_path: Path, sent: bytes) -> None:
    with (
        running(settings(tmp_path)) as running_box,
        Line(int(running_box.page_url.strip("/").rpartition(":")[2])) as line,
    ):
        line.send(sent)
        assert line.hung_up()


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"\x10\xff\xff\xff\x7f" + b"x" * 9000, id="256 MB"),
        pytest.param(b"\x10\xff\xff\xff\xff\xff", id="a length without end"),
        pytest.param(publish("footlight/v1/shop/door/window", b"{}"), id="a message before the login"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
        pytest.param(Login(client_id="x" * 60_000).packet(), id="a name that never ends"),
        pytest.param(packet(0x10, b"\x00\x04MQTT\x04\xc2\x00\x00\x00\x05\xff\xff"), id="cut short"),
    ],
)
def test_what_is_no_login_ends_the_connection(tmp_path: Path, first: bytes) -> None:
    with running(settings(tmp_path)) as running_box:
        with Line(running_box.mqtt_port) as line:
            line.send(first)
            assert line.hung_up()
        assert running_box.stats().received == 0
        with Line(running_box.mqtt_port) as line:
            assert line.log_in(Login()) == CONNACK_OK


@given(
    data=st.binary(max_size=80) | st.builds(lambda tail: Login().packet()[:9] + tail, st.binary(max_size=80))
)
def test_no_bytes_break_the_reading_of_a_login(data: bytes) -> None:
    async def read() -> None:
        stream = asyncio.StreamReader()
        stream.feed_data(data)
        stream.feed_eof()
        await read_connect(stream)

    with suppress(PacketRefused, EOFError):
        asyncio.run(read())


@given(kind=st.integers(0, 255), body=st.binary(max_size=300))
def test_packets_come_whole_whatever_is_in_them(kind: int, body: bytes) -> None:
    async def read() -> bytes:
        stream = asyncio.StreamReader()
        stream.feed_data(packet(kind, body) + b"more")
        return await read_packet(stream, most_bytes=200)

    if len(body) > 200 or (kind >> 4 == 3 and kind & 4):
        with pytest.raises(PacketRefused):
            asyncio.run(read())
    else:
        assert asyncio.run(read()) == packet(kind, body)


def test_wrong_passwords_are_slowed_down_and_the_right_one_still_works(tmp_path: Path) -> None:
    with running(settings(tmp_path, users=USERS)) as running_box:
        for number in range(3):
            with Line(running_box.mqtt_port) as line:
                assert line.log_in(Login(user="shop/door", password=f"guess {number}")) == REFUSED
        with Line(running_box.mqtt_port) as line:
            assert line.log_in(Login(**DOOR)) == CONNACK_OK


def test_each_wrong_password_doubles_the_pause_of_its_network_alone() -> None:
    async def guess() -> None:
        passwords = WrongPasswords()
        pauses = []
        for _ in range(6):
            pauses.append(passwords.pause_s("192.0.2.1"))
            passwords.add("192.0.2.1")
        assert pauses == [0, 0.5, 1, 2, 4, 4]
        assert passwords.pause_s("192.0.2.2") == 0
        passwords.add("2001:db8::1")
        assert passwords.pause_s("2001:db8::ffff:1") == 0.5
        for number in range(2 * WrongPasswords.MOST_ADDRESSES):
            passwords.add(f"10.0.{number // 256}.{number % 256}")
        assert passwords.pause_s("192.0.2.1") == 0  # forgotten, as memory has an end

    asyncio.run(guess())


def test_a_guess_with_the_name_of_a_device_leaves_its_connection_alone(tmp_path: Path) -> None:
    """Neither its session, nor its last will, nor its settings."""
    with running(settings(tmp_path, users=USERS)) as running_box:
        with Line(running_box.mqtt_port) as real, Line(running_box.mqtt_port) as false:
            assert real.log_in(Login(client_id="door", clean=False, **DOOR)) == CONNACK_OK
            wrong = Login(client_id="door", user="shop/door", password="no", clean=False)
            assert false.log_in(wrong) == REFUSED
            real.send(publish(topic(window(0)), encode(window(0))))
            assert real.read(4) == PUBACK
        assert running_box.reader.latest("shop") == window(0)


# After the login: a user is one device.


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


@pytest.mark.parametrize("qos", [0, 1])
def test_who_sends_faster_than_the_store_writes_has_to_wait(tmp_path: Path, qos: int) -> None:
    with running(settings(tmp_path, users=USERS)) as running_box, Line(running_box.mqtt_port) as line:
        other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert line.log_in(Login(**DOOR)) == CONNACK_OK
        line.socket.settimeout(1)
        flood_of_it = 40_000 * publish(topic(window(0)), encode(window(0)), qos=qos)
        with pytest.raises(TimeoutError):
            line.socket.sendall(flood_of_it)
        assert running_box.stats().received == MOST_UNSTORED
        other.execute("ROLLBACK")
        other.close()
        until(lambda: running_box.stats().stored > MOST_UNSTORED, "it is taken again")


# The parts.


def in_a_loop(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_a_newcomer_takes_the_place_of_who_waits_longest() -> None:
    closed: list[str] = []

    async def crowd() -> None:
        connections = Connections("test", most=4, most_per_address=2)

        def admit(address: str, name: str) -> Slot | None:
            return connections.admit(address, lambda: closed.append(name), wait_s=60)

        first, second = admit("192.0.2.1", "first"), admit("192.0.2.1", "second")
        assert first is not None
        assert second is not None
        first.work(None)
        third = admit("192.0.2.1", "third")  # its neighbour that waits makes room, not the one that works
        assert third is not None
        assert closed == ["second"]
        third.work(None)
        assert admit("192.0.2.1", "fourth") is None
        assert admit("192.0.2.2", "a")
        assert admit("192.0.2.3", "b")
        assert admit("192.0.2.4", "c")  # full in all: who waits longest goes
        assert closed == ["second", "a"]
        first.leave()
        assert admit("192.0.2.1", "again")
        assert len(connections) == 4
        connections.end_all()
        assert len(connections) == 0

    in_a_loop(crowd())


def test_a_place_that_was_left_is_never_taken_again() -> None:
    async def leave() -> None:
        connections = Connections("test", most=4, most_per_address=2)
        slot = connections.admit("192.0.2.1", lambda: None, wait_s=60)
        assert slot is not None
        slot.leave()
        slot.wait(60)
        slot.work(60)
        assert len(connections) == 0

    in_a_loop(leave())


def test_a_flood_of_lines_is_cut_and_counted() -> None:
    now_s = [0.0]
    rate = LogRate(lines=3, every_s=60, clock=lambda: now_s[0])
    shown: list[str] = []

    def say(text: str, name: str = "noisy") -> None:
        record = logging.makeLogRecord({"name": name, "msg": "%s", "args": (text,)})
        if rate.filter(record):
            shown.append(record.getMessage())

    for number in range(10):
        say(f"line {number}")
    say("still heard", name="quiet")
    now_s[0] = 61.0
    say("later")
    assert shown == [
        "line 0",
        "line 1",
        "line 2 (more lines of this logger are dropped for up to 60 s)",
        "still heard",
        "later (7 earlier lines were dropped)",
    ]
