"""An upgrade goes through a chain in stages: one device, a fifth of them, the rest; and no stage after a failure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.appliance.control import ANSIBLE
from tests.appliance.deployed import UPGRADE
from tests.support.paths import ROOT
from tests.support.programs import require_made

CHAIN = [f"store-{number:02}" for number in range(1, 11)]


def stages(folder: Path, failing: str) -> list[list[str]]:
    """Who is touched, stage by stage, where ``failing`` does not count with the next version: the real play, whose only
    task says so in place of the upgrade."""
    program = ROOT / ".venv-ansible" / "bin" / "ansible-playbook"
    require_made(program, "make setup-ansible")
    play = yaml.safe_load(UPGRADE.read_text())[0]
    assert play["tasks"][0]["ansible.builtin.include_role"]["tasks_from"] == "upgrade"
    touch = {
        "ansible.builtin.lineinfile": {
            "path": str(folder / "touched"), "line": "{{ ansible_play_batch | join(' ') }}", "create": True,
        },
        "throttle": 1,
    }  # fmt: skip
    fail = {"ansible.builtin.fail": None, "when": f"inventory_hostname == '{failing}'"}
    play |= {"tasks": [touch, fail], "become": False, "gather_facts": False}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    inventory = {"edge": {"hosts": dict.fromkeys(CHAIN), "vars": {"ansible_connection": "local"}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    subprocess.run(
        [program, "--inventory", folder / "hosts.yml", folder / "play.yml"],
        env={**os.environ, "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"), "HOME": str(folder)},
        capture_output=True,
        check=False,
    )
    return [line.split() for line in (folder / "touched").read_text().splitlines()]


@pytest.mark.parametrize(
    ("failing", "touched"),
    [
        ("store-01", [CHAIN[:1]]),
        ("store-03", [CHAIN[:1], CHAIN[1:3]]),
        ("nobody", [CHAIN[:1], CHAIN[1:3], CHAIN[3:]]),
    ],
)
def test_no_stage_begins_after_a_failure(tmp_path: Path, failing: str, touched: list[list[str]]) -> None:
    assert stages(tmp_path, failing) == touched
