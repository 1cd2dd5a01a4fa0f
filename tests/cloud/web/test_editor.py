"""The editor of places in a real browser, with one box and a device that counts: the device has the last word."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from edge.service.overlay import overlaid
from edge.service.remote_config import fingerprint
from tests.cloud.web.browser import visit
from tests.cloud.web.editor_page import (
    DOOR,
    ZONE,
    asked,
    drag,
    draw,
    editor,
    one_more,
    part,
    percent,
    place,
    send,
    shows,
    table,
)
from tests.cloud.web.editor_shop import EditedShop
from tests.support.brokers import until
from tests.support.messages import placement

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def test_a_zone_and_a_door_drawn_by_mouse_count_from_closing_time_on(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    before = seen_shop.running
    with editor(chromium, seen_shop) as page:
        expect(part(page, "answer")).to_have_text("Nothing has been changed from here yet.")
        draw(page, "a zone", [*ZONE, ZONE[0]])
        shows(page, percent(ZONE), 0.4)
        draw(page, "a door", DOOR)
        expect(part(page, "unsent")).to_have_text("Not sent yet: doors, zones.")
        send(page)
        expect(part(page, "answer")).to_contain_text("The device has checked it. Places change at closing")
        assert seen_shop.running == before, "until closing time it counts as before"

        seen_shop.time.to_closing_time()
        expect(part(page, "answer")).to_contain_text("In use since 2 Mar 2026")
        after = fingerprint(overlaid(seen_shop.own, asked(seen_shop, page)))
        assert after != before
        until(lambda: seen_shop.running == after, "the device says which settings it uses")
        first = page.locator(".history tbody tr").first
        expect(first).to_contain_text("local")
        expect(first).to_contain_text("doors, zones")
        expect(first).to_contain_text(f"Settings {before} before, {after} since.")
        page.get_by_role("link", name="shop", exact=True).click()
        expect(page.locator("#devices")).to_contain_text("(doors, zones): figures before and after differ.")
        zones = overlaid(seen_shop.own, asked(seen_shop, page)).zones
        assert [zone.name for zone in zones] == ["till", "shelf", "zone-1"], (
            "what excludes is not sent, and stays"
        )


def test_everything_works_by_keyboard(chromium: Browser, seen_shop: EditedShop) -> None:
    with editor(chromium, seen_shop) as page:
        page.get_by_role("button", name="Draw a zone").focus()
        page.keyboard.press("Enter")
        expect(part(page, "drawing")).to_be_focused()
        # The cross begins in the middle: three corners, and the last one once more to finish.
        for keys in (
            "Enter",
            "Shift+ArrowRight Shift+ArrowRight Enter",
            "Shift+ArrowDown ArrowUp Enter Enter",
        ):
            for key in keys.split():
                page.keyboard.press(key)
        expect(page.get_by_role("button", name="Zone zone-1", exact=True)).to_be_visible()
        shows(page, [50, 50, 60, 50, 60, 54])

        # A corner on the drawing, then the same one in the table.
        page.get_by_role("button", name="Corner 1 of Zone zone-1").focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Shift+ArrowUp")
        expect(
            page.get_by_role("button", name="Corner 1 of Zone zone-1: 49 % from the left, 45 %")
        ).to_be_focused()
        page.get_by_label("Corner 3 of Zone zone-1, from the top, in percent").fill("80.5")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Add a corner after it, Corner 3")).to_be_focused()
        page.keyboard.press("Enter")
        shows(page, [49, 45, 60, 50, 60, 80.5, 54.5, 62.8])

        # A door in numbers only, without the drawing.
        with one_more(page):
            page.get_by_role("button", name="Add a door").focus()
            page.keyboard.press("Enter")
        page.get_by_label("Name").fill("street")
        page.keyboard.press("Tab")
        page.get_by_label("One end of Door street, from the left, in percent").fill("20")
        page.keyboard.press("Tab")
        shows(page, [20, 60, 70, 60, 50, 80])
        part(page, "save").focus()
        page.keyboard.press("Enter")
        expect(part(page, "answer")).to_contain_text("The device has checked it.")
        sent = asked(seen_shop, page)
        assert sent["doors"] == [{"name": "street", "line": [[0.2, 0.6], [0.7, 0.6]], "inside": [0.5, 0.8]}]
        assert sent["zones"][1]["polygon"] == [[0.49, 0.45], [0.6, 0.5], [0.6, 0.805], [0.545, 0.628]]
        seen_shop.time.to_closing_time()
        expect(part(page, "answer")).to_contain_text("In use since")
        after = fingerprint(overlaid(seen_shop.own, sent))
        until(lambda: seen_shop.running == after, "the device says which settings it uses")


def test_what_the_device_refuses_is_shown_with_its_reason_and_can_be_taken_back(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    before = seen_shop.running
    with editor(chromium, seen_shop) as page:
        for yaw in ("10", "18"):
            with one_more(page):
                page.get_by_role("button", name="Add a target", exact=True).click()
            page.get_by_label("Head turned to the right (degrees)").fill(yaw)
            page.keyboard.press("Tab")
        send(page)
        expect(part(page, "answer")).to_contain_text(
            "The device has refused it: targets 'target-1' and 'target-2' are 8 degrees apart"
        )
        assert seen_shop.running == before
        # The drawing stays, so that it can be put right.
        page.get_by_label("Head turned to the right (degrees)").fill("40")
        page.keyboard.press("Tab")
        expect(part(page, "unsent")).to_have_text("Not sent yet: targets.")
        send(page)
        expect(part(page, "answer")).to_contain_text("The device has checked it.")
        page.get_by_role("button", name="Take back the last change").click()
        expect(part(page, "answer")).to_contain_text("In use since")
        expect(page.get_by_role("button", name="Target target-1")).to_have_count(0)
        assert page.locator(".history tbody tr").count() == 4, "three changes, and the file"
        assert seen_shop.running == before, "the change that waited for closing time is gone"
        assert asked(seen_shop, page) == {}


def test_every_step_can_be_undone_and_done_again(chromium: Browser, seen_shop: EditedShop) -> None:
    with editor(chromium, seen_shop) as page:
        draw(page, "a zone", [*ZONE, ZONE[0]])
        shows(page, percent(ZONE), 0.4)
        drawn = table(page)
        drag(page, ZONE[0], (0.4, 0.6))
        shows(page, [40, 60, *drawn[2:]], 0.4)
        moved = table(page)
        drag(page, (0.5, 0.75), (0.4, 0.65))
        shows(page, [share - 10 for share in moved], 0.4)
        whole = table(page)
        drag(page, (0.05, 0.7), (0.05, 0.7))  # another zone is only selected
        expect(page.locator("details[open] summary")).to_have_text("Zone shelf")
        page.get_by_role("button", name="Zone shelf", exact=True).focus()
        page.keyboard.press("Delete")
        expect(page.locator(".zones")).to_have_count(1)
        undo, redo = part(page, "undo"), part(page, "redo")
        for expected in (whole, moved, drawn):
            undo.click()
            page.get_by_role("button", name="Zone zone-1", exact=True).focus()
            page.keyboard.press("Enter")
            shows(page, expected)
        undo.click()
        expect(page.locator(".zones")).to_have_count(1)
        expect(undo).to_be_disabled()
        expect(part(page, "save")).to_be_disabled()
        for _ in range(4):
            redo.click()
        expect(redo).to_be_disabled()
        expect(page.locator(".zones")).to_have_count(1)
        page.keyboard.press("Control+z")
        expect(page.locator(".zones")).to_have_count(2)


def test_a_finger_draws_too(chromium: Browser, seen_shop: EditedShop) -> None:
    size = {"width": 360, "height": 780}
    with editor(chromium, seen_shop, viewport=size, has_touch=True) as page:
        page.get_by_role("button", name="Draw a zone").tap()
        for point in ZONE:
            page.touchscreen.tap(*place(page, point))
        page.get_by_role("button", name="Finish the zone").tap()
        shows(page, percent(ZONE), 0.6)


def test_a_target_stands_on_the_plan_where_it_is_dragged_to(chromium: Browser, seen_shop: EditedShop) -> None:
    with editor(chromium, seen_shop) as page:
        draw(page, "the floor plan", [(0.2, 0.5), (0.8, 0.5), (0.99, 0.99), (0.01, 0.99)])
        for point, (x, y) in enumerate([(0, 5), (4, 5), (4, 0), (0, 0)], 1):
            for axis, metres in (("x", x), ("y", y)):
                page.get_by_label(f"Point {point}, {axis} (m)").fill(str(metres))
                page.keyboard.press("Tab")
        page.get_by_role("button", name="Add a target on the plan").click()
        drag(page, (0.2, 0.5), (0.5, 0.5))
        expect(page.get_by_label("On the plan, x (m)")).not_to_have_value("0")
        assert float(page.get_by_label("On the plan, x (m)").input_value()) == pytest.approx(2, abs=0.1)
        assert float(page.get_by_label("On the plan, y (m)").input_value()) == pytest.approx(5, abs=0.1)
        send(page)
        expect(part(page, "answer")).to_contain_text("The device has checked it.")
        assert list(asked(seen_shop, page)) == ["plan", "targets"]


def test_a_change_by_somebody_else_is_not_overwritten(chromium: Browser, seen_shop: EditedShop) -> None:
    with editor(chromium, seen_shop, expected="Failed to load") as one, editor(chromium, seen_shop) as other:
        draw(one, "a door", DOOR)
        draw(other, "a zone", [*ZONE, ZONE[0]])
        send(other)
        expect(part(other, "answer")).to_contain_text("The device has checked it.")
        send(one)
        expect(part(one, "said")).to_contain_text("Somebody else has changed this device meanwhile.")
        expect(one.locator(".doors")).to_have_count(1)
        assert list(asked(seen_shop, one)) == ["zones"]


def test_what_is_drawn_is_not_lost_by_looking_at_another_device(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    own = [{"name": "window", "polygon": [[0, 0], [1, 0], [1, 1]]}]
    seen_shop.say(placement(device="shelf", left_s=0.0, places={"zones": own}))
    with editor(chromium, seen_shop) as page:
        draw(page, "a door", DOOR)
        chosen = page.get_by_label("Device")
        chosen.select_option("shelf")
        expect(part(page, "said")).to_have_text("Send or undo the changes of this device first.")
        expect(chosen).to_have_value("door")
        part(page, "undo").click()
        chosen.select_option("shelf")
        expect(page.get_by_role("button", name="Zone window", exact=True)).to_be_visible()
        expect(page.locator(".stood")).to_have_count(0)
        expect(part(page, "answer")).to_have_text("Nothing has been changed from here yet.")


def test_a_server_that_is_away_is_said_and_nothing_is_lost(chromium: Browser, seen_shop: EditedShop) -> None:
    with editor(chromium, seen_shop, expected="Failed to load resource") as page:
        draw(page, "a door", DOOR)
        page.context.set_offline(True)
        send(page)
        expect(part(page, "said")).to_have_text("The server cannot be reached.")
        expect(part(page, "unsent")).to_have_text("Not sent yet: doors.")
        page.context.set_offline(False)
        send(page)
        expect(part(page, "answer")).to_contain_text("The device has checked it.")
        expect(part(page, "offline")).to_have_text("")


def test_names_are_text_and_are_checked_before_the_device_is_asked(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    seen_shop.say(placement(places={"zones": [{"name": "shelf", "polygon": [[0, 0], [1, 0], [1, 1]]}]}))
    with visit(chromium, seen_shop.page) as page:
        page.locator("summary").click()
        page.get_by_label("Name").fill("<img src=x onerror=alert(1)>")
        page.keyboard.press("Tab")
        expect(page.locator("summary")).to_contain_text("<img src=x")
        assert page.locator("img").count() == 0
        page.get_by_label("Name").fill("")
        send(page)
        expect(part(page, "said")).to_have_text("A name is missing under “Zones”.")
        page.get_by_label("Name").fill("one")
        with one_more(page):
            page.get_by_role("button", name="Add a door").click()
        page.get_by_label("Name").fill("one")
        send(page)
        expect(part(page, "said")).to_contain_text("The name one is used twice.")


def test_a_button_that_is_pressed_while_a_name_is_typed_gets_its_click(
    chromium: Browser, seen_shop: EditedShop
) -> None:
    seen_shop.say(placement(places={"zones": [{"name": "shelf", "polygon": [[0, 0], [1, 0], [1, 1]]}]}))
    with visit(chromium, seen_shop.page) as page:
        page.locator("summary").click()
        page.get_by_label("Name").fill("window")
        page.get_by_role("button", name="Add a door").hover()
        page.mouse.down()
        expect(part(page, "unsent")).to_have_text("Not sent yet: zones.")
        page.wait_for_timeout(50)  # nobody releases a button at once
        with one_more(page):
            page.mouse.up()
        expect(page.locator("summary").nth(1)).to_contain_text("window")


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_fits_a_phone(chromium: Browser, seen_shop: EditedShop, scheme: str, width: int) -> None:
    size = {"width": width, "height": 812}
    with editor(chromium, seen_shop, viewport=size, color_scheme=scheme) as page:
        page.get_by_role("button", name="Add a zone").click()
        page.get_by_label("Name").fill("a" * 64)
        page.keyboard.press("Tab")
        page.get_by_label("People queue here").check()
        page.get_by_role("button", name="Add a notice").click()
        send(page)
        expect(part(page, "answer")).to_contain_text("refused")
        assert page.evaluate("document.documentElement.scrollWidth") == width
