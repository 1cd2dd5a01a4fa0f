"""The page shows a fault as what it is: of the box, of a device, of a name, of the stored data."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, expect

from cloud.domain.arrival import checked
from cloud.domain.noise import ToldNoise
from cloud.domain.notices import Acknowledgement
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import DeadLetter, DeviceState, StoreUnavailable
from common.wire import NoticeMessage, WindowMessage
from tests.cloud.web.browser import _Server, a_morning, live, value, visit
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, health, notice

pytestmark = pytest.mark.chromium


def test_the_page_says_when_the_box_does_not_answer(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(a_morning())
    with visit(chromium, address, expected="Failed to load resource") as page:
        live(page)
        page.route(re.compile(r"/(today|events\?.*)$"), lambda route: route.abort())
        page.evaluate("lost()")  # as when the stream breaks off
        expect(page.locator("#banner")).to_contain_text("does not answer")
        expect(page.locator("#live")).to_have_text("not connected")
        assert value(page, "visits") == "180"
        page.unroute_all()
        live(page)
        expect(page.locator("#banner")).to_be_hidden()


class _Hostile:
    """A reader whose every name is markup."""

    NAME = "<img src=x onerror=alert(1)>"

    def sites(self) -> list[str]:
        return [self.NAME, "harmless"]

    def devices(self, site: str) -> list[DeviceState]:
        fault = alert(active=True).model_copy(update={"text": self.NAME})
        return [DeviceState(site, self.NAME, False, MORNING, MORNING, self.NAME, self.NAME, None, (fault,))]

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return []

    def notices(self, site: str | None = None) -> list[NoticeMessage]:
        return [notice(at=MORNING + timedelta(hours=3)).model_copy(update={"name": self.NAME})]

    def acknowledgements(self, site: str | None = None) -> list[Acknowledgement]:
        (one,) = self.notices(site)
        return [Acknowledgement(one.site, one.device, one.name, one.at, self.NAME, one.at)]

    def duplicates(self, site: str, start: datetime, end: datetime) -> dict[str, int]:
        return {self.NAME: 1}

    def latest(self, site: str) -> WindowMessage | None:
        return None

    def noise(self, site: str, start: datetime, end: datetime) -> list[ToldNoise]:
        return []

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return [DeadLetter(MORNING, self.NAME, self.NAME, self.NAME, self.NAME, b"")]


def test_names_are_text_and_never_markup(chromium: Browser, clock: ManualClock) -> None:
    with _Server(_Hostile(), clock) as address, visit(chromium, address) as page:
        page.get_by_role("link", name=_Hostile.NAME).click()
        live(page)
        expect(page.locator("h1")).to_have_text(_Hostile.NAME)
        expect(page.locator("#devices b")).to_have_text(_Hostile.NAME)
        expect(page.locator("#devices li .alert")).to_contain_text(_Hostile.NAME)
        expect(page.locator("#letters .alert")).to_contain_text(_Hostile.NAME)
        expect(page.locator("#notices p")).to_contain_text(f"{_Hostile.NAME}: more than")
        expect(page.locator("#notices p")).to_contain_text(f"{_Hostile.NAME} takes care of it")
        assert page.locator("img").count() == 0


def test_a_device_whose_clock_runs_ahead_is_marked_and_what_could_not_be_stored_is_shown(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write(a_morning())
    ahead = health(at=clock.now() + timedelta(hours=5), clock_trusted=True)
    store.write([checked(ahead, clock.now())])
    store.record_dead_letter(DeadLetter(clock.now(), "shop", "door", "t", "seq: Field required", b"{}"))
    with visit(chromium, address) as page:
        expect(live(page).locator("#devices li .alert", has_text="its clock is wrong")).to_be_visible()
        expect(page.locator("#letters")).to_contain_text(
            "a message from door could not be stored: seq: Field required"
        )


class _Damaged(_Hostile):
    """A reader over a damaged file."""

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        raise StoreUnavailable("database disk image is malformed")


def test_a_store_that_cannot_be_read_is_an_answer_and_told_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with _Server(_Damaged(), clock) as address:
        answers = [httpx.get(f"{address}/api/harmless/today", timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert answers[0].json() == {
        "error": "The stored data cannot be read. The log of the Footlight box says why."
    }
    assert sum("malformed" in record.getMessage() for record in caplog.records) == 1
