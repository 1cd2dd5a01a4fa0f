"""Count checks correct the entries in the weekly report and in a comparison; what was counted stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cloud.analysis.compare import compare
from cloud.analysis.corrected import corrected_rates
from cloud.analysis.metrics import formula_metric, metric_named
from cloud.analysis.table import show
from cloud.domain.count_check import Basis, CountCheck, Door, Part, Sums
from cloud.domain.tally import Tally
from cloud.domain.till import TillTally
from cloud.reports.page import site_page
from cloud.reports.site import SiteReport, site_report
from cloud.stores.check_file import CheckFile
from cloud.stores.tallies import every_day
from cloud.stores.window_tallies import WindowTallies
from common.wire import WindowMessage
from tests.cloud.reports.test_report_doors import with_door
from tests.cloud.reports.weeks import MONDAY, WEEK, Kept, a_chain, five_weeks

DOOR = Door("door", "front", "street")
BASIS = Basis("0.1.0", "m", "0123456789ab", moved=False)
BEGIN = datetime.combine(MONDAY - timedelta(days=28), time(3), UTC)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CheckFile]:
    with closing(CheckFile(tmp_path / "checks.sqlite")) as opened:
        yield opened


@pytest.fixture(scope="module")
def counted() -> list[WindowMessage]:
    return [with_door(window) for site in ("shop", "other") for window in five_weeks(site=site)]


def a_check(file: CheckFile, site: str = "shop", *, people: int = 5, hits: int = 4) -> None:
    """Twenty minutes in which the same share is counted in each, in the first of five weeks."""
    started = BEGIN + timedelta(days=1)
    check = CountCheck(f"{len(file.of()):032x}", site, DOOR, "daylight", "mara", started)
    file.observe(site, "door", BASIS, BEGIN)
    file.see(site, [DOOR])
    file.start(check)
    file.end(check.id, started + timedelta(minutes=20))
    sums = Sums(people, hits, hits, 0)
    file.keep(check.id, [Part(started + timedelta(minutes=at), 60.0, sums, Sums()) for at in range(20)])


def reported(counted: list[WindowMessage], file: CheckFile | None) -> SiteReport:
    chain = a_chain()
    return site_report(
        WindowTallies(Kept(counted), chain), chain, chain.sites["shop"], WEEK, "unassigned", file
    )


def with_sales(tallies: Sequence[Tally]) -> list[Tally]:
    """A third of the counted people buys."""
    return [
        replace(one, till=TillTally(one.doors.entries // 3, None, 50, 8.0, BEGIN)) if one.doors else one
        for one in tallies
    ]


def test_a_report_has_the_corrected_entries_beside_the_counted_ones(
    counted: list[WindowMessage], file: CheckFile
) -> None:
    a_check(file)
    right = reported(counted, file).corrected
    assert right is not None
    assert right.entries is not None
    assert right.entries.value == pytest.approx(right.counted / 0.8)
    assert right.counted < right.entries.low < right.entries.value < right.entries.high
    page = site_page(reported(counted, file))
    assert f"{right.counted:,}" in page
    assert f"{right.entries.value:,.0f} people came in" in page
    assert "corrected by count checks" not in site_page(reported(counted, None))


def test_a_report_names_the_door_without_a_check_that_holds(
    counted: list[WindowMessage], file: CheckFile
) -> None:
    a_check(file)
    file.see("shop", [DOOR, Door("door", "front", "yard")])
    assert "no count check holds all week for door/front/yard" in site_page(reported(counted, file))
    file.see("shop", [DOOR])
    file.observe("shop", "door", Basis("0.2.0", "m", "0123456789ab", moved=False), BEGIN + timedelta(days=30))
    right = reported(counted, file).corrected
    assert right is None  # it became void on the Tuesday of the week


def test_a_comparison_shows_the_corrected_rates_of_the_shops_with_checks(
    counted: list[WindowMessage], file: CheckFile
) -> None:
    a_check(file)
    chain = a_chain(sites=("shop", "other"))
    first, last = MONDAY - timedelta(days=28), MONDAY - timedelta(days=1)
    tallies = every_day(WindowTallies(Kept(counted), chain), chain.sites.values(), first, last, "unassigned")
    metric = metric_named("entries_per_open_hour")
    found = compare(tallies, metric, sites=chain.sites, role="unassigned", first=first, last=last)
    right = corrected_rates(found, tallies, chain.sites, file)
    assert set(right) == {"shop"}
    (row,) = (row for row in found.rows if row.site == "shop")
    assert row.rate is not None
    assert right["shop"].value == pytest.approx(row.rate / 0.8)
    assert right["shop"].low < right["shop"].value < right["shop"].high
    console = Console(width=100, record=True, file=StringIO())
    show(found, {}, console, corrected=right)
    text = console.export_text()
    assert "Corrected by count checks" in text
    assert f"{right['shop'].value:.1f}" in text
    for name, factor in (("conversion_rate", 0.8), ("staff_hours_per_entry", 0.8), ("items_per_sale", None)):
        (formula,) = (one for one in chain.formulas if one.name == name)
        sold = compare(
            with_sales(tallies),
            formula_metric(formula),
            sites=chain.sites,
            role="unassigned",
            first=first,
            last=last,
        )
        of_sales = corrected_rates(sold, with_sales(tallies), chain.sites, file, formula)
        assert set(of_sales) == ({"shop"} if factor else set())
        (row,) = (row for row in sold.rows if row.site == "shop")
        assert row.rate is not None
        if factor:
            assert of_sales["shop"].value == pytest.approx(factor * row.rate)
            assert of_sales["shop"].low < of_sales["shop"].value < of_sales["shop"].high
    visits = compare(
        tallies,
        metric_named("visits_per_open_hour"),
        sites=chain.sites,
        role="unassigned",
        first=first,
        last=last,
    )
    assert corrected_rates(visits, tallies, chain.sites, file) == {}
