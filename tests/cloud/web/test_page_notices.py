"""The page shows staff what they should know now, and nothing that is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from cloud.domain.notices import LONGEST, WITHOUT_END, is_current
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.web.browser import a_morning, live, visit
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, notice


def test_a_notice_without_an_end_is_shown_for_a_while_and_none_for_ever() -> None:
    many, few = notice(), notice(limit=2, count=None)
    moment = timedelta(seconds=1)
    assert is_current(few, MORNING + WITHOUT_END - moment)
    assert not is_current(few, MORNING + WITHOUT_END)
    assert is_current(many, MORNING + LONGEST - moment)
    assert not is_current(many, MORNING + LONGEST)
    assert not is_current(notice(active=False), MORNING)


@pytest.mark.chromium
def test_a_notice_is_shown_with_its_time_in_the_shop_and_goes_with_its_end(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write(a_morning())
    store.write([notice(at=clock.now() - timedelta(minutes=4)), notice(name="old", limit=2, count=None)])
    with visit(chromium, f"{address}/site/shop") as page:
        live(page)
        expect(page.locator("#notices p")).to_have_text(
            ["Now: long-queue: more than 4 people wait (6), since 11:56"]
        )
        store.write([notice(active=False, at=clock.now())])
        clock.advance(10)
        expect(page.locator("#notices p")).to_have_count(0)
