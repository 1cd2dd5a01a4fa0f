"""The page shows the figures of the stored windows, by the time of the shop, and never a zero for no data."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from cloud.stores.embedded import EmbeddedStore
from cloud.web.day import Cell, Day, day_figures
from tests.cloud.web.browser import a_morning, live, painted, rows, value, visit
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, cohort, health, status, window

pytestmark = pytest.mark.chromium

BERLIN = ZoneInfo("Europe/Berlin")


def test_the_page_shows_the_time_of_the_shop(store: EmbeddedStore, address: str, chromium: Browser) -> None:
    """Wherever the one is who looks at it."""
    store.write(a_morning())
    shown = {}
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        with visit(chromium, address, timezone_id=zone) as page:
            live(page)
            shown[zone] = page.locator("#live").inner_text()
            assert page.locator("#date").inner_text().endswith("Europe/Berlin time")
    here = datetime.now(ZoneInfo("Europe/Berlin"))
    minutes = {(here - timedelta(minutes=ago)).strftime("%H:%M") for ago in range(5)}
    assert all(said.removeprefix("live, ")[:5] in minutes for said in shown.values())


def written(cell: Cell) -> str:
    if cell.exact:
        return str(cell.count)
    return f"{cell.count} or more" if cell.count else "withheld"


def test_the_page_shows_the_figures_of_the_stored_windows(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write([*a_morning(), health(), status(online=True), alert(active=True)])
    day: Day = day_figures(store.windows("shop", MORNING, clock.now()), clock.now(), BERLIN)
    with visit(chromium, address) as page:
        live(page)
        assert page.url.endswith("/site/shop")
        assert value(page, "visits") == str(day.visits) == "180"
        assert value(page, "viewers") == str(day.viewers) == "120"
        assert value(page, "now") == "0"
        assert "11:59 to 12:00" in page.locator("#now .says").inner_text()
        assert day.attraction_ratio is not None
        assert value(page, "attraction") == f"{round(100 * day.attraction_ratio)}%"
        assert value(page, "coverage") == f"{round(100 * day.coverage)}%" == "67%"
        assert day.gender_age_band is not None
        joint = day.gender_age_band.cells
        for band, *shown in rows(page, "ages"):
            label = "unknown" if band == "not sure" else band
            assert shown == [written(joint[f"{gender}.{label}"]) for gender in ("female", "male", "unknown")]
        assert day.dwell is not None
        assert [shown for _, shown in rows(page, "dwell")] == [written(c) for c in day.dwell.cells.values()]
        assert "Monday" in page.locator("#date").inner_text()
        devices = page.locator("#devices")
        expect(devices).to_contain_text("online since 09:00")
        expect(devices).to_contain_text("9.5 frames a second")
        expect(devices.locator(".alert", has_text="camera gone")).to_be_visible()


def test_no_data_never_looks_like_zero(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        live(page)
        shown = {hour: visits for hour, visits, *_ in rows(page, "hours")}
        assert shown == {"08:00": "no data", "09:00": "180", "10:00": "no data", "11:00": "0"}
        chart = page.locator("#hours .chart")
        assert "10:00: no data" in (chart.get_attribute("aria-label") or "")
        # The hatched bars of the hours 8 and 10; the hour with a fact of zero has none.
        assert [painted(chart, place) for place in range(4)] == [True, True, True, False]
        expect(page.locator("#hours .notes")).to_contain_text("2 hours without data")


def test_an_empty_day_says_no_data(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write([status(online=True), window(0, start=MORNING - timedelta(days=1))])
    with visit(chromium, address) as page:
        live(page)
        for figure in ("now", "visits", "viewers", "attraction", "coverage"):
            assert value(page, figure) == "no data"
        for panel in ("hours", "ages", "dwell", "expressions"):
            expect(page.locator(f"#{panel} .empty")).to_contain_text("No data")
            expect(page.locator(f"#{panel} .chart")).to_be_hidden()
        assert not re.search(r"\b0\b", page.locator("main .figures").inner_text())


def test_yesterday_stays_on_the_page(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    """With the cohort that came only this morning, of a device that was off at night."""
    evening = MORNING - timedelta(hours=12)
    late = cohort().model_copy(update={"since": evening})
    store.write(
        [window(-720, seq=0, visits=8), window(0, cohort=late), window(20, visits=8, cohort=cohort())]
    )
    with visit(chromium, address) as page:
        live(page)
        told = page.locator("#yesterday")
        expect(told).to_contain_text("1 Mar 2026: 8 visits, 8 of them broken down.")
        expect(told).to_contain_text("Gender: female 8.")
        expect(told).to_contain_text("Age: 25-34 8, not sure withheld.")
        expect(page.locator("#ages .notes")).to_contain_text("Based on 8 visits")


def test_old_figures_are_not_called_now(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write([window(minute) for minute in range(60)])
    with visit(chromium, address) as page:
        live(page)
        assert value(page, "now") == "no data"
        expect(page.locator("#now .says")).to_have_text("last known 09:59 to 10:00: 3 visits")


def test_a_new_window_appears_without_a_reload(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write([window(179)])
    with visit(chromium, address) as page:
        expect(page.locator("#visits .value")).to_have_text("3")
        page.evaluate("window.kept = true")
        store.write([window(180, visits=4)])
        clock.time += timedelta(minutes=1)
        expect(page.locator("#visits .value")).to_have_text("7")
        expect(page.locator("#now .says")).to_contain_text("12:00 to 12:01")
        assert page.evaluate("window.kept") is True


def test_a_chain_of_shops_offers_a_choice(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    with visit(chromium, address) as page:
        expect(page.locator("main")).to_contain_text("No data yet")
        store.write([window(0), window(0, site="other")])
        page.get_by_role("link", name="other").click()
        expect(live(page).locator("h1")).to_have_text("other")
        expect(page.get_by_role("link", name="shop")).to_be_visible()
