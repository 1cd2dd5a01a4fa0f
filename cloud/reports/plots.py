"""The plots of a report, as SVG or PNG. Hatching means that no camera was watching: no data never looks like zero."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import wraps
from io import BytesIO, StringIO
from typing import Any, ParamSpec

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from cloud.analysis.change import Change
from cloud.analysis.compare import Comparison, Row
from cloud.analysis.hours import Hour
from cloud.analysis.mix import Mix
from cloud.analysis.quantify import Share
from cloud.analysis.words import percent, signed
from cloud.reports.site import Day

INK, MUTED, HATCH = "#1d282d", "#5b6970", "#b9bfc0"
ACCENT, SOFT, GREY = "#1f6f78", "#a9d0d1", "#c9cecf"
COLOURS = {"female": "#7d58ad", "male": "#cf8a2a"}

_MOST_HOURS = 14
"""Up to this many hours, each one gets a label on the axis."""

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEAT = LinearSegmentedColormap.from_list("heat", ["#f1f6f5", "#a9d0d1", ACCENT, "#0d3a40"])
_STYLE: dict[Any, Any] = {
    # Keep text as text: it can be searched and uses the font of the page.
    "svg.fonttype": "none",
    "svg.hashsalt": "footlight",
    "font.size": 8,
    "text.color": INK,
    "axes.edgecolor": HATCH,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 2,
    "ytick.major.size": 0,
    "hatch.color": HATCH,
    "hatch.linewidth": 0.6,
}
_MM = 1 / 25.4
_DPI = 200
"""Of a PNG: 82 mm are 650 pixels."""

Drawn = ParamSpec("Drawn")


def _styled(draw: Callable[Drawn, Figure]) -> Callable[Drawn, Figure]:
    @wraps(draw)
    def drawn(*args: Drawn.args, **options: Drawn.kwargs) -> Figure:
        with rc_context(_STYLE):
            return draw(*args, **options)

    return drawn


def svg(figure: Figure) -> str:
    """Return only the SVG element, without ids: several plots on one page would repeat them."""
    out = StringIO()
    with rc_context(_STYLE):
        figure.savefig(
            out, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    text = out.getvalue()
    return re.sub(r' id="[A-Za-z.]+_\d+"', "", text[text.index("<svg") :])


def png(figure: Figure, title: str) -> bytes:
    """Return a picture on white with a title, for a slide or a message."""
    out = BytesIO()
    with rc_context(_STYLE):
        figure.suptitle(title, fontsize=8, color=INK)
        figure.savefig(out, format="png", dpi=_DPI, facecolor="white", pad_inches=0.1, bbox_inches="tight")
    return out.getvalue()


@_styled
def weeks(change: Change, *, height_mm: float) -> Figure:
    """Draw the figure week by week with its intervals; this week is dark."""
    figure, axes = _figure(82, height_mm)
    shown = [week for week in change.weeks if week.rate is not None]
    top = max((week.high or 0.0 for week in shown), default=1.0) * 1.12 or 1.0
    for x, week in enumerate(change.weeks):
        last = x == len(change.weeks) - 1
        if week.rate is None or week.low is None or week.high is None:
            _missing(axes, x - 0.32, 0, 0.64, top * 0.8, "not\ncompared")
            continue
        axes.bar(x, week.rate, 0.64, color=ACCENT if last else SOFT)
        axes.plot([x, x], [week.low, week.high], color=INK, linewidth=1)
        axes.text(x, week.high + top * 0.02, f"{week.rate:.0f}", ha="center", va="bottom", weight="bold")
    if change.before is not None:
        axes.axhline(change.before, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    axes.set_xticks(
        range(len(change.weeks)),
        [
            "this week" if x == len(change.weeks) - 1 else f"{week.first:%-d %b}"
            for x, week in enumerate(change.weeks)
        ],
    )
    axes.set(ylim=(0, top), xlim=(-0.5, len(change.weeks) - 0.5), yticks=[])
    axes.spines["left"].set_visible(False)
    return figure


@_styled
def interval(change: Change, reach: float) -> Figure:
    """Draw the change with its interval around "no change"; the scale ends at ``reach`` in both directions."""
    figure, axes = _figure(44, 6)
    axes.axis("off")
    axes.set(xlim=(-reach * 1.05, reach * 1.05), ylim=(-1, 1))
    axes.axvline(0, color=MUTED, linewidth=0.8)
    if change.ratio is not None and change.low is not None and change.high is not None:
        high = min(change.high - 1, reach)
        colour = MUTED if change.verdict == "none" else ACCENT
        axes.plot([max(change.low - 1, -reach), high], [0, 0], color=colour, linewidth=2.2, alpha=0.6)
        axes.plot([min(max(change.ratio - 1, -reach), reach)], [0], "o", color=colour, markersize=5)
    return figure


@_styled
def heat(hours: Sequence[Hour], week: Sequence[date], *, height_mm: float) -> Figure:
    """Draw visits per hour by weekday and hour of local time. White is closed, hatched is not watched."""
    figure, axes = _figure(180, height_mm)
    first, last = min(hour.hour for hour in hours), max(hour.hour for hour in hours)
    top = max((hour.rate or 0.0 for hour in hours), default=0.0) or 1.0
    for hour in hours:
        y = week.index(hour.day)
        if hour.rate is None:
            _missing(axes, hour.hour + 0.03, y + 0.04, 0.94, 0.92, "")
            continue
        partial = hour.state == "partial"
        axes.add_patch(
            Rectangle(
                (hour.hour + 0.03, y + 0.04), 0.94, 0.92, facecolor=_HEAT(hour.rate / top),
                edgecolor="#b3372f" if partial else "none", linestyle=(0, (2, 2)), linewidth=1,
            )
        )  # fmt: skip
        axes.text(
            hour.hour + 0.5, y + 0.52, f"{hour.rate:.0f}", ha="center", va="center",
            color="white" if hour.rate > 0.55 * top else INK,
        )  # fmt: skip
    axes.set(xlim=(first, last + 1), ylim=(len(week), 0))
    ticks = range(first, last + 2, 1 if last - first < _MOST_HOURS else 2)
    axes.set_xticks(ticks, [f"{hour}:00" for hour in ticks])
    axes.set_yticks(
        [y + 0.5 for y in range(len(week))],
        [f"{_WEEKDAYS[day.weekday()]} {day.day}" for day in week],
    )
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


@_styled
def shares(mix: Mix, colours: Mapping[str, str], *, height_mm: float) -> Figure:
    """Draw one bar for each label: the corrected share with its interval; the diamond is the share as counted."""
    figure, axes = _figure(86, height_mm)
    for y, share in enumerate(mix.shares):
        _bar(axes, y, share, colours.get(share.label, ACCENT), side=1)
    axes.set_yticks(range(len(mix.shares)), [share.label for share in mix.shares])
    axes.set(ylim=(len(mix.shares) - 0.45, -0.55), xlim=(0, 1.02))
    _percent_axis(axes, [0, 0.25, 0.5, 0.75, 1])
    return figure


@_styled
def pyramid(ages: Mapping[str, Mix]) -> Figure:
    """Draw age bands with women on the left and men on the right; each side adds up to 100 %."""
    figure, axes = _figure(86, 74)
    for side, (gender, mix) in zip((-1, 1), ages.items(), strict=True):
        for y, share in enumerate(reversed(mix.shares)):
            _bar(axes, y, share, COLOURS[gender], side=side)
        axes.text(side * 0.5, -0.95, gender, ha="center", color=COLOURS[gender], weight="bold")
    labels = [share.label for share in reversed(next(iter(ages.values())).shares)]
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(ylim=(len(labels) - 0.45, -1.0), xlim=(-1.02, 1.02))
    _percent_axis(axes, [-1, -0.5, 0, 0.5, 1])
    return figure


@_styled
def watched(days: Sequence[Day]) -> Figure:
    """Draw how much of each day's opening time was watched."""
    figure, axes = _figure(86, 34)
    for x, day in enumerate(days):
        _missing(axes, x - 0.34, 0, 0.68, 1, "")
        axes.bar(x, day.coverage, 0.68, color=ACCENT)
        said = "no data" if day.visits is None else percent(day.coverage)
        axes.text(x, 1.05, said, ha="center", va="bottom", size=7, color=MUTED)
    axes.set_xticks(range(len(days)), [_WEEKDAYS[day.day.weekday()] for day in days])
    axes.set(ylim=(0, 1.2), xlim=(-0.5, max(len(days), 1) - 0.5), yticks=[])
    axes.spines["left"].set_visible(False)
    return figure


@_styled
def ranking(comparison: Comparison, rows: Sequence[tuple[int, Row]], titles: Mapping[str, str]) -> Figure:
    """Draw the sites by rank with their intervals; those that really differ from the rest are dark."""
    figure, axes = _figure(180, 14 + min(9.0, 190 / len(rows)) * len(rows))
    for y, (_, row) in enumerate(rows):
        assert row.rate is not None
        assert row.low is not None
        assert row.high is not None
        colour = ACCENT if row.real else GREY
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=2.4, solid_capstyle="round")
        axes.plot([row.rate], [y], "o", color=colour if row.real else MUTED, markersize=4.5)
    if comparison.rate is not None:
        axes.axvline(comparison.rate, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    axes.set_yticks(
        range(len(rows)),
        [f"{rank}.  {titles.get(row.site, row.site)[:28]}" for rank, row in rows],
    )
    said = axes.secondary_yaxis("right")
    said.set_yticks(range(len(rows)), [_versus(row) for _, row in rows])
    said.spines["right"].set_visible(False)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0, None), xlabel=f"{comparison.title} ({comparison.unit})")
    axes.spines["left"].set_visible(False)
    return figure


def _versus(row: Row) -> str:
    if row.versus is None:
        return "–"
    return ("▲ " if row.versus > 1 else "▼ ") * row.real + signed(row.versus - 1)


def _bar(axes: Axes, y: float, share: Share, colour: str, *, side: int) -> None:
    best = share.raw if share.corrected is None else share.corrected
    if share.vague or best is None:
        axes.text(
            side * 0.02, y, "too uncertain", ha="left" if side > 0 else "right", va="center", color=MUTED
        )
        return
    axes.barh(y, side * best, 0.72, color=colour, alpha=0.85)
    axes.plot([side * share.low, side * share.high], [y, y], color=INK, linewidth=1)
    if share.corrected is not None and share.raw is not None:
        axes.plot([side * share.raw], [y], "D", markersize=3.6, markerfacecolor="white", markeredgecolor=INK,
                  markeredgewidth=0.8)  # fmt: skip


def _percent_axis(axes: Axes, ticks: Sequence[float]) -> None:
    axes.set_xticks(ticks, [f"{100 * abs(tick):.0f} %" for tick in ticks])
    axes.spines["left"].set_visible(False)


def _missing(axes: Axes, x: float, y: float, width: float, height: float, text: str) -> None:
    axes.add_patch(
        Rectangle((x, y), width, height, facecolor="white", edgecolor=HATCH, hatch="////", linewidth=0.6)
    )
    if text:
        axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", size=7, color=MUTED)


def _figure(width_mm: float, height_mm: float) -> tuple[Figure, Axes]:
    figure = Figure(
        figsize=(width_mm * _MM, height_mm * _MM), layout=ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01)
    )
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()
