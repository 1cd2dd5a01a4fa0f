"""What is exported of one week of a site: its charts, and its report to print."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from cloud.api import ask
from cloud.domain.chain import Role
from cloud.exports.files import Lacking
from cloud.reports.week import last_week, require_over, week_named
from common.errors import UserError

if TYPE_CHECKING:
    from cloud.reports.site import SiteReport
    from cloud.stores.check_file import CheckFile

_PRINTING = Lock()


def report_of(
    shops: ask.Source,
    name: str,
    week: str | None,
    role: Role | None,
    now: datetime,
    checks: CheckFile | None = None,
) -> SiteReport:
    """Compute the report of a week, by default the last one; ``checks`` correct its entries.

    Raises ``UnknownSite``, ``UserError`` for a week that is not over, or ``StoreUnavailable``.
    """
    from cloud.reports.site import site_report  # imported here: it needs numpy and scipy

    chosen = week_named(week) if week else last_week(now)
    chain, tallies = shops.until(chosen.last)
    site = ask.site_named(chain, name)
    require_over(chosen, [site], now)
    return site_report(tallies, chain, site, chosen, ask.role_of(site, role), checks)


def as_pdf(html: str) -> bytes:
    """Print a report. Raises ``Lacking`` without Chromium, and while another report is being printed."""
    from cloud.reports import printing

    try:
        printing.require_browser()
    except UserError:
        raise Lacking(
            "format: a PDF needs Chromium, which this service cannot run; take html and print that from a browser"
        ) from None
    if not _PRINTING.acquire(blocking=False):
        raise Lacking("format: another report is being printed; try again in a minute")
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "report.pdf"
            printing.write(html, path)
            return path.read_bytes()
    except (OSError, UserError):
        raise Lacking("format: Chromium could not print the report; take html and print that") from None
    finally:
        _PRINTING.release()
