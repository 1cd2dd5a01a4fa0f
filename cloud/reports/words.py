"""What a report says of a week, beside the words that it shares with the page (:mod:`cloud.analysis.words`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from cloud.analysis.words import percent
from cloud.reports.site import Camera, Outage, SiteReport


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
