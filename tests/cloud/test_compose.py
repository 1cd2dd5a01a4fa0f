"""The server in containers: its parts fit together, and its secrets are made; its broker has a page of its own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud.config import InfluxSettings, load
from tests.support.paths import ROOT
from tests.support.secure_broker import CLOUD, make_secrets, secrets

COMPOSE = yaml.safe_load((CLOUD / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_secrets(tmp_path_factory.mktemp("secrets"))


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
