"""What docs/install.md tells an installer to type, write down and look for is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud.__main__ import _parser as cloud_parser
from common.clock import SystemClock
from edge.__main__ import _parser as edge_parser
from edge.commands.doctor.command import _Examination
from edge.config import Settings, load
from tests.support.paths import ROOT
from tests.support.programs import require_made
from tests.support.secure_broker import secrets

pytestmark = pytest.mark.slow

ANSIBLE = ROOT / "ansible"
MADE = ROOT / ".venv-ansible"
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
CODE = "\n".join((*BLOCKS, *re.findall(r"`([^`\n]+)`", PAGE)))


def inputs() -> set[str]:
    """Every input of every role, and of a dictionary what is in it."""
    found: set[str] = set()
    for path in (ANSIBLE / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            found |= entry.get("options", {}).keys()
    return found


def inventories() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each mapping of variables in the examples, with the file it is in."""
    for path in (ANSIBLE / "shop.example.yml", *(ANSIBLE / "inventory.example").rglob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.parent.name in {"group_vars", "all"}:
            yield path.name, content
        else:
            for group in content.values():
                yield path.name, group.get("vars", {})
                yield from ((path.name, host) for host in group.get("hosts", {}).values() if host)


def test_every_command_is_understood() -> None:
    commands = re.findall(
        r"\bfootlight-(edge|cloud) +([a-z][^\n|&#`]*)", "\n".join(BLOCKS).replace("\\\n", " ")
    )
    assert commands
    for program, arguments in commands:
        parser = edge_parser() if program == "edge" else cloud_parser()
        parser.parse_args(shlex.split(arguments))  # exits where it does not understand


def test_every_variable_of_make_exists() -> None:
    told = set(re.findall(r"\$\(([A-Z]+)[):]", (ROOT / "Makefile").read_text()))
    given = {
        name
        for line in re.findall(r"^make [a-z-]+ (.*)$", CODE, re.MULTILINE)
        for name in re.findall(r"\b([A-Z]+)=", line)
    }
    assert {"LIMIT", "INVENTORY", "EXTRAS", "HOST"} <= given
    assert given <= told


def test_every_input_exists_on_the_page_and_in_the_examples() -> None:
    roles = "|".join(path.name for path in (ANSIBLE / "roles").iterdir())
    named = {(word, "install.md") for word in re.findall(rf"(?<![\w./-])((?:{roles})_[a-z_]+)\b", CODE)}
    named |= {(word, where) for where, variables in inventories() for word in variables}
    known = inputs() | {"ansible_user"}
    assert [
        f"{where}: {word}" for word, where in named if word not in known and not word.startswith("vault_")
    ] == []


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"\bansible/[a-z./]+\.(?:yml|example)\b", PAGE):
        mine = {"ansible/shop.yml", "ansible/inventory/group_vars/all/vault.yml"}  # made by the installer
        assert name in mine or (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / name).exists(), name


def test_every_link_within_the_page_leads_somewhere() -> None:
    titles = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= titles


def test_every_check_that_is_named_is_one_of_the_doctors(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("site: shop\ndevice: door\ncamera: {source: scene}\n")
    checks = [name for name, _ in _Examination(load(file), "footlight-edge", SystemClock(), {}).checks()]
    rows = re.findall(
        r"^\| (`.*?) \|", PAGE.partition("| check | mostly |")[2].partition("\n\n")[0], re.MULTILINE
    )
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert named
    assert named == [name for name in checks if name in named], "in the order of the way"


def test_the_settings_of_the_shop_without_a_server_are_right() -> None:
    shop = yaml.safe_load((ANSIBLE / "shop.example.yml").read_text(encoding="utf-8"))
    variables = shop["all"]["vars"]
    Settings.model_validate(
        {"site": variables["edge_site"], "device": variables["edge_device"], **variables["edge_settings"]}
    )
    assert shop["edge"]["hosts"].keys() == shop["serve"]["hosts"].keys()


def play(folder: Path, playbook: Path, *inventory: Path) -> subprocess.CompletedProcess[str]:
    require_made(MADE / ".installed", "make setup-ansible")
    return subprocess.run(
        [
            str(MADE / "bin" / "ansible-playbook"),
            *(f"--inventory={path}" for path in inventory),
            f"--extra-vars=image_folder={folder}/{{{{inventory_hostname}}}}",
            str(playbook),
        ],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(ANSIBLE / "roles"),
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_example_that_was_copied_and_not_filled_in_locks_nobody_out(tmp_path: Path) -> None:
    done = play(tmp_path, ANSIBLE / "image.yml", ANSIBLE / "shop.example.yml", ANSIBLE / "inventory.example")
    assert done.returncode == 2
    for host in ("my-shop.local", "store-12-door", "store-14-door"):
        assert f"{host}: image_ssh_keys holds no key" in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(120)
def test_the_playbooks_take_over_the_authority_of_make_server(tmp_path: Path) -> None:
    """As the page says: its certificate as it is, its key under a passphrase; and it goes on signing."""
    assert secrets(tmp_path / "secrets", "init", "mqtt.example.com").returncode == 0
    inventory = tmp_path / "inventory"
    (inventory / "authority").mkdir(parents=True)
    certificate = (tmp_path / "secrets" / "ca.crt").read_bytes()
    (inventory / "authority" / "ca.crt").write_bytes(certificate)
    key = inventory / "authority" / "ca.key"
    with (tmp_path / "secrets" / "ca.key").open("rb") as bare:
        encrypt = ["openssl", "ec", "-aes256", "-passout", "pass:open sesame", "-out", str(key)]
        subprocess.run(encrypt, stdin=bare, capture_output=True, check=True)
    assert "openssl ec -aes256 -out" in CODE
    (inventory / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {"here": None}, "vars": {"authority_passphrase": "open sesame"}}})
    )
    playbook = tmp_path / "authority.yml"
    playbook.write_text("[{name: Authority, hosts: here, gather_facts: false, roles: [authority]}]")
    taken = key.read_bytes()
    done = play(tmp_path, playbook, inventory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr  # the authority is not taken for an inventory
    assert (inventory / "authority" / "ca.crt").read_bytes() == certificate
    assert key.read_bytes() == taken
    verify = ["openssl", "crl", "-noout", "-CAfile", str(inventory / "authority" / "ca.crt")]
    signed = subprocess.run(
        [*verify, "-in", str(inventory / "authority" / "ca.crl")], capture_output=True, text=True, check=True
    )
    assert "verify OK" in signed.stdout + signed.stderr
