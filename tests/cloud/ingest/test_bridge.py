"""The bridge against a real mosquitto: what a device published is in the store once, whatever breaks."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cloud.ingest.intake import Delivery, Intake
from cloud.stores.store import StoreUnavailable
from common.mqtt.broker import Broker, Protocol
from common.wire import ROOT, EchoMessage, ProbeMessage, decode, encode, topic
from tests.cloud.ingest.bridges import (
    PROTOCOLS,
    FaultyStore,
    make_bridge,
    publish,
    publisher,
    running,
)
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.clock import ManualClock
from tests.support.messages import health, probe, window
from tests.support.uplinks import uplink

pytestmark = pytest.mark.mosquitto


def test_every_window_is_stored_once_when_the_broker_is_killed_midway(
    tmp_path: Path, store: FaultyStore, mosquitto: Mosquitto
) -> None:
    sent = [window(minute, visits=minute % 7) for minute in range(600)]
    with (
        running(make_bridge(store, mosquitto.port)) as bridge,
        uplink(tmp_path, Broker("127.0.0.1", mosquitto.port)) as device,
    ):
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
        uplink(tmp_path, Broker("127.0.0.1", mosquitto.port)) as device,
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
