"""Staff, members and people who come in again: simulator with truth, real broker, bridge, store, page and API."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import mean

import httpx
import pytest
from playwright.sync_api import Browser, Page

from cloud.api.answers import Days
from cloud.simulation.delivery import through_broker
from cloud.simulation.fleet import Fleet, SiteDay
from cloud.stores.shops import OneBoxShops
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.wire import WindowMessage
from tests.cloud.ingest.bridges import FaultyStore, make_bridge, running
from tests.cloud.web.browser import _Server, visit
from tests.support.brokers import Mosquitto, until
from tests.support.clock import ManualClock

pytestmark = [pytest.mark.chromium, pytest.mark.mosquitto, pytest.mark.slow]

SITE, MONDAY, SUNDAY = "berlin-01", date(2026, 3, 23), date(2026, 3, 29)
AFTER = datetime(2026, 3, 30, 5, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Week:
    """What a simulated shop sent in a week, and what really happened."""

    fleet: Fleet
    days: list[SiteDay]
    true: Counter[str]


@pytest.fixture(scope="module")
def week() -> Week:
    fleet = Fleet(sites=1, days=7, last_day=SUNDAY, until=AFTER, window_s=60, seed=1)
    days = list(fleet.site_days())
    return Week(fleet, days, sum((Counter(one.truths[0].beside) for one in days), Counter()))


@pytest.fixture(scope="module")
def served(week: Week, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page with the week, which came to it over a broker."""
    folder = tmp_path_factory.mktemp("week")
    with (
        Mosquitto(folder, "max_queued_messages 0") as broker,  # a week in seconds, as with our mosquitto.conf
        closing(FaultyStore(folder / "store.sqlite")) as store,
        running(make_bridge(store, broker.port)),
    ):
        sent = [(arrival.at, arrival.message) for day in week.days for arrival in day.arrivals]
        through_broker(sent, Broker("127.0.0.1", broker.port), SystemClock())
        expected = sum(isinstance(message, WindowMessage) for _, message in sent)

        def stored() -> int:
            return len(store.inner.windows(SITE, datetime(2026, 3, 22, tzinfo=UTC), AFTER))

        until(lambda: stored() == expected, "all windows are stored", 120, every_s=1)
        shops = OneBoxShops(store.inner, week.fleet.chain.sites[SITE].zone, week.fleet.chain)
        with _Server(store.inner, ManualClock(AFTER), shops=shops) as address:
            yield address


@pytest.fixture(scope="module")
def told(served: str) -> Days:
    """What the API tells of each day. Computed once, they are kept for the page."""
    span = {"first": MONDAY.isoformat(), "last": SUNDAY.isoformat()}
    answer = httpx.get(f"{served}/api/v1/sites/{SITE}/days", params=span, timeout=110).raise_for_status()
    return Days.model_validate_json(answer.content)


def numbers(page: Page, name: str) -> list[int]:
    text = page.locator("#beside .counts div").filter(has_text=name).locator(".value").inner_text()
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", text)]


def test_the_api_tells_what_really_happened(told: Days, week: Week) -> None:
    true, open_days = week.true, [day for day in told.days if day.state != "closed"]
    assert len(open_days) == 6
    share = mean(day.staff_excluded or 0 for day in open_days)
    assert share == pytest.approx(true["left_out"] / (true["left_out"] + true["visits"]), abs=0.02)
    members, of = (sum(day.members or 0 for day in open_days), sum(day.members_of for day in open_days))
    assert 0.6 * true["members"] < members <= true["members"]
    assert 0.6 * true["members"] / true["visits"] < members / of <= true["members"] / true["visits"]
    again = sum(day.re_entries or 0 for day in open_days)
    error = math.hypot(*(day.re_entries_error or 0 for day in open_days))
    assert abs(again - true["re_entries"]) < error
    assert 0.9 * true["entries"] < sum(day.re_entries_of for day in open_days) <= true["entries"]


@pytest.mark.usefixtures("told")
def test_the_page_tells_the_same(chromium: Browser, served: str, week: Week) -> None:
    true = week.true
    with visit(chromium, f"{served}/site/{SITE}/week?of={MONDAY:%G-W%V}") as page:
        (share,) = numbers(page, "Staff left out")
        assert abs(share - 100 * true["left_out"] / (true["left_out"] + true["visits"])) <= 2
        (members,) = numbers(page, "Members")
        assert 0.6 * true["members"] < members <= true["members"]
        low, high = numbers(page, "Came in again")
        assert low <= true["re_entries"] <= high < true["entries"]
