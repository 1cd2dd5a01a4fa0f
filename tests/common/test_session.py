"""A short connection to a real broker, and to what only looks like one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.mqtt.broker import Broker, Protocol
from common.mqtt.refusals import CLOSED, BrokerRefused, BrokerUnreachable
from common.mqtt.session import AT_ONCE, Received, Session
from tests.support.brokers import Listener, Mosquitto, free_port, password_file, until
from tests.support.clock import START, ManualClock

pytestmark = pytest.mark.mosquitto

NOT_AUTHORISED = 0x87


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


def session_at(port: int, *, timeout_s: float = 10.0, protocol: Protocol = "5") -> Session:
    broker = Broker("127.0.0.1", port, protocol)
    return Session(broker, "test", clock=ManualClock(), timeout_s=timeout_s)


@contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """A port where somebody listens and says nothing, or ``answer`` before hanging up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer or b"")

        thread = threading.Thread(target=serve)
        if answer is not None:
            thread.start()
        yield server.getsockname()[1]
        if answer is not None:
            thread.join(10)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_is_published_is_heard_with_the_time_of_the_clock(
    mosquitto: Mosquitto, protocol: Protocol
) -> None:
    with session_at(mosquitto.port, protocol=protocol) as session:
        subscribed = session.subscribe("a/+", "b")
        assert subscribed is not None
        assert subscribed.accepted
        published = session.publish("a/1", b"x")
        assert published is not None
        assert published.accepted
        assert session.next(10) == Received("a/1", b"x", START)
        session.send("b", b"y")
        assert session.next(10) == Received("b", b"y", START)
        assert session.next(0) is None
        assert not session.closed


def test_what_is_retained_is_there_for_the_next(mosquitto: Mosquitto) -> None:
    with session_at(mosquitto.port) as session:
        session.publish("a", b"x", retain=True)
    with session_at(mosquitto.port) as session:
        session.subscribe("a")
        received = session.next(10)
    assert received is not None
    assert received.payload == b"x"


def test_two_sessions_of_one_purpose_do_not_throw_each_other_out(mosquitto: Mosquitto) -> None:
    with session_at(mosquitto.port) as one, session_at(mosquitto.port) as other:
        for session in (one, other):
            assert session.publish("a", b"x") is not None
            assert not session.closed


def test_what_is_posted_arrives_once_and_in_order(mosquitto: Mosquitto) -> None:
    count = AT_ONCE + 500
    with Listener(mosquitto.port, "a") as heard, session_at(mosquitto.port) as session:
        for number in range(count):
            session.post("a", str(number).encode())
        session.flush()
        until(lambda: len(heard.messages) >= count, "all are heard")
    assert [int(message.payload) for message in heard.messages] == list(range(count))


def test_a_message_that_the_broker_forbids_is_refused(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic write allowed\n")
    with Mosquitto(tmp_path, f"acl_file {acl}") as mosquitto, session_at(mosquitto.port) as session:
        reply = session.publish("forbidden", b"x")
        assert reply is not None
        assert (reply.accepted, reply.code, reply.reason) == (False, NOT_AUTHORISED, "Not authorized")
        session.post("forbidden", b"x")
        with pytest.raises(BrokerRefused, match="refuses a message: Not authorized"):
            session.flush()
        allowed = session.publish("allowed", b"x")
        assert allowed is not None
        assert allowed.accepted


def test_a_login_that_is_refused_is_no_session(tmp_path: Path) -> None:
    password_file(tmp_path / "users", "door", "right")
    line = f"password_file {tmp_path / 'users'}"
    with Mosquitto(tmp_path, line, anonymous=False) as mosquitto:
        for password, accepted in (("wrong", False), ("right", True)):
            broker = Broker("127.0.0.1", mosquitto.port, username="door", password=password)
            session = Session(broker, "test", clock=ManualClock())
            if accepted:
                with session:
                    assert not session.closed
            else:
                with pytest.raises(BrokerRefused, match="Not authorized; check mqtt") as caught:
                    session.open()
                assert not caught.value.permanent
                assert "wrong" not in str(caught.value)


def test_a_broker_that_ends_is_noticed(mosquitto: Mosquitto) -> None:
    with session_at(mosquitto.port) as session:
        session.subscribe("a")
        mosquitto.kill()
        assert session.next(10) is None
        assert session.closed
        reply = session.publish("a", b"x")
        assert reply is not None
        assert reply.code == CLOSED


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(BrokerUnreachable, match="Connection refused"):
        session_at(free_port()).open()


@pytest.mark.parametrize(
    ("protocol", "hint"), [("5", "; a broker without MQTT 5 needs mqtt.protocol 3.1.1"), ("3.1.1", "")]
)
def test_a_listener_that_says_nothing_is_unreachable(protocol: Protocol, hint: str) -> None:
    with listener(None) as port, pytest.raises(BrokerUnreachable) as caught:
        session_at(port, timeout_s=0.3, protocol=protocol).open()
    assert str(caught.value) == f"broker 127.0.0.1:{port}: no answer within 0.3 s{hint}"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x03"])
def test_a_listener_that_is_no_broker_is_unreachable(answer: bytes) -> None:
    with (
        listener(answer) as port,
        pytest.raises(BrokerUnreachable, match="without a reason; does it want TLS"),
    ):
        session_at(port).open()
