"""The count check in a real browser: big buttons, keys, undo, a reload and a lost connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.web.browser import SCHEMES, WIDTHS, _Server, visit
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.door import door_windows
from tests.support.messages import health

pytestmark = pytest.mark.chromium
LOST = "Failed to load resource"


@dataclass
class Shop:
    """A shop with a door, its page, and the time of both."""

    address: str
    file: CheckFile
    clock: ManualClock
    store: EmbeddedStore

    def pass_(self, page: Page, seconds: float) -> None:
        """Let time pass in the shop and in the browser."""
        self.clock.advance(seconds)
        page.clock.run_for(round(seconds * 1000))

    @contextmanager
    def begun(self, chromium: Browser, *, expected: str = "") -> Iterator[Page]:
        """The page with a check that has just begun."""
        with visit(chromium, self.address, expected=expected, viewport={"width": 360, "height": 740}) as page:
            page.clock.install(time=self.clock.now())
            page.clock.pause_at(self.clock.now() + timedelta(seconds=1))
            page.reload()
            page.get_by_role("button", name="Start").click()
            expect(page.locator("#tapping")).to_be_visible()
            yield page

    def stored(self) -> int:
        checks = self.file.of("shop")
        return len(self.file.taps(checks[0].id)) if checks else 0


@pytest.fixture
def shop(tmp_path: Path, store: EmbeddedStore, clock: ManualClock) -> Iterator[Shop]:
    store.write(
        [*door_windows([], clock.now() - timedelta(minutes=3, seconds=10), 3), health(at=clock.now())]
    )
    with (
        closing(CheckFile(tmp_path / "checks.sqlite")) as file,
        _Server(store, clock, checks=CountChecks(file, store, clock)) as address,
    ):
        yield Shop(f"{address}/site/shop/count-check", file, clock, store)


def numbers(page: Page) -> tuple[str, str]:
    return page.locator("#entries").inner_text(), page.locator("#exits").inner_text()


def test_taps_keys_and_undo_are_counted_said_and_stored(chromium: Browser, shop: Shop) -> None:
    with shop.begun(chromium) as page:
        assert page.evaluate("document.activeElement.id") == "entry"
        page.get_by_role("button", name="In 0").click()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowDown")
        page.get_by_role("button", name="Out 1").click()
        assert numbers(page) == ("2", "2")
        expect(page.locator("#said")).to_have_text("2 in, 2 out")
        page.keyboard.press("Backspace")
        page.get_by_role("button", name="Undo the last tap").click()
        assert numbers(page) == ("2", "0")
        page.keyboard.press("Enter")  # on the button that has the focus
        assert numbers(page) == ("1", "0")
        expect(page.locator("#stored")).to_have_text("All taps are stored.")
        (check,) = shop.file.of("shop")
        told = [tap.what for tap in shop.file.taps(check.id)]
        assert told == ["entry", "entry", "exit", "exit", "undo", "undo", "undo"]


def test_a_reload_and_a_lost_connection_lose_no_tap(chromium: Browser, shop: Shop) -> None:
    with shop.begun(chromium, expected=LOST) as page:
        page.keyboard.press("ArrowUp")
        expect(page.locator("#stored")).to_have_text("All taps are stored.")
        page.context.set_offline(True)
        for key in ("ArrowUp", "ArrowDown", "ArrowUp"):
            shop.pass_(page, 5)
            page.keyboard.press(key)
        expect(page.locator("#stored")).to_have_text("3 taps are not stored yet.")
        expect(page.locator("#banner")).to_contain_text("Go on: the taps are kept on this device")
        assert shop.stored() == 1
        page.context.set_offline(False)
        page.reload()
        expect(page.locator("#stored")).to_have_text("All taps are stored.")
        assert numbers(page) == ("3", "1")
        assert shop.stored() == 4
        (check,) = shop.file.of("shop")
        assert [round(tap.after_s) for tap in shop.file.taps(check.id)] == [0, 5, 10, 15]


def test_a_check_ends_after_ten_minutes_and_waits_for_the_device(chromium: Browser, shop: Shop) -> None:
    with shop.begun(chromium) as page:
        finish = page.get_by_role("button", name="Finish")
        expect(page.locator("#enough")).to_have_text("of at least 10 minutes")
        expect(finish).to_be_disabled()
        for _ in range(11):
            shop.pass_(page, 60)
            page.keyboard.press("ArrowUp")
        expect(page.locator("#time")).to_have_text("11:00")
        finish.click()
        expect(page.locator("#choose")).to_be_visible()
        expect(page.locator("#results")).to_contain_text("Waiting for the counts of the device")
        began = shop.file.of("shop")[0].started.replace(second=0)
        shop.store.write(door_windows([61 * number + 14 for number in range(1, 12)], began, 14))
        page.clock.run_for(6000)
        expect(page.locator("#results .result")).to_contain_text("Recall")
        assert page.evaluate("localStorage.length") == 0


def test_a_check_is_thrown_away_only_when_that_is_meant(chromium: Browser, shop: Shop) -> None:
    with shop.begun(chromium) as page:
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Throw away").click()
        expect(page.locator("#tapping")).to_be_visible()
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Throw away").click()
        expect(page.locator("#choose")).to_be_visible()
        until(lambda: shop.file.of("shop") == [], "the check is deleted")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_both_buttons_are_big_on_a_phone(chromium: Browser, shop: Shop, width: int, scheme: str) -> None:
    with visit(chromium, shop.address, viewport={"width": width, "height": 740}, color_scheme=scheme) as page:
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#tapping")).to_be_visible()
        for name in ("entry", "exit"):
            box = page.locator(f"#{name}").bounding_box()
            assert box is not None
            assert box["width"] > 0.35 * min(width, 400)
            assert box["height"] > 200
            assert box["y"] + box["height"] < 740
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert Axe().run(page).response["violations"] == []
