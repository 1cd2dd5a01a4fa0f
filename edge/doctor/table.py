"""The doctor's lines: a table that grows on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.doctor.hops import Hop, State, worst

_COLOURS: dict[State, str] = {"green": "green", "amber": "yellow", "red": "bold red"}
_SIGNS: dict[State, str] = {"green": "●", "amber": "▲", "red": "■"}
"""A shape for each, for those who see no colours."""


def show(hops: Iterable[Hop], console: Console) -> State:
    """Print every hop as it comes, and return the worst state."""
    return _live(hops, console) if console.is_terminal else _plain(hops, console)


def as_json(hops: Iterable[Hop]) -> tuple[str, State]:
    """One line of JSON, and the worst state."""
    found = list(hops)
    state = worst([hop.state for hop in found])
    return json.dumps({"hops": [asdict(hop) for hop in found], "state": state}, ensure_ascii=False), state


def summary(states: list[State]) -> str:
    counts = [f"{states.count(state)} {state}" for state in ("red", "amber", "green") if state in states]
    return ", ".join(counts)


def _live(hops: Iterable[Hop], console: Console) -> State:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("hop", no_wrap=True)
    table.add_column("what was measured, and what to do")
    states: list[State] = []
    with Live(table, console=console, vertical_overflow="visible"):
        for hop in hops:
            states.append(hop.state)
            colour = _COLOURS[hop.state]
            said = Text(hop.value)
            if hop.fix:
                said.append(f"\n→ {hop.fix}", style=colour)
            table.add_row(Text(f"{_SIGNS[hop.state]} {hop.name}", style=colour), said)
    console.print(Text(f"\n{summary(states)}", style=_COLOURS[worst(states)]))
    return worst(states)


def _plain(hops: Iterable[Hop], console: Console) -> State:
    states: list[State] = []
    for hop in hops:
        states.append(hop.state)
        fix = f" -> {hop.fix}" if hop.fix else ""
        console.print(
            f"{hop.state:5}  {hop.name:14}  {hop.value}{fix}", soft_wrap=True, markup=False, highlight=False
        )
    console.print(summary(states), markup=False, highlight=False)
    return worst(states)
