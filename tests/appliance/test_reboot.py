"""When the device boots anew: after many hangs, after one that nothing ends, and for no other reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.counting import EDGE, ready_again, show
from tests.appliance.machine import Machine
from tests.appliance.patience import until

FREEZER = Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def hasty(counting: Machine) -> Iterator[Machine]:
    """The service, watched more closely than it is in a counting, on a machine whose uptime can be set."""
    drop_in = f"/etc/systemd/system/{EDGE}.service.d/90-hasty.conf"
    counting.run(
        f"rm -rf /run/footlight/{EDGE}; "  # the hangs of another test
        f"install -D --mode=644 /dev/stdin {drop_in}; systemctl daemon-reload; systemctl restart {EDGE}",
        # Long enough for a machine that does much else: a hang that the test did not make counts, too.
        text="[Service]\nWatchdogSec=15\nRestartSec=100ms\nTimeoutStopSec=10\n",
    )
    yield counting
    counting.run(
        f"rm {drop_in}; systemctl daemon-reload; ! mountpoint --quiet /proc/uptime || umount /proc/uptime"
    )


def up_for(machine: Machine, hours: int) -> None:
    machine.run(f"echo {hours * 3600}.00 1.00 >/run/uptime")
    machine.run("mountpoint --quiet /proc/uptime || mount --bind /run/uptime /proc/uptime")


def hang(machine: Machine) -> str:
    """Freeze the service; the id of the process that will be killed for it."""
    until(lambda: show(machine, "ActiveState") == "active", f"{EDGE} is up")
    frozen = show(machine, "MainPID")
    machine.run(f"kill -STOP {frozen}")
    return frozen


def test_only_hangs_and_only_many_of_them_boot_the_device_anew(hasty: Machine) -> None:
    up_for(hasty, hours=7)
    for _ in range(6):  # crashes
        before = show(hasty, "MainPID")
        hasty.run(f"kill -SEGV {before}")
        ready_again(hasty, before)
    for _ in range(5):
        ready_again(hasty, hang(hasty))
    up_for(hasty, hours=5)  # as after a reboot that did not help
    for _ in range(2):
        ready_again(hasty, hang(hasty))
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
        until(lambda: "stopping" in state(hasty), "the device shuts down")
    finally:
        (group / "freezer.state").write_text(
            "THAWED"
        )  # in vain it would be waited for, as nothing ends it here
    hasty.await_reboot()
    group.rmdir()


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
