"""Under a period, a manager finds its figures as files; a viewer does not."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.web.logins import add_person, logged_in, page_with
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, window

WEEK = "/site/shop/week?of=2026-W10"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING + timedelta(days=8))


@pytest.fixture
def app(accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Starlette:
    store.write([window(minute) for minute in range(60)])
    add_person(accounts, "manager", "manager")
    add_person(accounts, "viewer", "viewer")
    return page_with(accounts, store, clock)


def links(page: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'href="(/api/v1/[^"]*)" download', page)]


def test_a_manager_takes_a_week_away_and_it_is_written_down(app: Starlette, accounts: Accounts) -> None:
    browser = logged_in(app, "manager")
    found = links(browser.get(WEEK).text)
    assert [link.partition("?")[0].rpartition("/")[2] for link in found] == [
        "days",
        "hours",
        "places",
        "report",
    ]
    files = [browser.get(link) for link in found]
    assert [answer.status_code for answer in files] == [200] * 4
    rows = list(csv.DictReader(StringIO(files[0].text, newline="")))
    assert [row["visits"] for row in rows] == ["180", *[""] * 6]
    assert "attachment" in files[3].headers["content-disposition"]
    acts = [(one.who, one.act) for one in accounts.audit.newest(4)]
    assert acts == [("manager", "exported")] * 4


def test_a_viewer_sees_no_link_and_gets_no_file(app: Starlette) -> None:
    viewer = logged_in(app, "viewer")
    page = viewer.get(WEEK)
    assert (page.status_code, links(page.text)) == (200, [])
    for link in links(logged_in(app, "manager").get(WEEK).text):
        assert viewer.get(link).status_code == 403
