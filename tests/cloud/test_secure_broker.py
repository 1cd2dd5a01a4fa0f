"""In the broker of cloud/compose.yaml a device speaks only as itself, and nothing is lost while the bridges are away.

The real broker with the real configuration, access list and certificates.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud.config import load
from cloud.ingest.bridge import Bridge
from cloud.stores.embedded import EmbeddedStore
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.mqtt.tls import Tls
from common.wire import RESEND_TOPIC, STORED, Message, StatusMessage, encode, topic
from tests.support.brokers import until
from tests.support.messages import BOOT, health, window
from tests.support.secure_broker import Party, SecureMosquitto, is_let_in, make_secrets, secrets

pytestmark = pytest.mark.mosquitto


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def broker(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureMosquitto]:
    with SecureMosquitto(tmp_path_factory.mktemp("broker"), made) as running:
        yield running


MINE = "footlight/v1/shop/door"


def test_a_device_speaks_as_itself(broker: SecureMosquitto, made: Path) -> None:
    with (
        Party(broker.port, made, "bridge", "footlight/v1/+/+/+") as bridge,
        Party(broker.port, made, "devices/shop/door") as device,
    ):
        for channel in STORED:
            assert device.send(f"{MINE}/{channel}") == "Success"
        until(lambda: len(bridge.heard) == len(STORED), "the bridge hears the device")


@pytest.mark.parametrize(
    "foreign",
    [
        "footlight/v1/shop/shelf/window",
        "footlight/v1/other/door/window",
        "footlight/v1/shop/shelf/probe",
        "footlight/v1/shop/door/config",
        "footlight/v1/shop/door/echo",
        "footlight/v1/shop/door/window/more",
        "footlight/v1/shop/window",
        "footlight/v1-dead-letter/shop/door",
        "footlight/v1-resend",
        "footlight/v2/shop/door/window",
    ],
)
def test_a_device_speaks_as_nobody_else(broker: SecureMosquitto, made: Path, foreign: str) -> None:
    with (
        Party(broker.port, made, "bridge", "footlight/v1/+/+/window") as bridge,
        Party(broker.port, made, "devices/shop/door") as device,
    ):
        assert device.send(foreign) == "Not authorized"
        # What comes last has overtaken nothing: had the other been let through, it would be here before it.
        assert device.send(f"{MINE}/window", b"own") == "Success"
        until(lambda: bridge.heard, "the bridge hears the device")
        assert [message.payload for message in bridge.heard] == [b"own"]


def test_a_device_hears_nobody(broker: SecureMosquitto, made: Path) -> None:
    """A forbidden subscription is granted by mosquitto; it is the delivery that fails."""
    with (
        Party(broker.port, made, "bridge", "footlight/v1/+/+/window") as bridge,
        Party(broker.port, made, "devices/shop/shelf", "#", "footlight/v1/shop/door/window") as neighbour,
        Party(broker.port, made, "devices/shop/door") as device,
    ):
        device.send(f"{MINE}/window")
        until(lambda: bridge.heard, "the bridge hears the device")
        # Its own configuration is the only thing that could reach it, and nobody has sent one.
        assert neighbour.heard == []


def test_a_device_hears_the_echo_of_its_own_probes(broker: SecureMosquitto, made: Path) -> None:
    with (
        Party(broker.port, made, "bridge") as bridge,
        Party(broker.port, made, "devices/shop/shelf", "footlight/v1/+/+/echo") as neighbour,
        Party(broker.port, made, "devices/shop/door", f"{MINE}/echo") as device,
    ):
        assert bridge.send(f"{MINE}/echo") == "Success"
        until(lambda: device.heard, "the device hears its echo")
        assert neighbour.heard == []


def test_a_device_hears_its_own_status_and_no_other(broker: SecureMosquitto, made: Path) -> None:
    """The privacy audit sees by it whether somebody else publishes under its name."""
    with (
        Party(broker.port, made, "devices/shop/shelf", "footlight/v1/+/+/status") as neighbour,
        Party(broker.port, made, "devices/shop/door", f"{MINE}/status") as device,
    ):
        assert device.send(f"{MINE}/status") == "Success"
        until(lambda: device.heard, "the device hears its status")
        assert neighbour.heard == []


def test_every_device_hears_that_a_bridge_is_gone(broker: SecureMosquitto, made: Path) -> None:
    with (
        Party(broker.port, made, "bridge") as bridge,
        Party(broker.port, made, "devices/shop/shelf", RESEND_TOPIC) as one,
        Party(broker.port, made, "devices/shop/door", RESEND_TOPIC) as other,
    ):
        assert bridge.send(RESEND_TOPIC) == "Success"
        until(lambda: one.heard and other.heard, "both devices hear it")


def test_only_a_certificate_of_the_authority_lets_in(
    broker: SecureMosquitto, made: Path, tmp_path: Path
) -> None:
    assert secrets(tmp_path, "init", "localhost").returncode == 0
    assert is_let_in(broker.port, made, made / "bridge")
    assert not is_let_in(broker.port, made, tmp_path / "bridge")
    assert not is_let_in(broker.port, made, None)


def test_the_certificates_are_fit_for_python_3_13(broker: SecureMosquitto, made: Path) -> None:
    """Its default is strict (RFC 5280); on Raspberry Pi OS trixie a device would not connect otherwise."""
    context = ssl.create_default_context(cafile=made / "ca.crt")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(made / "bridge.crt", made / "bridge.key")
    with (
        socket.create_connection(("127.0.0.1", broker.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() == "TLSv1.3"


def bridge_of(broker: SecureMosquitto, made: Path, number: int, store: EmbeddedStore) -> Bridge:
    return Bridge(
        store,
        Broker("127.0.0.1", broker.port, tls=Tls(made / "ca.crt", made / "bridge.crt", made / "bridge.key")),
        client_id=load(made / f"bridge-{number}.yaml").mqtt.client_id,
    )


@contextmanager
def running(*bridges: Bridge) -> Iterator[None]:
    threads = [threading.Thread(target=bridge.run) for bridge in bridges]
    try:
        for thread in threads:
            thread.start()
        assert all(bridge.subscribed.wait(20) for bridge in bridges)
        yield
    finally:
        for bridge in bridges:
            bridge.stop()
        for thread in threads:
            thread.join(20)


def test_what_comes_while_no_bridge_is_there_waits(made: Path, tmp_path: Path) -> None:
    """mosquitto keeps 1,000 messages for a client that is away, unless it is told to keep more."""
    store = EmbeddedStore(tmp_path / "store.sqlite", retention_days=3650, clock=SystemClock())
    with SecureMosquitto(tmp_path, made) as broker:
        with running(bridge_of(broker, made, 1, store)):
            pass  # from now on the broker knows whom to keep messages for
        with Party(broker.port, made, "devices/shop/door") as device:
            device.flood(f"{MINE}/window", (encode(window(minute)) for minute in range(1100)))
        bridge = bridge_of(broker, made, 1, store)
        with running(bridge):
            until(lambda: bridge.stats.stored == 1100, "everything that waited is stored", timeout_s=60)
    store.close()


def test_the_two_bridges_of_the_composition_store_what_devices_send(
    broker: SecureMosquitto, made: Path, tmp_path: Path
) -> None:
    stores = [
        EmbeddedStore(tmp_path / f"{number}.sqlite", retention_days=3650, clock=SystemClock())
        for number in (1, 2)
    ]
    bridges = [bridge_of(broker, made, number, store) for number, store in enumerate(stores, 1)]
    online = StatusMessage(
        site="shop", device="door", online=True, since=window(0).start, boot_id=BOOT, software="1"
    )
    messages: list[Message] = [*(window(minute) for minute in range(20)), health(), online]
    with running(*bridges), Party(broker.port, made, "devices/shop/door") as device:
        for message in messages:
            assert device.send(topic(message), encode(message)) == "Success"
        device.send(f"{MINE}/window", b"no JSON")
        until(lambda: sum(bridge.stats.stored for bridge in bridges) >= len(messages), "all is stored")
        until(lambda: sum(bridge.stats.dead for bridge in bridges) == 1, "what is no message is put aside")
    assert all(bridge.stats.stored > 0 for bridge in bridges)
    for store in stores:
        store.close()


def test_a_device_whose_certificate_is_revoked_is_not_let_in(tmp_path: Path) -> None:
    taken = "No matching subscribers"  # by the broker; nobody listens here
    made = make_secrets(tmp_path / "secrets")
    listed = (made / "ca.crl").stat().st_ino
    copy = made / "devices" / "shop" / "stolen"
    for part in ("crt", "key"):  # whoever took the card keeps what was on it
        copy.with_suffix(f".{part}").write_bytes((made / "devices" / "shop" / f"door.{part}").read_bytes())
    with (
        SecureMosquitto(tmp_path, made) as broker,
        Party(broker.port, made, "devices/shop/stolen") as device,
    ):
        assert device.send(f"{MINE}/window") == taken
    done = secrets(made, "revoke", "shop", "door")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        made / "ca.crl"
    ).stat().st_ino == listed  # a container sees the file that it was given, not its successor
    with SecureMosquitto(tmp_path, made) as broker:
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            Party(broker.port, made, "devices/shop/stolen")
        with Party(broker.port, made, "devices/shop/shelf") as other:
            assert other.send("footlight/v1/shop/shelf/window") == taken
        renewed = secrets(made, "device", "shop", "door")
        assert renewed.returncode == 0
        with Party(broker.port, made, "devices/shop/door") as device:
            assert device.send(f"{MINE}/window") == taken
