"""The charts of a week as PNG, drawn like those of the report."""

from __future__ import annotations

from threading import Lock

from matplotlib.figure import Figure

from cloud.api.endpoints import Chart
from cloud.reports import plots
from cloud.reports.site import SiteReport
from cloud.stores.tallies import days
from common.errors import UserError

_DRAWING = Lock()
"""The style of matplotlib is that of the whole process, so one chart is drawn at a time."""
_TITLES: dict[Chart, str] = {
    "weeks": "visits an hour, week by week",
    "hours": "visits an hour",
    "coverage": "share of the opening time that was watched",
}


def chart_png(chart: Chart, report: SiteReport) -> bytes:
    """Draw one chart of a week. Raises ``UserError`` for a week in which the site is never open."""
    if not report.hours:
        raise UserError(f"week: {report.site} is not open in {report.week}")
    with _DRAWING:
        return plots.png(_drawn(chart, report), f"{report.title}, {report.week}: {_TITLES[chart]}")


def report_html(report: SiteReport) -> str:
    """Return the report as one self-contained page."""
    from cloud.reports.page import html

    with _DRAWING:
        return html(report)


def _drawn(chart: Chart, report: SiteReport) -> Figure:
    match chart:
        case "weeks":
            return plots.weeks(report.changes[0], height_mm=50)
        case "hours":
            return plots.heat(report.hours, days(report.first, report.last), height_mm=70)
        case "coverage":
            return plots.watched(report.days)
