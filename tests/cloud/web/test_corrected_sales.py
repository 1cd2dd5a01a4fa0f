"""Conversion with corrected entries: beside the counted one on every page, in the API and in the exports."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from cloud.domain.count_check import Basis, CountCheck, Door, Part, Sums
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillShops
from cloud.web.access import OpenAccess
from cloud.web.app import create_app
from tests.cloud.web.browser import _Server, visit
from tests.cloud.web.test_page_till import MONDAY, chain, day, sold
from tests.support.asgi import AsgiClient
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, window

DOOR = Door("door", "front", "street")
BEGIN = datetime.combine(MONDAY - timedelta(days=14), time(3), UTC)
BASIS = Basis("0.1.0", "m", "0123456789ab", moved=False)
API = "/api/v1/sites/shop"
OF_WEEK = f"first={MONDAY}&last={MONDAY + timedelta(days=6)}"


@pytest.fixture
def till(tmp_path: Path) -> Iterator[TillFile]:
    with closing(TillFile(tmp_path / "till.sqlite")) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CheckFile]:
    with closing(CheckFile(tmp_path / "checks.sqlite")) as opened:
        yield opened


@pytest.fixture
def checked(file: CheckFile) -> CheckFile:
    """A check of a hundred people before all of these days, of whom three in four were counted."""
    check = CountCheck("0" * 32, "shop", DOOR, "daylight", "mara", BEGIN)
    file.observe("shop", "door", BASIS, BEGIN - timedelta(days=1))
    file.see("shop", [DOOR])
    file.start(check)
    file.end(check.id, BEGIN + timedelta(minutes=30))
    parts = [Part(BEGIN + timedelta(minutes=at), 60.0, Sums(4, 3, 3, 0), Sums()) for at in range(25)]
    file.keep(check.id, parts)
    return file


@pytest.fixture
def two_weeks(store: EmbeddedStore, till: TillFile, clock: ManualClock) -> None:
    store.write([one for number in range(-7, 7) for one in day(number)])
    till.take([one for number in range(-7, 7) for one in sold(number)], clock.now())


def client(store: EmbeddedStore, till: TillFile, file: CheckFile, clock: ManualClock) -> AsgiClient:
    shops = TillShops(OneBoxShops(store, ZoneInfo("UTC"), chain()), till)
    checks = CountChecks(file, store, clock)
    return AsgiClient(
        create_app(store, clock, "UTC", access=OpenAccess(), shops=shops, till=till, checks=checks)
    )


def plain(html: str) -> str:
    return html.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.usefixtures("two_weeks")
def test_the_page_of_a_week_has_both_figures_and_says_what_they_are(
    store: EmbeddedStore, till: TillFile, checked: CheckFile, clock: ManualClock
) -> None:
    page = plain(client(store, till, checked, clock).get("/site/shop/week").text)
    assert "33.3 %" in page  # 70 sales of 210 counted entries
    assert "corrected: 25.0 % (" in page  # three in four are counted, so 280 came
    assert "with the entries as count checks correct them" in page


@pytest.mark.usefixtures("two_weeks")
def test_the_api_and_the_exports_have_both(
    store: EmbeddedStore, till: TillFile, checked: CheckFile, clock: ManualClock
) -> None:
    shop = client(store, till, checked, clock)
    found = {one["name"]: one for one in shop.get(f"{API}/metrics?{OF_WEEK}").json()["metrics"]}
    conversion = found["conversion_rate"]
    assert conversion["value"] == pytest.approx(1 / 3)
    assert conversion["corrected"] == pytest.approx(1 / 4)
    low, high = conversion["corrected_interval"]
    assert low < 1 / 4 < high
    assert found["passers"]["corrected"] is None
    one = shop.get(f"{API}/days?{OF_WEEK}").json()["days"][0]
    assert one["doors"]["entries"] == 30
    assert one["entries_corrected"] == pytest.approx(40)
    assert one["entries_corrected_interval"][0] < 40 < one["entries_corrected_interval"][1]
    rows = list(csv.DictReader(StringIO(shop.get(f"{API}/exports/days?{OF_WEEK}").text, newline="")))
    assert {row["entries"] for row in rows} == {"30"}
    assert float(rows[0]["entries_corrected"]) == pytest.approx(40)
    assert float(rows[0]["entries_corrected_interval_low"]) == one["entries_corrected_interval"][0]
    rows = list(csv.DictReader(StringIO(shop.get(f"{API}/exports/metrics?{OF_WEEK}").text, newline="")))
    by_name = {row["name"]: row for row in rows}
    assert float(by_name["conversion_rate"]["corrected"]) == pytest.approx(1 / 4)
    assert by_name["passers"]["corrected_interval_low"] == ""


@pytest.mark.usefixtures("two_weeks")
def test_a_check_that_became_void_corrects_the_days_before_and_no_other(
    store: EmbeddedStore, till: TillFile, checked: CheckFile, clock: ManualClock
) -> None:
    changed = datetime.combine(MONDAY + timedelta(days=3), time(12), UTC)
    checked.observe("shop", "door", Basis("0.2.0", "m", "0123456789ab", moved=False), changed)
    shop = client(store, till, checked, clock)
    assert 'class="corrected"' not in shop.get("/site/shop/week").text
    (conversion,) = (
        one
        for one in shop.get(f"{API}/metrics?{OF_WEEK}").json()["metrics"]
        if one["name"] == "conversion_rate"
    )
    assert (conversion["corrected"], conversion["corrected_interval"]) == (None, None)
    assert conversion["value"] == pytest.approx(1 / 3)
    days = shop.get(f"{API}/days?{OF_WEEK}").json()["days"]
    assert [one["entries_corrected"] is not None for one in days] == [True] * 3 + [False] * 4


@pytest.mark.usefixtures("two_weeks")
def test_a_second_door_without_a_check_stops_it(
    store: EmbeddedStore, till: TillFile, checked: CheckFile, clock: ManualClock
) -> None:
    checked.see("shop", [DOOR, Door("door", "front", "yard")])
    assert 'class="corrected"' not in client(store, till, checked, clock).get("/site/shop/week").text


@pytest.mark.usefixtures("two_weeks")
def test_without_a_check_nothing_is_corrected(
    store: EmbeddedStore, till: TillFile, file: CheckFile, clock: ManualClock
) -> None:
    shop = client(store, till, file, clock)
    assert 'class="corrected"' not in shop.get("/site/shop/week").text
    assert shop.get(f"{API}/days?{OF_WEEK}").json()["days"][0]["entries_corrected"] is None


@pytest.mark.chromium
def test_today_has_both_figures(
    chromium: Browser, store: EmbeddedStore, till: TillFile, checked: CheckFile, clock: ManualClock
) -> None:
    store.write([window(minute) for minute in range(120)])
    till.take(sold((MORNING.date() - MONDAY).days, sales=90, hours=2), clock.now())
    shops = TillShops(OneBoxShops(store, ZoneInfo("UTC"), chain()), till)
    checks = CountChecks(checked, store, clock)
    with (
        _Server(store, clock, shops=shops, till=till, checks=checks) as address,
        visit(chromium, f"{address}/site/shop") as page,
    ):
        expect(page.locator("#till dl")).to_contain_text("50.0\N{NO-BREAK SPACE}%")
        expect(page.locator("#till .corrected").first).to_contain_text("corrected: 37.5\N{NO-BREAK SPACE}% (")
        expect(page.locator("#till .notes")).to_contain_text("with the entries as count checks correct them")
