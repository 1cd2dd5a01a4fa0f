"""The reference player, in a real browser: it shows what the device says, and reports what it has on its screen."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.edge.player.players import TOKEN, linked
from tests.support.brokers import until

pytestmark = pytest.mark.slow

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def test_a_player_follows_the_device_and_reports(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "brand.png").write_bytes(DOT)
    with linked(tmp_path) as (link, port), chromium.new_page() as page:
        mistakes: list[str] = []
        foreign: list[str] = []
        page.on("console", lambda message: mistakes.append(message.text))
        page.on(
            "request",
            lambda request: foreign.append(request.url) if f"127.0.0.1:{port}" not in request.url else None,
        )
        link.tell(1, "brand")
        page.goto(f"http://127.0.0.1:{port}/#{TOKEN}")
        expect(page.locator("#stage img")).to_have_attribute("alt", "brand")
        until(lambda: link.reported() == {1}, "the report of the first show")
        link.tell(2, "scarf")  # a clip without a file is shown by its name
        expect(page.locator("#stage h1")).to_have_text("scarf")
        until(lambda: link.reported() == {2}, "the report of the second show")
        assert [address for address in foreign if not address.startswith("blob:")] == []
        assert [text for text in mistakes if "404" not in text] == []


def test_a_wrong_token_is_said_on_the_screen(chromium: Browser) -> None:
    with linked() as (link, port), chromium.new_page() as page:
        link.tell(1, "brand")
        page.goto(f"http://127.0.0.1:{port}/#nothing")
        expect(page.get_by_role("status")).to_contain_text("The token is wrong")


def test_a_player_comes_back_when_the_device_does(chromium: Browser) -> None:
    with chromium.new_page() as page:
        with linked() as (link, port):
            link.tell(1, "brand")
            page.goto(f"http://127.0.0.1:{port}/#{TOKEN}")
            expect(page.locator("#stage h1")).to_have_text("brand")
        expect(page.get_by_role("status")).to_contain_text("The device")
        expect(page.locator("#stage h1")).to_have_text("brand")  # the last clip stays
        with linked(port=port) as (link, _):
            link.tell(1, "scarf")
            expect(page.locator("#stage h1")).to_have_text("scarf", timeout=15_000)
