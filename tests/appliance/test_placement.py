"""``systemctl start footlight-place@...``: the check takes the camera from the service, shows itself on the page, and
gives the camera back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.appliance.machine import Machine
from tests.appliance.patience import until

EDGE, PLACE = "footlight-edge.service", "footlight-place@footlight-edge.service"

# One box: broker, store, page and device on one machine.
SHOP = """
systemctl stop mosquitto
install -D --mode=600 /dev/stdin /etc/footlight/footlight-edge.yaml <<'YAML'
site: shop
camera: {source: scene, realtime: true}
mqtt: {protocol: "3.1.1"}
YAML
echo 'serve: {page: {port: 8080}}' | install -D --mode=600 /dev/stdin /etc/footlight/cloud.yaml
systemctl start footlight-serve
"""
ASK = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())"


@pytest.fixture(scope="module")
def shop(installed: Machine) -> Machine:
    installed.run(SHOP)
    until(
        lambda: installed.run(f"python3 -c '{ASK}' http://127.0.0.1:8080/", check=False).returncode == 0,
        "the page",
    )
    installed.run(f"systemctl start {EDGE}")
    return installed


def state(machine: Machine, unit: str) -> str:
    return machine.run(f"systemctl is-active {unit}", check=False).stdout.strip()


def positions(machine: Machine) -> list[dict[str, Any]]:
    answer = machine.run(f"python3 -c '{ASK}' http://127.0.0.1:8080/api/shop/positions", check=False)
    found: list[dict[str, Any]] = json.loads(answer.stdout)["positions"] if answer.returncode == 0 else []
    return found


def test_the_check_takes_the_camera_and_gives_it_back(shop: Machine) -> None:
    shop.run(f"systemctl start {PLACE}")
    until(lambda: positions(shop), "the page shows the check")
    assert positions(shop)[0]["state"] == "watching"
    assert (state(shop, EDGE), state(shop, PLACE)) == ("inactive", "active")
    until(lambda: state(shop, PLACE) == "inactive", "the check ends")
    until(lambda: state(shop, EDGE) == "active", "the service counts again")
    assert positions(shop)[0]["state"] == "done"
    shop.run("journalctl --sync")
    said = shop.run(f"journalctl --unit {PLACE} --output cat _TRANSPORT=stdout").stdout
    assert "This position " in said
    assert "Face size: " in said
