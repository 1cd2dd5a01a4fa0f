"""The server in containers: the composition is one, its secrets are made, and its broker lets a device speak only as
itself. The broker is the real one with the real configuration; only ports and paths are the test's."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from cloud.bridge import Bridge, Tls
from cloud.config import InfluxSettings, load
from cloud.stores.embedded import EmbeddedStore
from edge.clock import SystemClock
from edge.wire import Message, StatusMessage, encode, topic
from tests.brokers import Mosquitto, until
from tests.messages import BOOT, health, window

ROOT = Path(__file__).parent.parent
CLOUD = ROOT / "cloud"
COMPOSE = yaml.safe_load((CLOUD / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def secrets(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CLOUD / "compose" / "secrets.sh"), *arguments],
        env={"PATH": "/usr/bin:/bin", "FOOTLIGHT_SECRETS": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All secrets, and the certificates of some devices."""
    folder = tmp_path_factory.mktemp("secrets")
    done = secrets(folder, "init", "localhost", "127.0.0.1")
    assert (done.returncode, done.stderr) == (0, "")
    for site, device in (("shop", "door"), ("shop", "shelf"), ("other", "door")):
        assert secrets(folder, "device", site, device).stdout.strip().endswith(f"{site}/{device}.crt")
    return folder


# The composition. `docker compose config` is not at hand where these tests run: this is what it checks.


def test_it_is_of_the_form_of_the_compose_specification() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [str(program), "--builtin-schema", "vendor.compose-spec", str(CLOUD / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_watched_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+[a-z0-9.-]*", service["image"])
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]


def test_every_name_that_is_used_is_declared_and_every_declared_one_is_used() -> None:
    used_secrets = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert used_secrets == set(COMPOSE["secrets"])
    mounts = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {mount for mount in mounts if not mount.startswith(".")} == set(COMPOSE["volumes"])
    configs = {config["source"] for service in SERVICES.values() for config in service.get("configs", [])}
    assert configs == set(COMPOSE["configs"])
    for service in SERVICES.values():
        for other, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[other]


def test_every_file_it_mounts_is_there() -> None:
    mounts = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [mount for mount in mounts if mount.startswith(".")]
    files += [
        service["build"]["dockerfile"].join(("../", ""))
        for service in SERVICES.values()
        if "build" in service
    ]
    assert files
    assert [name for name in files if not (CLOUD / name).exists()] == []
    assert COMPOSE["configs"]["chain"]["file"] == "${FOOTLIGHT_CHAIN:-./chain.example.yaml}"


def test_the_image_copies_what_is_there() -> None:
    lines = (CLOUD / "compose" / "Dockerfile").read_text().splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_two_bridges_of_one_group_have_names_of_their_own(made: Path) -> None:
    settings = [load(made / f"bridge-{number}.yaml") for number in (1, 2)]
    assert len({each.mqtt.client_id for each in settings}) == 2
    assert len({each.mqtt.share for each in settings}) == 1
    for each in settings:
        assert isinstance(each.store, InfluxSettings)
        assert each.mqtt.tls is not None
        said = {str(path).removeprefix("/run/secrets/") for path in (each.mqtt.tls.ca, each.mqtt.tls.cert)}
        assert said <= set(SERVICES["bridge-1"]["secrets"]) & set(SERVICES["bridge-2"]["secrets"])
    environment = SERVICES["influxdb"]["environment"]
    store = settings[0].store
    assert isinstance(store, InfluxSettings)
    assert (store.org, store.bucket) == (
        environment["DOCKER_INFLUXDB_INIT_ORG"],
        environment["DOCKER_INFLUXDB_INIT_BUCKET"],
    )


def test_a_bridge_is_healthy_while_it_is_connected_to_the_broker() -> None:
    kind, check = SERVICES["bridge-1"]["healthcheck"]["test"]
    assert (kind, SERVICES["mosquitto"]["ports"]) == ("CMD-SHELL", ["8883:8883"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = f"{8883:04X}", f"{server.getsockname()[1]:04X}"
        assert port[0] in check

        def healthy() -> bool:
            return subprocess.run(["sh", "-c", check.replace(*port)], check=False).returncode == 0

        assert not healthy()
        with socket.create_connection(server.getsockname()):
            assert healthy()


# The secrets.


def test_all_secrets_of_the_composition_are_made_and_kept(made: Path) -> None:
    names = [Path(secret["file"]).name for secret in COMPOSE["secrets"].values()]
    before = {name: (made / name).read_bytes() for name in names}
    assert all(before.values())
    assert secrets(made, "init", "localhost").returncode == 0
    assert {name: (made / name).read_bytes() for name in names} == before


def test_the_broker_proves_every_name_it_was_given(made: Path) -> None:
    command = ["openssl", "x509", "-in", str(made / "broker.crt"), "-noout", "-ext", "subjectAltName"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {"DNS:mosquitto", "DNS:localhost", "IP Address:127.0.0.1"} <= set(
        re.findall(r"(?:DNS|IP Address):[^,\s]+", shown)
    )


def test_nobody_else_on_the_machine_reads_them(made: Path) -> None:
    assert (made / "ca.key").stat().st_mode & 0o777 == 0o600
    fresh = made / "fresh"
    assert secrets(fresh, "init", "localhost").returncode == 0
    assert fresh.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "secrets.sh init HOST..."),
        (("init",), "name the hosts"),
        (("device", "shop"), "usage: secrets.sh device SITE DEVICE"),
        (("device", "shop", "a/b"), "'a/b' is no name"),
        (("device", "+", "door"), "'+' is no name"),
    ],
)
def test_a_wrong_call_is_told(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = secrets(tmp_path / "none", *arguments)
    assert done.returncode == 2
    assert says in done.stderr


# The broker.


class SecureMosquitto(Mosquitto):
    """The broker with the configuration of the composition, on a loopback port."""

    def __init__(self, folder: Path, made: Path) -> None:
        self._made = made
        super().__init__(folder)

    def configure(self, *lines: str) -> None:
        text = (CLOUD / "compose" / "mosquitto.conf").read_text()
        for theirs, ours in (
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
            ("/run/secrets/", f"{self._made}/"),
            ("/mosquitto/config/acl", str(CLOUD / "compose" / "acl")),
            ("/mosquitto/data/", f"{self._folder}/"),
        ):
            assert theirs in text
            text = text.replace(theirs, ours)
        (self._folder / "mosquitto.conf").write_text("\n".join((text, "user root", *lines)))


@pytest.fixture(scope="module")
def broker(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureMosquitto]:
    with SecureMosquitto(tmp_path_factory.mktemp("broker"), made) as running:
        yield running


class Party:
    """A client with a certificate of the authority: what it hears, and what the broker says to what it sends."""

    def __init__(self, broker: SecureMosquitto, made: Path, certificate: str, *filters: str) -> None:
        self.heard: list[mqtt.MQTTMessage] = []
        self.answers: dict[int, str] = {}
        subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.tls_set(
            str(made / "ca.crt"), str(made / f"{certificate}.crt"), str(made / f"{certificate}.key")
        )
        self._client.on_message = lambda client, data, message: self.heard.append(message)
        self._client.on_publish = lambda client, data, mid, reason, properties: self.answers.update(
            {mid: str(reason)}
        )
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(name, 1) for name in filters or ("none",)]
        )
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert subscribed.wait(10)

    def send(self, name: str, payload: bytes = b"{}") -> str:
        """Publish and return what the broker answers."""
        mid = self._client.publish(name, payload, qos=1).mid
        until(lambda: mid in self.answers, "the broker answers")
        return self.answers[mid]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


MINE = "footlight/v1/shop/door"


def test_a_device_speaks_as_itself(broker: SecureMosquitto, made: Path) -> None:
    with (
        Party(broker, made, "bridge", "footlight/v1/+/+/+") as bridge,
        Party(broker, made, "devices/shop/door") as device,
    ):
        for channel in ("window", "health", "alert", "status"):
            assert device.send(f"{MINE}/{channel}") == "Success"
        until(lambda: len(bridge.heard) == 4, "the bridge hears the device")


@pytest.mark.parametrize(
    "foreign",
    [
        "footlight/v1/shop/shelf/window",
        "footlight/v1/other/door/window",
        "footlight/v1/shop/door/config",
        "footlight/v1/shop/door/window/more",
        "footlight/v1/shop/window",
        "footlight/v1-dead-letter/shop/door",
        "footlight/v2/shop/door/window",
    ],
)
def test_a_device_speaks_as_nobody_else(broker: SecureMosquitto, made: Path, foreign: str) -> None:
    with (
        Party(broker, made, "bridge", "footlight/v1/+/+/window") as bridge,
        Party(broker, made, "devices/shop/door") as device,
    ):
        assert device.send(foreign) == "Not authorized"
        # What comes last has overtaken nothing: had the other been let through, it would be here before it.
        assert device.send(f"{MINE}/window", b"own") == "Success"
        until(lambda: bridge.heard, "the bridge hears the device")
        assert [message.payload for message in bridge.heard] == [b"own"]


def test_a_device_hears_nobody(broker: SecureMosquitto, made: Path) -> None:
    """A forbidden subscription is granted by mosquitto; it is the delivery that fails."""
    with (
        Party(broker, made, "bridge", "footlight/v1/+/+/window") as bridge,
        Party(broker, made, "devices/shop/shelf", "#", "footlight/v1/shop/door/window") as neighbour,
        Party(broker, made, "devices/shop/door") as device,
    ):
        device.send(f"{MINE}/window")
        until(lambda: bridge.heard, "the bridge hears the device")
        # Its own configuration is the only thing that could reach it, and nobody has sent one.
        assert neighbour.heard == []


def is_let_in(broker: SecureMosquitto, made: Path, certificate: Path | None) -> bool:
    """TLS 1.3 tells a client only with the first answer that its certificate will not do."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    files = (None, None) if certificate is None else (f"{certificate}.crt", f"{certificate}.key")
    client.tls_set(str(made / "ca.crt"), *files)
    try:
        client.connect("127.0.0.1", broker.port)
        while not client.is_connected() and client.loop() == mqtt.MQTT_ERR_SUCCESS:
            pass
    except (ssl.SSLError, ConnectionResetError):
        return False
    let_in = client.is_connected()
    client.disconnect()
    return let_in


def test_only_a_certificate_of_the_authority_lets_in(
    broker: SecureMosquitto, made: Path, tmp_path: Path
) -> None:
    assert secrets(tmp_path, "init", "localhost").returncode == 0
    assert is_let_in(broker, made, made / "bridge")
    assert not is_let_in(broker, made, tmp_path / "bridge")
    assert not is_let_in(broker, made, None)


def test_the_two_bridges_of_the_composition_store_what_devices_send(
    broker: SecureMosquitto, made: Path, tmp_path: Path
) -> None:
    stores = [
        EmbeddedStore(tmp_path / f"{number}.sqlite", retention_days=3650, clock=SystemClock())
        for number in (1, 2)
    ]
    bridges = [
        Bridge(
            store,
            host="127.0.0.1",
            port=broker.port,
            client_id=load(made / f"bridge-{number}.yaml").mqtt.client_id,
            tls=Tls(made / "ca.crt", made / "bridge.crt", made / "bridge.key"),
        )
        for number, store in enumerate(stores, 1)
    ]
    threads = [threading.Thread(target=bridge.run) for bridge in bridges]
    online = StatusMessage(
        site="shop", device="door", online=True, since=window(0).start, boot_id=BOOT, software="1"
    )
    messages: list[Message] = [*(window(minute) for minute in range(20)), health(), online]
    try:
        for thread in threads:
            thread.start()
        assert all(bridge.subscribed.wait(20) for bridge in bridges)
        with Party(broker, made, "devices/shop/door") as device:
            for message in messages:
                assert device.send(topic(message), encode(message)) == "Success"
            device.send(f"{MINE}/window", b"no JSON")
            until(lambda: sum(bridge.stats.stored for bridge in bridges) >= len(messages), "all is stored")
            until(
                lambda: sum(bridge.stats.dead for bridge in bridges) == 1, "what is no message is put aside"
            )
    finally:
        for bridge in bridges:
            bridge.stop()
        for thread in threads:
            thread.join(20)
    assert all(bridge.stats.stored > 0 for bridge in bridges)
    for store in stores:
        store.close()
