"""Doors and places on the page: only where there are any, and never a number for what is withheld."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.stores.embedded import EmbeddedStore
from common.wire import Door, Totals
from tests.cloud.web.browser import SCHEMES, WIDTHS, a_morning, live, visit
from tests.support.messages import MORNING, window

pytestmark = pytest.mark.chromium


def tables(page: Page) -> dict[str, list[list[str]]]:
    """The rows of each table of places, by its first heading."""
    found = {}
    for table in page.locator("#places table").all():
        head, *lines = [line.locator("th, td").all_inner_texts() for line in table.locator("tr").all()]
        found[head[0]] = lines
    return found


def test_a_shop_with_neither_shows_neither(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write([window(minute, totals=Totals(visits=3, viewers=1)) for minute in range(3)])
    with visit(chromium, address) as page:
        live(page)
        for panel in ("doors", "places"):
            expect(page.locator(f"#{panel}")).to_be_hidden()


def test_doors_are_shown_with_their_drift(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    """The morning has 60 windows with 3 entries, 2 exits and 5 passers, and an hour that nobody watched."""
    evening = window(0, start=MORNING - timedelta(hours=12), seq=1)
    store.write([*a_morning(), evening])
    with visit(chromium, address) as page:
        live(page)
        shown = {
            name: page.locator(f"#{name} .value").inner_text()
            for name in ("entries", "exits", "inside", "passers", "capture", "groups")
        }
        assert shown == {
            "entries": "180", "exits": "120", "inside": "60", "passers": "300", "capture": "38%", "groups": "120",
        }  # fmt: skip
        notes = page.locator("#doors .notes")
        expect(notes).to_contain_text(
            "Yesterday, entries minus exits were 1 at midnight (entries: 3): expect"
        )
        expect(notes).to_contain_text(
            "Who crossed while no camera was watching is missing (67% was watched)."
        )
        expect(notes).not_to_contain_text("missed:")


def test_more_exits_than_entries_are_told(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    door = Door(entries=0, exits=2, passers=0, groups=0)
    store.write([window(0, totals=Totals(visits=2, viewers=0, doors={"front": door}))])
    with visit(chromium, address) as page:
        live(page)
        assert page.locator("#inside .value").inner_text() == "0"
        assert page.locator("#capture .value").inner_text() == "nobody yet"
        expect(page.locator("#doors .notes")).to_contain_text("At least 2 entries were missed")


def test_places_are_shown_and_what_is_withheld_is_said(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        live(page)
        assert tables(page) == {
            "Zone": [
                ["lift", "withheld", "withheld", "withheld"],
                ["shelf", "16", "0 (0%)", "6.0 s"],
                ["till", "16", "withheld", "see queue"],
            ],
            "Queue": [["till", "16", "0%", "6.0 s", "8 s", "10 s"]],
            "Target": [
                ["sign", "16", "withheld", "withheld"],
                ["tea", "16", "16 (100%)", "2.1 s (2.1 s to 2.1 s)"],
            ],
        }
        expect(page.locator("#places .notes")).to_contain_text(
            "Withheld to protect privacy: lift: nothing is told of 16 visits."
        )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_doors_and_places_fit_a_phone(
    chromium: Browser, store: EmbeddedStore, address: str, scheme: str, width: int
) -> None:
    store.write(a_morning())
    with visit(chromium, address, viewport={"width": width, "height": 812}, color_scheme=scheme) as page:
        expect(live(page).locator("#places")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_staff_members_and_who_came_in_again_stand_beside_the_visits(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        live(page)
        panel = page.locator("#beside")
        expect(panel).to_be_visible()
        parts = [part.inner_text().split("\n") for part in panel.locator("dl > div").all()]
        told = {title: says for title, *says in ([line for line in part if line] for part in parts)}
        assert told["Staff left out"] == ["50%"]
        assert told["Members"] == ["16", "100% of the visits in groups"]
        low_to_high, of = told["Came in again"]
        assert " to " in low_to_high
        assert of.startswith("of ")
        assert of.endswith(" entries")
        expect(panel.locator(".notes")).to_contain_text(
            "in 95 of 100 cases the true number lies in the range"
        )


def test_a_shop_that_tells_none_of_it_has_no_such_panel(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write([window(minute, totals=Totals(visits=3, viewers=1)) for minute in range(3)])
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#beside")).to_be_hidden()
