"""A shop with one Pi and no server, camera and all: an upgrade takes everything on it along."""

from __future__ import annotations

from pathlib import Path

from tests.appliance.camera import give_camera
from tests.appliance.control import Control
from tests.appliance.deployed import SETTINGS, UPGRADE, played_in_peace
from tests.appliance.machine import Machine
from tests.appliance.releases import DIES, WHEELHOUSE, release
from tests.support.programs import require_made

PLAY = """
- {name: Box, hosts: serve, become: true, roles: [serve]}
- {name: Device, hosts: edge, become: true, roles: [edge]}
"""
RUNS = "tr '\\0' ' ' </proc/$(systemctl show --property=MainPID --value footlight-serve)/cmdline"


def test_an_upgrade_takes_the_box_along_and_back(prepared: Machine, tmp_path: Path) -> None:
    require_made(WHEELHOUSE / "manifest.json", "make wheelhouse ARCH=x86_64 EXTRAS='edge cloud'")
    variables = {
        "base_reboot": False,
        "serve_timezone": "UTC",
        "edge_site": "shop",
        "edge_device": "door",
        "edge_certificate": False,
        "edge_settings": {**SETTINGS, "mqtt": {"host": "localhost", "protocol": "3.1.1"}},
        "edge_gate_s": 600,
        "edge_wheelhouse": str(WHEELHOUSE),
    }
    machine = prepared
    machine.run("systemctl disable --now mosquitto")  # a Pi has none
    give_camera(machine)
    control = Control(tmp_path, {"pi": machine}, {"serve": ["pi"], "edge": ["pi"]}, variables)
    playbook = tmp_path / "shop.yml"
    playbook.write_text(PLAY)
    control.play(playbook)

    following = release(tmp_path / "following", "0.2.0")
    played_in_peace(
        lambda: control.play(UPGRADE, "--extra-vars", f"edge_wheelhouse={following}", check=False)
    )
    assert "/opt/footlight/versions/0.2.0/" in machine.run(RUNS).stdout

    broken = release(tmp_path / "broken", "0.3.0", faults=DIES)
    assert control.play(UPGRADE, "--extra-vars", f"edge_wheelhouse={broken}", check=False).failed == 1
    assert "/opt/footlight/versions/0.2.0/" in machine.run(RUNS).stdout
