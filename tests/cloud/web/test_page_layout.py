"""The page fits a phone, and its charts follow the window, the colour scheme and the pointer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.stores.embedded import EmbeddedStore
from common.wire import WindowMessage
from tests.cloud.web.browser import SCHEMES, WIDTHS, a_morning, colours, live, visit
from tests.support.brokers import until
from tests.support.messages import status, window

pytestmark = pytest.mark.chromium


def fits(page: Page, width: int) -> bool:
    """Whether nothing sticks out at the side, neither of the page nor of a chart in its panel."""
    for summary in page.locator("summary:visible").all():
        summary.click()
    charts = page.locator(".chart:visible").evaluate_all(
        "charts => charts.every(chart => chart.scrollWidth <= chart.clientWidth)"
    )
    return bool(charts) and page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("stored", [a_morning(), []], ids=["a morning", "an empty day"])
def test_a_phone_never_scrolls_sideways(
    chromium: Browser,
    store: EmbeddedStore,
    address: str,
    stored: list[WindowMessage],
    scheme: str,
    width: int,
) -> None:
    store.write(
        [*stored, status(online=True, device="a-device-with-a-name-as-long-as-the-wire-allows-it-to-be")]
    )
    with visit(chromium, address, viewport={"width": width, "height": 812}, color_scheme=scheme) as page:
        live(page)
        assert fits(page, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_other_pages_fit_a_phone(
    chromium: Browser, store: EmbeddedStore, address: str, width: int
) -> None:
    size = {"width": width, "height": 812}
    with visit(chromium, address, expected="Failed to load resource", viewport=size) as page:
        assert fits(page, width)  # no data yet
        store.write([window(0, site="a" * 64), window(0, site="b" * 64)])
        page.goto(address)
        expect(page.locator("main a")).to_have_count(2)
        assert fits(page, width)
        page.goto(f"{address}/site/{'c' * 64}")
        expect(page.locator("h1")).to_have_text("This page cannot be shown")
        assert fits(page, width)


def test_charts_shrink_with_the_window(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address, viewport={"width": 1200, "height": 812}) as page:
        live(page)
        page.set_viewport_size({"width": 320, "height": 812})
        until(lambda: fits(page, 320), "the charts are narrower")


def test_charts_follow_the_colour_scheme(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address, color_scheme="light") as page:
        chart = live(page).locator("#hours .chart")
        before = colours(chart, 1)
        page.emulate_media(color_scheme="dark")
        until(lambda: not before & colours(chart, 1), "the chart is drawn anew")


def test_a_bar_says_what_it_is_when_it_is_touched(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        chart = live(page).locator("#hours .chart")
        expect(chart.locator(".tip")).to_be_hidden()
        box = chart.locator(".u-over").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 1.5 / 12 * box["width"], box["y"] + box["height"] / 2)
        expect(chart.locator(".tip")).to_have_text("09:00: 180 visits, 120 viewers, 100% watched")
