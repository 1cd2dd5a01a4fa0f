"""The doctor's lines: in colours and columns on a terminal, plain elsewhere, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.commands.doctor.checks import STATES, Check, State, worst

_COLOURS: dict[State, str] = {"green": "green", "amber": "yellow", "red": "bold red"}
_SIGNS: dict[State, str] = {"green": "●", "amber": "▲", "red": "■"}
"""A shape for each state, for people who cannot tell the colours apart."""
_NAME_WIDTH = 16


def show(checks: Iterable[Check], console: Console) -> State:
    """Print each check when it is done, and return the worst state."""
    states: list[State] = []
    # Not one growing table: it would be taller than many terminals.
    with console.status("measuring"):  # shown on a terminal only
        for check in checks:
            states.append(check.state)
            if console.is_terminal:
                console.print(_row(check))
            else:
                fix = f" -> {check.fix}" if check.fix else ""
                text = f"{check.state:5}  {check.name:{_NAME_WIDTH}}{check.value}{fix}"
                console.print(text, soft_wrap=True, markup=False, highlight=False)
    counts = [f"{states.count(state)} {state}" for state in reversed(STATES) if state in states]
    console.print(Text(", ".join(counts), style=_COLOURS[worst(states)] if console.is_terminal else ""))
    return worst(states)


def _row(check: Check) -> Table:
    colour = _COLOURS[check.state]
    said = Text(check.value)
    if check.fix:
        said.append(f"\n→ {check.fix}", style=colour)
    row = Table.grid()
    row.add_column(width=_NAME_WIDTH + 2, no_wrap=True)
    row.add_column()
    row.add_row(Text(f"{_SIGNS[check.state]} {check.name}", style=colour), said)
    return row


def as_json(checks: Iterable[Check]) -> tuple[str, State]:
    """Return one line of JSON, and the worst state."""
    found = list(checks)
    state = worst([check.state for check in found])
    return json.dumps(
        {"checks": [asdict(check) for check in found], "state": state}, ensure_ascii=False
    ), state
