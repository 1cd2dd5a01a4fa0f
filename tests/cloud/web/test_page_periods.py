"""The pages of periods in a browser: every state is drawn, nothing sticks out, and nothing needs the script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.domain.chain import Chain
from cloud.domain.opening import WEEKDAYS
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from common.wire import Coverage, Totals, WindowMessage
from tests.cloud.web.browser import SCHEMES, WIDTHS, _Server, colours, painted, rows, value, visit
from tests.support.clock import ManualClock
from tests.support.messages import cohort, window

pytestmark = pytest.mark.chromium

FIRST = date(2026, 2, 2)
"""A Monday; the clock of these tests shows Thursday, 2 April."""
CHAIN = Chain.model_validate(
    {
        "name": "c",
        "sites": {
            name: {
                "title": title,
                "timezone": "UTC",
                "opening": {**dict.fromkeys(WEEKDAYS[:6], "09:00-19:00"), "sun": "closed"},
                "cameras": {"door/front": "entrance", "shelf/front": "display"},
            }
            for name, title in (("shop", "Shop at the market"), ("other", "Other shop"), ("silent", "Silent shop"))
        },
    }
)  # fmt: skip


class Morning(ManualClock):
    def now(self) -> datetime:
        return datetime(2026, 4, 2, 7, 30, tzinfo=UTC) + timedelta(seconds=self.monotonic())


@pytest.fixture
def clock() -> ManualClock:
    return Morning()


def at(day: date, hour: int, **changes: Any) -> WindowMessage:
    """An hour of one camera."""
    start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return window(0, start=start, duration_s=3600, seq=hour, **changes)


def weeks(
    *,
    site: str = "shop",
    first: date = FIRST,
    days: int = 59,
    visits: int = 30,
    lost: frozenset[date] = frozenset(),
) -> list[WindowMessage]:
    """Weeks that resemble each other, with a cohort each evening, and nothing on the days that were lost."""
    found = []
    for number in range(days):
        day = first + timedelta(days=number)
        if day.weekday() == 6 or day in lost:
            continue
        for hour in range(9, 19):
            since = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
            of_day = cohort().model_copy(update={"since": since}) if hour == 18 else None
            many = visits + 5 * day.weekday() + (hour + number) % 4
            found.append(at(day, hour, site=site, visits=many, cohort=of_day))
            found.append(
                at(day, hour, site=site, device="shelf", visits=many, totals=Totals(visits=many, viewers=9))
            )
    return found


@pytest.fixture
def address(store: EmbeddedStore, clock: ManualClock) -> Iterator[str]:
    with _Server(store, clock, shops=OneBoxShops(store, ZoneInfo("UTC"), CHAIN)) as served:
        yield served


def fits(page: Page, width: int) -> bool:
    for summary in page.locator("summary:visible").all():
        summary.click()
    return bool(page.evaluate("document.documentElement.scrollWidth") == width)


@pytest.mark.parametrize("width", [*WIDTHS, 1280])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_view_scrolls_sideways(
    chromium: Browser, store: EmbeddedStore, address: str, scheme: str, width: int
) -> None:
    store.write([*weeks(), *weeks(site="other")])
    with visit(chromium, address, viewport={"width": width, "height": 812}, color_scheme=scheme) as page:
        for path in (
            "week", "month", "compare?against=site:other", "week?of=2026-W12", "month?role=display", "week?of=2025-W12",
        ):  # fmt: skip
            page.goto(f"{address}/site/shop/{path}")
            expect(page.locator("main")).to_be_visible()
            assert fits(page, width), path
        page.goto(f"{address}/site/silent/month")
        assert fits(page, width)


def test_a_week_stands_beside_the_one_before(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(weeks())
    with visit(chromium, f"{address}/site/shop/week?of=2026-W13") as page:
        expect(page.locator("h1")).to_have_text("Shop at the market")
        assert page.locator("#date").inner_text() == "Mon 23 Mar to Sun 29 Mar 2026"
        days = rows(page, "days")
        assert [day[0] for day in days] == [
            "Mon 23 Mar", "Tue 24 Mar", "Wed 25 Mar", "Thu 26 Mar", "Fri 27 Mar", "Sat 28 Mar", "Sun 29 Mar",
        ]  # fmt: skip
        assert days[-1][1] == "closed"
        assert sum(int(day[1]) for day in days[:-1]) == int(value(page, "visits").replace(",", ""))
        assert [" ".join(day[-1].split()) for day in days[:1]] == ["315 Mon 16 Mar"]
        assert [painted(page.locator("#days .chart"), place) for place in (0, 5, 6)] == [True, True, False]
        assert len(colours(page.locator("#days .chart"), 0)) == 2  # the week before is seen behind this one
        expect(page.locator("#changes")).to_contain_text("as in the weekly report")
        assert page.locator("#hours tbody tr").count() == 7
        page.get_by_role("link", name="The period before").click()
        assert page.locator("#date").inner_text() == "Mon 16 Mar to Sun 22 Mar 2026"
        page.get_by_role("link", name="Month").click()
        assert page.locator("#date").inner_text() == "Wed 1 Apr 2026, so far"


def test_a_real_change_is_told_in_one_sentence(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write([*weeks(days=49), *weeks(first=FIRST + timedelta(days=49), days=7, visits=60)])
    with visit(chromium, f"{address}/site/shop/week?of=2026-W13") as page:
        told = page.locator("#changes .changed li").first
        expect(told).to_contain_text("more visits per hour.")
        expect(told).to_contain_text("The true change lies between +")


def test_another_shop_of_the_same_role_can_stand_beside(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write([*weeks(), *weeks(site="other", visits=90)])
    with visit(chromium, f"{address}/site/shop/compare") as page:
        page.get_by_label("From").fill("2026-03-02")
        page.get_by_label("to", exact=True).fill("2026-03-29")
        page.get_by_role("combobox", name="Beside").select_option("Other shop")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#visits .says")).to_contain_text("at Other shop")
        expect(page.locator("#changes .changed")).to_contain_text("fewer visits per hour.")
        assert page.locator("#date").inner_text() == "Mon 2 Mar to Sun 29 Mar 2026"


def test_every_state_is_drawn(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    lost = frozenset({date(2026, 3, 31), date(2026, 4, 1)})
    store.write(weeks(lost=lost))
    dim = at(date(2026, 3, 30), 12, visits=4, coverage=Coverage(share=0.1))
    store.write([dim])
    with visit(chromium, f"{address}/site/silent/week") as page:
        expect(page.locator(".state.empty h2")).to_have_text("No data yet")
        page.goto(f"{address}/site/shop/week?of=2025-W12")
        expect(page.locator(".state.no_data")).to_contain_text("does not mean that nobody came")
        page.goto(f"{address}/site/shop/compare?from=2026-03-29&to=2026-03-29")
        expect(page.locator(".state.closed h2")).to_have_text("Closed")
        page.goto(f"{address}/site/shop/week")
        expect(page.locator("#stale")).to_contain_text("The newest figures are those of Mon 30 Mar")
        expect(page.locator("#partial")).to_contain_text("The cameras watched 30% of the opening time")
        assert [day[1] for day in rows(page, "days")] == ["289", "no data", "no data"]
        assert [painted(page.locator("#days .chart"), place) for place in (1, 2)] == [True, True]
        expect(page.locator("#expression")).to_contain_text("Switched off in this shop")
        expect(page.locator("#gender .small")).to_be_visible()
        expect(page.locator("#gender")).to_contain_text("Small sample")


def test_what_is_withheld_says_so(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    hidden = cohort().model_copy(
        update={
            "gender": None,
            "age_band": None,
            "gender_age_band": None,
            "since": datetime(2026, 3, 30, 9, tzinfo=UTC),
        }
    )
    store.write([at(date(2026, 3, 30), 9, visits=8, cohort=hidden), at(date(2026, 3, 31), 9, visits=3)])
    with visit(chromium, f"{address}/site/shop/week") as page:
        expect(page.locator("#gender .withheld")).to_contain_text("Withheld to protect privacy")
        page.goto(f"{address}/site/shop/compare?from=2026-03-31&to=2026-03-31")
        expect(page.locator("#gender")).to_contain_text("Nothing yet")


def test_without_the_script_every_figure_is_there(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(weeks())
    with visit(chromium, f"{address}/site/shop/week?of=2026-W13", java_script_enabled=False) as page:
        assert len(rows(page, "days")) == 7
        assert page.locator("#days table").is_visible()
        assert page.locator("#days .chart").is_hidden()
        assert page.locator("#hours td").first.is_visible()
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#visits .value")).to_be_visible()


def test_loading_is_shown_until_the_figures_are_there(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(weeks())
    with visit(chromium, f"{address}/site/shop/week") as page:
        expect(page.locator("#loading")).to_be_hidden()
        page.evaluate(
            "addEventListener('click', (event) => event.preventDefault())"
        )  # the answer never comes
        page.get_by_role("link", name="Month").click()
        expect(page.locator("#loading")).to_have_text("Loading the figures …")
        expect(page.locator("#loading")).to_be_visible()
        expect(page.locator("main")).to_have_attribute("aria-busy", "true")
        page.evaluate(
            "dispatchEvent(new PageTransitionEvent('pageshow'))"
        )  # the way back to a page that was kept
        expect(page.locator("#loading")).to_be_hidden()


def test_the_keyboard_reaches_everything(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write([*weeks(), *weeks(site="other")])
    with visit(chromium, f"{address}/site/shop/week?of=2026-W13") as page:
        reached = []
        for _ in range(14):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "(({ tagName, name, textContent }) => name || `${tagName} ${textContent.trim().slice(0, 9)}`)"
                    "(document.activeElement)"
                )
            )
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", reached
        assert reached[:11] == [
            "A Skip to t", "A Today", "A Week", "A Month", "A Compare", "A Display", "A ‹", "A ›", "against", "role",
            "BUTTON Show",
        ]  # fmt: skip
        assert any(one.startswith("SUMMARY") for one in reached)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("week?of=x", "This is not a week. Write it like 2026-W48."),
        ("week?of=2026-W99", "This is not a week."),
        ("week?of=0001-W01", "This is not a week."),
        ("month?of=2026-13", "This is not a month."),
        ("month?of=0001-01", "This is not a month."),
        ("compare?from=2026-03-09&to=2026-03-01", "ends before it begins"),
        ("compare?from=2020-01-01&to=2026-03-01", "Choose at most 92 days"),
        ("compare?from=2026-03-01<b>", "This is not a day."),
        ("week?of=2026-W20", "no finished day yet"),
        ("week?role=area", "No camera of this shop has this role. Use one of these: entrance, display."),
        ("week?against=site:nowhere", "This cannot be compared with."),
        ("week?against=shop", "This cannot be compared with."),
    ],
)
def test_a_wrong_address_says_what_to_do(
    chromium: Browser, store: EmbeddedStore, address: str, path: str, sentence: str
) -> None:
    store.write(weeks(days=2))
    with visit(chromium, f"{address}/site/shop/{path}", expected="Failed to load resource") as page:
        expect(page.locator("main")).to_contain_text(sentence)
