"""What a Pi does, on an emulated one: a card sets it up, the playbook installs the aarch64 wheels, and it counts.

Also what no container here can show: that the kernel holds the service to its memory. ``make appliance-test-emulated``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.control import ANSIBLE, Control, Played
from tests.appliance.machine import RELEASES
from tests.appliance.patience import until
from tests.appliance.vm import VM, debian_disk
from tests.support.paths import ROOT
from tests.support.programs import require_made, require_program

pytestmark = pytest.mark.timeout(3 * 3600)

UNIT = "footlight-edge"
CGROUP = f"/sys/fs/cgroup/footlight.slice/{UNIT}.service"
MEMORY_MIB = 500
# The scene's own time goes as slowly here as its pictures are drawn: windows are short, so that some come.
INVENTORY: dict[str, Any] = {
    "ansible_user": "footlight",
    "base_reboot": False,
    "base_time_wait_s": 1,
    "edge_site": "shop",
    "edge_device": "door",
    "edge_certificate": False,
    "edge_memory": f"{MEMORY_MIB}M",
    "edge_cores": 1,  # the other one is for ssh and the doctor
    "edge_settings": {
        "camera": {"source": "scene", "realtime": True, "fps": 2},
        "window": {"seconds": 30, "max_gap_s": 0.5},
        "health": {"every_s": 10},
        "mqtt": {"host": "127.0.0.1"},
    },
}
# To start takes a minute here, and longer beside other work. Nothing else of the unit is another.
SLOW = "[Service]\nTimeoutStartSec=10min\n"
PLAY_S = 3600.0
PATIENCE_S = 1800.0
LISTENER = "mosquitto_sub -V 5 -c -i store -x 3600 -q 1 -v -t footlight/# >/heard"
TAKE = "import sys; sys.stdout.write(str(len(bytes([1]) * ({mib} << 20))))"


class NotThere:
    """A host that Ansible need not reach: nothing is done on it."""

    reached: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Pi:
    """The machine, and the folder of its inventory with the files of its card."""

    vm: VM
    control: Control
    card: Path

    def windows(self) -> list[dict[str, Any]]:
        """All windows that have come so far."""
        heard = (line.partition(" ") for line in self.vm.run("cat /heard").stdout.splitlines())
        return [json.loads(payload) for topic, _, payload in heard if topic.endswith("/window")]

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.vm.run(f"systemctl show {UNIT} -P {name}").stdout.strip()

    def play(self) -> Played:
        """Set it up. Only the doctor, who comes last, may say no: an emulator is too slow for him."""
        played = self.control.play(ANSIBLE / "site.yml", check=False)
        assert played.failed == 0 or "the table says why" in played.output, played.output
        return played

    def comes_back(self, restarts: int) -> None:
        """Wait until the service was restarted and has sent another window."""
        until(lambda: int(self.show("NRestarts")) > restarts, "it is restarted", PATIENCE_S)
        before = len(self.windows())
        until(lambda: len(self.windows()) > before, "it counts again", PATIENCE_S)


@pytest.fixture(scope="module", params=RELEASES)
def pi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi]:
    """Flashed with the files that ``make image-settings`` writes, and switched on."""
    require_program("qemu-system-aarch64", "apt-get install qemu-system-arm qemu-user-static binfmt-support")
    require_program("mmdebstrap", "apt-get install mmdebstrap arch-test")
    require_made(ROOT / "dist" / "wheelhouse" / "aarch64" / "manifest.json", "make wheelhouse")
    folder = tmp_path_factory.mktemp(request.param)
    key = (debian_disk(request.param) / "key.pub").read_text()
    variables = {**INVENTORY, "image_ssh_keys": [key], "base_timezone": "Europe/Berlin"}
    before = Control(folder / "before", {"store-12-door": NotThere()}, {"edge": ["store-12-door"]}, variables)
    before.play(ANSIBLE / "image.yml", "--extra-vars", f"image_folder={folder / 'card'}")
    card = {path.name: path.read_text() for path in (folder / "card").iterdir()}
    with VM(request.param, card=card) as vm:
        control = Control(
            folder, {"store-12-door": vm}, {"edge": ["store-12-door"]}, variables, timeout_s=PLAY_S
        )
        yield Pi(vm, control, folder / "card")


@pytest.fixture(scope="module")
def deployed(pi: Pi) -> Played:
    """A device, broker and listener beside it, and the play that made it one."""
    pi.vm.run("systemctl start mosquitto")
    pi.vm.run(f"systemd-run --quiet --unit=store --property=Restart=on-failure sh -c '{LISTENER}'")
    pi.vm.run(f"mkdir -p /etc/systemd/system/{UNIT}.service.d")
    pi.vm.run(f"cat >/etc/systemd/system/{UNIT}.service.d/90-slow.conf", text=SLOW)
    played = pi.play()
    until(pi.windows, "a window comes", PATIENCE_S)
    return played


def test_the_card_gives_it_its_name_and_lets_its_user_in(pi: Pi) -> None:
    assert pi.vm.run("uname -m; hostname", user="footlight").stdout.split() == ["aarch64", "store-12-door"]
    assert pi.vm.run("sudo whoami", user="footlight").stdout == "root\n"
    assert pi.vm.run("readlink /etc/localtime").stdout.strip().endswith("Europe/Berlin")
    assert pi.vm.run("cloud-init status --wait").stdout.strip().endswith("status: done")
    locked = pi.vm.run("passwd --status footlight").stdout.split()[1]
    assert locked == "L"


def test_cloud_init_finds_no_mistake_in_the_card(pi: Pi) -> None:
    pi.vm.copy(pi.card, "/srv/card")
    said = pi.vm.run("cloud-init schema --config-file /srv/card/user-data").stdout
    assert "Valid" in said


def test_it_counts_with_the_wheels_for_its_processor(pi: Pi, deployed: Played) -> None:
    assert {(window["site"], window["device"]) for window in pi.windows()} == {("shop", "door")}
    built = pi.vm.run("cd /opt/footlight/current/lib/python3*/site-packages && find . -name '*.so'").stdout
    assert "aarch64-linux-gnu.so" in built
    assert "x86_64" not in built
    until(
        lambda: any(window["totals"]["visits"] for window in pi.windows()),
        "somebody is seen",
        PATIENCE_S,
    )


def test_the_kernel_knows_how_much_memory_it_may_take(pi: Pi, deployed: Played) -> None:
    assert int(pi.vm.run(f"cat {CGROUP}/memory.max").stdout) == MEMORY_MIB << 20
    assert pi.vm.run(f"cat {CGROUP}/memory.swap.max").stdout == "0\n"


def test_what_takes_more_memory_is_ended_and_the_service_comes_back(pi: Pi, deployed: Played) -> None:
    restarts = int(pi.show("NRestarts"))
    # Less than the limit is no harm; the machine has far more, so that it is the limit that ends what follows.
    inside = f"echo $$ >{CGROUP}/cgroup.procs; exec python3 -c '{TAKE}'"
    assert pi.vm.run(inside.format(mib=20)).stdout == str(20 << 20)
    assert int(pi.show("NRestarts")) == restarts
    assert int(pi.vm.run("free --mebi | awk '/^Mem/ {print $7}'").stdout) > MEMORY_MIB + 200
    assert pi.vm.run(inside.format(mib=MEMORY_MIB + 100), check=False).returncode != 0
    pi.comes_back(restarts)
    assert "oom-kill" in pi.vm.run(f"journalctl --unit={UNIT} --output=cat").stdout


def test_a_service_that_hangs_is_restarted_by_the_watchdog_and_loses_no_window(
    pi: Pi, deployed: Played
) -> None:
    restarts = int(pi.show("NRestarts"))
    pi.vm.run(f"kill -STOP {pi.show('MainPID')}")
    pi.comes_back(restarts)
    assert "watchdog" in pi.vm.run(f"journalctl --unit={UNIT} --output=cat").stdout.lower()
    for boot in {window["boot_id"] for window in pi.windows()}:
        numbers = [window["seq"] for window in pi.windows() if window["boot_id"] == boot]
        assert sorted(set(numbers)) == list(range(min(numbers), max(numbers) + 1))


def test_the_doctor_goes_through_every_hop(pi: Pi, deployed: Played) -> None:
    said = pi.vm.run(
        f"/opt/footlight/current/bin/footlight-edge doctor --json --config /etc/footlight/{UNIT}.yaml",
        check=False,
        timeout_s=PATIENCE_S,
    )
    checks = {check["name"]: check for check in json.loads(said.stdout)["checks"]}
    for name in ("system", "python", "models", "broker name", "broker port", "login"):
        assert checks[name]["state"] == "green", checks[name]
    # Nobody sends the probe back: there is no bridge here.
    assert checks["store and back"]["state"] != "green"


def test_to_play_it_again_changes_nothing(pi: Pi, deployed: Played) -> None:
    assert deployed.changed["store-12-door"] > 0
    again = pi.play()
    assert again.changed == {"store-12-door": 0}, again.output
