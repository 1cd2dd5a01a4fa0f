"""The bridge against a real mosquitto: what a device published is in the store once, whatever breaks."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud.ingest.bridge import Bridge
from cloud.ingest.intake import Delivery, Intake, dead_letter_topic
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import DeadLetter, StoreRejected, StoreUnavailable
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker, Protocol
from common.mqtt.tls import Tls
from common.wire import ROOT, EchoMessage, Message, ProbeMessage, WindowMessage, decode, encode, topic
from edge.uplink.outbox import Outbox
from edge.uplink.publisher import Uplink
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.clock import ManualClock
from tests.support.messages import BOOT, MORNING, cohort, health, probe, window
from tests.support.programs import require_program

pytestmark = pytest.mark.mosquitto

PROTOCOLS: tuple[Protocol, ...] = ("5", "3.1.1")


class FaultyStore:
    """The embedded store with faults put before it; a real ``Store``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inner = EmbeddedStore(path, retention_days=3650, clock=ManualClock())
        self.available = threading.Event()
        self.available.set()
        self.rejected_camera: str | None = None
        self.attempts = 0
        self.written: list[Message] = []
        self.letters: list[DeadLetter] = []
        self.before_return = threading.Event()
        self.before_return.set()

    def write(self, messages: Sequence[Message]) -> None:
        self.attempts += 1
        if not self.available.is_set():
            raise StoreUnavailable("switched off")
        if any(isinstance(m, WindowMessage) and m.camera == self.rejected_camera for m in messages):
            raise StoreRejected("never this camera")
        self.inner.write(messages)
        self.written.extend(messages)
        self.before_return.wait(30)

    def contains(self, probe: ProbeMessage) -> bool:
        return self.inner.contains(probe)

    def record_dead_letter(self, letter: DeadLetter) -> None:
        if not self.available.is_set():
            raise StoreUnavailable("switched off")
        self.letters.append(letter)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self.letters[-limit:]

    def close(self) -> None:
        self.inner.close()

    def windows(self) -> list[WindowMessage]:
        return self.inner.windows("shop", MORNING, MORNING + timedelta(days=30))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FaultyStore]:
    faulty = FaultyStore(tmp_path / "store.sqlite")
    yield faulty
    faulty.close()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def make_bridge(
    store: FaultyStore, port: int, *, protocol: Protocol = "5", client_id: str = "bridge", **more: str
) -> Bridge:
    return Bridge(
        store,
        Broker("127.0.0.1", port, protocol, **more),  # type: ignore[arg-type]
        client_id=client_id,
        retry_first_s=0.02,
        retry_most_s=0.1,
        reconnect_s=(1, 1),
    )


@contextmanager
def running(bridge: Bridge) -> Iterator[Bridge]:
    thread = threading.Thread(target=bridge.run)
    thread.start()
    try:
        until(bridge.subscribed.is_set, "the bridge is subscribed")
        yield bridge
    finally:
        bridge.stop()
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def publisher(port: int) -> Iterator[mqtt.Client]:
    """A paho client; QoS 1 and its own resending."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="device", protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def publish(client: mqtt.Client, *messages: Message) -> None:
    for message in messages:
        client.publish(topic(message), encode(message), qos=1).wait_for_publish(10)


@contextmanager
def uplink(folder: Path, port: int) -> Iterator[Uplink]:
    """The real device side: its outbox and its thread."""
    outbox = Outbox(folder / "outbox.sqlite", max_messages=10_000)
    sender = Uplink(
        outbox,
        Broker("127.0.0.1", port),
        site="shop",
        device="door",
        boot_id=BOOT,
        software="0.1.0",
        clock=SystemClock(),
        late_after_s=10**10,
        retry_s=(0.05, 0.2),
        resend_within_s=0.1,
    )
    sender.start()
    try:
        yield sender
    finally:
        sender.stop(10)
        outbox.close()


def test_every_window_is_stored_once_when_the_broker_is_killed_midway(
    tmp_path: Path, store: FaultyStore, mosquitto: Mosquitto
) -> None:
    sent = [window(minute, visits=minute % 7) for minute in range(600)]
    with running(make_bridge(store, mosquitto.port)) as bridge, uplink(tmp_path, mosquitto.port) as device:
        for message in sent[:300]:
            device.send(message)
        until(lambda: bridge.stats.stored > 50, "a good part is stored, and more is on its way")
        mosquitto.kill()
        for message in sent[300:]:
            device.send(message)
        mosquitto.start()
        until(lambda: len(store.windows()) >= len(sent), "all windows are stored", timeout_s=60)
        until(lambda: device.outbox_depth == 0, "the outbox is empty")
        assert bridge.stats.dead == 0
    assert store.windows() == sent


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_comes_while_no_bridge_runs_is_stored_by_the_next(
    store: FaultyStore, mosquitto: Mosquitto, protocol: Protocol
) -> None:
    with running(make_bridge(store, mosquitto.port, protocol=protocol)), publisher(mosquitto.port) as device:
        publish(device, window(0))
        until(lambda: len(store.windows()) == 1, "the first window is stored")
    with publisher(mosquitto.port) as device:
        publish(device, *[window(minute) for minute in range(1, 50)])
    with running(make_bridge(store, mosquitto.port, protocol=protocol)):
        until(lambda: len(store.windows()) == 50, "the other windows are stored")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_bridge_that_dies_between_write_and_acknowledgement_gets_it_again_and_overwrites(
    store: FaultyStore, mosquitto: Mosquitto, protocol: Protocol
) -> None:
    store.before_return.clear()
    dying = make_bridge(store, mosquitto.port, protocol=protocol)
    thread = threading.Thread(target=dying.run)
    thread.start()
    until(dying.subscribed.is_set, "the bridge is subscribed")
    with publisher(mosquitto.port) as device:
        publish(device, window(0, visits=4))
        until(lambda: len(store.written) == 1, "the window is written and not yet acknowledged")
        # The same client id again: the broker throws the first one out, as if it had died there.
        with running(make_bridge(store, mosquitto.port, protocol=protocol)) as next_bridge:
            store.before_return.set()
            until(lambda: next_bridge.stats.stored == 1, "it is delivered again")
            dying.stop()
            thread.join(30)
            publish(device, window(1, visits=5))
            until(lambda: len(store.windows()) == 2, "and what follows, too")
    assert [message.totals.visits for message in store.windows()] == [4, 5]
    assert len(store.written) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_lost_while_the_store_is_away(
    store: FaultyStore, mosquitto: Mosquitto, protocol: Protocol
) -> None:
    store.available.clear()
    with running(make_bridge(store, mosquitto.port, protocol=protocol)) as bridge:
        with publisher(mosquitto.port) as device:
            publish(device, *[window(minute) for minute in range(1200)])
        until(lambda: bridge.stats.retries >= 3, "it was tried several times")
        assert bridge.stats.stored == 0
        store.available.set()
        until(lambda: len(store.windows()) == 1200, "everything is stored once the store is back")
        assert bridge.stats.dead == 0


def test_a_bridge_stopped_while_the_store_is_away_acknowledges_nothing(
    store: FaultyStore, mosquitto: Mosquitto
) -> None:
    store.available.clear()
    with running(make_bridge(store, mosquitto.port)), publisher(mosquitto.port) as device:
        publish(device, window(0))
        until(lambda: store.attempts >= 2, "a write failed")
    store.available.set()
    with running(make_bridge(store, mosquitto.port)):
        until(lambda: len(store.windows()) == 1, "the next bridge gets it")


POISON = {
    "not JSON": b"\xff{",
    "an unknown field": encode(window(0)).replace(b'"seq"', b'"sequel"'),
    "another device's word": encode(window(0, device="shelf")),
    "a k below that of the bridge": encode(window(0, k=2)),
    "a small cell": encode(window(0, visits=8, cohort=cohort())).replace(b'"female":8', b'"female":3'),
    "more viewers than visits": encode(window(0)).replace(b'"viewers":2', b'"viewers":9'),
    "empty": b"",
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_a_message_that_cannot_be_decoded_goes_to_the_dead_letters_and_stops_nothing(
    store: FaultyStore, mosquitto: Mosquitto, poison: bytes
) -> None:
    where = topic(window(0))
    with (
        Listener(mosquitto.port, dead_letter_topic("shop", "door")) as grave,
        running(make_bridge(store, mosquitto.port)) as bridge,
        publisher(mosquitto.port) as device,
    ):
        device.publish(where, poison, qos=1)
        publish(device, window(1))
        until(lambda: len(store.windows()) == 1, "the next message is stored")
        until(lambda: len(grave.messages) == 1, "the dead letter is published")
        assert (bridge.stats.dead, bridge.stats.received) == (1, 2)
    (letter,) = grave.messages
    assert letter.payload == poison
    said = dict(letter.properties.UserProperty)  # type: ignore[union-attr]
    assert said["topic"] == where
    assert said["reason"].startswith(where)
    (kept,) = store.letters
    assert (kept.site, kept.device, kept.topic, kept.reason) == ("shop", "door", where, said["reason"])
    assert kept.payload == poison
    # It was acknowledged: a bridge that comes later does not get it again.
    with running(make_bridge(store, mosquitto.port)) as later, publisher(mosquitto.port) as device:
        publish(device, window(2))
        until(lambda: len(store.windows()) == 2, "the next bridge works")
        assert later.stats.dead == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_probe_comes_back_once_it_can_be_read_from_the_store(
    store: FaultyStore, mosquitto: Mosquitto, protocol: Protocol
) -> None:
    store.available.clear()
    with (
        Listener(mosquitto.port, f"{ROOT}/shop/door/echo") as asker,
        running(make_bridge(store, mosquitto.port, protocol=protocol)) as bridge,
        publisher(mosquitto.port) as device,
    ):
        publish(device, probe(7))
        until(lambda: bridge.stats.retries > 1, "the bridge tries in vain")
        assert asker.messages == []
        store.available.set()
        until(lambda: asker.messages, "the echo")
        assert store.contains(probe(7))
    (heard,) = asker.messages
    answer = decode(heard.topic, bytes(heard.payload))
    assert isinstance(answer, EchoMessage)
    assert answer.nonce == probe(7).nonce


def test_a_probe_that_cannot_be_read_back_is_acknowledged_and_not_answered(store: FaultyStore) -> None:
    class WriteOnly(FaultyStore):
        def contains(self, probe: ProbeMessage) -> bool:
            raise StoreUnavailable("this token may not read")

    answered: list[ProbeMessage] = []
    acknowledged = []

    def acknowledge() -> None:
        acknowledged.append(True)
        intake.stop()

    writing = WriteOnly(store.path.with_name("write-only.sqlite"))
    intake = Intake(writing, lambda _: None, answered.append, clock=ManualClock())
    intake.submit(Delivery(topic(probe()), encode(probe()), acknowledge))
    intake.run()
    writing.close()
    assert (acknowledged, answered, intake.stats.stored) == ([True], [], 1)


def test_a_dead_letter_names_in_the_store_only_who_can_have_sent_it(store: FaultyStore) -> None:
    intake = Intake(store, lambda _: None, lambda _: None, clock=ManualClock())
    intake.submit(Delivery(f"{ROOT}/shop/door two/window", b"?", intake.stop))
    intake.run()
    assert [(letter.site, letter.device) for letter in store.letters] == [("shop", "-")]


def test_a_store_that_is_away_holds_up_no_dead_letter(store: FaultyStore) -> None:
    store.available.clear()
    letters = []
    intake = Intake(store, lambda letter: letters.append(letter.topic), lambda _: None, clock=ManualClock())
    intake.submit(Delivery(topic(window(0)), b"?", intake.stop))
    intake.run()
    assert (letters, intake.stats.dead, store.letters) == ([topic(window(0))], 1, [])


def test_a_message_that_the_store_rejects_goes_to_the_dead_letters_alone(
    store: FaultyStore, mosquitto: Mosquitto
) -> None:
    store.rejected_camera = "bad"
    store.available.clear()
    with (
        Listener(mosquitto.port, dead_letter_topic("shop", "door")) as grave,
        running(make_bridge(store, mosquitto.port)) as bridge,
        publisher(mosquitto.port) as device,
    ):
        # Held up first, so that all of them come to the store in one batch.
        publish(device, window(0))
        until(lambda: store.attempts > 0, "the intake is busy with the first")
        publish(device, window(1), window(2, camera="bad"), window(3))
        until(lambda: bridge.stats.received == 4, "the others wait")
        store.available.set()
        until(lambda: bridge.stats.dead == 1 and bridge.stats.stored == 3, "all are settled")
        until(lambda: len(grave.messages) == 1, "the dead letter is published")
    assert [message.seq for message in store.windows()] == [0, 1, 3]


def test_bridges_of_one_group_share_the_load_and_none_stores_what_the_other_has(
    store: FaultyStore, mosquitto: Mosquitto
) -> None:
    with (
        running(make_bridge(store, mosquitto.port, client_id="one")) as one,
        running(make_bridge(store, mosquitto.port, client_id="two")) as two,
        publisher(mosquitto.port) as device,
    ):
        publish(device, *[window(minute) for minute in range(100)])
        until(lambda: len(store.windows()) == 100, "all are stored")
        assert one.stats.stored + two.stats.stored == 100
        assert min(one.stats.stored, two.stats.stored) > 20


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_bridge_that_never_comes_back_costs_no_window(
    tmp_path: Path, store: FaultyStore, mosquitto: Mosquitto, end: signal.Signals
) -> None:
    """The broker goes on sharing out to it, and drops what waits for it when its session ends."""
    config = tmp_path / "cloud.yaml"
    config.write_text(
        f"mqtt: {{host: 127.0.0.1, port: {mosquitto.port}, client_id: two, session_expiry_s: 2}}\n"
        f"store: {{path: {store.path}}}\n"
    )
    command = [sys.executable, "-m", "cloud", "bridge", "--config", str(config)]
    sent = [window(minute, visits=minute % 7) for minute in range(80)]
    with (
        running(make_bridge(store, mosquitto.port, client_id="one")),
        subprocess.Popen(command) as other,
        uplink(tmp_path, mosquitto.port) as device,
    ):
        until(lambda: b"SUBACK to two" in mosquitto.log(), "the other bridge is there")
        for message in sent[:20]:
            device.send(message)
        until(lambda: len(store.windows()) == 20, "both work")
        other.send_signal(end)
        other.wait(20)
        for message in sent[20:]:
            device.send(message)
        until(lambda: device.outbox_depth == 0, "the broker has taken all of them")
        assert len(store.windows()) < len(sent), "half of them wait for the one that is gone"
        until(lambda: len(store.windows()) == len(sent), "all windows are stored", timeout_s=30)
    assert [w.totals for w in store.windows()] == [w.totals for w in sent]


def test_configuration_on_its_way_down_is_none_of_its_business(
    store: FaultyStore, mosquitto: Mosquitto
) -> None:
    with running(make_bridge(store, mosquitto.port)) as bridge, publisher(mosquitto.port) as device:
        device.publish("footlight/v1/shop/door/config", b"anything", qos=1).wait_for_publish(10)
        publish(device, health())
        until(lambda: bridge.stats.stored == 1, "the health message is stored")
        assert bridge.stats.received == 1


def test_it_waits_for_a_broker_that_is_not_there_yet(tmp_path: Path, store: FaultyStore) -> None:
    broker = Mosquitto(tmp_path)
    bridge = make_bridge(store, broker.port)
    thread = threading.Thread(target=bridge.run)
    thread.start()
    try:
        with broker:
            until(bridge.subscribed.is_set, "the bridge is subscribed")
    finally:
        bridge.stop()
        thread.join(30)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_broker_that_refuses_is_one_line(tmp_path: Path, store: FaultyStore, protocol: Protocol) -> None:
    with Mosquitto(tmp_path, anonymous=False) as broker:
        bridge = make_bridge(store, broker.port, protocol=protocol, username="nobody", password="wrong")
        with pytest.raises(UserError, match=r"^broker 127\.0\.0\.1:\d+ refuses: .*; check mqtt\.username"):
            bridge.run()


def test_it_speaks_tls_with_a_certificate_of_its_own(tmp_path: Path, store: FaultyStore) -> None:
    ca, server, client = (make_certificate(tmp_path, name) for name in ("ca", "127.0.0.1", "bridge"))
    secure, plain = free_port(), Mosquitto(tmp_path)
    plain.configure(
        f"listener {secure} 127.0.0.1",
        f"cafile {ca[0]}",
        f"certfile {server[0]}",
        f"keyfile {server[1]}",
        "require_certificate true",
    )
    with plain:
        bridge = Bridge(
            store, Broker("127.0.0.1", secure, tls=Tls(ca[0], client[0], client[1])), client_id="bridge"
        )
        with running(bridge), publisher(plain.port) as device:
            publish(device, window(0))
            until(lambda: len(store.windows()) == 1, "the window is stored")


def test_tls_files_that_are_missing_or_no_certificates_are_one_line(
    tmp_path: Path, store: FaultyStore
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for tls in (Tls(ca=tmp_path / "missing.pem"), Tls(ca=broken), Tls(cert=broken, key=broken)):
        with pytest.raises(UserError, match=r"^mqtt\.tls(\.ca)?: "):
            Bridge(store, Broker("127.0.0.1", 1, tls=tls), client_id="bridge")


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key; the one called "ca" signs the others."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = [
        require_program("openssl", "apt-get install openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", f"/CN={name}", "-out", str(certificate), "-keyout", str(key)]
    if name != "ca":
        command += ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
        command += ["-addext", "basicConstraints=critical,CA:FALSE"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
