"""The roles' inputs are written down where Ansible checks them, and the page and the example say the same."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT

ROLES = {
    path.parent.parent.name: path.parent.parent
    for path in ROOT.glob("ansible/roles/*/meta/argument_specs.yml")
}
CONNECTION = ("ansible_", "vault_")
"""How names begin that are Ansible's own, or refer to the vault."""


def specs(role: str) -> dict[str, Any]:
    """All inputs of a role, whatever entry point takes them."""
    entries = yaml.safe_load((ROLES[role] / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return {name: option for entry in entries.values() for name, option in entry.get("options", {}).items()}


def test_every_role_says_what_it_takes() -> None:
    assert {"base", "edge"} <= set(ROLES)
    assert {path.name for path in (ROOT / "ansible" / "roles").iterdir() if path.is_dir()} == set(ROLES)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_default_is_the_one_that_is_written_down(role: str) -> None:
    path = ROLES[role] / "defaults" / "main.yml"
    defaults = yaml.safe_load(path.read_text()) if path.exists() else {}
    assert defaults == {
        name: option["default"] for name, option in specs(role).items() if "default" in option
    }


def test_the_page_is_fresh() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "roles.py"))["page"]()
    assert (ROOT / "docs" / "ansible.md").read_text(encoding="utf-8") == written, "run make docs"


def test_the_example_names_nothing_that_is_not_there() -> None:
    known = {name for role in ROLES for name in specs(role)}
    folder = ROOT / "ansible" / "inventory.example"
    documents = [yaml.safe_load(path.read_text()) for path in sorted(folder.rglob("*.yml"))]
    hosts = [host for group in documents[-1].values() for host in group.get("hosts", {}).values()]
    named = {
        name for given in (*documents[:-1], *hosts) for name in given or {} if not name.startswith(CONNECTION)
    }
    assert named
    assert named <= known
