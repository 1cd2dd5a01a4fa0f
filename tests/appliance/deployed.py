"""A shop with one device, set up by the playbook as an installer would, and whoever stores what it sends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.appliance.camera import CAMERA, FPS, give_camera
from tests.appliance.control import ANSIBLE, Control, Played
from tests.appliance.machine import Machine
from tests.appliance.releases import WHEELHOUSE
from tests.support.programs import require_made

UNIT = "footlight-edge"
LISTENER = "mosquitto_sub -V 5 -c -i store -x 3600 -q 1 -v -t footlight/# >/heard"
# Short windows, so that nobody has to wait for one.
SETTINGS = {
    "camera": {"source": CAMERA, "fps": FPS},
    "window": {"seconds": 30},
    "health": {"every_s": 5},
    "mqtt": {"host": "127.0.0.1"},
}
PACE = ("speed", "camera")
"""The doctor's checks of how many frames a second this machine manages, which may do much else at the moment."""


def played_in_peace(play: Callable[[], Played]) -> Played:
    """Play until no device is red for the pace of this machine alone, and fail for any other reason."""
    while (played := play()).failed and slow_alone(played.output):
        pass
    assert played.failed == 0, played.output
    return played


def slow_alone(output: str) -> bool:
    """Whether the fleet's table, or the gate of an upgrade, has nothing red but the pace."""
    said = re.findall(
        r"^ +([a-z ]+): .* - ", "".join(re.findall(RED_IN_TABLE, output, re.MULTILINE)), re.MULTILINE
    )
    gate = re.findall(r"The doctor reports red checks: (.*)", " ".join(output.split()))
    values = gate[0].split('"')[0].split("; ") if gate else []
    return bool(said or values) and set(said) <= {*PACE} and all(re.search(RATE, value) for value in values)


RED_IN_TABLE = r"^ *\S+ +footlight-edge\S* +red .*\n((?: {6,}\S.*\n)+)"
RATE = r"ms a frame|of \d+ frames/s"


class Shop:
    """One machine that is device and broker; ``variables`` are those of the inventory."""

    def __init__(self, machine: Machine, folder: Path, **variables: Any) -> None:
        require_made(WHEELHOUSE / "manifest.json", "make wheelhouse ARCH=x86_64")
        self.machine = machine
        given = {
            "base_reboot": False,  # there is nobody to reboot the container
            "edge_site": "shop",
            "edge_device": "door",
            "edge_certificate": False,
            "edge_settings": SETTINGS,
            "edge_gate_s": 600,
            "edge_wheelhouse": str(WHEELHOUSE),
            **variables,
        }
        self.control = Control(folder, {"pi": machine}, {"edge": ["pi"]}, given)
        give_camera(machine)
        machine.run("systemctl start mosquitto")
        machine.run(f"systemd-run --unit=store --property=Restart=on-failure sh -c '{LISTENER}'")

    def deploy_devices(self, *arguments: str) -> Played:
        """Play what ``site.yml`` does for devices, without what it does for all machines."""
        playbook = self.control.folder / "devices.yml"
        playbook.write_text("[{name: Devices, hosts: edge, become: true, roles: [edge]}]")
        return self.control.play(playbook, *arguments)

    def windows(self) -> list[dict[str, Any]]:
        """All windows that have come so far."""
        heard = (line.partition(" ") for line in self.machine.run("cat /heard").stdout.splitlines())
        return [json.loads(payload) for topic, _, payload in heard if topic.endswith("/window")]

    def counts_with(self, version: str) -> bool:
        """Whether a window of this version has come."""
        return any(window["software"] == version for window in self.windows())

    def version(self) -> str:
        """The one that the link points at."""
        return self.machine.run("basename $(readlink /opt/footlight/current)").stdout.strip()

    def versions(self) -> set[str]:
        """All that are installed."""
        return set(self.machine.run("ls /opt/footlight/versions").stdout.split())

    def since(self) -> str:
        """When the service was started; changes whenever it is restarted."""
        return self.machine.run(f"systemctl show {UNIT} -P ActiveEnterTimestampMonotonic").stdout


SITE = ANSIBLE / "site.yml"
UPGRADE = ANSIBLE / "upgrade.yml"
