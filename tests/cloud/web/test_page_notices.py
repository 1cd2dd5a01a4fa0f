"""The page shows staff what they should know now, and nothing that is over."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Browser, expect

from cloud.domain.notices import LONGEST, WITHOUT_END, is_current
from cloud.ingest.acknowledging import acknowledge
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.web.browser import a_morning, live, visit
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, notice


def test_a_notice_without_an_end_is_shown_for_a_while_and_none_for_ever() -> None:
    many, few = notice(), notice(rule="nobody_at_desk", limit=None, count=None)
    moment = timedelta(seconds=1)
    assert is_current(few, MORNING + WITHOUT_END - moment)
    assert not is_current(few, MORNING + WITHOUT_END)
    assert is_current(many, MORNING + LONGEST - moment)
    assert not is_current(many, MORNING + LONGEST)
    assert not is_current(notice(active=False), MORNING)


def test_the_answer_says_who_takes_care_of_a_notice(
    store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write([notice(at=clock.now())])

    def shown() -> object:
        (one,) = httpx.get(f"{address}/api/shop/today", timeout=10).json()["notices"]
        assert (one["device"], one["name"]) == ("door", "long-queue")
        return one["acknowledged"]

    assert shown() is None
    acknowledge(store, site="shop", device="door", name="long-queue", who="Ana", at=clock.now())
    clock.advance(10)
    assert shown() == {"who": "Ana", "at": "2026-03-02T12:00:10+01:00"}


@pytest.mark.chromium
def test_a_notice_is_shown_with_its_time_in_the_shop_and_goes_with_its_end(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write(a_morning())
    store.write(
        [
            notice(at=clock.now() - timedelta(minutes=4)),
            notice(name="old", rule="nobody_at_desk", limit=None, count=None),
        ]
    )
    with visit(chromium, f"{address}/site/shop") as page:
        live(page)
        expect(page.locator("#notices p")).to_have_text(
            ["Now: long-queue: more than 4 people wait (6), since 11:56"]
        )
        acknowledge(store, site="shop", device="door", name="long-queue", who="Ana <b>", at=clock.now())
        clock.advance(10)
        expect(page.locator("#notices p")).to_have_text(
            ["Now: long-queue: more than 4 people wait (6), since 11:56; Ana <b> takes care of it"]
        )
        store.write([notice(active=False, at=clock.now())])
        clock.advance(10)
        expect(page.locator("#notices p")).to_have_count(0)
