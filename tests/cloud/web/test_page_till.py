"""The pages show what the till told, with coverage and interval, or why a figure cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect
from scipy.stats import binomtest

from cloud.domain.chain import Chain
from cloud.domain.till import Takings
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillShops
from common.wire import Coverage, Totals, WindowMessage
from tests.cloud.web.browser import _Server, visit
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, window

pytestmark = pytest.mark.chromium

HOUR = timedelta(hours=1)
MONDAY = date(2026, 2, 23)
"""Of the last whole week."""


def chain(**changes: object) -> Chain:
    shop = {
        "title": "Shop",
        "timezone": "UTC",
        "opening": "08:00-18:00",
        "cameras": {"door/front": "entrance"},
    }
    own = {"title": "Passers for each sale", "formula": "passers / transactions", "better": "less"}
    return Chain.model_validate(
        {"name": "c", "sites": {"shop": shop}, "currency": "EUR", "metrics": {"passers": own}} | changes
    )


def day(number: int, *, share: float = 1.0) -> list[WindowMessage]:
    """Ten hours with three entries and five passers each, of which a share was watched."""
    begin = datetime.combine(MONDAY + timedelta(days=number), time(8), UTC)
    return [
        window(0, start=begin + hour * HOUR, duration_s=3600, seq=hour, coverage=Coverage(share=share))
        for hour in range(10)
    ]


def sold(number: int, *, sales: int = 1, hours: int = 10) -> list[tuple[str, Takings]]:
    begin = datetime.combine(MONDAY + timedelta(days=number), time(8), UTC)
    return [
        ("shop", Takings(begin + hour * HOUR, begin + (hour + 1) * HOUR, sales, Decimal("12.50") * sales))
        for hour in range(hours)
    ]


@pytest.fixture
def till(tmp_path: Path) -> Iterator[TillFile]:
    with closing(TillFile(tmp_path / "till.sqlite")) as opened:
        yield opened


@contextmanager
def seen(
    chromium: Browser, store: EmbeddedStore, till: TillFile, clock: ManualClock, path: str
) -> Iterator[Page]:
    shops = TillShops(OneBoxShops(store, ZoneInfo("UTC"), chain()), till)
    with _Server(store, clock, shops=shops, till=till) as address, visit(chromium, address + path) as page:
        yield page


def metric(page: Page, name: str) -> str:
    return page.locator(f"#metric-{name}").inner_text()


def test_a_week_shows_each_figure_with_its_range_coverage_and_source(
    chromium: Browser, store: EmbeddedStore, till: TillFile, clock: ManualClock
) -> None:
    store.write([one for number in range(-7, 7) for one in day(number)])
    till.take([one for number in range(-7, 7) for one in sold(number)], clock.now())
    till.take([("shop", Takings(*_first_hour(), 2, Decimal(25)))], clock.now())
    with seen(chromium, store, till, clock, "/site/shop/week") as page:
        told = page.locator("#till").inner_text()
        assert "71" in told
        assert "888\N{NO-BREAK SPACE}EUR" in told
        assert "Corrected last on Mon 2 Mar." in told
        conversion = metric(page, "conversion_rate")
        low, high = binomtest(71, 210).proportion_ci(method="wilson")
        said = [f"{100 * share:.1f}\N{NO-BREAK SPACE}%" for share in (71 / 210, low, high)]
        assert said[0] in conversion
        assert f"{said[1]} to {said[2]}" in conversion
        assert "33.3\N{NO-BREAK SPACE}% before" in conversion
        assert "transactions / entries (till, doors) · coverage 100% · 7 of 7 days" in conversion
        assert "4.23\N{NO-BREAK SPACE}EUR" in metric(page, "sales_per_entry")
        assert "cannot be told: the till does not tell items" in metric(page, "items_per_sale")
        assert "4.93" in metric(page, "passers")


def _first_hour() -> tuple[datetime, datetime]:
    begin = datetime.combine(MONDAY, time(8), UTC)
    return begin, begin + HOUR


def test_a_door_that_was_watched_too_little_gives_no_rate(
    chromium: Browser, store: EmbeddedStore, till: TillFile, clock: ManualClock
) -> None:
    store.write([one for number in range(7) for one in day(number, share=0.63)])
    till.take([one for number in range(7) for one in sold(number)], clock.now())
    with seen(chromium, store, till, clock, "/site/shop/week") as page:
        said = metric(page, "conversion_rate")
        assert "cannot be told: the door was watched for 63%" in said
        assert "33" not in said
        assert "70" in page.locator("#till").inner_text(), "what the till told itself is shown"


def test_without_a_till_only_the_metrics_of_the_chain_are_shown(
    chromium: Browser, store: EmbeddedStore, till: TillFile, clock: ManualClock
) -> None:
    store.write([one for number in range(7) for one in day(number)])
    with seen(chromium, store, till, clock, "/site/shop/week") as page:
        assert page.locator("#till, #metric-conversion_rate").count() == 0
        assert "cannot be told: the till told nothing" in metric(page, "passers")


def test_today_shows_sales_up_to_the_last_interval(
    chromium: Browser, store: EmbeddedStore, till: TillFile, clock: ManualClock
) -> None:
    nobody = Totals(visits=0, viewers=0)
    store.write([window(minute) for minute in range(120)])
    store.write([window(minute, totals=nobody) for minute in range(120, 180)])
    till.take(sold((MORNING.date() - MONDAY).days, sales=90, hours=2), clock.now())
    with seen(chromium, store, till, clock, "/site/shop") as page:
        expect(page.locator("#till dl")).to_contain_text("50.0\N{NO-BREAK SPACE}%")
        told = page.locator("#till").inner_text()
        assert "180" in told
        assert "2250\N{NO-BREAK SPACE}EUR" in told.replace(",", "")
        assert "6.25\N{NO-BREAK SPACE}EUR" in told
        assert "Up to 10:00" in told


def test_today_without_a_till_has_no_such_panel(
    chromium: Browser, store: EmbeddedStore, till: TillFile, clock: ManualClock
) -> None:
    store.write([window(0)])
    with seen(chromium, store, till, clock, "/site/shop") as page:
        expect(page.locator("#visits .value")).to_have_text("3")
        assert page.locator("#till").is_hidden()
