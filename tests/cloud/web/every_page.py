"""One served page with everything on it: two shops with weeks of data, a shop without, accounts and the editor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pydantic import JsonValue

from cloud.accounts.accounts import Accounts
from cloud.chain_file.changes import chain_changes
from cloud.chain_file.file import section_of
from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes
from cloud.domain.chain import Chain
from cloud.domain.count_check import Basis, CountCheck, Door, Part, Sums
from cloud.domain.opening import WEEKDAYS
from cloud.domain.till import Takings
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.stores.store import DeadLetter
from cloud.stores.till_file import TillFile
from cloud.stores.till_tallies import TillShops
from cloud.web.account_access import AccountAccess
from cloud.web.placement import Positions
from common.wire import Totals, WindowMessage, encode, topic
from tests.cloud.web.browser import _Server, a_morning
from tests.cloud.web.logins import PASSWORD, add_person, opened_accounts
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, cohort, health, notice, placement, status, window

MONDAY: Final = date(2026, 1, 5)
"""The first day with data: eight weeks before the morning that is shown."""
CHAIN: Final = Chain.model_validate(
    {
        "name": "chain",
        "sites": {
            name: {
                "title": title,
                "timezone": "Europe/Berlin",
                "opening": {**dict.fromkeys(WEEKDAYS[:6], "09:00-19:00"), "sun": "closed"},
                "cameras": {"door/front": "entrance", "shelf/front": "display"},
            }
            for name, title in (("shop", "Markt 1"), ("other", "Hafen 7"), ("silent", "Ring 3"))
        },
        "currency": "EUR",
        "metrics": {
            "tea": {"title": "Tea", "formula": "60 * staff_hours / entries", "unit": "min", "better": "less"}
        },
    }
)
NAMES: Final = frozenset(
    {
        "Markt",
        "Hafen",
        "Ring",
        "shop",
        "other",
        "silent",
        "door",
        "shelf",
        "front",
        "long",
        "queue",
        "till",
        "tea",
        "Tea",
        "EUR",
    }
    | {"sign", "lift", "entry", "exit", "hanna", "vera", "sheet", "Footlight", "Europe", "Berlin"}
)
"""What the page shows in every language: the names that people gave."""

STATES: Final = {
    "a day": "/site/shop",
    "a day without data": "/site/silent",
    "a week": "/site/shop/week",
    "a month of displays": "/site/shop/month?role=display",
    "a comparison of shops": "/site/shop/compare?against=site:other",
    "a week without data": "/site/silent/week",
    "a position": "/site/shop/position",
    "no position": "/site/other/position",
    "the shops": "/",
    "a count check": "/site/shop/count-check",
    "no count check": "/site/silent/count-check",
    "the settings": "/site/shop/settings",
    "the display": "/site/shop/offers",
    "the sign": "/site/shop/sign",
    "the impact assessment": "/site/shop/dpia",
    "the account": "/account",
    "the users": "/users",
    "the log": "/audit",
    "an error": "/site/nowhere",
}
"""Each page in each of its states, for a user of HQ, by what is shown."""


@dataclass(frozen=True, slots=True)
class EveryPage:
    address: str
    accounts: Accounts

    def open(self, context: BrowserContext, path: str) -> Page:
        """Open a page and wait until its scripts have drawn it."""
        page = context.new_page()
        page.goto(self.address + path)
        if page.locator("#live").count():
            expect(page.locator("#live .dot.good")).to_be_visible()
        if page.locator("#editor").count() and "other" not in path:
            expect(page.locator("#editor")).to_be_visible()
        expect(page.locator("#loading")).to_be_hidden()
        return page

    @contextmanager
    def visitor(self, chromium: Browser, language: str, **options: object) -> Iterator[BrowserContext]:
        """A browser in which somebody of HQ is logged in, who reads in ``language``."""
        self.accounts.users.set_language("hanna", language)
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        try:
            context.set_default_timeout(20_000)
            page = context.new_page()
            page.goto(f"{self.address}/login")
            page.locator("[name=name]").fill("hanna")
            page.locator("[name=password]").fill(PASSWORD)
            page.locator("main button").click()
            expect(page.locator("nav.account")).to_contain_text("hanna")
            page.close()
            yield context
        finally:
            context.close()


class Nowhere:
    """A broker that keeps what is sent and has no device."""

    def send(self, topic: str, payload: bytes) -> None:
        """Take it."""


@contextmanager
def every_page(folder: Path) -> Iterator[EveryPage]:
    clock = ManualClock(MORNING + timedelta(hours=3, seconds=10))
    chain = folder / "chain.yaml"
    chain.write_text(yaml.safe_dump(CHAIN.model_dump(mode="json", by_alias=True)))
    positions = Positions(clock)
    with (
        closing(EmbeddedStore(folder / "store.sqlite", retention_days=400, clock=clock)) as store,
        closing(opened_accounts(folder, clock)) as accounts,
        closing(ChangeFile(folder / "changes.sqlite")) as file,
        closing(TillFile(folder / "till.sqlite")) as till,
        closing(CheckFile(folder / "checks.sqlite")) as checked,
        chain_changes(chain, folder / "chain.sqlite", clock) as edits,
    ):
        till.take([*sales("shop"), *sales("other")], clock.now())
        store.write([*weeks("shop"), *weeks("other"), *a_morning(), health(), status(online=True)])
        store.write([alert(active=True), notice(at=clock.now() - timedelta(minutes=2))])
        store.record_dead_letter(DeadLetter(clock.now(), "shop", "door", "t", "no seq", b"{}"))
        add_person(accounts, "hanna", "hq", ())
        add_person(accounts, "vera")
        accounts.tokens.add("sheet", "viewer", ["shop"], timedelta(days=30), "hanna")
        seen = placement(at=clock.now())
        positions.take(topic(seen), encode(seen))
        changes = Changes(file, Nowhere(), clock)
        corners: list[JsonValue] = [[0.1, 0.5], [0.4, 0.5], [0.4, 0.9], [0.1, 0.9]]
        changes.change(
            "shop", "door", {"zones": [{"name": "till", "polygon": corners}]}, who="hanna", seen=None
        )
        holiday = {**section_of(CHAIN.sites["shop"]), "special_days": {MORNING.date().isoformat(): "closed"}}
        edits.change("shop", holiday, who="hanna", seen=edits.site("shop")[1], assumed=dict)
        a_check(checked)
        with _Server(
            store,
            clock,
            positions,
            access=AccountAccess(accounts),
            shops=TillShops(OneBoxShops(store, ZoneInfo("Europe/Berlin"), CHAIN), till),
            till=till,
            changes=changes,
            chain_changes=edits,
            checks=CountChecks(checked, store, clock),
            kept_days={"raw": 400},
        ) as address:
            yield EveryPage(address, accounts)


def sales(site: str) -> list[tuple[str, Takings]]:
    """What the till of a site sold in each hour of eight weeks and the morning; on Sundays it tells no items."""
    found = []
    for number in range((MORNING.date() - MONDAY).days + 1):
        begin = datetime.combine(MONDAY + timedelta(days=number), time(8), UTC)
        for hour in range(10 if begin.date() < MORNING.date() else 3):
            start = begin + timedelta(hours=hour)
            money = Decimal(20 + (7 * number + hour) % 11)
            items = None if number % 7 == 6 else 3
            row = Takings(
                start, start + timedelta(hours=1), (number + hour) % 3, money, items, Decimal("1.5")
            )
            found.append((site, row))
    return found


def a_check(file: CheckFile) -> None:
    """Checks of the door of the morning: one that holds, one in other light that is void, one too short."""
    basis = Basis("0.1.0", "1", "0123456789ab", moved=False)
    file.observe("shop", "door", replace(basis, config="f" * 12), MORNING - timedelta(days=60))
    file.observe("shop", "door", basis, MORNING - timedelta(days=20))
    entries, exits = Sums(5, 4, 5, 1), Sums(4, 4, 4, 0)
    door = Door("door", "front", "front")
    file.see("shop", [door])
    for number, (days, minutes) in enumerate(((30, 15), (2, 15), (1, 5))):
        started = MORNING - timedelta(days=days)
        check = CountCheck(f"{number:032x}", "shop", door, "daylight", "hanna", started)
        file.start(check)
        file.end(check.id, started + timedelta(minutes=minutes))
        starts = [started + timedelta(minutes=minute) for minute in range(minutes)]
        file.keep(check.id, [Part(start, 60.0, entries, exits) for start in starts])


def weeks(site: str) -> list[WindowMessage]:
    """Eight weeks up to the day before the morning: hours of an entrance and a display, each evening a cohort."""
    found = []
    for number in range((MORNING.date() - MONDAY).days):
        day = MONDAY + timedelta(days=number)
        if day.weekday() == 6:
            continue
        begin = datetime.combine(day, time(8), UTC)
        for hour in range(10):
            start, visits = begin + timedelta(hours=hour), 200 + 7 * (number % 9) + hour
            of_day = cohort().model_copy(update={"since": begin}) if hour == 9 else None
            common: dict[str, Any] = {
                "site": site,
                "start": start,
                "duration_s": 3600,
                "seq": hour,
                "visits": visits,
            }
            found.append(window(0, cohort=of_day, **common))
            seen = Totals(visits=visits, viewers=visits // 3)
            found.append(window(0, device="shelf", totals=seen, cohort=of_day, **common))
    return found
