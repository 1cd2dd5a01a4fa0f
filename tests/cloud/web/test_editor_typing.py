"""What somebody is typing in the editor, while the page asks the server every three seconds and is drawn anew."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.cloud.web.editor_page import DOOR, ZONE, asked, draw, editor, one_more, part, place, send, shows
from tests.cloud.web.editor_shop import EditedShop

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def asks(request: Request) -> bool:
    return request.method == "GET" and request.url.endswith("/changes")


WATCH = """() => {
    window.gone = false;
    new MutationObserver(() => { window.gone ||= !document.querySelector(".doors"); })
        .observe(document.querySelector("#editor"), { childList: true, subtree: true });
}"""
"""Remembers whether the door was gone, if only for a moment."""


def an_answer_has_come(page: Page) -> None:
    """Wait until the page has dealt with an answer of the server: only then does it ask again."""
    for _ in range(2):
        with page.expect_request(asks):
            pass


def test_a_redraw_leaves_text_caret_and_selection_of_a_field(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    with editor(chromium, seen_shop) as page:
        with one_more(page):
            page.get_by_role("button", name="Add a target", exact=True).click()
        yaw, name = page.get_by_label("Head turned to the right (degrees)"), page.get_by_label("Name")
        yaw.press("Control+a")
        an_answer_has_come(page)
        page.keyboard.type("1")
        an_answer_has_come(page)
        page.keyboard.type("8")
        expect(yaw).to_have_value("18")
        name.press("Home")
        an_answer_has_come(page)
        page.keyboard.type("my-")
        expect(name).to_have_value("my-target-1")
        page.keyboard.press("Enter")
        expect(page.locator("summary").last).to_have_text("Target my-target-1")
        expect(name).to_be_focused()
        send(page)
        expect(part(page, "answer")).to_contain_text("The device has checked it.")
        assert asked(seen_shop, page) == {"targets": [{"name": "my-target-1", "yaw": 18, "pitch": 0}]}


def test_a_change_by_somebody_else_waits_while_a_field_is_typed_in(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    with editor(chromium, seen_shop, expected="Failed to load") as one, editor(chromium, seen_shop) as other:
        one.locator("summary").first.click()
        name = one.get_by_label("Name")
        name.fill("win")
        draw(other, "a door", DOOR)
        send(other)
        expect(part(one, "answer")).to_contain_text("The device has checked it.")
        name.press("End")
        one.keyboard.type("dow")
        expect(name).to_have_value("window")
        send(one)
        expect(part(one, "said")).to_contain_text("Somebody else has changed this device meanwhile.")
        assert list(asked(seen_shop, one)) == ["doors"]


def test_a_number_goes_to_its_corner_when_the_drawing_is_pressed_next(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    with editor(chromium, seen_shop) as page:
        draw(page, "a zone", [*ZONE, ZONE[0]])
        page.get_by_label("Corner 3 of Zone zone-1, from the top, in percent").fill("95")
        page.mouse.click(*place(page, (0.475, 0.55)))  # a corner more between the first and the second
        shows(page, [35, 55, 47.5, 55, 60, 55, 60, 95, 35, 90], 0.4)


@pytest.mark.parametrize("typed", ["", "120"])
def test_a_coordinate_that_is_emptied_or_outside_the_picture_stays(
    chromium: Browser, seen_shop: EditedShop, typed: str
) -> None:
    with editor(chromium, seen_shop) as page:
        draw(page, "a zone", [*ZONE, ZONE[0]])
        field = page.get_by_label("Corner 3 of Zone zone-1, from the top, in percent")
        before = field.input_value()
        field.fill(typed)
        field.press("Tab")
        expect(field).to_have_value(before)
        shows(page, [35, 55, 60, 55, 60, 90, 35, 90], 0.4)


def test_an_answer_that_comes_late_takes_nothing_back(chromium: Browser, seen_shop: EditedShop) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held or not asks(route.request):
            route.continue_()
        else:
            held.append(route)

    with editor(chromium, seen_shop) as page:
        old = page.request.get(f"{seen_shop.box.page_url}api/shop/changes").text()
        draw(page, "a door", DOOR)
        with page.expect_request(asks):
            page.route("**/changes", hold)
        send(page)
        expect(part(page, "answer")).not_to_have_text("Nothing has been changed from here yet.")
        page.evaluate(WATCH)
        held[0].fulfill(body=old)
        an_answer_has_come(page)
        assert page.evaluate("window.gone") is False


def test_a_button_of_the_history_keeps_the_focus(chromium: Browser, seen_shop: EditedShop) -> None:
    with editor(chromium, seen_shop) as page:
        draw(page, "a door", DOOR)
        send(page)
        expect(part(page, "answer")).to_contain_text("The device has checked it.")
        again = page.get_by_role("button", name="Use this version")
        again.focus()
        an_answer_has_come(page)
        expect(again).to_be_focused()
