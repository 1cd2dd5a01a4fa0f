"""Puts figures into plain words, for readers who never learned statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cloud.analysis.change import Change
from cloud.domain.chain import Role
from cloud.reports.site import Camera, Outage, SiteReport


@dataclass(frozen=True, slots=True)
class Words:
    """The title of one figure, a short explanation, and the words for "higher" and "lower"."""

    title: str
    explained: str
    more: str
    less: str


FIGURES: Mapping[str, Words] = {
    "visits_per_open_hour": Words("Visits per hour", "while open and watched", "more", "fewer"),
    "viewers_share": Words("Looked at the camera", "at least once", "more", "fewer"),
    "dwell_mean": Words("Time in view", "average", "longer", "shorter"),
    "attraction_ratio": Words("Attention", "part of the time in view facing the camera", "more", "less"),
    "entries_per_open_hour": Words("Entries per hour", "through the doors, while watched", "more", "fewer"),
    "capture_rate": Words("Capture rate", "entries among all who entered or passed", "more", "less"),
    "share:gender=female": Words("Women", "share of visits, known mistakes corrected", "more", "fewer"),
}
"""By metric."""

ROLES: Mapping[Role, str] = {
    "entrance": "at the entrance",
    "area": "in the shop",
    "display": "at the display",
    "unassigned": "at the camera",
}
"""Where the cameras of each role look."""

NO_DIFFERENCE = "no clear difference"


def verdict(change: Change) -> str:
    """Return ``more``, ``fewer``, ``no clear difference``, or ``not known``."""
    if change.verdict is None:
        return "not known"
    words = FIGURES[change.metric]
    return {"more": words.more, "less": words.less, "none": NO_DIFFERENCE}[change.verdict]


def headline(report: SiteReport) -> str:
    """Return the result of the week in one sentence."""
    if report.visits is None:
        return "No data: no camera was watching this week"
    visits = report.changes[0]
    if visits.ratio is None:
        return "This week cannot be compared with the weeks before"
    by = f"{abs(visits.ratio - 1):.0%}".replace("%", "\N{NO-BREAK SPACE}%")
    if visits.verdict == "none":
        return "No clear change in visits: the difference may be chance"
    return f"{by} {'more' if visits.verdict == 'more' else 'fewer'} visits than in the weeks before"


def value(number: float | None, unit: str) -> str:
    """Format a figure with its unit; None becomes a dash."""
    if number is None:
        return "–"
    if unit == "%":
        return f"{100 * number:.0f}\N{NO-BREAK SPACE}%"
    return f"{number:.1f}\N{NO-BREAK SPACE}s" if unit == "s" else f"{number:.1f}"


def span(change: Change) -> str:
    """Format the interval of a change: ``−3 % to +14 %``."""
    if change.low is None or change.high is None:
        return ""
    return f"{signed(change.low - 1)} to {signed(change.high - 1)}"


def signed(share: float) -> str:
    """Format a change in percent with its sign."""
    rounded = round(100 * share)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else '±'}{abs(rounded)}\N{NO-BREAK SPACE}%"


def percent(share: float | None) -> str:
    """Format a share in percent, rounded down so that 99.9 % never becomes 100 %; None becomes a dash."""
    return "–" if share is None else f"{int(100 * share + 1e-9)}\N{NO-BREAK SPACE}%"


def outage(one: Outage) -> str:
    """Format an outage: ``Tue 10 Nov, 14:15 to 16:30``."""
    return f"{one.start:%a %-d %b}, {one.start:%H:%M} to {one.end:%H:%M}"


def cameras(found: Sequence[Camera]) -> str:
    """Format cameras with their coverage: ``door/main 98 %, side/main no data``."""
    return ", ".join(f"{one.name} {percent(one.coverage) if one.coverage else 'no data'}" for one in found)


def duration(outages: tuple[Outage, ...]) -> str:
    """Format the total duration of the outages."""
    minutes = sum((one.end - one.start for one in outages), timedelta()) // timedelta(minutes=1)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
