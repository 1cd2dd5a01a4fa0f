"""What ``make deploy`` makes of a freshly flashed machine."""

from __future__ import annotations

import pytest

from tests.appliance.control import Played
from tests.appliance.deployed import SITE, UNIT, Shop, played_in_peace
from tests.appliance.machine import Machine
from tests.appliance.patience import until

CMDLINE = "console=tty1 root=PARTUUID=9730496b-02 rootfstype=ext4 fsck.repair=yes rootwait"


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A machine with the files of a Pi that the playbook changes."""
    machine.run(
        f"mkdir -p /boot/firmware /etc/rpi; echo '{CMDLINE}' >/boot/firmware/cmdline.txt; touch /etc/rpi/swap.conf"
    )
    return Shop(machine, tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def first(shop: Shop) -> Played:
    """The first run, after a check of the machine as it is flashed."""
    assert shop.control.play(SITE, "--check").failed == 0
    assert not shop.machine.run("ls /opt").stdout, "a check installed something"
    return played_in_peace(lambda: shop.control.play(SITE, check=False))


def test_the_device_counts_and_the_table_says_so(shop: Shop, first: Played) -> None:
    until(lambda: shop.counts_with(shop.version()), "a window comes")
    assert {(window["site"], window["device"]) for window in shop.windows()} == {("shop", "door")}
    assert (
        f"pi                 {UNIT}         amber" in first.output
    )  # the container's clock is nobody's business
    assert "clock: not synchronised" in first.output


def test_a_second_run_and_a_check_change_nothing(shop: Shop, first: Played) -> None:
    since = shop.since()
    for arguments in ((), ("--check",)):
        again = played_in_peace(lambda: shop.control.play(SITE, *arguments, check=False))  # noqa: B023
        assert again.changed == {"pi": 0}
    assert shop.since() == since, "the service was restarted"


def test_the_machine_is_closed_to_strangers(shop: Shop, first: Played) -> None:
    says = shop.machine.run("sshd -T").stdout.splitlines()
    assert {"passwordauthentication no", "kbdinteractiveauthentication no"} <= set(says)
    rules = shop.machine.run("nft list table inet footlight").stdout
    assert "policy drop" in rules
    assert "tcp dport 22 accept" in rules
    assert shop.machine.run("systemctl is-enabled nftables").stdout == "enabled\n"


def test_the_boot_waits_for_the_time_and_not_for_ever(shop: Shop, first: Played) -> None:
    assert shop.machine.run("systemctl is-enabled systemd-time-wait-sync").stdout == "enabled\n"
    wait = shop.machine.run("systemctl show systemd-time-wait-sync -P TimeoutStartUSec").stdout
    assert wait == "2min\n"


def test_the_card_is_spared(shop: Shop, first: Played) -> None:
    journal = shop.machine.run("systemd-analyze cat-config systemd/journald.conf").stdout
    assert "\nStorage=volatile\n" in journal
    assert shop.machine.run("systemctl is-enabled tmp.mount").stdout == "enabled\n"


def test_on_a_pi_there_is_no_swap_and_memory_can_be_limited(shop: Shop, first: Played) -> None:
    assert shop.machine.run("cat /boot/firmware/cmdline.txt").stdout == f"{CMDLINE} cgroup_enable=memory\n"
    assert "Mechanism=none" in shop.machine.run("cat /etc/rpi/swap.conf").stdout


def test_updates_reboot_when_the_shop_is_closed(shop: Shop, first: Played) -> None:
    says = shop.machine.run("apt-config dump Unattended-Upgrade::Automatic-Reboot-Time").stdout
    assert says == 'Unattended-Upgrade::Automatic-Reboot-Time "04:30";\n'
    assert 'APT::Periodic::Unattended-Upgrade "1";' in shop.machine.run("apt-config dump").stdout


def test_settings_that_are_wrong_leave_the_old_ones_in_force(shop: Shop, first: Played) -> None:
    before = shop.machine.run(f"cat /etc/footlight/{UNIT}.yaml").stdout
    wrong = shop.control.play(
        SITE, "--extra-vars", '{"edge_host_settings": {"window": {"seconds": 7}}}', check=False
    )
    assert wrong.failed == 1
    assert "seconds 7 does not divide a day" in wrong.output
    assert shop.machine.run(f"cat /etc/footlight/{UNIT}.yaml").stdout == before
    assert shop.machine.run(f"systemctl is-active {UNIT}").stdout == "active\n"


def test_a_release_without_the_runtime_is_refused_in_one_sentence(shop: Shop) -> None:
    old = shop.control.play(SITE, "--extra-vars", '{"base_releases": ["bullseye"]}', check=False)
    assert old.failed == 1
    assert "Footlight needs bullseye: flash it with Raspberry Pi OS Lite (64-bit)." in " ".join(
        old.output.split()
    )
