"""A broker that is killed forgets the last wills of bridges: the others then ask devices to send again."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloud.ingest.restarts import Restarts
from common.mqtt.broker import Broker
from common.wire import HELD_S, LONGEST_SESSION_S, RESEND_TOPIC, ROOT
from edge.uplink.publisher import UNSAVED_S
from tests.cloud.ingest.bridges import FaultyStore, make_bridge, running
from tests.support.brokers import Listener, Mosquitto, until
from tests.support.clock import SettableClock
from tests.support.messages import window
from tests.support.uplinks import uplink


@pytest.mark.mosquitto
def test_a_bridge_that_never_comes_back_costs_no_window_though_its_broker_is_killed(
    tmp_path: Path, store: FaultyStore, mosquitto: Mosquitto
) -> None:
    """What waits for it is older than what devices send again by themselves after a lost connection."""
    mosquitto.configure("autosave_interval 1")
    mosquitto.reload()
    sent = [window(minute, visits=minute % 7) for minute in range(60)]
    clock = SettableClock()
    with running(make_bridge(store, mosquitto.port, client_id="one")):
        join_and_vanish(mosquitto.port)
        with uplink(tmp_path, Broker("127.0.0.1", mosquitto.port), clock=clock) as device:
            for message in sent:
                device.send(message)
            until(lambda: device.outbox_depth == 0, "the broker has taken all of them", 60)
            assert len(store.windows()) < len(sent), "half of them wait for the one that is gone"
            saved = mosquitto.log().count(b"Saving in-memory database")
            until(lambda: mosquitto.log().count(b"Saving in-memory database") > saved, "the broker saves")
            clock.ahead = timedelta(seconds=(UNSAVED_S + HELD_S) / 2)
            mosquitto.kill()
            mosquitto.start()
            until(lambda: len(store.windows()) == len(sent), "all windows are stored", timeout_s=90)
    assert [w.totals for w in store.windows()] == [w.totals for w in sent]


@pytest.mark.mosquitto
def test_a_broker_that_lost_a_session_and_says_no_uptime_costs_no_window(
    tmp_path: Path, store: FaultyStore, mosquitto: Mosquitto
) -> None:
    """So are clusters, and a broker that keeps nothing on a disk."""
    mosquitto.kill()
    mosquitto.configure("sys_interval 0")
    mosquitto.start()
    sent = [window(minute) for minute in range(60)]
    clock = SettableClock()
    with running(make_bridge(store, mosquitto.port)):
        pass  # from now on the broker keeps messages for it
    with uplink(tmp_path, Broker("127.0.0.1", mosquitto.port), clock=clock) as device:
        for message in sent:
            device.send(message)
        until(lambda: device.outbox_depth == 0, "the broker has taken all of them")
        clock.ahead = timedelta(seconds=(UNSAVED_S + HELD_S) / 2)
        mosquitto.kill()
        until(lambda: not device.connected, "the device has lost its connection")
        mosquitto.start()
        until(lambda: device.connected, "the device hears it")
        with running(make_bridge(store, mosquitto.port)):
            until(lambda: len(store.windows()) == len(sent), "all windows are stored", timeout_s=60)


def join_and_vanish(port: int) -> None:
    """Be one of the bridges for a moment, and go as one whose machine loses power; the session lasts ten seconds."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="two", protocol=mqtt.MQTTv5)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    session.SessionExpiryInterval = 10
    client.connect("127.0.0.1", port, clean_start=False, properties=session)
    client.subscribe(f"$share/bridge/{ROOT}/+/+/window", 1)
    while not subscribed.is_set():
        assert client.loop() == mqtt.MQTT_ERR_SUCCESS
    connection = client.socket()
    assert connection is not None
    connection.close()


@pytest.mark.mosquitto
def test_a_bridge_asks_once_after_a_restart_and_not_after_a_lost_connection(
    store: FaultyStore, mosquitto: Mosquitto
) -> None:
    mosquitto.kill()
    mosquitto.configure("sys_interval 1")
    mosquitto.start()
    with (
        Listener(mosquitto.port, RESEND_TOPIC) as devices,
        running(make_bridge(store, mosquitto.port)) as bridge,
    ):
        until(lambda: len(devices.messages) == 1, "the broker does not know the bridge")
        # The same client id: the broker ends the first connection, and the bridge comes back.
        with Listener(mosquitto.port, "nothing", client_id="bridge"):
            until(lambda: not bridge.subscribed.is_set(), "the connection is lost")
        until(bridge.subscribed.is_set, "it is back")
        with Listener(mosquitto.port, "$SYS/broker/uptime", client_id="watch") as watch:
            until(lambda: len(watch.messages) > 3, "the broker has said several times for how long it runs")
        assert len(devices.messages) == 1


def test_only_a_start_since_the_connection_before_counts() -> None:
    restarts = Restarts()
    restarts.connected(10_000.0)
    assert not restarts.has_restarted(b"9000 seconds", 10_000.0)
    restarts.connected(11_000.0)
    assert not restarts.has_restarted(b"1500 seconds", 11_000.0)
    restarts.connected(12_000.0)
    assert restarts.has_restarted(b"400 seconds", 12_000.0)
    assert not restarts.has_restarted(b"410 seconds", 12_010.0), "once for each connection"


def test_a_start_during_a_connection_on_which_nothing_was_said_counts() -> None:
    restarts = Restarts()
    restarts.connected(10_000.0)
    assert not restarts.has_restarted(b"9000 seconds", 10_000.0)
    restarts.connected(11_000.0)
    restarts.connected(11_002.0)
    assert restarts.has_restarted(b"500 seconds", 11_003.0)


def test_where_devices_were_asked_anyway_no_uptime_counts() -> None:
    restarts = Restarts()
    restarts.connected(10_000.0, asked=True)
    assert not restarts.has_restarted(b"5 seconds", 10_000.0)
    restarts.connected(11_000.0)
    assert not restarts.has_restarted(b"1005 seconds", 11_000.0)
    restarts.connected(12_000.0)
    assert restarts.has_restarted(b"400 seconds", 12_000.0)


def test_without_a_connection_before_a_start_within_a_session_counts() -> None:
    for uptime, restarted in ((LONGEST_SESSION_S - 1, True), (LONGEST_SESSION_S, False)):
        restarts = Restarts()
        restarts.connected(1e6)
        assert restarts.has_restarted(f"{uptime} seconds".encode(), 1e6) is restarted


@pytest.mark.parametrize(
    "payload", [b"", b"seconds", b"-5 seconds", b"5 minutes", b"\xff seconds", b"1.5 seconds"]
)
def test_what_is_no_uptime_says_nothing(payload: bytes) -> None:
    restarts = Restarts()
    restarts.connected(1e6)
    assert not restarts.has_restarted(payload, 1e6)
    assert restarts.has_restarted(b"5 seconds", 1e6)
