"""The page of a camera's position, while the camera is hung."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from cloud.stores.embedded import EmbeddedStore
from cloud.web.placement import KEPT_S, MOST, Positions
from common.wire import PlacementMessage, encode, topic
from tests.cloud.web.browser import SCHEMES, WIDTHS, _Server, visit
from tests.support.clock import ManualClock
from tests.support.messages import placement, window

pytestmark = pytest.mark.chromium


@pytest.fixture
def hung(store: EmbeddedStore, clock: ManualClock, positions: Positions) -> Iterator[str]:
    """The page of a shop that has sent nothing yet but what is said while its camera is hung."""
    with _Server(store, clock, positions) as served:
        yield f"{served}/site/shop/position"


def say(positions: Positions, message: PlacementMessage) -> None:
    positions.take(topic(message), encode(message))


def test_a_position_is_shown_as_numbers_and_outlines(
    chromium: Browser, positions: Positions, hung: str
) -> None:
    say(positions, placement())
    with visit(chromium, hung) as page:
        expect(page.locator("#live")).to_contain_text("live")
        expect(page.locator(".verdict")).to_have_text("So far: This position will not work.12 seconds left")
        assert page.locator(".advice li").all_inner_texts() == ["Come closer: 2 of 4 faces are too small."]
        assert page.locator(".readings .bad .words").inner_text() == "18 px, 28 needed; 2 of 4 too small"
        boxes = page.locator(".outlines rect")
        assert [box.get_attribute("class") for box in boxes.all()] == ["good", "unknown"]
        assert (boxes.first.get_attribute("x"), boxes.first.get_attribute("width")) == ("64", "64")
        assert page.locator("img, video, canvas").count() == 0


def test_a_position_follows_the_check_to_its_end(
    chromium: Browser, positions: Positions, clock: ManualClock, hung: str
) -> None:
    say(positions, placement())
    with visit(chromium, hung) as page:
        expect(page.locator(".verdict")).to_contain_text("12 seconds left")
        say(positions, placement(left_s=0.0, verdict="works", advice=()))
        expect(page.locator(".verdict")).to_have_text("This position works.finished 0 seconds ago")
        expect(page.locator(".outlines")).to_be_hidden()
        clock.time += timedelta(minutes=3)
        expect(page.locator(".verdict")).to_contain_text("finished 3 minutes ago")


def test_a_check_that_breaks_off_is_said_to(
    chromium: Browser, positions: Positions, clock: ManualClock, hung: str
) -> None:
    say(positions, placement())
    clock.time += timedelta(seconds=30)
    with visit(chromium, hung) as page:
        expect(page.locator(".verdict")).to_contain_text("interrupted 30 seconds ago")


def test_where_no_camera_is_checked_the_page_says_how_to(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write([window(0)])
    with visit(chromium, address) as page:
        page.get_by_role("link", name="Check a camera's position").click()
        expect(page.locator("#nothing")).to_contain_text("systemctl start footlight-place@footlight-edge")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_position_fits_a_phone_and_its_words_are_no_markup(
    chromium: Browser, positions: Positions, hung: str, scheme: str, width: int
) -> None:
    say(positions, placement(advice=("<img src=x onerror=alert(1)> " + 40 * "long ",)))
    with visit(chromium, hung, viewport={"width": width, "height": 812}, color_scheme=scheme) as page:
        expect(page.locator(".advice li")).to_contain_text("<img")
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_positions_are_kept_for_an_hour_and_not_without_end(positions: Positions, clock: ManualClock) -> None:
    for number in range(MOST + 5):
        say(positions, placement(device=f"door-{number}"))
    assert len(positions.of("shop")["positions"]) == MOST
    assert positions.of("shop")["positions"][0]["device"] == f"door-{MOST + 4}"
    assert positions.of("other") == {"positions": []}
    clock.time += timedelta(seconds=KEPT_S + 1)
    assert (positions.of("shop"), positions.sites()) == ({"positions": []}, set())


def test_what_breaks_the_contract_is_no_position(positions: Positions) -> None:
    positions.take("footlight/v1/shop/door/placement", b"{}")
    positions.take(topic(window(0)), encode(window(0)))
    positions.take("footlight/v1/other/door/placement", encode(placement()))
    assert positions.sites() == set()
