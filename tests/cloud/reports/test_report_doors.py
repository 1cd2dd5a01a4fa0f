"""Doors in the report of a site: there where they are counted, and no words about them elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud.reports.page import site_page
from common.wire import Door, WindowMessage
from tests.cloud.reports.weeks import MONDAY, a_chain, five_weeks, pages, report

pytestmark = pytest.mark.chromium


def with_door(window: WindowMessage) -> WindowMessage:
    """A third of all enter, and in the last week half of them."""
    visits = window.totals.visits
    entries = visits // 2 if window.start.date() >= MONDAY else visits // 3
    door = Door(entries=entries, exits=0, passers=visits - entries, groups=min(1, entries))
    return window.model_copy(update={"totals": window.totals.model_copy(update={"doors": {"street": door}})})


def test_a_site_with_doors_tells_who_came_in_and_still_fits_two_pages(
    usual: list[WindowMessage], tmp_path: Path
) -> None:
    found = report([with_door(window) for window in usual])
    changes = {one.metric: one for one in found.changes}
    assert changes["capture_rate"].verdict == "more"
    assert changes["capture_rate"].rate == pytest.approx(0.5, abs=0.03)
    entries, visits = changes["entries_per_open_hour"].rate, changes["visits_per_open_hour"].rate
    assert entries is not None
    assert visits is not None
    assert entries / visits == pytest.approx(0.5, abs=0.03)
    assert changes["capture_rate"].before == pytest.approx(0.33, abs=0.03)
    long = (
        "Kaufhaus am Marktplatz, Untergeschoss links neben der Rolltreppe zum Parkdeck und der Buchhandlung"
    )
    page = site_page(report([with_door(window) for window in usual], a_chain(title=long)))
    one, _ = pages(page, tmp_path)
    assert "Capture rate" in one
    assert "Entries per hour" in one


def test_a_site_without_doors_says_nothing_of_them() -> None:
    found = report(five_weeks())
    assert {"capture_rate", "entries_per_open_hour"}.isdisjoint(one.metric for one in found.changes)
    assert "Capture rate" not in site_page(found)
