"""Write ansible.md beside this file: the inputs of all roles, from ``meta/argument_specs.yml``: ``make docs``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROLES = HERE.parent / "ansible" / "roles"

INTRODUCTION = """# Inputs of the playbooks

<!-- written by `make docs` from `ansible/roles/*/meta/argument_specs.yml`: change those -->

Every input (variable) of every role. Set them in the inventory, for all hosts (`group_vars/all`), a group or a single
host; [inventory.example](../ansible/inventory.example) shows three shops. A missing file or input, or a value of the
wrong type, stops the playbook before it changes anything. [ansible](../ansible/README.md) says how to use the
playbooks.
"""


def role(folder: Path) -> Iterator[str]:
    """Return the section of one role, with a table for each entry point."""
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    yield f"\n## {folder.name}\n"
    shown: list[dict[str, Any]] = []
    for name, spec in specs.items():
        if name != "main":
            yield f"\n### {folder.name}, {name}\n"
        yield f"{words(spec['short_description'])}. {words(spec.get('description', ''))}".strip() + "\n"
        options = spec.get("options", {})
        if options in shown:
            yield "Its inputs are the same.\n"
        elif options:
            shown.append(options)
            yield "\n| input | type | default | what it is |\n| --- | --- | --- | --- |\n"
            yield from (row for name, option in options.items() for row in rows(name, option))


def rows(name: str, option: dict[str, Any]) -> Iterator[str]:
    """Return the line of an input, and the lines of its parts."""
    kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
    choices = (
        f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
    )
    default = "**required**" if option.get("required") else f"`{shown_default(option.get('default'))}`"
    yield f"| `{name}` | {kind} | {default} | {words(option['description'])}{choices} |\n"
    for inner, spec in option.get("options", {}).items():
        yield from rows(f"{name}[].{inner}", spec)


def shown_default(value: object) -> str:
    """Write a default as in the inventory."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()
    return text.strip("'") if isinstance(value, str) and value else text


def words(description: str | list[str]) -> str:
    """Convert Ansible's markup, such as ``C(...)``, to Markdown."""
    text = " ".join(description) if isinstance(description, list) else description
    return re.sub(r"\b[CVO]\(([^)]*)\)", r"`\1`", " ".join(text.split())).replace("|", "\\|")


def page() -> str:
    """Return the text of ansible.md."""
    folders = sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml"))
    return INTRODUCTION + "".join(line for folder in folders for line in role(folder))


if __name__ == "__main__":
    (HERE / "ansible.md").write_text(page(), encoding="utf-8")
