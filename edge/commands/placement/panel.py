"""The check on a terminal: a live panel for somebody on a ladder, or plain lines without a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.commands.placement.assessment import Advice, Assessment, Reading, State, Verdict
from edge.commands.placement.check import Moment
from edge.commands.placement.sights import Glance, SeenFace

STYLE: dict[State, str] = {"good": "green", "poor": "yellow", "bad": "bold red", "unknown": "dim"}
SIGN: dict[State, str] = {"good": "✓", "poor": "!", "bad": "✗", "unknown": "·"}
VERDICT: dict[Verdict, tuple[str, str]] = {
    "works": ("This position works.", "bold green"),
    "limits": ("This position works, with limits.", "bold yellow"),
    "fails": ("This position will not work.", "bold red"),
    "unclear": ("Too few faces seen to tell.", "bold yellow"),
}

MAP_COLUMNS, LEAST_COLUMNS = 36, 12
READINGS_COLUMNS = 66
"""Columns that readings and borders need beside the map; a narrow terminal gets a small map, or none."""
BAR = 6
TOP_ADVICE = 3
"""Nobody on a ladder reads more at once; the end shows all."""

LINE_EVERY_S = 5.0


def follow(moments: Iterable[Moment], title: str, console: Console) -> Moment:
    """Show ``moments`` as they come, and the verdict at the end; return the last one."""
    return _live(moments, title, console) if console.is_terminal else _lines(moments, console)


def _live(moments: Iterable[Moment], title: str, console: Console) -> Moment:
    last = None
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for last in moments:
            live.update(panel(last, title, console.width), refresh=True)
    assert last is not None, "a check has a last moment"
    console.print(panel(last, title, console.width))
    return last


def _lines(moments: Iterable[Moment], console: Console) -> Moment:
    last, due_s = None, math.inf
    for last in moments:
        if last.left_s <= due_s:
            due_s = last.left_s - LINE_EVERY_S
            console.print(
                f"{last.left_s:.0f} s left, {last.assessment.figures.counted} visits", soft_wrap=True
            )
    assert last is not None, "a check has a last moment"
    assessment = last.assessment
    said = [f"{reading.label}: {reading.says} ({reading.state})" for reading in assessment.readings]
    told = [f"{number}. {item.text}" for number, item in enumerate(assessment.advice, 1)]
    for text in (*said, VERDICT[assessment.verdict][0], *told):
        console.print(text, soft_wrap=True, highlight=False, markup=False)
    return last


def panel(moment: Moment, title: str, width: int) -> RenderableType:
    """Draw outlines beside the readings, and the advice below; ``width`` is that of the terminal."""
    assessment, glance = moment.assessment, moment.glance
    columns = min(MAP_COLUMNS, width - READINGS_COLUMNS)
    body = Table.grid(padding=(0, 1))
    if columns >= LEAST_COLUMNS:
        size = f"{glance.width}x{glance.height}"
        body.add_row(
            Panel(outlines(glance, columns), padding=0, expand=False, subtitle=size), readings(assessment)
        )
    else:
        body.add_row(readings(assessment))
    if moment.left_s:
        left, words = f"{moment.left_s:.0f} s left", advice(assessment.advice[:TOP_ADVICE])
        headline = Text("" if assessment.advice else "Nothing to change so far.", style="green")
    else:
        left, words = "done", advice(assessment.advice)
        headline = Text(*VERDICT[assessment.verdict])
    return Panel(Group(body, headline, words), title=title, subtitle=left, expand=False)


def readings(assessment: Assessment) -> Table:
    table = Table.grid(padding=(0, 1))
    for reading in assessment.readings:
        style = STYLE[reading.state]
        table.add_row(
            Text(SIGN[reading.state], style=style),
            Text(reading.label),
            bar(reading),
            Text(reading.says, style="" if reading.state == "good" else style),
        )
    return table


def bar(reading: Reading) -> Text:
    if reading.level is None:
        return Text("·" * BAR, style="dim")
    full = round(BAR * reading.level)
    return Text.assemble(("█" * full, STYLE[reading.state]), ("░" * (BAR - full), "dim"))


def advice(items: Sequence[Advice]) -> Table:
    table = Table.grid(padding=(0, 1))
    for number, item in enumerate(items, 1):
        table.add_row(f"{number}.", item.text)
    return table


def outlines(glance: Glance, columns: int) -> Text:
    """Draw the faces: green is a visit, yellow is not a visit yet. A character is about twice as high as wide."""
    rows = max(4, round(columns * glance.height / glance.width / 2))
    cells: list[list[tuple[str, str]]] = [[(" ", "")] * columns for _ in range(rows)]
    for sight in glance.sights:
        _draw(cells, sight)
    return Text("\n").join(Text.assemble(*row) for row in cells)


def _draw(cells: list[list[tuple[str, str]]], sight: SeenFace) -> None:
    rows, columns = len(cells), len(cells[0])
    style = "green" if sight.counted else "yellow"
    outline = sight.outline
    x1, x2 = (min(columns - 1, max(0, int(x * columns))) for x in (outline.x1, outline.x2))
    y1, y2 = (min(rows - 1, max(0, int(y * rows))) for y in (outline.y1, outline.y2))
    if x2 - x1 < 2 or y2 - y1 < 1:
        cells[y1][x1] = ("□", style)
        return
    for x in range(x1 + 1, x2):
        cells[y1][x] = cells[y2][x] = ("─", style)
    for y in range(y1 + 1, y2):
        cells[y][x1] = cells[y][x2] = ("│", style)
    for y, x, corner in ((y1, x1, "┌"), (y1, x2, "┐"), (y2, x1, "└"), (y2, x2, "┘")):
        cells[y][x] = (corner, style)
