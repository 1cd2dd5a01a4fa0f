"""Writes ansible.md beside this file: the inputs of all roles, from ``meta/argument_specs.yml``: ``make docs``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROLES = HERE.parent / "ansible" / "roles"

INTRODUCTION = """# What the playbooks can be told

<!-- written by `make docs` from `ansible/roles/*/meta/argument_specs.yml`: change those -->

Every input of every role. They go into the inventory, for all hosts (`group_vars/all`), a group or a single host;
[inventory.example](../ansible/inventory.example) has three shops. A wrong name of a file, a missing input or one of
another type ends the play before anything is changed. How the playbooks are used: [ansible](../ansible/README.md).
"""


def role(folder: Path) -> Iterator[str]:
    """The section of one role: each of its entry points with a table."""
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
    """The line of an input, and those of what is inside it."""
    kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
    choices = (
        f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
    )
    default = "**required**" if option.get("required") else f"`{shown_default(option.get('default'))}`"
    yield f"| `{name}` | {kind} | {default} | {words(option['description'])}{choices} |\n"
    for inner, spec in option.get("options", {}).items():
        yield from rows(f"{name}[].{inner}", spec)


def shown_default(value: object) -> str:
    """As it would be written in the inventory."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()
    return text.strip("'") if isinstance(value, str) and value else text


def words(description: str | list[str]) -> str:
    """Ansible's own marks, ``C(...)`` among them, in Markdown."""
    text = " ".join(description) if isinstance(description, list) else description
    return re.sub(r"\b[CVO]\(([^)]*)\)", r"`\1`", " ".join(text.split())).replace("|", "\\|")


def page() -> str:
    """The whole of ansible.md."""
    folders = sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml"))
    return INTRODUCTION + "".join(line for folder in folders for line in role(folder))


if __name__ == "__main__":
    (HERE / "ansible.md").write_text(page(), encoding="utf-8")
