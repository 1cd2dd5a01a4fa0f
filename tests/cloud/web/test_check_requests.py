"""What the page of the count check sends: once, by who may, and written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import cloud.web
from cloud.accounts.accounts import Accounts
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.web.logins import Browser, add_person, logged_in, page_with
from tests.support.clock import ManualClock
from tests.support.door import DOOR, door_windows
from tests.support.messages import MORNING, health
from tests.support.paths import ROOT

WEB = Path(cloud.web.__path__[0])
PAGE, API = "/site/shop/count-check", "/api/shop/count-checks"
ID = "0123456789abcdef" * 2
START: dict[str, Any] = {"id": ID, "door": "door/front/street", "light": "lamps"}
TAPS: list[Any] = [
    [number, 20_000 * number + 5000, "entry" if number % 4 else "exit"] for number in range(40)
]


@dataclass
class Shop:
    file: CheckFile
    store: EmbeddedStore
    clock: ManualClock
    accounts: Accounts
    app: Any
    browser: Browser

    def post(self, path: str, body: Any, browser: Browser | None = None) -> httpx.Response:
        sender = browser or self.browser
        headers = {"x-csrf-token": sender.token("/account"), "content-type": "application/json"}
        return sender.post(path, content=json.dumps(body), headers=headers)

    def make(self) -> None:
        """A whole check of 14 minutes, in which a fifth of those who came in was missed."""
        assert self.post(API, START).status_code == 200
        self.clock.advance(14 * 60 + 20)
        assert self.post(f"{API}/{ID}", {"taps": TAPS, "ended_ms": 14 * 60_000}).json() == {"kept": 40}
        ways = ("entry", "exit")
        seconds = {way: [ms / 1000 + 4 for _, ms, what in TAPS if what == way] for way in ways}
        seen = [at for place, at in enumerate(seconds["entry"]) if place % 5]
        self.store.write(door_windows(seen, MORNING, 16, exits=seconds["exit"]))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING)


@pytest.fixture
def shop(tmp_path: Path, accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Iterator[Shop]:
    store.write([*door_windows([], MORNING - timedelta(minutes=5), 5), health(at=MORNING)])
    for name, role in (("mara", "manager"), ("max", "manager"), ("ines", "installer"), ("vera", "viewer")):
        add_person(accounts, name, role)  # type: ignore[arg-type]
    with closing(CheckFile(tmp_path / "checks.sqlite")) as file:
        app = page_with(accounts, store, clock, checks=CountChecks(file, store, clock))
        browser = logged_in(app, "mara")
        browser.get(PAGE)  # the page looks at the doors
        yield Shop(file, store, clock, accounts, app, browser)


def test_a_check_shows_recall_with_its_interval_and_corrects_the_entries_of_the_day(shop: Shop) -> None:
    shop.make()
    page = shop.browser.get(PAGE).text
    assert "Holds." in page
    assert "80%" in page.replace("\N{NO-BREAK SPACE}", "")
    assert "lamps, or dark outside" in page
    today = shop.browser.get("/api/shop/today").json()
    assert today["doors"]["entries"] == 24  # what was counted stays
    right = today["corrected_entries"]
    assert right["value"] == pytest.approx(30)
    assert right["low"] < 30 < right["high"]


def test_a_request_that_is_sent_again_changes_nothing(shop: Shop) -> None:
    assert shop.post(API, START).json() == {"elapsed_ms": 0}
    shop.clock.advance(60)
    assert shop.post(API, START).json() == {"elapsed_ms": 60_000}
    first = {"taps": TAPS[:3], "ended_ms": None}
    assert [shop.post(f"{API}/{ID}", first).json() for _ in range(2)] == [{"kept": 3}] * 2
    shop.clock.advance(14 * 60)
    last = {"taps": TAPS[2:], "ended_ms": 14 * 60_000}
    assert [shop.post(f"{API}/{ID}", last).json() for _ in range(2)] == [{"kept": 40}] * 2
    assert len(shop.file.taps(ID)) == 40


def test_the_log_says_who_made_and_who_deleted_a_check(shop: Shop) -> None:
    shop.make()
    other = logged_in(shop.app, "ines")
    assert "mara" in other.get(PAGE).text
    answer = other.submit(f"{PAGE}/delete", PAGE, check=ID)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    told = [(one.who, one.act, one.about) for one in shop.accounts.audit.newest(10) if "count" in one.act]
    about = "street of door/front in shop, 2026-03-02 08:00 UTC"
    assert told == [("ines", "count_check_deleted", about), ("mara", "count_check_made", about)]
    assert shop.file.of("shop") == []
    assert "deleted a count check" in other.get("/audit").text


def test_only_who_made_a_check_adds_to_it_and_a_viewer_makes_none(shop: Shop) -> None:
    assert shop.post(API, START).status_code == 200
    other = logged_in(shop.app, "max")
    for path, body in ((API, START), (f"{API}/{ID}", {"taps": [], "ended_ms": None})):
        assert (shop.post(path, body, other).status_code) == 409
    assert logged_in(shop.app, "vera").get(PAGE).status_code == 403
    assert "count-check" not in logged_in(shop.app, "vera").get("/site/shop").text
    assert "count-check" in shop.browser.get("/site/shop").text


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (API, {**START, "id": "x"}, 400),
        (API, {**START, "light": "night"}, 400),
        (API, {**START, "door": "door/front/yard"}, 409),
        (API, [], 400),
        (f"{API}/{'f' * 32}", {"taps": [], "ended_ms": None}, 404),
        (f"{API}/..", {"taps": [], "ended_ms": None}, 404),
        (f"{API}/{ID}", {"taps": [[0, -1, "entry"]], "ended_ms": None}, 400),
        (f"{API}/{ID}", {"taps": [[0, 1, "jump"]], "ended_ms": None}, 400),
        (f"{API}/{ID}", {"taps": [[10**9, 1, "entry"]], "ended_ms": None}, 400),
        (f"{API}/{ID}", {"taps": [[0, 60_000, "entry"]], "ended_ms": None}, 409),
        (f"{API}/{ID}", {"taps": [], "ended_ms": 60_000}, 409),
        (f"{API}/{ID}", {"taps": []}, 400),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(shop: Shop, path: str, body: Any, code: int) -> None:
    assert shop.post(API, START).status_code == 200
    answer = shop.post(path, body)
    assert answer.status_code == code
    assert answer.json()["error"].endswith(".")
    assert shop.file.taps(ID) == []


def test_a_check_of_another_shop_is_none(shop: Shop) -> None:
    shop.store.write(door_windows([], MORNING - timedelta(minutes=5), 5))
    add_person(shop.accounts, "olga", "manager", ("other",))
    shop.store.write([one.model_copy(update={"site": "other"}) for one in door_windows([], MORNING, 2)])
    assert shop.post(API, START).status_code == 200
    other = logged_in(shop.app, "olga")
    assert (
        shop.post(f"/api/other/count-checks/{ID}", {"taps": [], "ended_ms": None}, other).status_code == 404
    )
    assert other.submit("/site/other/count-check/delete", "/account", check=ID).status_code == 404
    assert shop.file.find(ID) is not None


def test_a_shop_without_a_door_says_what_to_do(shop: Shop) -> None:
    shop.file.see("shop", [])
    empty = [one.model_copy(update={"site": "bare", "totals": one.totals.model_copy(update={"doors": {}})})
             for one in door_windows([], MORNING, 2)]  # fmt: skip
    shop.store.write(empty)
    add_person(shop.accounts, "bea", "manager", ("bare",))
    assert "draw one on the page" in logged_in(shop.app, "bea").get("/site/bare/count-check").text
    assert DOOR.name not in logged_in(shop.app, "bea").get("/site/bare/count-check").text


def test_the_guide_names_what_the_page_says() -> None:
    steps = (ROOT / "docs" / "count-check.md").read_text().partition("## Do it")[2].partition("## Read it")[0]
    named = re.findall(r"\*{1,2}([^*\n]+)\*{1,2}", steps)
    assert {"Start", "Finish", "Undo the last tap"} <= set(named)
    sources = [WEB / "templates" / "check.html", WEB / "templates" / "site.html", WEB / "static" / "check.js"]
    page = "".join(source.read_text() for source in sources)
    assert [name for name in named if f'"{name}' not in page] == []
