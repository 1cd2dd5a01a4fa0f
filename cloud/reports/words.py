"""What figures say in plain words, for somebody who never learned statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cloud.analysis.change import Change
from cloud.domain.chain import Role
from cloud.reports.site import Camera, Outage, SiteReport


@dataclass(frozen=True, slots=True)
class Words:
    """How one figure is spoken of."""

    title: str
    explained: str
    more: str
    less: str


FIGURES: Mapping[str, Words] = {
    "visits_per_open_hour": Words("Visits an hour", "while open and watched", "more", "fewer"),
    "viewers_share": Words("Looked at the camera", "at least once", "more", "fewer"),
    "dwell_mean": Words("Time in view", "average", "longer", "shorter"),
    "attraction_ratio": Words("Attention", "share of that time facing the camera", "more", "less"),
    "share:gender=female": Words("Women", "share of visits, corrected", "more", "fewer"),
}
"""By metric."""

ROLES: Mapping[Role, str] = {
    "entrance": "at the entrance",
    "area": "in the shop",
    "display": "at the display",
    "unassigned": "at the camera",
}
"""Where the cameras of a role look."""

NO_DIFFERENCE = "no difference beyond chance"


def verdict(change: Change) -> str:
    """``more``, ``fewer``, ``no difference beyond chance``, or that it cannot be said."""
    if change.verdict is None:
        return "cannot be told"
    words = FIGURES[change.metric]
    return {"more": words.more, "less": words.less, "none": NO_DIFFERENCE}[change.verdict]


def headline(report: SiteReport) -> str:
    """The week in one sentence."""
    if report.visits is None:
        return "No data: nobody watched this week"
    visits = report.changes[0]
    if visits.ratio is None:
        return "This week cannot be compared with the weeks before"
    by = f"{abs(visits.ratio - 1):.0%}".replace("%", "\N{NO-BREAK SPACE}%")
    if visits.verdict == "none":
        return "No change in visits beyond chance"
    return f"{by} {'more' if visits.verdict == 'more' else 'fewer'} visits than in the weeks before"


def value(number: float | None, unit: str) -> str:
    """A figure with its unit; a dash where there is none."""
    if number is None:
        return "–"
    if unit == "%":
        return f"{100 * number:.0f}\N{NO-BREAK SPACE}%"
    return f"{number:.1f}\N{NO-BREAK SPACE}s" if unit == "s" else f"{number:.1f}"


def span(change: Change) -> str:
    """The interval of a change: ``−3 % to +14 %``."""
    if change.low is None or change.high is None:
        return ""
    return f"{signed(change.low - 1)} to {signed(change.high - 1)}"


def signed(share: float) -> str:
    """A change in percent with its sign."""
    rounded = round(100 * share)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else '±'}{abs(rounded)}\N{NO-BREAK SPACE}%"


def percent(share: float | None) -> str:
    """A share in percent, rounded down so that not quite all is never said to be all; a dash for None."""
    return "–" if share is None else f"{int(100 * share + 1e-9)}\N{NO-BREAK SPACE}%"


def outage(one: Outage) -> str:
    """``Tue 10 Nov, 14:15 to 16:30``."""
    return f"{one.start:%a %-d %b}, {one.start:%H:%M} to {one.end:%H:%M}"


def cameras(found: Sequence[Camera]) -> str:
    """``door/main 98 %, side/main no data``."""
    return ", ".join(f"{one.name} {percent(one.coverage) if one.coverage else 'no data'}" for one in found)


def duration(outages: tuple[Outage, ...]) -> str:
    """All of them together."""
    minutes = sum((one.end - one.start for one in outages), timedelta()) // timedelta(minutes=1)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
