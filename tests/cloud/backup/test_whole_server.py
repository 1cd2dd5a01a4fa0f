"""A server with broker, certificates and InfluxDB burns down; from its archive, an empty machine goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cloud.domain.levels import LEVELS
from cloud.ingest.bridge import Bridge
from cloud.stores.influx import InfluxStore
from cloud.stores.influx_reader import InfluxReader
from cloud.stores.influxql import InfluxQL
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.mqtt.tls import Tls
from common.wire import HELD_S, WindowMessage, encode, topic
from edge.uplink.publisher import UNSAVED_S
from tests.cloud.backup.servers import Server, restore
from tests.support.brokers import until
from tests.support.clock import SettableClock
from tests.support.influxdb import InfluxDB
from tests.support.messages import asking, window
from tests.support.secure_broker import Party, SecureMosquitto, make_secrets
from tests.support.uplinks import uplink

pytestmark = [pytest.mark.mosquitto, pytest.mark.influxdb, pytest.mark.slow]


class ChainServer:
    """Broker, bridge and InfluxDB of a chain. Settings, keys and the broker's memory are below one folder."""

    def __init__(self, folder: Path, influxdb: InfluxDB) -> None:
        self.influxdb = influxdb
        self.machine = Server(folder / "server", folder / "archives", influxdb.settings)
        self.secrets = make_secrets(self.machine.etc / "secrets")
        # The key of the authority is not left on a server.
        (self.secrets / "ca.key").rename(folder / "ca.key")
        self.memory = self.machine.root / "mosquitto"
        self.memory.mkdir()
        self.broker = SecureMosquitto(self.memory, self.secrets)
        self.machine.save_also(self.memory)

    def tls(self, name: str) -> Tls:
        return Tls(self.secrets / "ca.crt", self.secrets / f"{name}.crt", self.secrets / f"{name}.key")

    def store(self) -> InfluxStore:
        return InfluxStore(
            **self.influxdb.address, org=self.influxdb.org, timeout_s=30.0, clock=SystemClock()
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until it is lost: the broker is killed, without a chance to save anything."""
        with closing(self.store()) as store, self.broker:
            bridge = Bridge(
                store,
                Broker("localhost", self.broker.port, tls=self.tls("bridge")),
                client_id="bridge",
                retry_first_s=0.02,
                retry_most_s=0.1,
                reconnect_s=(1, 1),
            )
            thread = threading.Thread(target=bridge.run)
            thread.start()
            try:
                until(bridge.subscribed.is_set, "the bridge is subscribed")
                yield
                self.broker.kill()
            finally:
                bridge.stop()
                thread.join(30)

    def windows(self) -> list[WindowMessage]:
        """The windows, as the page reads them."""
        with (
            closing(InfluxQL(**self.influxdb.address, timeout_s=30.0)) as influxql,
            closing(self.store()) as store,
        ):
            return InfluxReader(influxql, store).windows(
                "shop", datetime.fromisoformat("2026-01-01T00:00Z"), SystemClock().now() + timedelta(days=1)
            )

    def stored(self) -> int:
        rows = self.influxdb.query('SELECT count(visits) FROM "window"')
        return int(rows[0]["count"]) if rows else 0


@pytest.fixture
def server(tmp_path: Path, influxdb: InfluxDB) -> ChainServer:
    return ChainServer(tmp_path, influxdb)


def broker_for(certificate: Path, server: ChainServer) -> Broker:
    """The broker as a device knows it; its certificate is on the device, and no backup of the server touches it."""
    tls = Tls(certificate / "ca.crt", certificate / "door.crt", certificate / "door.key")
    return Broker("localhost", server.broker.port, tls=tls)


def some_windows(first: int, last: int, start: datetime) -> list[WindowMessage]:
    return [
        window(minute, start=start + timedelta(minutes=minute), visits=minute % 7)
        for minute in range(first, last)
    ]


@pytest.mark.parametrize(
    "away", [timedelta(minutes=1), timedelta(hours=9)], ids=["a minute", "a working day"]
)
def test_an_empty_machine_goes_on_where_the_server_burned_down(
    tmp_path: Path, server: ChainServer, away: timedelta
) -> None:
    certificate = tmp_path / "device"
    certificate.mkdir()
    for ours, theirs in (
        ("ca.crt", "ca.crt"),
        ("door.crt", "devices/shop/door.crt"),
        ("door.key", "devices/shop/door.key"),
    ):
        (certificate / ours).write_bytes((server.secrets / theirs).read_bytes())
    start = (SystemClock().now() - timedelta(hours=12)).replace(second=0, microsecond=0)
    sent = some_windows(0, 300, start)
    clock, config = SettableClock(), encode(asking({"window": {"duration_s": 60}}))
    server.broker.configure("autosave_interval 1", "sys_interval 1")
    with ExitStack() as on_device:
        with server.running():
            with Party(server.broker.port, server.secrets, "configure") as party:
                party._client.publish(topic(asking({})), config, qos=1, retain=True).wait_for_publish(10)
            link = on_device.enter_context(uplink(tmp_path, broker_for(certificate, server), clock=clock))
            for message in sent[:150]:
                link.send(message)
            until(lambda: server.stored() == 150, "they are stored", 60)
            saved = server.broker.log().count(b"Saving in-memory database")
            until(lambda: server.broker.log().count(b"Saving in-memory database") > saved, "the broker saves")
            archive = server.machine.backup()
            told = server.windows()
            for message in sent[150:250]:
                link.send(message)
            until(lambda: server.stored() == 250, "these are in no backup", 60)
            until(lambda: link.outbox_depth == 0, "the device knows")
            # Older than what a device sends again by itself after a lost connection, but still held.
            clock.ahead = timedelta(seconds=(UNSAVED_S + HELD_S) / 2)
        for level in LEVELS:
            server.influxdb.drop(level)
        server.machine.lose()
        for message in sent[250:]:
            link.send(message)
        until(lambda: not link.connected, "the device notices")
        clock.ahead += away

        assert restore(archive) == 0
        assert server.windows() == told, "the same question, the same answer"
        with (
            server.running(),
            Party(server.broker.port, server.secrets, "configure", topic(asking({}))) as party,
        ):
            until(lambda: server.stored() == 300, "all windows are stored", 60)
            until(lambda: link.outbox_depth == 0, "the outbox drains")
            until(lambda: party.heard, "what the device was told to do")
            assert bytes(party.heard[0].payload) == config
            assert [(w.start, w.totals) for w in server.windows()] == [(w.start, w.totals) for w in sent]
            (row,) = server.influxdb.query('SELECT sum(visits) FROM "window"')
            assert row["sum"] == sum(w.totals.visits for w in sent)
