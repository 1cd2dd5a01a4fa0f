"""What the till sold in the report of a site: with coverage and interval, on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cloud.analysis.words import amount
from cloud.domain.till import Takings
from cloud.reports.page import site_page
from cloud.reports.site import SiteReport, site_report
from cloud.stores.check_file import CheckFile
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillTallies
from cloud.stores.window_tallies import WindowTallies
from common.wire import WindowMessage
from tests.cloud.reports.test_corrected import a_check
from tests.cloud.reports.test_report_doors import with_door
from tests.cloud.reports.weeks import AFTER, MONDAY, WEEK, Kept, a_chain, pages

pytestmark = pytest.mark.chromium
SHARE = 4
"""One in so many who enter buys; in the last week, one in half as many."""


@pytest.fixture
def sold(usual: list[WindowMessage], tmp_path: Path) -> Iterator[TillFile]:
    """A sale for every fourth entry of a quarter of an hour, added up by the hour."""
    with closing(TillFile(tmp_path / "till.sqlite")) as till:
        entries: dict[datetime, int] = {}
        for one in map(with_door, usual):
            hour = one.start.replace(minute=0)
            entries[hour] = entries.get(hour, 0) + one.totals.doors["street"].entries
        rows = []
        for hour, count in entries.items():
            sales = count // (SHARE // 2 if hour.date() >= MONDAY else SHARE)
            end = hour + timedelta(hours=1)
            rows.append(("shop", Takings(hour, end, sales, Decimal(25) * sales)))
        till.take(rows, AFTER)
        yield till


def report(usual: list[WindowMessage], till: TillFile, checks: CheckFile | None = None) -> SiteReport:
    own = {"title": "Passers for each sale", "formula": "passers / transactions", "better": "less"}
    data = a_chain().model_dump(mode="json", by_alias=True) | {"currency": "EUR", "metrics": {"passers": own}}
    chain = type(a_chain()).model_validate(data)
    windows = [with_door(window) for window in usual]
    source = TillTallies(WindowTallies(Kept(windows), chain), till, chain)
    return site_report(source, chain, chain.sites["shop"], WEEK, "unassigned", checks)


def test_a_week_tells_conversion_beside_the_week_before_on_a_third_page(
    usual: list[WindowMessage], sold: TillFile, tmp_path: Path
) -> None:
    found = report(usual, sold)
    figures = {one.this.formula.name: one for one in found.metrics}
    conversion = figures["conversion_rate"]
    assert conversion.this.value == pytest.approx(2 / SHARE, abs=0.05)
    assert conversion.other.value == pytest.approx(1 / SHARE, abs=0.05)
    assert conversion.change is not None
    assert conversion.change.verdict == "more"
    assert (conversion.this.days, conversion.this.of_days) == (4, 5), "Thursday was half blind"
    page = site_page(found)
    _, _, three = pages(page, tmp_path)
    assert "Sales and visitors" in three
    assert "transactions / entries (till, doors)" in three
    assert "Passers for each sale" in three


def test_a_count_check_corrects_the_conversion_beside_the_counted_one(
    usual: list[WindowMessage], sold: TillFile, tmp_path: Path
) -> None:
    with closing(CheckFile(tmp_path / "checks.sqlite")) as file:
        a_check(file)
        found = report(usual, sold, file)
    (conversion,) = (one for one in found.metrics if one.this.formula.name == "conversion_rate")
    assert conversion.this.value is not None
    assert conversion.this.corrected is not None
    assert conversion.this.corrected.value == pytest.approx(0.8 * conversion.this.value)
    page = site_page(found)
    assert amount(conversion.this.value, "%") in page
    assert "corrected by count checks" in page
    assert amount(conversion.this.corrected.value, "%") in page


def test_a_shop_without_a_till_has_no_such_part(usual: list[WindowMessage], tmp_path: Path) -> None:
    with closing(TillFile(tmp_path / "none.sqlite")) as till:
        chain = a_chain()
        source = TillTallies(WindowTallies(Kept(usual), chain), till, chain)
        found = site_report(source, chain, chain.sites["shop"], WEEK, "unassigned")
    assert (found.till, found.metrics) == (None, ())
    assert "Sales and visitors" not in site_page(found)
