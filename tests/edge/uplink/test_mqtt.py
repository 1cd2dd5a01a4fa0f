"""One connection to a real broker: what it says of success, refusal, absence and its own end."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from amqtt.broker import Broker as Amqtt

from common.errors import UserError
from common.mqtt.broker import Broker, Protocol
from common.mqtt.refusals import PACKET_TOO_LARGE, PROTOCOL_ERROR, BrokerRefused, BrokerUnreachable
from common.mqtt.tls import Tls
from edge.uplink.mqtt import LARGEST_HEARD, Answer, Connection, Outgoing
from tests.support.brokers import Listener, Mosquitto, free_port, password_file, until
from tests.support.loops import serving
from tests.support.programs import require_program

pytestmark = pytest.mark.mosquitto

WILL = Outgoing("footlight/v1/s/d/status", b'"gone"', retain=True)


def connect(broker: Broker, *, timeout_s: float = 5.0, **hearing: Any) -> Connection:
    return Connection(broker, "device", will=WILL, on_event=lambda: None, timeout_s=timeout_s, **hearing)


def listen(broker: Broker) -> tuple[Connection, list[bytes]]:
    """A connection, and what it hears on the topic ``to/me``."""
    heard: list[bytes] = []
    return connect(broker, hears=["to/me"], on_message=lambda _, payload: heard.append(payload)), heard


def answer_to(connection: Connection, message: Outgoing) -> tuple[int, str]:
    handle = connection.publish(message)
    found: list[Answer] = []

    def answered() -> bool:
        found.extend(connection.answers())
        return bool(found)

    until(answered, "an answer")
    (answer,) = found
    assert answer.handle == handle
    return answer.code, answer.reason


def test_a_publish_is_answered_and_carries_its_content_type(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        connection = connect(Broker("127.0.0.1", server.port))
        assert answer_to(connection, Outgoing("a/b", b"{}"))[0] == 0
        until(lambda: listener.messages, "the message")
        properties = listener.messages[0].properties
        assert properties is not None
        assert properties.ContentType == "application/json"  # type: ignore[attr-defined]
        assert connection.end is None
        connection.close()
        # A goodbye is not a death: the last will stays unsaid.
        again = connect(Broker("127.0.0.1", server.port))
        assert answer_to(again, Outgoing("a/c", b"{}"))[0] == 0
        until(lambda: len(listener.messages) == 2, "the second message")
        assert [message.topic for message in listener.messages] == ["a/b", "a/c"]
        again.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_is_retained_for_it_comes_with_every_connection(tmp_path: Path, protocol: Protocol) -> None:
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        listener.publish("to/me", b"first")
        for said in (b"first", b"second"):
            listener.publish("to/me", said)
            connection, heard = listen(Broker("127.0.0.1", server.port, protocol))
            until(lambda: heard[-1:] == [said], "the last that was said")  # noqa: B023
            connection.close()


def test_what_would_fill_the_memory_is_kept_away(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as server, Listener(server.port) as listener:
        connection, heard = listen(Broker("127.0.0.1", server.port))
        listener.publish("to/me", bytes(LARGEST_HEARD))
        listener.publish("to/me", b"small")
        until(lambda: heard, "something is heard")
        assert heard == [b"small"]
        assert connection.end is None
        connection.close()


def test_a_forbidden_publish_is_not_a_success(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic readwrite mine/#\n")
    with Mosquitto(tmp_path, f"acl_file {tmp_path}/acl") as server:
        connection = connect(Broker("127.0.0.1", server.port))
        code, reason = answer_to(connection, Outgoing("theirs/x", b"{}"))
        assert (code, reason) == (0x87, "Not authorized")
        connection.close()


def test_the_end_of_the_broker_is_the_end_of_the_connection(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as server:
        connection = connect(Broker("127.0.0.1", server.port))
        server.kill()
        until(lambda: connection.end, "the connection ends")
        connection.close()


def test_a_wrong_password_is_refused_in_one_line(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    password_file(passwords, "pi", "right")
    with Mosquitto(tmp_path, f"password_file {passwords}", anonymous=False) as server:
        for username, password in (("pi", "wrong"), (None, None)):
            with pytest.raises(BrokerRefused) as refused:
                connect(Broker("127.0.0.1", server.port, username=username, password=password))
            text = str(refused.value)
            assert f"127.0.0.1:{server.port}" in text
            assert "Not authorized" in text
            assert "password" in text
            assert "\n" not in text
            assert "wrong" not in text
        for protocol in ("5", "3.1.1"):
            connect(Broker("127.0.0.1", server.port, protocol, username="pi", password="right")).close()


def test_an_absent_broker_is_no_refusal() -> None:
    with pytest.raises(BrokerUnreachable, match="refused"):
        connect(Broker("127.0.0.1", free_port()))
    with pytest.raises(BrokerUnreachable):
        connect(Broker("no-such-host.invalid"))


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, pytest.raises(BrokerUnreachable, match="no answer within"):
        connect(Broker("127.0.0.1", silent.getsockname()[1]), timeout_s=0.3)


def openssl(folder: Path, *arguments: str) -> None:
    program = require_program("openssl", "apt-get install openssl")
    subprocess.run([program, *arguments], check=True, capture_output=True, cwd=folder)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A folder with ca.pem, server.{pem,key} for localhost, pi.{pem,key}, and a stranger's other.{pem,key}."""
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 insists
    for name in ("ca", "other"):
        openssl(
            tmp_path, *new, *usage, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"
        )
    for name, subject in (("server", "localhost"), ("pi", "pi")):
        openssl(
            tmp_path,
            *(*new, "-subj", f"/CN={subject}", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{subject}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        )
    return tmp_path


def test_tls_success_and_every_way_it_is_refused(authority: Path) -> None:
    ca, cert, key = authority / "ca.pem", authority / "pi.pem", authority / "pi.key"
    tls = [f"cafile {ca}", f"certfile {authority}/server.pem", f"keyfile {authority}/server.key"]
    with Mosquitto(authority, *tls, "require_certificate true") as server:
        connection = connect(Broker("localhost", server.port, tls=Tls(ca, cert, key)))
        assert answer_to(connection, Outgoing("a", b"{}"))[0] < 0x80
        connection.close()
        refusals = {
            "cert and key": Tls(ca),
            "the client's cert": Tls(ca, authority / "other.pem", authority / "other.key"),
            "self-signed|self signed|unable to get": Tls(authority / "other.pem", cert, key),
        }
        for text, wrong in refusals.items():
            with pytest.raises(BrokerRefused, match=text):
                connect(Broker("localhost", server.port, tls=wrong))
        with pytest.raises(BrokerRefused, match="mismatch"):
            connect(Broker("127.0.0.1", server.port, tls=Tls(ca, cert, key)))
        with pytest.raises(BrokerUnreachable, match="want TLS"):
            connect(Broker("localhost", server.port))
    with Mosquitto(authority) as plain, pytest.raises((BrokerRefused, BrokerUnreachable)):
        connect(Broker("localhost", plain.port, tls=Tls(ca)))


def test_tls_files_that_are_wrong_are_named(authority: Path) -> None:
    with pytest.raises(UserError, match=r"mqtt\.tls\.ca: .*nowhere\.pem"):
        Tls(authority / "nowhere.pem").context()
    with pytest.raises(UserError, match=r"pi\.pem.*other\.key"):
        Tls(authority / "ca.pem", authority / "pi.pem", authority / "other.key").context()


def test_a_message_above_the_brokers_limit_ends_the_connection(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "message_size_limit 1000") as server:
        connection = connect(Broker("127.0.0.1", server.port))
        connection.publish(Outgoing("a", bytes(2000)))
        until(lambda: connection.end, "the connection ends")
        assert connection.end is not None
        assert connection.end.code in (PACKET_TOO_LARGE, PROTOCOL_ERROR)
        connection.close()


@contextmanager
def embedded_broker() -> Iterator[int]:
    """amqtt, the broker inside ``footlight-cloud serve``, in a thread of its own."""
    port = free_port()
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }

    async def work(stop: asyncio.Event, ready: Callable[[int], None]) -> None:
        broker = Amqtt(config)
        await broker.start()
        ready(port)
        await stop.wait()
        await broker.shutdown()

    with serving(work, "the broker listens") as listens:
        yield listens


def test_the_embedded_broker_is_spoken_to_in_3_1_1() -> None:
    with embedded_broker() as port:
        connection = connect(Broker("127.0.0.1", port, "3.1.1"))
        assert answer_to(connection, Outgoing("a", b"{}", retain=True)) == (0, "Success")
        connection.close()
        with pytest.raises((BrokerRefused, BrokerUnreachable)) as failed:
            connect(Broker("127.0.0.1", port, "5"), timeout_s=0.5)
        assert "3.1.1" in str(failed.value)
