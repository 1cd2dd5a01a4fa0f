"""What cannot be stored goes to the dead letters and stops nothing else."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cloud.ingest.bridge import Bridge
from cloud.ingest.intake import Delivery, Intake, dead_letter_topic
from cloud.stores.influx import InfluxStore
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.mqtt.session import Session
from common.wire import ROOT, encode, topic
from tests.cloud.ingest.bridges import FaultyStore, make_bridge, publish, publisher, running
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.clock import ManualClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import cohort, window
from tests.support.nginx import nginx

pytestmark = pytest.mark.mosquitto


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


def test_a_dead_letter_names_in_the_store_only_who_can_have_sent_it(store: FaultyStore) -> None:
    intake = Intake(store, lambda _: None, lambda _: None, clock=ManualClock())
    intake.submit(Delivery(f"{ROOT}/shop/door two/window", b"?", intake.stop))
    intake.run()
    assert [(letter.site, letter.device) for letter in store.letters] == [("shop", "-")]


def test_a_dead_letter_is_published_at_once_and_kept_when_the_store_is_back(store: FaultyStore) -> None:
    store.available.clear()
    published: list[str] = []
    done = threading.Event()
    intake = Intake(
        store,
        lambda letter: published.append(letter.topic),
        lambda _: None,
        clock=SystemClock(),
        retry_first_s=0.01,
        retry_most_s=0.01,
    )
    thread = threading.Thread(target=intake.run)
    thread.start()
    try:
        intake.submit(Delivery(topic(window(0)), b"?", done.set))
        until(lambda: intake.stats.retries > 2, "it is tried again")
        assert (published, intake.stats.dead, done.is_set()) == ([topic(window(0))], 0, False)
        store.available.set()
        assert done.wait(10)
    finally:
        intake.stop()
        thread.join(10)
    assert (len(published), intake.stats.dead, [letter.payload for letter in store.letters]) == (1, 1, [b"?"])


def test_a_dead_letter_waits_for_no_answer_of_the_broker_and_comes_before_the_acknowledgement(
    store: FaultyStore, mosquitto: Mosquitto
) -> None:
    """While the store is away, the answer would be behind thousands of messages that the bridge does not read."""
    store.available.clear()
    where, grave = topic(window(0)), dead_letter_topic("shop", "door")
    with (
        Listener(mosquitto.port, grave) as listener,
        running(make_bridge(store, mosquitto.port)) as bridge,
        publisher(mosquitto.port) as device,
    ):
        for number in range(20):
            device.publish(where, b"%d" % number, qos=1).wait_for_publish(10)
        until(lambda: bridge.stats.received == 20, "the bridge has all")
        with mosquitto.paused():
            store.available.set()
            until(lambda: bridge.stats.dead == 20, "it is done with all, though the broker is silent")
        until(lambda: len(listener.messages) == 20, "all are published")
        until(lambda: mosquitto.log().count(b"Received PUBACK from bridge") == 20, "all are acknowledged")
    assert [message.payload for message in listener.messages] == [b"%d" % number for number in range(20)]
    letters = acknowledged = 0
    for line in mosquitto.log().splitlines():
        letters += b"Received PUBLISH from bridge" in line and grave.encode() in line
        acknowledged += b"Received PUBACK from bridge" in line
        assert acknowledged <= letters


@pytest.mark.influxdb
def test_all_that_came_while_influxdb_was_away_is_stored_or_kept(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxDB
) -> None:
    """More than the bridge reads before it stops, so that answers of the broker are out of its reach."""
    port, where, sent = free_port(), topic(window(0)), [window(minute) for minute in range(1_500)]
    address = {**influxdb.address, "url": f"http://127.0.0.1:{port}"}
    store = InfluxStore(**address, org=influxdb.org, timeout_s=5.0, clock=SystemClock())
    bridge = Bridge(
        store, Broker("127.0.0.1", mosquitto.port), client_id="bridge", retry_first_s=0.02, retry_most_s=0.1
    )
    front = f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {influxdb.url}; }} }}"
    with (
        running(bridge),
        Session(Broker("127.0.0.1", mosquitto.port), "device", clock=SystemClock()) as device,
    ):
        for number in range(20):
            device.post(where, b"%d" % number)
        for message in sent:
            device.post(where, encode(message))
        device.flush()
        until(lambda: bridge.stats.retries > 3, "the store is away")
        with nginx(tmp_path, port, front):
            until(lambda: bridge.stats.stored == len(sent), "all windows are stored", timeout_s=60)
        assert bridge.stats.dead == 20
    store.close()
    assert len(influxdb.query("SELECT visits FROM window")) == len(sent)
    assert len(influxdb.query("SELECT reason FROM dead_letter")) == 20


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
