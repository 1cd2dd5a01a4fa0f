"""The doctor's lines: in colours and columns on a terminal, plain elsewhere, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.commands.doctor.hops import STATES, Hop, State, worst

_COLOURS: dict[State, str] = {"green": "green", "amber": "yellow", "red": "bold red"}
_SIGNS: dict[State, str] = {"green": "●", "amber": "▲", "red": "■"}
"""A shape for each, for those who see no colours."""
_NAME_WIDTH = 16


def show(hops: Iterable[Hop], console: Console) -> State:
    """Print every hop as it comes, and return the worst state."""
    states: list[State] = []
    # Not one table that grows: it would be taller than the terminal of many an installer.
    with console.status("measuring"):  # shown on a terminal only
        for hop in hops:
            states.append(hop.state)
            if console.is_terminal:
                console.print(_row(hop))
            else:
                fix = f" -> {hop.fix}" if hop.fix else ""
                text = f"{hop.state:5}  {hop.name:{_NAME_WIDTH}}{hop.value}{fix}"
                console.print(text, soft_wrap=True, markup=False, highlight=False)
    counts = [f"{states.count(state)} {state}" for state in reversed(STATES) if state in states]
    console.print(Text(", ".join(counts), style=_COLOURS[worst(states)] if console.is_terminal else ""))
    return worst(states)


def _row(hop: Hop) -> Table:
    colour = _COLOURS[hop.state]
    said = Text(hop.value)
    if hop.fix:
        said.append(f"\n→ {hop.fix}", style=colour)
    row = Table.grid()
    row.add_column(width=_NAME_WIDTH + 2, no_wrap=True)
    row.add_column()
    row.add_row(Text(f"{_SIGNS[hop.state]} {hop.name}", style=colour), said)
    return row


def as_json(hops: Iterable[Hop]) -> tuple[str, State]:
    """One line of JSON, and the worst state."""
    found = list(hops)
    state = worst([hop.state for hop in found])
    return json.dumps({"hops": [asdict(hop) for hop in found], "state": state}, ensure_ascii=False), state
