"""The units on a booted machine: windows arrive, a killed or frozen service comes back and has lost nothing."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.machine import Machine
from tests.brokers import until

pytestmark = pytest.mark.timeout(600)

EDGE = "footlight-edge"
SLOW_S = 120.0
"""How long a machine that does much else at the same time may take for what takes seconds."""

SHOP = """
install -D --mode=600 /dev/stdin /etc/footlight/footlight-edge.yaml <<'YAML'
site: shop
camera: {source: scene, realtime: true}
window: {seconds: 5}
YAML
install --mode=600 /dev/stdin /etc/footlight/footlight-edge@aisle.yaml <<'YAML'
site: shop
device: aisle
camera: {source: 'scene:7', realtime: true}
window: {seconds: 5}
mqtt: {port: 1885, protocol: "3.1.1"}
YAML
install --mode=600 /dev/stdin /etc/footlight/cloud.yaml <<'YAML'
serve: {broker: {port: 1885}}
YAML
systemctl start mosquitto footlight-bridge footlight-edge
"""


LISTEN = "mosquitto_sub -V 5 --disable-clean-session -x 3600 -q 1 -t footlight/v1/+/door/window"


class Ear:
    """What the broker of a machine has handed out, over its restarts."""

    def __init__(self, machine: Machine) -> None:
        self._lines: list[str] = []
        # nsenter does not pass on to the listener that it was told to end
        command = [
            *machine.enter,
            *shlex.split(f"setpriv --pdeathsig TERM {LISTEN}"),
            "-i",
            secrets.token_hex(4),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(iter(self._process.stdout.readline, ""))

    def windows(self, boot_id: str | None = None) -> list[dict[str, Any]]:
        """Those of the device ``door``, in order of arrival; of one run of the service where ``boot_id`` is given."""
        found = [json.loads(line) for line in list(self._lines)]
        return [window for window in found if boot_id in {None, window["boot_id"]}]

    def runs(self) -> list[str]:
        """The boot ids of the runs that have begun since it listens."""
        return [window["boot_id"] for window in self.windows() if window["seq"] == 0]

    def close(self) -> None:
        self._process.terminate()
        self._thread.join()
        self._process.communicate()


@pytest.fixture(scope="module")
def shop(installed: Machine) -> Machine:
    installed.run(SHOP)
    return installed


@pytest.fixture
def ear(shop: Machine) -> Iterator[Ear]:
    """Listens to a run of the service that has just begun: the scene lasts a minute, then another run begins."""
    shop.run(f"systemctl start mosquitto footlight-bridge; systemctl stop {EDGE}", timeout_s=SLOW_S)
    listener = Ear(shop)
    shop.run(f"systemctl start {EDGE}", timeout_s=SLOW_S)
    until(listener.runs, "a window comes", SLOW_S)
    yield listener
    listener.close()


def show(machine: Machine, name: str, unit: str = EDGE) -> str:
    return machine.run(f"systemctl show --property {name} --value {unit}").stdout.strip()


def seconds(machine: Machine, name: str) -> float:
    """A time that the unit states, such as WatchdogUSec, which systemd shows as 30s or 1min."""
    said = machine.run(f"LC_ALL=C systemd-analyze timespan '{show(machine, name)}'").stdout
    (microseconds,) = re.findall(r"^ *us: (\d+)$", said, flags=re.MULTILINE)
    return int(microseconds) / 1e6


def rows(machine: Machine, database: str, query: str) -> list[dict[str, Any]]:
    """What ``query`` finds in a copy of a service's database, which nobody else may open: a column of JSON texts."""
    text = (
        "import sqlite3, sys; "
        "print(*(row[0] for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])), sep='\\n')"
    )
    copy = f"copy=$(mktemp --directory); cp /var/lib/private/{database}* $copy"
    found = machine.run(f'{copy}; python3 -c "{text}" $copy/{database.split("/")[1]} "{query}"').stdout
    return [json.loads(line) for line in found.splitlines() if line]


def ready_again(machine: Machine, before: str, timeout_s: float) -> None:
    """Wait until another process than ``before`` has said that it is ready."""

    def up() -> bool:
        return show(machine, "ActiveState") == "active" and show(machine, "MainPID") not in {before, "0"}

    until(up, f"{EDGE} is up again", timeout_s)


def nothing_is_missing(windows: list[dict[str, Any]]) -> None:
    """Each run of the service counts its windows from 0, and each number is there, once."""
    by_run = defaultdict(list)
    for window in windows:
        by_run[window["boot_id"]].append(window["seq"])
    for seqs in by_run.values():
        assert sorted(set(seqs)) == list(range(min(seqs), max(seqs) + 1))


def test_windows_arrive_and_are_stored(shop: Machine, ear: Ear) -> None:
    heard = next(window for window in ear.windows() if window["seq"] == 0)
    assert (heard["site"], heard["device"], heard["duration_s"]) == ("shop", "door", 5)

    def stored() -> bool:
        return heard in rows(shop, "footlight-bridge/footlight.sqlite", "SELECT json FROM windows")

    until(stored, "the bridge has stored what was heard", SLOW_S)


def test_what_was_counted_outlives_the_service_and_the_broker(shop: Machine, ear: Ear) -> None:
    (killed,) = ear.runs()
    before = show(shop, "MainPID")
    shop.run("systemctl stop mosquitto")

    def waiting() -> list[int]:
        messages = rows(shop, f"{EDGE}/footlight.db", "SELECT CAST(payload AS TEXT) FROM message")
        return [
            message["seq"] for message in messages if message.get("boot_id") == killed and "seq" in message
        ]

    until(lambda: len(waiting()) >= 2, "windows wait for the broker", SLOW_S)
    shop.run(f"kill -KILL {before}")
    kept = waiting()
    ready_again(shop, before, SLOW_S)
    shop.run("systemctl start mosquitto")
    until(lambda: max(kept) <= ear.windows(killed)[-1]["seq"], "what waited has come", SLOW_S)
    until(lambda: ear.runs() != [killed], "the new run is heard", SLOW_S)
    nothing_is_missing(ear.windows())


def test_a_frozen_service_is_restarted_by_the_watchdog(shop: Machine, ear: Ear) -> None:
    before = show(shop, "MainPID")
    promised_s = seconds(shop, "WatchdogUSec")
    shop.run(f"kill -STOP {before}")
    # From the last sign of life to the kill; what follows is a restart like any other.
    until(lambda: show(shop, "MainPID") != before, "the watchdog ends it", promised_s + 5)
    ready_again(shop, before, seconds(shop, "RestartUSec") + SLOW_S)
    said = shop.run(f"journalctl --unit {EDGE} --output cat _PID=1").stdout
    assert "Watchdog timeout" in said
    until(lambda: len(ear.runs()) == 2, "it counts again", SLOW_S)
    nothing_is_missing(ear.windows())


def test_records_of_the_journal_can_be_asked_for_by_fault(shop: Machine, ear: Ear) -> None:
    shop.run("systemctl stop mosquitto")

    def told() -> list[dict[str, str]]:
        lines = shop.run(f"journalctl --unit {EDGE} --output json FOOTLIGHT_FAULT=broker").stdout.splitlines()
        return [json.loads(line) for line in lines]

    until(lambda: any(record["PRIORITY"] == "4" for record in told()), "a warning of the broker", SLOW_S)
    shop.run("systemctl start mosquitto")
    for record in told():
        assert (record["FOOTLIGHT_SITE"], record["FOOTLIGHT_DEVICE"]) == ("shop", "door")
        assert (record["FOOTLIGHT_CAMERA"], record["LOGGER"]) == ("main", "edge.uplink.publisher")
        assert record["MESSAGE"].startswith("broker localhost:1883")


def test_a_second_camera_and_the_one_box(shop: Machine) -> None:
    shop.run(f"systemctl start footlight-serve {EDGE}@aisle", timeout_s=SLOW_S)

    ask = (
        "import urllib.request as web; "
        "print(web.urlopen('http://127.0.0.1:8080/api/shop/today').read().decode())"
    )

    def shown() -> bool:
        page = shop.run(f'python3 -c "{ask}"', check=False)  # not there before the shop was heard of
        devices = json.loads(page.stdout)["devices"] if page.returncode == 0 else []
        return [device["device"] for device in devices if device["online"]] == ["aisle"]

    until(shown, "the page shows the second camera", SLOW_S)
    states = shop.run("ls /var/lib/private").stdout.split()
    assert {f"{EDGE}@aisle", "footlight-serve"} <= set(states)
    shop.run(f"systemctl stop {EDGE}@aisle footlight-serve")


@pytest.fixture
def hasty(shop: Machine) -> Iterator[Machine]:
    """The service, watched more closely than it is in a shop, on a machine whose uptime can be set."""
    drop_in = f"/etc/systemd/system/{EDGE}.service.d/90-hasty.conf"
    shop.run(
        f"rm -rf /run/footlight/{EDGE}; "  # an earlier test froze it too
        f"install -D --mode=644 /dev/stdin {drop_in}; systemctl daemon-reload; systemctl restart {EDGE}",
        text="[Service]\nWatchdogSec=3\nRestartSec=100ms\nTimeoutStopSec=2\n",
        timeout_s=SLOW_S,
    )
    yield shop
    shop.run(
        f"rm {drop_in}; systemctl daemon-reload; ! mountpoint --quiet /proc/uptime || umount /proc/uptime"
    )


def up_for(machine: Machine, hours: int) -> None:
    machine.run(f"echo {hours * 3600}.00 1.00 >/run/uptime")
    machine.run("mountpoint --quiet /proc/uptime || mount --bind /run/uptime /proc/uptime")


def hang(machine: Machine) -> str:
    """Freeze the service; the id of the process that will be killed for it."""
    until(lambda: show(machine, "ActiveState") == "active", f"{EDGE} is up", SLOW_S)
    frozen = show(machine, "MainPID")
    machine.run(f"kill -STOP {frozen}")
    return frozen


def test_only_hangs_and_only_many_of_them_boot_the_device_anew(hasty: Machine) -> None:
    up_for(hasty, hours=7)
    for _ in range(6):  # crashes
        before = show(hasty, "MainPID")
        hasty.run(f"kill -SEGV {before}")
        ready_again(hasty, before, SLOW_S)
    for _ in range(5):
        ready_again(hasty, hang(hasty), SLOW_S)
    up_for(hasty, hours=5)  # as after a reboot that did not help
    for _ in range(2):
        ready_again(hasty, hang(hasty), SLOW_S)
    up_for(hasty, hours=7)
    hang(hasty)
    hasty.await_reboot()
    assert "hangs: reboot" in hasty.run(f"journalctl --boot -1 --unit {EDGE} --output cat").stdout


def test_a_process_that_cannot_be_killed_boots_the_device_anew(hasty: Machine) -> None:
    if not FREEZER.is_dir():
        pytest.skip("only the freezer of cgroups v1 keeps SIGKILL from a process, as a driver would")
    up_for(hasty, hours=7)
    group = FREEZER / f"footlight-{hasty.leader}"
    group.mkdir()
    (group / "cgroup.procs").write_text(str(seen_from_here(hasty, show(hasty, "MainPID"))))
    (group / "freezer.state").write_text("FROZEN")
    try:
        until(lambda: "stopping" in state(hasty), "the device shuts down", SLOW_S)
    finally:
        (group / "freezer.state").write_text(
            "THAWED"
        )  # in vain it would be waited for, as nothing ends it here
    hasty.await_reboot()
    group.rmdir()


FREEZER = Path("/sys/fs/cgroup/freezer")


def state(machine: Machine) -> str:
    return machine.run("systemctl is-system-running", check=False).stdout


def seen_from_here(machine: Machine, pid: str) -> int:
    """The id on this machine of a process that has ``pid`` inside."""
    inside = Path(f"/proc/{machine.leader}/ns/pid").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/pid").readlink() != inside:
                continue
            status = (process / "status").read_text()
        except OSError:  # it has just ended
            continue
        if f"NSpid:\t{process.name}\t{pid}\n" in status:
            return int(process.name)
    raise AssertionError(f"no process {pid}")
