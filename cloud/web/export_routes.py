"""The routes that give figures away as files: tables, charts, reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cloud.api.endpoints import (
    BY_NAME,
    CSV,
    HTML,
    PARQUET,
    PDF,
    PNG,
    ROOT,
    Export,
    OfChart,
    OfSite,
    OfTable,
    OfWeek,
    Report,
)
from cloud.exports.files import csv_lines, parquet
from cloud.exports.tables import table_of
from cloud.exports.weeks import as_pdf, report_of
from cloud.stores.check_file import CheckFile
from cloud.stores.shops import Shops
from cloud.web.access import guarded, record
from cloud.web.api_answers import answering, kept, of_path, of_query
from common.clock import Clock


def routes(shops: Shops, clock: Clock, checks: CheckFile | None = None) -> list[BaseRoute]:
    """Return the routes of the exports of ``shops``; ``checks`` correct the entries."""
    exports = _Exports(shops, clock, checks)
    handlers: dict[str, Callable[[Request], Response]] = {
        "export": exports.table,
        "chart": exports.chart,
        "report": exports.report,
    }
    return [
        guarded(
            f"{ROOT}{BY_NAME[name].path}", answering(handler), needs=BY_NAME[name].needs, name=f"api_{name}"
        )
        for name, handler in handlers.items()
    ]


@dataclass(frozen=True, slots=True)
class _Exports:
    """The handlers. They are not async: a store may block, and drawing takes a while."""

    shops: Shops
    clock: Clock
    checks: CheckFile | None

    def table(self, request: Request) -> Response:
        of, asked = of_path(request, OfTable), of_query(request, Export)
        table = table_of(
            of.table, self.shops, of.site, asked, self.clock.now(), bounded=True, checks=self.checks
        )
        record(request, "exported", f"{of.table} of {of.site}, {table.first} to {table.last}")
        if asked.format == "parquet":
            return kept(request, parquet(table), PARQUET, file=f"{table.file}.parquet")
        body = "".join(csv_lines(table)).encode()
        return kept(request, body, f"{CSV}; charset=utf-8; header=present", file=f"{table.file}.csv")

    def chart(self, request: Request) -> Response:
        from cloud.exports.charts import chart_png  # imported here: it needs matplotlib

        of, asked = of_path(request, OfChart), of_query(request, OfWeek)
        report = report_of(self.shops, of.site, asked.week, asked.role, self.clock.now())
        record(request, "exported", f"chart {of.chart} of {of.site}, {report.week}")
        name = f"footlight-{of.site}-{of.chart}-{report.week}.png"
        return kept(request, chart_png(of.chart, report), PNG, file=name)

    def report(self, request: Request) -> Response:
        from cloud.exports.charts import report_html

        site, asked = of_path(request, OfSite).site, of_query(request, Report)
        report = report_of(self.shops, site, asked.week, asked.role, self.clock.now(), self.checks)
        record(request, "exported", f"report of {site}, {report.week}")
        html, name = report_html(report), f"footlight-{site}-{report.week}"
        if asked.format == "pdf":
            return kept(request, as_pdf(html), PDF, file=f"{name}.pdf")
        return kept(request, html.encode(), f"{HTML}; charset=utf-8", file=f"{name}.html")
