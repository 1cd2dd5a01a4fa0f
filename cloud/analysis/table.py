"""Shows a comparison in the terminal: a table with the intervals as bars, and the sites that are not compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cloud.analysis.compare import Comparison, Row
from cloud.analysis.recall import Estimate
from cloud.domain.chain import Role

_BAR = 30
"""Width of the bars in characters, from the lowest to the highest end of all intervals."""

_MOST_NAMED = 10
_NOTHING: Mapping[str, Estimate] = {}

_WIDE = 100
"""A terminal with this many columns or more has room for the bars."""


COMPARED_AS: Mapping[Role, str] = {
    "entrance": "Cameras at entrances: all entrances of a shop are added up.",
    "area": "Cameras of areas: the average camera of each shop.",
    "display": "Cameras at displays: the average camera of each shop.",
    "unassigned": "The chain file does not say what the cameras are for (sites.NAME.cameras). Compare with care: a "
    "camera at a door sees other people than one at a shelf.",
}
"""What is compared, by role."""


def show(
    comparison: Comparison,
    titles: Mapping[str, str],
    console: Console,
    *,
    corrected: Mapping[str, Estimate] = _NOTHING,
    without: Sequence[str] = (),
) -> None:
    """Print the comparison. ``titles`` are the display names of the sites, ``corrected`` their rates by count checks;
    ``without`` have no such camera."""
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
    if corrected:
        parts += [
            Text("Corrected by count checks; above are the counted rates."),
            _corrected(comparison, corrected, titles),
        ]
    if apart:
        parts.append(_apart(apart, titles))
    if without:
        named = f"{'; '.join(without[:_MOST_NAMED])}{'; ...' if len(without) > _MOST_NAMED else ''}"
        parts.append(Text(f"Not in this list, because they have no such camera: {named}", style="dim"))
    console.print(Group(*parts))


def _summary(comparison: Comparison, compared: list[Row]) -> Text:
    if not compared or comparison.rate is None:
        return Text("No shop can be compared.")
    different = sum(row.real for row in compared)
    said = f"{len(compared)} shops compared, together {_value(comparison.rate, comparison.unit)}; "
    said += f"{different or 'none'} of them really differ{'s' if different == 1 else ''} from the rest."
    if comparison.detectable is not None:
        said += f" A shop that differs by {comparison.detectable:.0%} would be found in 9 of 10 cases."
    return Text(said)


def _ranked(comparison: Comparison, compared: list[Row], titles: Mapping[str, str], *, bars: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("shop", no_wrap=True, overflow="ellipsis")
    for column in (comparison.unit, "95% interval", "vs rest", "chance", "days", "watched"):
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
    """Draw ``╾──●──╼`` on a line of dots, with a ``┊`` at the rate of all shops together."""
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
        f"▲ ▼: a real difference; at most {comparison.level:.0%} of these are chance. chance: if you accept every "
        "difference down to this line, this share of them is probably chance. The interval is that of one shop alone. "
        "watched: the share of the opening time that was watched."
    )
    return Text(said + (" ┊ all shops together." if bars else ""), style="dim")


def _apart(apart: list[Row], titles: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title="Not compared", title_justify="left")
    table.add_column("shop")
    table.add_column("watched", justify="right")
    table.add_column("reason")
    for row in apart:
        table.add_row(titles.get(row.site, row.site), f"{row.coverage:.0%}", row.set_apart)
    return table


def _corrected(comparison: Comparison, corrected: Mapping[str, Estimate], titles: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("shop", comparison.unit, "95% interval"):
        table.add_column(column, justify="left" if column == "shop" else "right")
    for site, one in corrected.items():
        low, high = (_value(end, comparison.unit, bare=True) for end in (one.low, one.high))
        table.add_row(
            titles.get(site, site), _value(one.value, comparison.unit, bare=True), f"{low} – {high}"
        )
    return table


def _value(value: float | None, unit: str, *, bare: bool = False) -> str:
    if value is None:
        return "–"
    said = f"{100 * value:.1f}" if unit == "%" else f"{value:.1f}"
    return said if bare else f"{said} {unit}".replace(" /", "/")
