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

from cloud.__main__ import _parser as cloud_parser
from cloud.config import InfluxSettings, load
from tests.support.paths import ROOT
from tests.support.secure_broker import CLOUD, compose, make_secrets, secrets

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


def test_nothing_is_installed_that_no_hash_names() -> None:
    installs = re.findall(r"pip install [^&\n]*", (CLOUD / "compose" / "Dockerfile").read_text())
    assert installs
    for install in installs:
        assert "--require-hashes" in install or {"--no-deps", "--no-build-isolation"} <= set(install.split())
    locked = (ROOT / "requirements-server.txt").read_text().replace("\\\n", "")
    packages = [line for line in locked.splitlines() if re.match(r"[a-z]", line)]
    assert packages
    assert [line for line in packages if "--hash=sha256:" not in line] == []
    tested = (ROOT / "requirements-dev.txt").read_text()
    assert [line.split()[0] for line in packages if f"{line.split()[0]} " not in tested] == []


def test_images_are_used_by_digest(tmp_path: Path) -> None:
    done = compose("pin.sh", tmp_path / "secrets")
    assert done.returncode == 0, done.stderr
    pinned: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    assert pinned.keys() == SERVICES.keys()
    for name, service in pinned.items():
        if "build" in SERVICES[name]:
            assert re.fullmatch(
                r"python:[\d.]+-slim-bookworm@sha256:[0-9a-f]{64}", service["build"]["args"]["PYTHON"]
            )
        else:
            image, _, digest = service["image"].partition("@")
            assert image == SERVICES[name]["image"]
            assert re.fullmatch("sha256:[0-9a-f]{64}", digest)


# The secrets.


def test_the_page_adds_its_first_user_before_it_listens(made: Path) -> None:
    """Without a user it would refuse to start, because it listens outside its container."""
    settings = load(made / "page.yaml")
    assert settings.serve.page.host == "0.0.0.0"
    (script,) = SERVICES["page"]["command"]
    first, _, then = script.partition(" && exec ")
    for line in (first, then):
        program, *arguments = line.split()
        assert program == "footlight-cloud"
        assert {word for word in arguments if word.startswith("/run/secrets/")} <= {
            f"/run/secrets/{name}" for name in SERVICES["page"]["secrets"]
        }
        cloud_parser().parse_args(arguments)
    tls = load(made / "page-configure.yaml").mqtt.tls
    assert tls is not None
    assert {path.name for path in (tls.ca, tls.cert, tls.key) if path} <= set(SERVICES["page"]["secrets"])
    (published,) = SERVICES["page"]["ports"]
    assert published == f"127.0.0.1:{settings.serve.page.port}:{settings.serve.page.port}"
    mounts = dict(volume.split(":") for volume in SERVICES["page"]["volumes"])
    state = SERVICES["page"]["environment"]["STATE_DIRECTORY"]
    assert mounts["page"] == state
    assert settings.accounts_file({"STATE_DIRECTORY": state}).parent == Path(state)


def test_bridge_rollup_and_page_may_write_what_is_theirs_and_nothing_else(made: Path) -> None:
    """Each has a token of its own; the operator's, which may do everything, stays with InfluxDB."""
    operator = (made / "influxdb_token").read_text().strip()
    tokens = {}
    for name in ("bridge-1", "bridge-2", "rollup", "page"):
        store = load(made / f"{name}.yaml").store
        assert isinstance(store, InfluxSettings)
        tokens[name] = store.token.get_secret_value()
    bridge = "made-for-bridge=="
    assert tokens == {
        "bridge-1": bridge,
        "bridge-2": bridge,
        "rollup": "made-for-rollup==",
        "page": "made-for-page==",
    }
    asked = [line.removeprefix(f"{operator} ") for line in (made / "asked").read_text().splitlines()]
    assert [line for line in asked if line.startswith("auth create")] == [
        "auth create --description bridge --read-bucket id-footlight --write-bucket id-footlight --json",
        (
            "auth create --description rollup --read-bucket id-footlight"
            " --read-bucket id-footlight_quarter --write-bucket id-footlight_quarter"
            " --read-bucket id-footlight_day --write-bucket id-footlight_day --json"
        ),
        (
            "auth create --description page --read-bucket id-footlight --write-bucket id-footlight"
            " --read-bucket id-footlight_quarter --read-bucket id-footlight_day --json"
        ),
    ]
    holders = [name for name, service in SERVICES.items() if "influxdb_token" in service.get("secrets", [])]
    assert holders == ["influxdb"]
    assert secrets(made, "tokens").returncode == 0
    assert len((made / "asked").read_text().splitlines()) == len(asked)


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
        (("init",), "give the host names"),
        (("device", "shop"), "usage: secrets.sh device SITE DEVICE"),
        (("device", "shop", "a/b"), "'a/b' is not a valid name"),
        (("device", "+", "door"), "'+' is not a valid name"),
        (("revoke", "shop"), "usage: secrets.sh revoke SITE DEVICE"),
        (("revoke", "shop", "door"), "ca.key is missing"),
    ],
)
def test_a_wrong_call_is_told(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = secrets(tmp_path / "none", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
