"""The doctor's way from this device to the store and back, against real brokers, bridges and stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.ingest.bridge import Bridge
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.influx import InfluxStore
from cloud.stores.store import Store
from common.clock import SystemClock
from common.errors import UserError
from common.mqtt.broker import Broker, Protocol
from common.mqtt.refusals import CLOSED
from common.mqtt.tls import Tls
from common.mqtt.tls import Tls as BridgeTls
from edge.commands.doctor import broker as way
from edge.commands.doctor import round_trip
from edge.commands.doctor.broker import REFUSAL_S
from edge.commands.doctor.checks import Check, Finding, State, run_checks
from edge.commands.doctor.delivery_path import DeliveryPath
from tests.cloud.ingest.bridges import running
from tests.cloud.onebox import boxes
from tests.support.brokers import Listener, Mosquitto, free_port, until
from tests.support.influxdb import InfluxDB
from tests.support.messages import MORNING
from tests.support.secure_broker import Party, SecureMosquitto, make_secrets, secrets

pytestmark = [pytest.mark.mosquitto, pytest.mark.influxdb]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def broker(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureMosquitto]:
    with SecureMosquitto(tmp_path_factory.mktemp("broker"), made) as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "store.sqlite", retention_days=3650, clock=SystemClock())
    yield opened
    opened.close()


def secure_bridge(port: int, made: Path, store: Store, **more: object) -> Bridge:
    tls = BridgeTls(made / "ca.crt", made / "bridge.crt", made / "bridge.key")
    return Bridge(store, Broker("localhost", port, tls=tls), client_id="bridge", **more)  # type: ignore[arg-type]


def device_of(made: Path, port: int, certificate: str | None = "devices/shop/door", **more: object) -> Broker:
    files = (
        (None, None) if certificate is None else (made / f"{certificate}.crt", made / f"{certificate}.key")
    )
    return Broker("localhost", port, tls=Tls(made / "ca.crt", *files), **more)  # type: ignore[arg-type]


def examined(
    broker: Broker,
    *,
    echo_s: float = 10.0,
    refusal_s: float = 0.05,
    secret: Callable[[], str | None] | None = None,
) -> dict[str, Check]:
    """What the path finds. ``refusal_s`` is short where nobody is to be refused after the handshake."""
    path = DeliveryPath(
        broker,
        site="shop",
        device="door",
        clock=SystemClock(),
        echo_s=echo_s,
        refusal_s=refusal_s,
        secret=secret,
    )
    looks: Sequence[tuple[str, Callable[[], Finding]]] = [
        ("name", path.name),
        ("port", path.port),
        ("tls", path.tls),
        ("certificates", path.certificates),
        ("login", path.login),
        ("itself", path.as_itself),
        ("another", path.as_another),
        ("back", path.and_back),
    ]
    return {check.name: check for check in run_checks(looks)}


def states(checks: dict[str, Check]) -> str:
    """One letter a check: g, a or r."""
    return "".join(check.state[0] for check in checks.values())


def test_all_is_well(broker: SecureMosquitto, made: Path, store: EmbeddedStore) -> None:
    with running(secure_bridge(broker.port, made, store)):
        checks = examined(device_of(made, broker.port))
    assert states(checks) == "gggggggg", checks
    assert checks["tls"].value == "TLSv1.3, both sides trust each other"
    assert checks["another"].value == "refused, as it must be"
    assert checks["back"].value.startswith("stored and read back, ")
    assert store.sites() == []


def test_the_way_leads_to_influxdb_and_back(broker: SecureMosquitto, made: Path, influxdb: InfluxDB) -> None:
    store = InfluxStore(
        **influxdb.address,
        org=influxdb.org,
        timeout_s=5.0,
        clock=SystemClock(),
    )
    with running(secure_bridge(broker.port, made, store)):
        assert states(examined(device_of(made, broker.port))) == "gggggggg"
    store.close()
    (row,) = influxdb.query("SELECT count(nonce) FROM probe GROUP BY device")
    assert (row["device"], row["count"]) == ("door", 2)


def test_the_service_keeps_its_connection(broker: SecureMosquitto, made: Path) -> None:
    with Party(broker.port, made, "devices/shop/door") as service:
        examined(device_of(made, broker.port), echo_s=0.1)
        assert service.send("footlight/v1/shop/door/health") == "Success"


# What each check finds.


def test_a_name_that_does_not_exist_ends_the_way() -> None:
    checks = examined(Broker("broker.invalid", 8883))
    assert states(checks)[:2] == "ra"
    assert [checks[name].value.split(":")[0] for name in ("port", "login", "back")] == ["not reached"] * 3


def test_a_port_where_nobody_listens_is_told() -> None:
    port = free_port()
    assert examined(Broker("127.0.0.1", port))["port"].value == f"127.0.0.1:{port} refuses the connection"


def test_another_authority_is_told(broker: SecureMosquitto, made: Path, tmp_path: Path) -> None:
    assert secrets(tmp_path, "init", "localhost").returncode == 0
    files = Tls(tmp_path / "ca.crt", made / "devices/shop/door.crt", made / "devices/shop/door.key")
    check = examined(Broker("localhost", broker.port, tls=files))["tls"]
    assert (check.state, check.value.partition(" (")[0]) == ("red", "unknown authority")


def test_a_certificate_for_another_name_is_told(made: Path, tmp_path: Path) -> None:
    others = tmp_path / "others"
    assert secrets(others, "init", "mqtt.example.com").returncode == 0
    assert secrets(others, "device", "shop", "door").returncode == 0
    with SecureMosquitto(tmp_path, others) as elsewhere:
        check = examined(device_of(others, elsewhere.port))["tls"]
    assert (check.state, check.value.partition(" (")[0]) == (
        "red",
        "the broker's certificate is for another name",
    )


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_device_that_the_broker_does_not_know_is_told(
    made: Path, tmp_path: Path, tls: str, request: pytest.FixtureRequest
) -> None:
    others = tmp_path / "others"
    assert secrets(others, "init", "localhost").returncode == 0
    assert secrets(others, "device", "shop", "door").returncode == 0
    foreign = Tls(made / "ca.crt", others / "devices/shop/door.crt", others / "devices/shop/door.key")
    with SecureMosquitto(tmp_path, made) as broker:
        if tls == "1.2":
            broker.kill()
            broker.configure("tls_version tlsv1.2")
            broker.start()
        refused = examined(Broker("localhost", broker.port, tls=foreign), refusal_s=REFUSAL_S)
        unnamed = examined(device_of(made, broker.port, None), refusal_s=REFUSAL_S)
    assert (refused["tls"].state, unnamed["tls"].state) == ("red", "red")
    assert refused["tls"].value.startswith(
        "the broker refuses this device's certificate: signed by an unknown authority"
    )
    assert refused["login"].value.startswith("not reached")
    if tls == "1.3":  # before, the alert is the same for whatever displeases
        assert unnamed["tls"].value.startswith("the broker requires a certificate from this device")


def test_a_port_without_tls_is_told(made: Path, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as plain:
        assert examined(device_of(made, plain.port))["tls"].state == "red"


def test_a_certificate_of_another_device_is_told(broker: SecureMosquitto, made: Path) -> None:
    checks = examined(device_of(made, broker.port, "devices/shop/shelf"), echo_s=0.1)
    assert (
        checks["certificates"].value
        == "this device's certificate is for shop/shelf, but the configuration says shop/door"
    )
    assert (checks["itself"].state, checks["back"].state) == ("red", "amber")


def certificate(
    days: float, *, since: float = -1, title: str = "the broker's certificate"
) -> way.Certificate:
    return way.Certificate(
        title, "shop/door", MORNING + timedelta(days=since), MORNING + timedelta(days=days)
    )


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ([], "green"),
        ([certificate(31)], "green"),
        ([certificate(400), certificate(29)], "amber"),
        ([certificate(400), certificate(6)], "red"),
        ([certificate(-1)], "red"),
        ([certificate(400, since=1)], "red"),
        ([certificate(400, title=way.DEVICE)], "green"),
    ],
)
def test_a_certificate_that_ends_soon_is_told(found: list[way.Certificate], state: State) -> None:
    assert way.certificates(found, identity="shop/door", now=MORNING).state == state


def test_the_dates_of_a_certificate_are_those_that_openssl_wrote(made: Path, tmp_path: Path) -> None:
    made_certificate = made / "devices/shop/door.crt"
    read = way.device_certificate(made_certificate)
    assert read.name == "shop/door"
    assert read.valid_until - read.valid_from == timedelta(days=825)
    assert abs(datetime.now(UTC) - read.valid_from) < timedelta(hours=1)
    (tmp_path / "no.crt").write_text("none")
    with pytest.raises(OSError, match=r"no\.crt: openssl cannot read this certificate"):
        way.device_certificate(tmp_path / "no.crt")


# Speaking.


def with_acl(folder: Path, made: Path, acl: str | None) -> SecureMosquitto:
    """The broker of the composition with another access list, or none."""
    broker = SecureMosquitto(folder, made)
    config = folder / "mosquitto.conf"
    lines = [line for line in config.read_text().splitlines() if not line.startswith("acl_file")]
    if acl is not None:
        (folder / "acl").write_text(acl)
        lines.append(f"acl_file {folder / 'acl'}")
    config.write_text("\n".join(lines))
    return broker


def test_a_broker_without_an_access_list_is_red_and_nothing_is_counted(
    made: Path, tmp_path: Path, store: EmbeddedStore
) -> None:
    with with_acl(tmp_path, made, None) as broker, running(secure_bridge(broker.port, made, store)):
        checks = examined(device_of(made, broker.port))
    assert (checks["another"].state, checks["another"].value) == (
        "red",
        "this device can publish as any other device",
    )
    assert states(checks) == "ggggggrg"
    assert store.sites() == []


def test_an_access_list_from_before_the_probes_is_told(made: Path, tmp_path: Path) -> None:
    with with_acl(tmp_path, made, "pattern write footlight/v1/%u/window\n") as broker:
        checks = examined(device_of(made, broker.port))
    assert (checks["itself"].state, checks["itself"].value) == ("red", "refused (reason 0x87)")
    assert (checks["another"].state, checks["back"].state) == ("green", "amber")


def test_a_bridge_from_before_the_probes_is_told(made: Path, tmp_path: Path) -> None:
    with (
        SecureMosquitto(tmp_path, made) as broker,
        Party(broker.port, made, "bridge", "footlight/v1/+/+/window"),
    ):
        checks = examined(device_of(made, broker.port))
    assert (checks["back"].state, checks["back"].value) == ("amber", "no bridge receives probes")


def test_a_bridge_that_cannot_store_is_told(made: Path, broker: SecureMosquitto) -> None:
    """Another one would do: somebody hears the probe and never answers."""
    with Party(broker.port, made, "bridge", "footlight/v1/+/+/probe") as silent:
        checks = examined(device_of(made, broker.port), echo_s=0.2)
        until(lambda: len(silent.heard) == 2, "the probes were heard")
    assert (checks["back"].state, checks["back"].value) == ("amber", "accepted by the broker, but no echo")


class Behind(SystemClock):
    def now(self) -> datetime:
        return super().now() - timedelta(minutes=10)


def test_a_bridge_with_another_time_is_told(
    made: Path, broker: SecureMosquitto, store: EmbeddedStore
) -> None:
    with running(secure_bridge(broker.port, made, store, clock=Behind())):
        check = examined(device_of(made, broker.port))["back"]
    assert check.state == "red"
    assert "the bridge's clock is 600 s behind this one" in check.value


REFUSED, TAKEN = 0x87, 0x00
ECHO = round_trip.Echo(20.0, timedelta())


@pytest.mark.parametrize(
    ("facts", "itself", "another", "back"),
    [
        (round_trip.Facts(TAKEN, REFUSED, False, ECHO), "green", "green", "green"),
        (round_trip.Facts(TAKEN, CLOSED, False, ECHO), "green", "green", "green"),
        (round_trip.Facts(CLOSED, None, False, None), "red", "amber", "amber"),
        (round_trip.Facts(None, None, False, None), "red", "amber", "amber"),
        (round_trip.Facts(TAKEN, REFUSED, True, ECHO), "green", "red", "green"),  # refused in words only
        (round_trip.Facts(TAKEN, TAKEN, False, None), "green", "red", "amber"),
    ],
)
def test_a_broker_that_hangs_up_or_is_silent_is_told_from_one_that_refuses(
    facts: round_trip.Facts, itself: State, another: State, back: State
) -> None:
    assert round_trip.as_itself(facts, reasons=True).state == itself
    assert round_trip.as_another(facts, reasons=True, has_certificate=True).state == another
    assert round_trip.and_back(facts).state == back


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_where_anybody_may_speak_it_is_amber(
    tmp_path: Path, store: EmbeddedStore, protocol: Protocol
) -> None:
    with Mosquitto(tmp_path) as plain:
        bridge = Bridge(store, Broker("127.0.0.1", plain.port), client_id="bridge")
        with running(bridge):
            checks = examined(Broker("127.0.0.1", plain.port, protocol=protocol))
    assert states(checks) == "ggggggag"
    assert checks["another"].value == "this device can publish as any other device"


def test_with_mqtt_3_1_1_what_never_comes_back_was_refused(
    made: Path, broker: SecureMosquitto, store: EmbeddedStore
) -> None:
    device = device_of(made, broker.port, protocol="3.1.1")
    with running(secure_bridge(broker.port, made, store)):
        checks = examined(device)
    assert states(checks) == "gggggggg"
    assert checks["another"].value == "the probe was not delivered"
    assert examined(device, echo_s=0.1)["another"].value.startswith("not reached")


def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, anonymous=False) as plain:
        checks = examined(Broker("127.0.0.1", plain.port, username="door", password="wrong"))
    assert states(checks) == "ggggraaa"
    assert checks["login"].value == "refuses this client: Not authorized"


def test_a_password_that_cannot_be_read_is_a_matter_of_the_login(tmp_path: Path) -> None:
    def secret() -> str | None:
        raise UserError("mqtt.password_file: none cannot be read; give one line")

    with Mosquitto(tmp_path) as plain:
        checks = examined(Broker("127.0.0.1", plain.port, username="door"), secret=secret)
    assert states(checks) == "ggggraaa"
    assert checks["login"].value == "mqtt.password_file: none cannot be read"


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_the_box_answers_in_its_own_protocol(tmp_path: Path, protocol: Protocol) -> None:
    with boxes.running(boxes.settings(tmp_path)) as box:
        checks = examined(Broker("127.0.0.1", box.mqtt_port, protocol=protocol))
        assert box.reader.sites() == []
    if protocol == "3.1.1":
        assert states(checks) == "ggggggag"
    else:
        assert checks["login"].state == "red"
        assert "3.1.1" in checks["login"].fix


def test_a_listener_hears_only_probes(tmp_path: Path) -> None:
    """Whatever the broker lets through, the doctor says nothing that could be counted."""
    with Mosquitto(tmp_path) as plain, Listener(plain.port, "#") as listener:
        examined(Broker("127.0.0.1", plain.port), echo_s=0.1)
        until(lambda: len(listener.messages) >= 3, "three probes")
    assert {message.topic.rpartition("/")[2] for message in listener.messages} == {"probe"}
    assert not any(message.retain for message in listener.messages)
