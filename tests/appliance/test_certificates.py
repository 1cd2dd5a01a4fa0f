"""A device is known by a certificate of the chain's own authority: issued, renewed and revoked by the playbooks.

The devices are mosquitto's own clients here, run as units that read the certificates as Footlight's do.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.appliance.control import ANSIBLE, Control
from tests.appliance.machine import Machine
from tests.appliance.patience import until
from tests.support.secure_broker import secrets

PASSPHRASE = "open sesame"
SUBJECTS = {"door": "shop/door", "shelf": "shop/shelf", "bridge": "bridge"}

# What role edge does for each instance, without the rest of it.
ISSUE = """
- name: Clients
  hosts: clients
  become: true
  gather_facts: false
  tasks:
    - name: Have a certificate
      ansible.builtin.include_role:
        name: authority
        tasks_from: issue
      vars:
        authority_unit: footlight-edge@{{ inventory_hostname }}
        authority_subject: "{{ subjects[inventory_hostname] }}"
  handlers:
    - name: Restart
      ansible.builtin.systemd_service:
        name: footlight-edge@{{ inventory_hostname }}
        state: restarted
      listen: [Certificate of footlight-edge, Authority of footlight-edge]
"""

CLIENT = """
[Unit]
StartLimitIntervalSec=0
[Service]
LoadCredential=ca.crt:/etc/footlight/tls/%N/ca.crt
LoadCredential=device.crt:/etc/footlight/tls/%N/device.crt
LoadCredential=device.key:/etc/footlight/tls/%N/device.key
ExecStart=mosquitto_sub -V 5 -i %i -c -x 3600 -h 127.0.0.1 -p 8883 -q 1 -v -t footlight/v1/+/+/window \\
    --cafile ${CREDENTIALS_DIRECTORY}/ca.crt --cert ${CREDENTIALS_DIRECTORY}/device.crt \\
    --key ${CREDENTIALS_DIRECTORY}/device.key
StandardOutput=append:/heard-%i
Restart=always
RestartSec=1
"""


class Shop:
    """A broker and what connects to it, all on one machine."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.control = Control(
            folder,
            {"server": machine, **dict.fromkeys(SUBJECTS, machine)},
            {"broker": ["server"], "clients": list(SUBJECTS)},
            {"authority_passphrase": PASSPHRASE, "broker_hosts": ["127.0.0.1"], "subjects": SUBJECTS},
        )
        self.authority = folder / "authority"
        self.issue = folder / "issue.yml"
        self.issue.write_text(ISSUE)
        self.broker = folder / "broker.yml"
        self.broker.write_text(
            "[{name: Broker, hosts: broker, become: true, gather_facts: false, roles: [broker]}]"
        )

    def serial(self, name: str) -> str:
        return self.machine.run(f"openssl x509 -noout -serial -in {tls(name)}/device.crt").stdout

    def key(self, name: str) -> str:
        """Which key it is, not the key itself."""
        return self.machine.run(f"sha256sum {tls(name)}/device.key").stdout

    def served(self) -> str:
        """The serial number of the certificate that the broker shows who connects."""
        show = "openssl s_client -connect 127.0.0.1:8883 -tls1_2 </dev/null 2>/dev/null | openssl x509 -noout -serial"
        return self.machine.run(show).stdout

    def connections(self, name: str) -> int:
        """How often the broker has let a client in."""
        return self.said_by("mosquitto").count(f" as {name} (")

    def said_by(self, unit: str) -> str:
        return self.machine.run(f"journalctl --quiet --output=cat --unit={unit}").stdout

    def publish(self, name: str, topic: str, payload: str) -> str:
        """What ``mosquitto_pub`` complains of; nothing when the broker took it."""
        done = self.machine.run(
            f"timeout 20 mosquitto_pub -V 5 -i {name}-once -h 127.0.0.1 -p 8883 -q 1 -t {topic} -m {payload}"
            f" --cafile {tls(name)}/ca.crt --cert {tls(name)}/device.crt --key {tls(name)}/device.key",
            check=False,
        )
        return done.stdout + done.stderr

    def hears(self, name: str, line: str) -> None:
        """Wait until it has come to a client."""
        until(lambda: line in self.heard(name), f"{name} hears {line}")

    def heard(self, name: str) -> list[str]:
        return self.machine.run(f"cat /heard-{name}").stdout.splitlines()


def tls(name: str) -> str:
    return f"/etc/footlight/tls/footlight-edge@{name}"


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(machine, tmp_path_factory.mktemp("chain"))
    machine.run("cat >/etc/systemd/system/footlight-edge@.service", text=CLIENT)
    made.control.play(made.broker)
    made.control.play(made.issue)
    until(lambda: all(made.connections(name) for name in SUBJECTS), "all clients are let in")
    return made


def test_a_device_speaks_as_itself_alone(shop: Shop) -> None:
    assert "Not authorized" in shop.publish("door", "footlight/v1/shop/shelf/window", "forged")
    assert shop.publish("door", "footlight/v1/shop/door/window", "own") == ""
    # What comes last has overtaken nothing: had the other been let through, it would be here before it.
    shop.hears("bridge", "footlight/v1/shop/door/window own")
    assert not any("forged" in line for line in shop.heard("bridge"))
    assert shop.heard("shelf") == []


def test_nobody_comes_in_without_a_certificate(shop: Shop) -> None:
    before = shop.said_by("mosquitto").count("New client connected")
    command = f"timeout 20 mosquitto_pub -h 127.0.0.1 -p 8883 -t x -m x --cafile {tls('door')}/ca.crt"
    assert shop.machine.run(command, check=False).returncode != 0
    assert shop.said_by("mosquitto").count("New client connected") == before


def test_a_key_stays_where_it_was_made_and_the_authoritys_is_locked(shop: Shop) -> None:
    holding = [
        path for path in shop.authority.rglob("*") if path.is_file() and "PRIVATE KEY" in path.read_text()
    ]
    assert holding == [shop.authority / "ca.key"]
    assert "ENCRYPTED" in holding[0].read_text()
    assert shop.authority.stat().st_mode & 0o777 == 0o700
    assert shop.machine.run(f"stat -c '%a %U' {tls('door')}/*").stdout.splitlines() == ["600 root"] * 3


def test_a_second_run_changes_nothing(shop: Shop) -> None:
    for arguments in ((), ("--check",)):
        assert set(shop.control.play(shop.broker, *arguments).changed.values()) == {0}
        assert set(shop.control.play(shop.issue, *arguments).changed.values()) == {0}


def test_a_wrong_passphrase_is_told_and_changes_nothing(shop: Shop) -> None:
    before = (shop.authority / "ca.key").read_bytes()
    wrong = shop.control.play(
        shop.issue, "--limit", "door", "-e", "authority_passphrase=guessed", check=False
    )
    assert wrong.failed
    assert "passphrase" in wrong.output
    assert (shop.authority / "ca.key").read_bytes() == before


def test_the_brokers_certificate_is_renewed_and_nobody_notices(shop: Shop) -> None:
    before = {name: shop.connections(name) for name in SUBJECTS}, shop.served()
    shop.control.play(ANSIBLE / "certificates.yml", "--limit", "broker", "-e", "authority_renew_days=1000")
    assert shop.served() != before[1]
    assert shop.publish("shelf", "footlight/v1/shop/shelf/window", "renewed") == ""
    shop.hears("bridge", "footlight/v1/shop/shelf/window renewed")
    assert {name: shop.connections(name) for name in SUBJECTS} == before[0]


def test_a_device_is_renewed_and_the_others_stay(shop: Shop) -> None:
    key, serial, before = (
        shop.key("door"),
        shop.serial("door"),
        {name: shop.connections(name) for name in SUBJECTS},
    )
    shop.control.play(shop.issue, "--limit", "door", "-e", "authority_renew_days=1000")
    assert shop.key("door") == key
    assert shop.serial("door") != serial
    until(lambda: shop.connections("door") == before["door"] + 1, "the device is back")
    assert {name: shop.connections(name) for name in SUBJECTS} == {**before, "door": before["door"] + 1}


def test_a_device_cannot_ask_for_the_name_of_another(shop: Shop) -> None:
    """Somebody who is root on a device puts his own openssl there."""
    issued = sorted(shop.authority.rglob("*.crt"))
    forge = '#!/bin/sh\nfor word; do shift; case $word in /CN=*) word=/CN=bridge;; esac; set -- "$@" "$word"; done'
    shop.machine.run("cat >/usr/local/bin/openssl", text=f'{forge}\nexec /usr/bin/openssl "$@"\n')
    try:
        shop.machine.run("chmod 755 /usr/local/bin/openssl")
        forged = shop.control.play(
            shop.issue, "--limit", "shelf", "-e", "authority_renew_days=1000", check=False
        )
    finally:
        shop.machine.run("rm /usr/local/bin/openssl")
    assert forged.failed
    assert "instead of shop/shelf; check that machine" in " ".join(forged.output.split())
    assert sorted(shop.authority.rglob("*.crt")) == issued


def test_a_revoked_device_is_thrown_out_for_good_and_the_others_lose_nothing(shop: Shop) -> None:
    before = {name: shop.connections(name) for name in SUBJECTS}
    shop.control.play(ANSIBLE / "revoke.yml", "-e", "device=shop/door")
    until(
        lambda: all(shop.connections(name) > before[name] for name in ("shelf", "bridge")),
        "the others are back",
    )
    assert shop.publish("shelf", "footlight/v1/shop/shelf/window", "still") == ""
    shop.hears("bridge", "footlight/v1/shop/shelf/window still")
    # Its service tries every second.
    assert shop.publish("door", "footlight/v1/shop/door/window", "stolen") != ""
    assert shop.connections("door") == before["door"]
    # Again, nothing; and nobody is thrown out for it.
    again = shop.control.play(ANSIBLE / "revoke.yml", "-e", "device=shop/door")
    assert set(again.changed.values()) == {0}


def test_a_device_that_was_revoked_comes_back_with_a_new_key(shop: Shop) -> None:
    """The new one at the same door, or the old one after all."""
    shop.control.play(ANSIBLE / "revoke.yml", "-e", "device=shop/door")
    key, before = shop.key("door"), shop.connections("door")
    shop.control.play(shop.issue, "--limit", "door")
    assert shop.key("door") != key
    until(lambda: shop.connections("door") > before, "the device is let in")


def test_the_authority_of_the_server_in_containers_is_taken_over(machine: Machine, tmp_path: Path) -> None:
    """As docs/install.md tells: its certificate is copied, its key gets a passphrase."""
    assert secrets(tmp_path / "secrets", "init", "localhost").returncode == 0
    chain = Control(
        tmp_path,
        {"till": machine},
        {"clients": ["till"]},
        {"authority_passphrase": PASSPHRASE, "subjects": {"till": "shop/till"}},
    )
    authority = tmp_path / "authority"
    authority.mkdir()
    shutil.copy(tmp_path / "secrets" / "ca.crt", authority)
    lock = [
        "openssl",
        "ec",
        "-aes256",
        "-passout",
        f"pass:{PASSPHRASE}",
        "-in",
        str(tmp_path / "secrets" / "ca.key"),
    ]
    subprocess.run([*lock, "-out", str(authority / "ca.key")], check=True, capture_output=True)
    issue = tmp_path / "issue.yml"
    issue.write_text(ISSUE)
    chain.play(issue)
    assert (authority / "ca.crt").read_bytes() == (tmp_path / "secrets" / "ca.crt").read_bytes()
    machine.run(
        f"systemctl stop footlight-edge@till; openssl verify -CAfile {tls('till')}/ca.crt {tls('till')}/device.crt"
    )
    assert chain.play(issue).changed == {"till": 0}


@pytest.mark.parametrize("name", ["shop/nobody", "../etc", ""])
def test_a_name_that_was_never_issued_is_told(shop: Shop, name: str) -> None:
    told = shop.control.play(ANSIBLE / "revoke.yml", "-e", f"device='{name}'", check=False)
    assert told.failed
    assert f"has no certificate of '{name}'" in told.output
