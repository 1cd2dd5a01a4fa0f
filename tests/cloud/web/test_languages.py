"""Which language a reader gets, and how it says things."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, date, datetime

import pytest
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.domain.messages import Percent, gettext, ngettext
from cloud.domain.notices import said
from cloud.stores.embedded import EmbeddedStore
from cloud.web.languages import TITLES, language
from common.errors import UserError
from tests.cloud.web.logins import Browser, add_person, logged_in, page_with
from tests.support.clock import ManualClock
from tests.support.messages import notice, window

DAY = date(2026, 11, 23)


@pytest.fixture
def accounts(accounts: Accounts) -> Accounts:
    add_person(accounts, "anna")
    return accounts


@pytest.fixture
def app(accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Starlette:
    store.write([window(0)])
    return page_with(accounts, store, clock)


def spoken(page: str) -> str:
    return str(re.findall(r'<html lang="([\w-]+)">', page)[0])


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "en-GB"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("FR-ca", "fr"),
        ("it, es;q=0.5, fr;q=0.7", "fr"),
        ("de;q=0, es;q=0.1", "es"),
        ("it,pl", "en-GB"),
        ("*", "en-GB"),
        ("de;q=much, ;;, =,", "en-GB"),
        ("x" * 5_000, "en-GB"),
    ],
)
def test_a_browser_asks_for_its_languages(app: Starlette, header: str, tag: str) -> None:
    assert spoken(Browser(app).get("/login", headers={"accept-language": header}).text) == tag


def test_a_choice_is_remembered_by_the_browser(app: Starlette) -> None:
    browser = Browser(app)
    french = {"accept-language": "fr"}
    assert spoken(browser.get("/login?lang=de", headers=french).text) == "de"
    assert spoken(browser.get("/login", headers=french).text) == "de"
    assert spoken(browser.get("/login?lang=es", headers=french).text) == "es"
    answer = browser.get("/login?lang=klingon", headers=french)
    assert (spoken(answer.text), "footlight-language" in answer.headers.get("set-cookie", "")) == (
        "es",
        False,
    )


def test_a_link_to_another_language_keeps_what_was_asked(app: Starlette) -> None:
    page = Browser(app).get("/login?next=%2Fsite%2Fshop").text
    assert 'href="?next=%2Fsite%2Fshop&amp;lang=de" lang="de" hreflang="de"' in page


def test_the_choice_of_a_user_comes_first_and_follows_to_every_browser(app: Starlette) -> None:
    here = logged_in(app, "anna")
    assert here.submit("/account/language", "/account", language="es").status_code == 303
    assert spoken(here.get("/account?lang=de").text) == "es"
    assert spoken(logged_in(app, "anna").get("/account", headers={"accept-language": "fr"}).text) == "es"
    assert here.submit("/account/language", "/account", language="").status_code == 303
    assert (
        spoken(here.get("/account", headers={"accept-language": "fr"}).text) == "de"
    )  # as the browser chose
    assert here.submit("/account/language", "/account", language="xx").status_code == 400


def test_errors_are_said_in_the_language_of_the_reader(app: Starlette) -> None:
    german = {"accept-language": "de"}
    browser = Browser(app)
    refused = browser.post(
        "/login", headers=german, data={"csrf": browser.token(), "name": "anna", "password": "x"}
    )
    assert "Name und Passwort passen nicht zusammen." in refused.text
    assert "Diese Seite gibt es nicht." in browser.get("/nowhere", headers=german).text
    assert browser.get("/api/shop/today", headers=german).json() == {"error": "Melden Sie sich zuerst an."}
    assert browser.get("/api/shop/today").json() == {"error": "Log in first."}


@pytest.mark.parametrize("code", TITLES)
def test_the_messages_of_the_scripts_are_kept_by_a_browser_until_they_change(
    app: Starlette, code: str
) -> None:
    name = language(code).script_name
    answer = Browser(app).get(f"/words/{name}")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")
    words = json.loads(re.findall(r"const WORDS = (.*);\n", answer.text)[0])
    assert ("no data" in words) == (code != "en")
    assert "Log in" not in words  # no script says it
    assert Browser(app).get(f"/words/{code}-0123456789abcdef.js").status_code == 404
    assert Browser(app).get("/words/../languages.py").status_code == 404


def test_a_message_is_an_english_text_until_somebody_reads_it() -> None:
    made = gettext("%(site)s is not the name of a shop.", site="<x>")
    assert made == "<x> is not the name of a shop."
    assert f"{UserError(made)}" == made
    assert language("de").says(made) == "<x> ist kein Name eines Ladens."
    assert language("de").says(copy.deepcopy(made)) == language("de").says(made)
    assert language("de").says("free text") == "free text"


@pytest.mark.parametrize(
    ("code", "count", "text"),
    [
        ("en", 1, "only 1 pair of days can be compared (too few days)"),
        ("en", 1234, "only 1,234 pairs of days can be compared (too few days)"),
        ("de", 1, "nur 1 Paar von Tagen ist vergleichbar (zu wenige Tage)"),
        ("de", 1234, "nur 1.234 Paare von Tagen sind vergleichbar (zu wenige Tage)"),
        ("fr", 0, "seule 0 paire de jours est comparable (trop peu de jours)"),
        ("es", 0, "solo 0 pares de días se pueden comparar (muy pocos días)"),
    ],
)
def test_a_number_decides_the_form_and_values_are_said_too(code: str, count: int, text: str) -> None:
    made = ngettext(
        "only %(count)s pair of days can be compared (%(why)s)",
        "only %(count)s pairs of days can be compared (%(why)s)",
        count,
        why=gettext("too few days"),
    )
    assert language(code).says(made) == text


@pytest.mark.parametrize(
    ("code", "number", "percent", "day", "weekday", "moment"),
    [
        ("en", "12,345.7", "42%", "23 Nov 2026", "Mon", "23 Nov 2026, 14:05:09"),
        ("de", "12.345,7", "42\N{NO-BREAK SPACE}%", "23. Nov. 2026", "Mo", "23.11.2026, 14:05:09"),
        ("es", "12.345,7", "42\N{NO-BREAK SPACE}%", "23 nov 2026", "lun", "23 nov 2026, 14:05:09"),
        ("fr", "12\N{NARROW NO-BREAK SPACE}345,7", "42\N{NO-BREAK SPACE}%", "23 nov. 2026", "lun.",
         "23 nov. 2026, 14:05:09"),
    ],
)  # fmt: skip
def test_numbers_and_dates_follow_the_language(
    code: str, number: str, percent: str, day: str, weekday: str, moment: str
) -> None:
    says = language(code)
    assert (says.number(12345.67, 1), says.day(DAY), says.weekdays[0]) == (number, day, weekday)
    assert says.percent(0.42) == says.says(Percent(0.42)) == percent
    assert says.moment(datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)) == moment


def test_a_notice_is_told_in_every_language() -> None:
    told = said(notice())
    assert told == "long-queue: more than 4 people wait (6)"
    assert language("de").says(told) == "long-queue: mehr als 4 Personen warten (6)"
    french = "long-queue\N{NO-BREAK SPACE}: plus de 4 personnes attendent"
    assert language("fr").says(said(notice(count=None))) == french
