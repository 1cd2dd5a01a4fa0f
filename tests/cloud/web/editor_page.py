"""The editor of places as somebody uses it in a real browser, for its tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.cloud.web.browser import visit
from tests.cloud.web.editor_shop import SEEN, EditedShop
from tests.support.brokers import until

ZONE = [(0.35, 0.55), (0.6, 0.55), (0.6, 0.9), (0.35, 0.9)]
DOOR = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.5)]


@contextmanager
def editor(chromium: Browser, shop: EditedShop, *, expected: str = "", **options: Any) -> Iterator[Page]:
    with visit(chromium, shop.page, expected=expected, **options) as page:
        expect(page.locator("#editor")).to_be_visible()
        expect(page.locator(".zones")).to_have_count(1)
        expect(page.locator(".stood")).to_have_count(len(SEEN.floor))
        yield page


def part(page: Page, name: str) -> Locator:
    return page.locator(f'#editor [data-part="{name}"]')


@contextmanager
def one_more(page: Page) -> Iterator[None]:
    """Wait for the form of what the block adds: it takes the place of another with the same fields."""
    before = page.locator("summary").count()
    yield
    expect(page.locator("summary")).to_have_count(before + 1)


def place(page: Page, point: tuple[float, float]) -> tuple[float, float]:
    """Where a point of the picture is on the screen."""
    part(page, "drawing").scroll_into_view_if_needed()
    box = part(page, "drawing").bounding_box()
    assert box is not None
    return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]


def draw(page: Page, what: str, points: list[tuple[float, float]]) -> None:
    page.get_by_role("button", name=f"Draw {what}").click()
    for point in points:
        page.mouse.click(*place(page, point))


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*place(page, start))
    page.mouse.down()
    page.mouse.move(*place(page, end), steps=4)
    page.mouse.up()


def table(page: Page) -> list[float]:
    """The coordinates of the selected item, in percent."""
    fields = page.locator(".points input").evaluate_all("fields => fields.map(field => Number(field.value))")
    return [float(value) for value in fields]


def shows(page: Page, expected: list[float], error: float = 0.0) -> None:
    """Wait until the table has these coordinates."""
    until(lambda: table(page) == pytest.approx(expected, abs=error), f"the table shows {expected}")


def percent(points: list[tuple[float, float]]) -> list[float]:
    return [100 * share for point in points for share in point]


def send(page: Page) -> None:
    part(page, "save").click()


def asked(shop: EditedShop, page: Page) -> dict[str, Any]:
    """The sections that the page sent."""
    answer = page.request.get(f"{shop.box.page_url}api/shop/changes").json()
    found: dict[str, Any] = answer["devices"][0]["asked"]
    return found
