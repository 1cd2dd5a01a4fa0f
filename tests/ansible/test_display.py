"""What role edge makes of a display and of codes of members: secrets, addresses and a port, where they are used."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.programs import require_made

pytestmark = pytest.mark.slow

MADE = ROOT / ".venv-ansible"
ROLE = ROOT / "ansible" / "roles" / "edge"
COMMON: dict[str, Any] = {
    "edge_site": "shop",
    "edge_certificate": False,
    "edge_player_token": "0123456789abcdef",
    "edge_player_password": "open sesame",
    "edge_loyalty_key": "first\nsecond\n",
    "edge_players": ["192.168.1.30", "192.168.2.0/24"],
}
PYTHON = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
SIGNAGE = {"token_file": "player-token", "listen": "192.168.1.20"}
BROKER = {"host": "192.168.1.5", "password_file": "player-password"}
HOSTS: dict[str, dict[str, Any]] = {
    "window": {"edge_settings": {"signage": {**SIGNAGE, "port": 8800, "broker": BROKER}}},
    "own-player": {"edge_settings": {"signage": {"token_file": "player-token"}}},
    "six": {
        "edge_settings": {"signage": {**SIGNAGE, "listen": "fd00::20"}},
        "edge_players": ["fd00::30"],
    },
    "members": {"edge_settings": {"loyalty": {"key_file": "loyalty-key"}}},
    "by-hand": {
        "edge_settings": {"signage": SIGNAGE},
        "edge_player_token": "",
        "edge_players": [],
    },
    "door": {"edge_settings": {"signage": None, "loyalty": None}},
}
PLAY = """
- hosts: all
  connection: local
  gather_facts: false
  vars_files: [ROLE/vars/main.yml]
  vars:
    edge_unit: footlight-edge
    edge_own: {device: door}
    edge_addresses: {results: []}
    edge_device_tree: {}
  tasks:
    - ansible.builtin.copy:
        content: >-
          {{ {'given': edge_secrets_given, 'named': edge_secrets | selectattr('is_named') | list,
          'players': edge_let_in, 'hosts': edge_hosts} | to_json }}
        dest: FOLDER/{{ inventory_hostname }}.json
    - ansible.builtin.template:
        src: ROLE/templates/players.nft.j2
        dest: FOLDER/{{ inventory_hostname }}.nft
      when: edge_let_in | length > 0
    - ansible.builtin.template:
        src: ROLE/templates/site.conf.j2
        dest: FOLDER/{{ inventory_hostname }}.{{ item }}.conf
      loop: [footlight-edge, footlight-doctor@footlight-edge]
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What Ansible made for one host."""

    facts: dict[str, Any]
    rules: list[str]
    allowed: dict[str, list[str]]
    """Addresses by unit."""

    @property
    def secrets(self) -> dict[str, str]:
        return {one["name"]: one["value"] for one in self.facts["given"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    require_made(MADE / ".installed", "make setup-ansible")
    folder = tmp_path_factory.mktemp("display")
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    inventory = {"all": {"hosts": HOSTS, "vars": {**defaults, **COMMON, **PYTHON}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "play.yml").write_text(PLAY.replace("ROLE", str(ROLE)).replace("FOLDER", str(folder)))
    done = subprocess.run(
        [
            str(MADE / "bin" / "ansible-playbook"),
            f"--inventory={folder / 'hosts.yml'}",
            str(folder / "play.yml"),
        ],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {host: read(folder, host) for host in HOSTS}


def read(folder: Path, host: str) -> Made:
    rules = folder / f"{host}.nft"
    return Made(
        facts=json.loads((folder / f"{host}.json").read_text()),
        rules=[line for line in rules.read_text().splitlines() if not line.startswith("#")]
        if rules.exists()
        else [],
        allowed={
            unit: [
                line.partition("=")[2]
                for line in (folder / f"{host}.{unit}.conf").read_text().splitlines()
                if line.startswith("IPAddressAllow=")
            ]
            for unit in ("footlight-edge", "footlight-doctor@footlight-edge")
        },
    )


def test_a_secret_goes_where_the_settings_name_it(made: dict[str, Made]) -> None:
    assert {host: set(one.secrets) for host, one in made.items()} == {
        "window": {"player-token", "player-password"},
        "own-player": {"player-token"},
        "six": {"player-token"},
        "members": {"loyalty-key"},
        "by-hand": set(),
        "door": set(),
    }
    assert made["members"].secrets["loyalty-key"] == COMMON["edge_loyalty_key"]


def test_a_secret_that_was_put_there_by_hand_is_not_removed(made: dict[str, Made]) -> None:
    assert [one["name"] for one in made["by-hand"].facts["named"]] == ["player-token"]
    assert made["door"].facts["named"] == []


def test_the_port_is_open_to_the_players_alone(made: dict[str, Made]) -> None:
    assert made["window"].rules == [
        "ip saddr 192.168.1.30 ip daddr 192.168.1.20 tcp dport 8800 accept",
        "ip saddr 192.168.2.0/24 ip daddr 192.168.1.20 tcp dport 8800 accept",
    ]
    assert made["six"].rules == ["ip6 saddr fd00::30 ip6 daddr fd00::20 tcp dport 8790 accept"]


@pytest.mark.parametrize("host", ["own-player", "members", "by-hand", "door"])
def test_the_port_is_closed_where_no_player_comes_from_elsewhere(made: dict[str, Made], host: str) -> None:
    assert (made[host].facts["players"], made[host].rules) == ([], [])
    assert made[host].allowed["footlight-edge"] == []


def test_only_the_service_may_speak_to_players_and_to_their_broker(made: dict[str, Made]) -> None:
    allowed = made["window"].allowed
    assert allowed["footlight-edge"] == COMMON["edge_players"]
    assert allowed["footlight-doctor@footlight-edge"] == []
    assert made["window"].facts["hosts"] == ["localhost", "192.168.1.5"]
    assert made["own-player"].facts["hosts"] == ["localhost"]
