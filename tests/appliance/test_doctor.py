"""The doctor on a machine with the real units: beside the service, in its own sandbox, and when things break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.deployed import PACE
from tests.appliance.machine import Machine
from tests.appliance.patience import until
from tests.support.secure_broker import CLOUD, secrets

EDGE = """
site: shop
device: door
camera: {source: scene, realtime: true}
window: {seconds: 30, max_gap_s: 0.5}
health: {every_s: 5}
mqtt: {host: 127.0.0.1, port: 8883, tls: {ca: ca.crt, cert: device.crt, key: device.key}}
"""
SIGN = "{profile: demographics, k: 5, window_s: 30}"
BRIDGE = """
mqtt: {host: 127.0.0.1, port: 8883, client_id: bridge, tls: {ca: ca.crt, cert: bridge.crt, key: bridge.key}}
store: {kind: embedded, path: store.sqlite}
"""
SHOP = """
ip address add 192.0.2.10/32 dev lo
install -D --mode=644 /dev/null /run/systemd/timesync/synchronized
systemd-run --quiet --unit=broker mosquitto -c /srv/broker/mosquitto.conf
systemctl start footlight-bridge footlight-edge
"""
DOCTOR = "/opt/footlight/current/bin/footlight-edge doctor --config /etc/footlight/footlight-edge.yaml"


def placed(folder: Path) -> Path:
    """The files of broker, bridge and device as they lie on the machine, below ``folder``."""
    made = folder / "srv/broker"
    assert secrets(made, "init", "127.0.0.1", "192.0.2.10").returncode == 0
    assert secrets(made, "device", "shop", "door").returncode == 0
    config = (CLOUD / "compose" / "mosquitto.conf").read_text()
    for theirs, ours in (("/run/secrets/", "/srv/broker/"), ("/mosquitto/config/acl", "/srv/broker/acl")):
        config = config.replace(theirs, ours)
    config = config.replace("/mosquitto/data/", "/srv/broker/") + "user root\n"
    (made / "mosquitto.conf").write_text(config)
    (made / "acl").write_text((CLOUD / "compose" / "acl").read_text())
    etc = folder / "etc/footlight"
    for unit, name, source in (
        ("footlight-edge", "device", "devices/shop/door"),
        ("footlight-bridge", "bridge", "bridge"),
    ):
        tls = etc / "tls" / unit
        tls.mkdir(parents=True)
        (tls / "ca.crt").write_bytes((made / "ca.crt").read_bytes())
        for kind in ("crt", "key"):
            (tls / f"{name}.{kind}").write_bytes((made / f"{source}.{kind}").read_bytes())
    (etc / "footlight-edge.yaml").write_text(EDGE)
    (etc / "sign.yaml").write_text(SIGN)
    (etc / "cloud.yaml").write_text(BRIDGE)
    return folder


@pytest.fixture(scope="module")
def shop(installed: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    files = placed(tmp_path_factory.mktemp("shop"))
    for folder in ("srv/broker", "etc/footlight"):
        installed.copy(files / folder, f"/{folder}")
    installed.run(SHOP)
    return installed


def told(machine: Machine, unit: str = "footlight-edge") -> str:
    return machine.run(f"systemctl show --property=StatusText --value {unit}").stdout


def examined(machine: Machine) -> dict[str, dict[str, Any]]:
    done = machine.run(f"{DOCTOR} --json", check=False)
    said = json.loads(done.stdout)
    assert done.returncode == (said["state"] == "red"), done.stderr
    return {check["name"]: check for check in said["checks"]}


def test_beside_the_running_service_nothing_is_red(shop: Machine) -> None:
    until(lambda: "windows delivered" in told(shop), "the service says how it does")
    checks = examined(shop)
    assert [check for check in checks.values() if check["state"] == "red" and check["name"] not in PACE] == []
    for name in ("clock", "light", "models", "tls", "certificates", "login", "as itself", "as another"):
        assert checks[name]["state"] == "green", checks[name]
    assert checks["camera"]["value"].startswith("the running service: ")
    assert checks["store and back"]["value"].startswith("stored and read back, ")
    assert "windows delivered" in checks["outbox"]["value"]
    assert checks["service"]["value"].startswith("active (running) since ")
    assert checks["sandbox"]["state"] == "green", checks["sandbox"]


def test_the_privacy_audit_finds_no_leak_in_the_running_unit(shop: Machine) -> None:
    done = shop.run(f"{DOCTOR.replace('doctor', 'privacy-audit')} --json", check=False)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert [check for check in checks.values() if check["state"] == "red"] == []
    for name in (
        "files",
        "sockets",
        "messages",
        "settings",
        "swap",
        "core dumps",
        "sandbox",
        "models",
        "code",
    ):
        assert checks[name]["state"] == "green", checks[name]


def test_the_timers_unit_finds_the_same_in_its_sandbox(shop: Machine) -> None:
    shop.run("systemctl start footlight-doctor@footlight-edge", check=False)  # red for its pace, it may fail
    shop.run("journalctl --sync")
    lines = shop.run(
        "journalctl --unit=footlight-doctor@footlight-edge --output=cat _TRANSPORT=stdout"
    ).stdout.splitlines()
    states = {line[7:].split("  ")[0].strip(): line.split()[0] for line in lines[:-1]}
    assert "red" not in {state for name, state in states.items() if name not in PACE}, lines
    for name in (
        "clock",
        "light",
        "models",
        "tls",
        "certificates",
        "as another",
        "store and back",
        "sandbox",
    ):
        assert states[name] == "green", lines


def test_a_service_that_is_stopped_leaves_the_camera_to_the_doctor(shop: Machine) -> None:
    shop.run("systemctl stop footlight-edge")
    checks = examined(shop)
    assert checks["service"]["state"] == "red"
    assert checks["service"]["fix"] == "systemctl enable --now footlight-edge.service"
    assert checks["camera"]["value"].startswith("scene:")
    assert checks["outbox"]["value"].endswith("the service is not running")


def test_a_broker_behind_the_services_own_wall_is_told(shop: Machine) -> None:
    """The doctor, run by hand, reaches it; the service does not."""
    shop.run("sed -i 's/host: 127.0.0.1/host: 192.0.2.10/' /etc/footlight/footlight-edge.yaml")
    checks = examined(shop)
    assert checks["store and back"]["state"] == "green", checks
    assert checks["sandbox"]["state"] == "red"
    assert "the sandbox blocks the broker at 192.0.2.10" in checks["sandbox"]["value"]


def test_without_the_bridge_the_broker_is_well_and_nobody_answers(shop: Machine) -> None:
    shop.run("systemctl stop footlight-bridge")
    checks = examined(shop)
    assert checks["as itself"]["state"] == "green"
    assert (checks["store and back"]["state"], checks["store and back"]["value"]) == (
        "amber",
        "accepted by the broker, but no echo",
    )
