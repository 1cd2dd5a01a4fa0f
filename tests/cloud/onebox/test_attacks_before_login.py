"""Somebody hostile who is not logged in gets nothing from the one box: real sockets against the real box."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.onebox.connections import WrongPasswords
from cloud.onebox.packets import PacketRefused, read_connect, read_packet
from common.wire import encode, topic
from tests.cloud.onebox.boxes import running, settings
from tests.cloud.onebox.logins import DOOR, PUBACK, REFUSED, USERS
from tests.support.attacks import CONNACK_OK, Line, Login, packet, publish
from tests.support.messages import window

pytestmark = pytest.mark.slow


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
