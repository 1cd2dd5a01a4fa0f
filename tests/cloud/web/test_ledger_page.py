"""The page of the day says of each device how many of its windows arrived, and names what is missing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from cloud.accounts.accounts import Accounts
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.web.browser import _Server, visit
from tests.cloud.web.logins import add_person, logged_in, page_with
from tests.support.clock import ManualClock
from tests.support.messages import health, status, window

STORED = [window(0), window(1, is_historical=True), window(4)]


def test_the_ledger_is_in_the_answer(accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> None:
    add_person(accounts, "vera")
    store.write([*STORED, status(online=True), health(device="shelf")])
    store.record_duplicates({("shop", "door"): 4, ("other", "door"): 1}, clock.now())
    answer = logged_in(page_with(accounts, store, clock), "vera").get("/api/shop/today")
    door, shelf = answer.json()["devices"]
    assert door["windows"] == {"expected": 5, "received": 3, "late": 1, "lost": 2, "duplicates": 4}
    assert shelf["windows"] is None


@pytest.mark.chromium
def test_what_is_missing_is_named_on_the_page(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock
) -> None:
    store.write([*STORED, status(online=True)])
    store.record_duplicates({("shop", "door"): 2}, clock.now())
    with (
        _Server(store, clock, kept_days={"raw": 400}) as address,
        visit(chromium, f"{address}/site/shop", locale="en-GB") as page,
    ):
        device = page.locator("#devices li")
        expect(device).to_contain_text("3 of 5 windows since yesterday, 1 of them late")
        expect(device).to_contain_text("2 came once more and are counted once")
        expect(device.locator(".alert")).to_have_text("2 windows were counted and never arrived.")
