"""What `make image-settings` puts on a card: read by both releases of Raspberry Pi OS, and without a passphrase."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.programs import require_made

pytestmark = pytest.mark.slow

MADE = ROOT / ".venv-ansible"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGfS9hDYTHAPkL5cvNJ3rBqxZqq7B0N5q8TlPtsBxWXq installer@example"
COMMON: dict[str, Any] = {
    "ansible_user": "footlight",
    "image_ssh_keys": [f"{KEY}\n", KEY.replace("installer", "other")],
    "base_timezone": "Europe/Berlin",
}
# The example of the standard that says how a passphrase becomes a key (IEEE 802.11, annex J.4).
STANDARD = {"ssid": "IEEE", "password": "password", "country": "DE"}
STANDARD_KEY = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
HOSTS: dict[str, dict[str, Any]] = {
    "store-12": {"image_wifi": STANDARD},
    "store-13": {
        "image_wifi": {"ssid": 'Käse "& \\ Wein": #1', "password": '\' or "1": {{ x }}', "country": "FR"}
    },
    "store-15": {"image_wifi": {"ssid": 20260301, "password": 123456789, "country": False}},  # country: NO
    "store-14.local": {"image_password_hash": "$6$salt$of-something-long"},
}
# Host, what is wrong in the inventory, and what the one line about it says.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no-keys": ({"image_ssh_keys": None}, "missing required arguments: image_ssh_keys"),
    "no-user": ({"ansible_user": None}, "missing required arguments: ansible_user"),
    "no-country": ({"image_wifi": {"ssid": "a", "password": "long enough"}}, "country found in image_wifi"),
    "two_words": ({}, "two_words: is not a valid host name"),
    "clear-password": (
        {"image_password_hash": "secret"},
        "clear-password: image_password_hash is not a password hash",
    ),
    "private-key": (
        {"image_ssh_keys": ["-----BEGIN"]},
        "private-key: image_ssh_keys holds no key, or an invalid one",
    ),
    "short-wifi": (
        {"image_wifi": STANDARD | {"password": "short"}},
        "short-wifi: image_wifi.password must have 8 to 63",
    ),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the playbook: the folder with a folder for each host, and what Ansible said."""

    folder: Path
    code: int
    said: str

    def text(self, host: str, name: str) -> str:
        return (self.folder / host / name).read_text(encoding="utf-8")


def write(folder: Path, hosts: Mapping[str, Mapping[str, Any]]) -> Run:
    """The inventory with ``hosts``; a value of None takes a common setting away."""
    require_made(MADE / ".installed", "make setup-ansible")
    settings = {
        host: {key: value for key, value in (COMMON | {**own}).items() if value is not None}
        for host, own in hosts.items()
    }
    # As out of a vault: not a template, whatever it looks like.
    inventory = yaml.safe_dump({"edge": {"hosts": settings}})
    inventory = re.sub(r"password: (?=\D)", "password: !unsafe ", inventory)
    (folder / "hosts.yml").write_text(inventory, encoding="utf-8")
    done = subprocess.run(
        [
            str(MADE / "bin" / "ansible-playbook"),
            f"--inventory={folder / 'hosts.yml'}",
            f"--extra-vars=image_folder={folder}/{{{{inventory_hostname}}}}",
            str(ROOT / "ansible" / "image.yml"),
        ],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(folder, done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Of all hosts together: one that is wrong does not hold up the others."""
    return write(tmp_path_factory.mktemp("image"), HOSTS | {host: own for host, (own, _) in WRONG.items()})


@pytest.mark.parametrize("host", HOSTS)
def test_trixie_finds_the_name_and_the_user(run: Run, host: str) -> None:
    text = run.text(host, "user-data")
    assert text.startswith("#cloud-config\n")
    settings = yaml.safe_load(text)
    assert (settings["hostname"], settings["timezone"], settings["ssh_pwauth"]) == (
        host.split(".", maxsplit=1)[0],
        "Europe/Berlin",
        False,
    )
    (user,) = settings["users"]
    assert user["name"] == "footlight"
    assert user["ssh_authorized_keys"] == [KEY, KEY.replace("installer", "other")]
    assert user.get("passwd") == HOSTS[host].get("image_password_hash")
    assert user["lock_passwd"] == ("passwd" not in user)
    assert ["systemctl", "enable", "--now", "ssh"] in settings["runcmd"]


@pytest.mark.parametrize("host", HOSTS)
def test_bookworm_finds_the_same(run: Run, host: str) -> None:
    settings = tomllib.loads(run.text(host, "custom.toml"))
    assert settings["config_version"] == 1
    assert settings["system"] == {"hostname": host.removesuffix(".local")}
    assert settings["user"]["name"] == "footlight"
    assert settings["user"].get("password") == HOSTS[host].get("image_password_hash")
    assert settings["ssh"] == {
        "enabled": True,
        "password_authentication": False,
        "authorized_keys": [KEY, KEY.replace("installer", "other")],
    }
    assert settings["locale"] == {"timezone": "Europe/Berlin"}


@pytest.mark.parametrize("host", [host for host, own in HOSTS.items() if "image_wifi" in own])
def test_both_releases_get_the_same_wifi(run: Run, host: str) -> None:
    wifi = HOSTS[host]["image_wifi"]
    network = yaml.safe_load(run.text(host, "network-config"))["network"]
    ((ssid, point),) = network["wifis"]["wlan0"]["access-points"].items()
    old = tomllib.loads(run.text(host, "custom.toml"))["wlan"]
    assert ssid == old["ssid"] == str(wifi["ssid"])
    assert point["password"] == old["password"]
    assert re.fullmatch("[0-9a-f]{64}", point["password"])
    assert old["password_encrypted"] is True
    country = wifi["country"] or "NO"
    assert old["country"] == network["wifis"]["wlan0"]["regulatory-domain"] == country
    # The radio of trixie stays off otherwise.
    assert ["raspi-config", "nonint", "do_wifi_country", country] in yaml.safe_load(
        run.text(host, "user-data")
    )["runcmd"]


def test_the_wifi_key_is_that_of_the_standard(run: Run) -> None:
    assert STANDARD_KEY in run.text("store-12", "network-config")
    assert STANDARD_KEY in run.text("store-12", "custom.toml")


def test_a_password_of_digits_is_text_and_its_owner_is_warned(run: Run) -> None:
    key = pbkdf2_hmac("sha1", b"123456789", b"20260301", 4096, 32).hex()
    assert key in run.text("store-15", "network-config")
    assert key in run.text("store-15", "custom.toml")
    assert "store-15: image_wifi.password is a number. If it begins with 0, put it in quotes" in run.said
    assert "store-12: image_wifi.password" not in run.said


def test_no_passphrase_is_on_a_card_and_only_its_owner_reads_it(run: Run) -> None:
    for host, own in HOSTS.items():
        for path in (run.folder / host).iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
            if wifi := own.get("image_wifi"):
                found = re.search(
                    rf"[:=] *['\"]?{re.escape(str(wifi['password']))}", path.read_text(encoding="utf-8")
                )
                assert found is None, path


def test_without_wifi_nothing_is_said_of_a_radio(run: Run) -> None:
    assert "wifis" not in yaml.safe_load(run.text("store-14.local", "network-config"))["network"]
    assert "wlan" not in tomllib.loads(run.text("store-14.local", "custom.toml"))
    assert "wifi" not in run.text("store-14.local", "user-data")


def test_a_card_is_set_up_anew_when_its_settings_are_others_and_only_then(run: Run, tmp_path: Path) -> None:
    before = run.text("store-12", "meta-data")
    other = write(
        tmp_path, {"store-12": HOSTS["store-12"], "store-14.local": {"image_timezone": "Europe/Paris"}}
    )
    assert other.code == 0, other.said
    assert other.text("store-12", "meta-data") == before
    assert other.text("store-14.local", "meta-data") != run.text("store-14.local", "meta-data")
    # cloud-init reads this word, and not the instance_id that the image of Raspberry Pi OS has.
    assert yaml.safe_load(before).keys() == {"dsmode", "instance-id"}


@pytest.mark.parametrize("host", WRONG)
def test_what_is_wrong_in_the_inventory_is_said_in_a_line(run: Run, host: str) -> None:
    assert run.code == 2
    assert WRONG[host][1] in run.said
    assert not (run.folder / host).exists()
