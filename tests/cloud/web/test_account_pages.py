"""The pages of the own account and of the users: what a form does, and what it cannot do."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.stores.embedded import EmbeddedStore
from tests.cloud.web.logins import PASSWORD, Browser, add_person, logged_in, page_with
from tests.support.asgi import AsgiClient
from tests.support.clock import ManualClock
from tests.support.messages import window

NEW = "another walnut for the tram"


@pytest.fixture
def accounts(accounts: Accounts) -> Accounts:
    add_person(accounts, "anna")
    add_person(accounts, "ivo", "installer")
    add_person(accounts, "hanna", "hq", ())
    return accounts


@pytest.fixture
def app(accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Starlette:
    store.write([window(0), window(0, site="other")])
    return page_with(accounts, store, clock)


def shown_secret(text: str) -> str:
    return str(re.findall(r"<pre>([^<]+)</pre>", text)[0])


def change_password(browser: Browser, current: str, new: str, again: str | None = None) -> int:
    fields = {"current": current, "new": new, "again": new if again is None else again}
    return browser.submit("/account/password", "/account", **fields).status_code


def test_a_user_changes_the_password_and_stays_logged_in_here_alone(app: Starlette) -> None:
    here, there = logged_in(app, "anna"), logged_in(app, "anna")
    assert change_password(here, PASSWORD, NEW) == 303
    assert here.get("/api/shop/today").status_code == 200
    assert there.get("/api/shop/today").status_code == 401
    assert Browser(app).log_in("anna").status_code == 403
    assert Browser(app).log_in("anna", NEW).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "again", "says"),
    [
        ("wrong", NEW, NEW, "current password is wrong"),
        (PASSWORD, NEW, "different", "two new passwords differ"),
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "annaannaanna", "annaannaanna", "easy to guess"),
        (PASSWORD, "x" * 129, "x" * 129, "at most 128"),
        ("", "", "", "current password is wrong"),
    ],
)
def test_a_change_that_is_not_right_changes_nothing(
    app: Starlette, current: str, new: str, again: str, says: str
) -> None:
    browser = logged_in(app, "anna")
    fields = {"current": current, "new": new, "again": again}
    answer = browser.submit("/account/password", "/account", **fields)
    assert (answer.status_code, says in answer.text) == (400, True)
    assert browser.get("/api/shop/today").status_code == 200


def test_a_new_user_must_choose_a_password_before_anything_else(app: Starlette, accounts: Accounts) -> None:
    first = accounts.add_user("new", "viewer", ["shop"])
    browser = Browser(app)
    browser.log_in("new", first)
    assert browser.get("/").headers["location"] == "/account"
    assert "Choose your own" in browser.get("/account").text
    assert change_password(browser, first, first) == 400
    assert change_password(browser, first, NEW) == 303
    assert browser.get("/site/shop").status_code == 200


def test_password_fields_hide_what_is_typed_and_let_a_manager_fill_them(app: Starlette) -> None:
    browser = logged_in(app, "anna")
    pages = browser.get("/account").text + Browser(app).get("/login").text
    fields = re.findall(r"<input[^>]*name=\"(?:current|new|again|password)\"[^>]*>", pages)
    assert len(fields) == 4
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
    assert "onpaste" not in pages


def test_a_user_sees_where_the_sessions_are_and_ends_one(app: Starlette) -> None:
    here, there = logged_in(app, "anna"), logged_in(app, "anna")
    listed = here.get("/account").text
    assert listed.count("this browser") == 1
    assert here.cookies["footlight"] not in listed
    name = re.findall(r'name="id" value="(\w+)"', listed)[0]
    assert here.submit("/account/sessions/end", "/account", id=name).status_code == 303
    assert here.get("/api/shop/today").status_code == 200
    assert there.get("/api/shop/today").status_code == 401
    assert here.submit("/account/sessions/end", "/account", id=name).status_code == 400


def test_nobody_ends_the_session_of_another(app: Starlette) -> None:
    anna, ivo, extra = logged_in(app, "anna"), logged_in(app, "ivo"), logged_in(app, "anna")
    name = re.findall(r'name="id" value="(\w+)"', anna.get("/account").text)[0]
    assert ivo.submit("/account/sessions/end", "/account", id=name).status_code == 400
    assert extra.get("/api/shop/today").status_code == 200


def test_a_token_is_shown_once_and_opens_the_api(app: Starlette) -> None:
    browser = logged_in(app, "anna")
    fields = {"name": "sheet", "role": "viewer", "sites": "", "days": "30"}
    secret = shown_secret(browser.submit("/account/tokens", "/account", **fields).text)
    assert secret not in browser.get("/account").text
    program, headers = AsgiClient(app), {"authorization": f"Bearer {secret}"}
    assert program.get("/api/shop/today", headers=headers).status_code == 200
    assert program.get("/api/other/today", headers=headers).status_code == 404
    assert browser.submit("/account/tokens/revoke", "/account", name="sheet").status_code == 303
    assert program.get("/api/shop/today", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("role", "hq", "more rights than you have"),
        ("role", "root", "no role"),
        ("sites", "other", "more rights than you have"),
        ("sites", "*", "more rights than you have"),
        ("days", "0", "at most 366 days"),
        ("days", "soon", "at most 366 days"),
        ("days", "9" * 30, ""),
        ("name", "", "cannot be the name"),
    ],
)
def test_a_token_gets_no_more_than_its_maker_has(
    app: Starlette, accounts: Accounts, field: str, value: str, says: str
) -> None:
    fields = {"name": "sheet", "role": "viewer", "sites": "shop", "days": "30", field: value}
    answer = logged_in(app, "anna").submit("/account/tokens", "/account", **fields)
    assert (answer.status_code, says in answer.text) == (400, True)
    assert accounts.tokens.all() == []


def test_nobody_revokes_the_token_of_another_on_the_own_page(app: Starlette, accounts: Accounts) -> None:
    fields = {"name": "sheet", "role": "viewer", "sites": "", "days": "30"}
    logged_in(app, "anna").submit("/account/tokens", "/account", **fields)
    assert logged_in(app, "ivo").submit("/account/tokens/revoke", "/account", name="sheet").status_code == 400
    assert [token.name for token in accounts.tokens.all()] == ["sheet"]


def test_an_installer_adds_a_user_who_logs_in(app: Starlette) -> None:
    browser = logged_in(app, "ivo")
    answer = browser.submit("/users", "/users", name="Mia", role="manager", sites="shop")
    first = shown_secret(answer.text)
    assert first not in browser.get("/users").text
    assert Browser(app).log_in("mia", first).headers["location"] == "/"


@pytest.mark.parametrize(
    ("role", "sites"), [("hq", ""), ("viewer", "*"), ("viewer", "shop other"), ("manager", "other")]
)
def test_an_installer_of_one_shop_gives_no_more_than_that(app: Starlette, role: str, sites: str) -> None:
    browser = logged_in(app, "ivo")
    assert browser.submit("/users", "/users", name="mia", role=role, sites=sites).status_code == 403
    fields = {"name": "anna", "role": role, "sites": sites}
    assert browser.submit("/users/change", "/users", **fields).status_code == 403


@pytest.mark.parametrize("act", ["change", "password", "disable", "enable", "remove"])
def test_nobody_manages_a_user_with_more_rights_or_in_another_shop(
    app: Starlette, accounts: Accounts, act: str
) -> None:
    add_person(accounts, "otto", "viewer", ("other",))
    browser = logged_in(app, "ivo")
    assert "hanna" not in browser.get("/users").text
    assert "otto" not in browser.get("/users").text
    before = accounts.users.all()
    for name in ("hanna", "otto", "nobody"):
        fields = {"name": name, "role": "viewer", "sites": "shop"}
        assert browser.submit(f"/users/{act}", "/users", **fields).status_code == 404
    assert (
        browser.submit(f"/users/{act}", "/users", name="ivo", role="viewer", sites="shop").status_code == 400
    )
    assert accounts.users.all() == before
    assert Browser(app).log_in("hanna").status_code == 303


def test_a_user_is_changed_disabled_enabled_and_removed(app: Starlette, accounts: Accounts) -> None:
    browser, anna = logged_in(app, "hanna"), logged_in(app, "anna")
    browser.submit("/users/change", "/users", name="anna", role="manager", sites="other")
    assert anna.get("/api/other/today").status_code == 200
    browser.submit("/users/disable", "/users", name="anna")
    assert anna.get("/api/other/today").status_code == 401
    assert Browser(app).log_in("anna").status_code == 403
    browser.submit("/users/enable", "/users", name="anna")
    assert Browser(app).log_in("anna").status_code == 303
    first = shown_secret(browser.submit("/users/password", "/users", name="anna").text)
    assert Browser(app).log_in("anna", first).status_code == 303
    browser.submit("/users/remove", "/users", name="anna")
    assert accounts.users.find("anna") is None


def test_what_was_done_to_users_is_in_the_log_with_who_did_it(app: Starlette) -> None:
    browser = logged_in(app, "hanna")
    browser.submit("/users", "/users", name="mia", role="viewer", sites="shop")
    browser.submit("/users/disable", "/users", name="mia")
    log = browser.get("/audit").text
    assert re.search(r"disabled a user</b> <span lang=\"en\">mia</span>\s*<p[^>]*>hanna · 192\.0\.2\.1", log)
    assert re.search(r"added a user</b> <span lang=\"en\">mia: viewer", log)


def test_an_installer_of_one_shop_reads_only_the_log_of_its_users(app: Starlette) -> None:
    logged_in(app, "hanna")
    logged_in(app, "anna")
    log = logged_in(app, "ivo").get("/audit").text
    assert "anna" in log
    assert "hanna" not in log
