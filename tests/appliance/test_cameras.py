"""Several cameras on one Pi: a service and a device of the data for each, and none for one that was taken away."""

from __future__ import annotations

import json

import pytest

from tests.appliance.deployed import Shop
from tests.appliance.machine import Machine
from tests.appliance.patience import until

CAMERAS = ("cereals", "sweets")


@pytest.fixture(scope="module")
def shop(prepared: Machine, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(prepared, tmp_path_factory.mktemp("chain"), edge_cores=3, edge_memory="300M")


def play(shop: Shop, cameras: tuple[str, ...]) -> None:
    wanted = json.dumps({"edge_cameras": [{"device": name} for name in cameras]})
    shop.deploy_devices("--extra-vars", wanted)


def running(shop: Shop) -> set[str]:
    listed = shop.machine.run(
        "systemctl list-units --plain --no-legend --state=active 'footlight-edge*'"
    ).stdout
    return {line.split()[0] for line in listed.splitlines()}


def limit(shop: Shop, name: str) -> str:
    return shop.machine.run(f"systemctl show footlight-edge@sweets -P {name}").stdout.strip()


def test_each_is_a_device_of_its_own_and_one_that_is_taken_away_stops(shop: Shop) -> None:
    play(shop, CAMERAS)
    assert running(shop) == {f"footlight-edge@{name}.service" for name in CAMERAS}
    until(lambda: {window["device"] for window in shop.windows()} == set(CAMERAS), "windows of both")
    assert int(limit(shop, "MemoryMax")) == 300 * 2**20
    assert float(limit(shop, "CPUQuotaPerSecUSec").rstrip("s")) == 1.5

    play(shop, ("sweets",))
    assert running(shop) == {"footlight-edge@sweets.service"}
    assert shop.machine.run("systemctl is-enabled footlight-edge@cereals", check=False).stdout != "enabled\n"
    assert shop.machine.run("ls /etc/footlight").stdout.split() == ["footlight-edge@sweets.yaml"]
