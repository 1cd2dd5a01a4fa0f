"""A comparison as people read it: a table, the intervals drawn as bars, and what is set apart below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cloud.analysis.compare import Comparison, Row
from cloud.domain.chain import Role

_BAR = 30
"""Characters from the lowest to the highest end of all intervals."""

_MOST_NAMED = 10

_WIDE = 100
"""Columns of a terminal from which on there is room for the bars."""


COMPARED_AS: Mapping[Role, str] = {
    "entrance": "Cameras at entrances: several of one shop are added up.",
    "area": "Cameras of areas: the average camera of each shop.",
    "display": "Cameras at displays: the average camera of each shop.",
    "unassigned": "The chain file does not say what the cameras are for (sites.NAME.cameras): compare with care, a "
    "door sees other people than a shelf.",
}
"""What is compared, by role."""


def show(
    comparison: Comparison, titles: Mapping[str, str], console: Console, *, without: Sequence[str] = ()
) -> None:
    """Print it. ``titles`` are the names that people know the sites by, ``without`` those that have no such camera."""
    compared = [row for row in comparison.rows if row.set_apart is None]
    apart = [row for row in comparison.rows if row.set_apart is not None]
    heading = f"{comparison.title}, {comparison.first} to {comparison.last}"
    parts: list[Text | Table] = [
        Text(heading, style="bold"),
        Text(COMPARED_AS[comparison.role]),
        _summary(comparison, compared),
    ]
    if compared:
        bars = console.width >= _WIDE
        parts += [_ranked(comparison, compared, titles, bars=bars), _legend(comparison, bars=bars)]
    if apart:
        parts.append(_apart(apart, titles))
    if without:
        named = f"{'; '.join(without[:_MOST_NAMED])}{'; ...' if len(without) > _MOST_NAMED else ''}"
        parts.append(Text(f"Not in this list, for they have no such camera: {named}", style="dim"))
    console.print(Group(*parts))


def _summary(comparison: Comparison, compared: list[Row]) -> Text:
    if not compared or comparison.rate is None:
        return Text("No shop can be compared.")
    different = sum(row.real for row in compared)
    said = f"{len(compared)} shops compared, together {_value(comparison.rate, comparison.unit)}; "
    said += f"{different or 'none'} of them really differ{'s' if different == 1 else ''} from the rest."
    if comparison.detectable is not None:
        said += f" A shop that differs by {comparison.detectable:.0%} would be found nine times in ten."
    return Text(said)


def _ranked(comparison: Comparison, compared: list[Row], titles: Mapping[str, str], *, bars: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("shop", no_wrap=True, overflow="ellipsis")
    for column in (comparison.unit, "95% interval", "vs rest", "chance", "days", "seen"):
        table.add_column(column, justify="right", no_wrap=True)
    if bars:
        table.add_column("", no_wrap=True)
    ends = [end for row in compared for end in (row.low, row.high) if end is not None]
    for rank, row in enumerate(compared, 1):
        low, high = (_value(end, comparison.unit, bare=True) for end in (row.low, row.high))
        cells: list[str | Text] = [
            str(rank),
            titles.get(row.site, row.site),
            _value(row.rate, comparison.unit, bare=True),
            f"{low} – {high}",
            _versus(row),
            "" if row.q is None else "<0.1%" if row.q < 0.001 else f"{row.q:.1%}",
            str(row.days),
            f"{row.coverage:.0%}",
        ]
        if bars:
            cells.append(_bar(row, comparison.rate or 0.0, min(ends), max(ends)))
        table.add_row(*cells)
    return table


def _versus(row: Row) -> Text:
    if row.versus is None:
        return Text("–")
    mark = ("▲ " if row.versus > 1 else "▼ ") if row.real else ""
    return Text(f"{mark}{row.versus - 1:+.1%}", style="bold" if row.real else "dim")


def _bar(row: Row, middle: float, lowest: float, highest: float) -> Text:
    """``╾──●──╼`` on a line of dots, with a ``┊`` where the whole chain is."""
    span = (highest - lowest) or 1.0

    def place(value: float | None) -> int:
        return round(((value or 0.0) - lowest) / span * (_BAR - 1))

    cells = ["·"] * _BAR
    cells[place(middle)] = "┊"
    low, high = place(row.low), place(row.high)
    cells[low : high + 1] = "─" * (high - low + 1)
    cells[low], cells[high] = "╾", "╼"
    cells[place(row.rate)] = "●"
    return Text("".join(cells), style="bold" if row.real else "dim")


def _legend(comparison: Comparison, *, bars: bool) -> Text:
    said = (
        f"▲ ▼ real: of all differences so marked, at most {comparison.level:.0%} are chance; chance is that share down "
        "to a line. The interval is about one shop alone. seen: how much of the opening time was watched."
    )
    return Text(said + (" ┊ all shops together." if bars else ""), style="dim")


def _apart(apart: list[Row], titles: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title="Set apart", title_justify="left")
    table.add_column("shop")
    table.add_column("coverage", justify="right")
    table.add_column("why")
    for row in apart:
        table.add_row(titles.get(row.site, row.site), f"{row.coverage:.0%}", row.set_apart)
    return table


def _value(value: float | None, unit: str, *, bare: bool = False) -> str:
    if value is None:
        return "–"
    said = f"{100 * value:.1f}" if unit == "%" else f"{value:.1f}"
    return said if bare else f"{said} {unit}".replace(" /", "/")
