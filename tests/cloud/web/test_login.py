"""Login and logout: the cookie, what it opens and when it stops, and that no other web site can use it."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.stores.embedded import EmbeddedStore
from cloud.web.account_access import AccountAccess
from cloud.web.login_page import safe_next
from tests.cloud.web.logins import HERE, PASSWORD, Browser, add_person, logged_in, page_with
from tests.support.clock import ManualClock
from tests.support.messages import window

TLS = "https://shop.example.com"


@pytest.fixture
def accounts(accounts: Accounts) -> Accounts:
    add_person(accounts, "anna")
    return accounts


@pytest.fixture
def app(accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Starlette:
    store.write([window(0)])
    return page_with(accounts, store, clock, names=["shop.example.com"])


def test_a_login_leads_to_the_page_that_was_asked_for(app: Starlette) -> None:
    browser = Browser(app)
    sent_away = browser.get("/site/shop?day=2026-03-01")
    assert sent_away.headers["location"] == "/login?next=%2Fsite%2Fshop%3Fday%3D2026-03-01"
    form = browser.get(sent_away.headers["location"]).text
    there = re.findall(r'name="next" value="([^"]*)"', form)[0]
    answer = browser.log_in("anna", next=there)
    assert (answer.status_code, answer.headers["location"]) == (303, "/site/shop?day=2026-03-01")
    assert browser.get("/site/shop").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "evil",
        "",
        "/a\nb",
        "javascript:alert(1)",
        "\\\\x",
    ],
)
def test_a_login_never_leads_to_another_web_site(app: Starlette, path: str) -> None:
    assert safe_next(path) == "/"
    assert Browser(app).log_in("anna", next=path).headers["location"] == "/"


def test_a_name_is_taken_as_people_type_it_and_a_password_exactly(app: Starlette) -> None:
    assert Browser(app).log_in(" Anna ").status_code == 303
    assert Browser(app).log_in("anna", f" {PASSWORD}").status_code == 403
    assert Browser(app).log_in("anna", PASSWORD.upper()).status_code == 403


def test_the_cookie_is_for_this_page_alone(app: Starlette) -> None:
    browser = Browser(app)
    set_by = browser.log_in("anna").headers["set-cookie"]
    assert set_by.startswith("footlight=")
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=604800"):
        assert part in set_by
    assert "domain" not in set_by.lower()


def test_over_tls_the_cookie_never_leaves_it(app: Starlette) -> None:
    browser = Browser(app, base_url=TLS)
    answer = browser.log_in("anna")
    assert answer.headers["set-cookie"].startswith("__Host-footlight=")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert browser.get("/site/shop").status_code == 200
    assert "strict-transport-security" not in Browser(app).get("/login").headers


def test_below_a_path_the_cookie_stays_below_it(
    accounts: Accounts, store: EmbeddedStore, clock: ManualClock
) -> None:
    store.write([window(0)])
    app = page_with(accounts, store, clock, path="/footlight", names=["shop.example.com"])
    browser = Browser(app, base_url=TLS)
    token = browser.token("/footlight/login")
    form = {"csrf": token, "name": "anna", "password": PASSWORD, "next": "/site/shop"}
    answer = browser.post("/footlight/login", data=form)
    assert answer.headers["location"] == "/footlight/site/shop"
    assert answer.headers["set-cookie"].startswith("__Secure-footlight=")
    assert "Path=/footlight;" in answer.headers["set-cookie"]
    assert "Secure" in answer.headers["set-cookie"]
    assert browser.get("/footlight/site/shop").status_code == 200
    assert Browser(app).get("/footlight/").headers["location"] == "/footlight/login"


def test_a_login_gets_a_new_secret_and_the_old_one_opens_nothing(app: Starlette) -> None:
    """Whoever put a cookie into the browser before the login (session fixation) has nothing of it."""
    browser = Browser(app)
    browser.get("/login")
    before = browser.cookies["footlight"]
    browser.log_in("anna")
    first = browser.cookies["footlight"]
    assert before != first
    browser.log_in("anna")
    assert browser.cookies["footlight"] not in (before, first)
    for old in (before, first):
        thief = Browser(app)
        thief.cookies.set("footlight", old)
        assert thief.get("/site/shop").status_code == 303


def test_after_the_logout_the_cookie_opens_nothing(app: Starlette) -> None:
    browser = logged_in(app, "anna")
    secret = browser.cookies["footlight"]
    answer = browser.submit("/logout", "/account")
    assert answer.headers["location"] == "/login"
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert "footlight" not in browser.cookies
    thief = Browser(app)
    thief.cookies.set("footlight", secret)
    assert thief.get("/api/shop/today").status_code == 401


def test_a_logout_everywhere_ends_all_sessions_of_this_user(app: Starlette, accounts: Accounts) -> None:
    add_person(accounts, "ben")
    here, there, other = logged_in(app, "anna"), logged_in(app, "anna"), logged_in(app, "ben")
    here.submit("/logout-everywhere", "/account")
    assert [each.get("/api/shop/today").status_code for each in (here, there, other)] == [401, 401, 200]


@pytest.mark.parametrize(("hours", "code"), [(11, 200), (13, 401)])
def test_a_session_that_is_not_used_ends(app: Starlette, clock: ManualClock, hours: int, code: int) -> None:
    browser = logged_in(app, "anna")
    clock.advance(hours * 3600)
    assert browser.get("/api/shop/today").status_code == code


def test_a_removed_user_is_out_at_once(app: Starlette, accounts: Accounts) -> None:
    browser = logged_in(app, "anna")
    accounts.users.remove("anna")
    assert browser.get("/api/shop/today").status_code == 401


def test_a_changed_role_counts_at_once(app: Starlette, accounts: Accounts) -> None:
    browser = logged_in(app, "anna")
    assert browser.get("/users").status_code == 403
    accounts.users.change("anna", "installer", ["shop"])
    assert browser.get("/users").status_code == 200


def test_guessing_is_slowed_down_and_the_page_says_for_how_long(app: Starlette, clock: ManualClock) -> None:
    attacker = Browser(app, client="198.51.100.7")
    answers = [attacker.log_in("anna", f"guess {number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 6
    assert "do not belong together" in answers[4].text
    assert "Too many failed logins. Try again in 1 min." in answers[5].text
    assert "Too many" in attacker.log_in("anna").text
    clock.advance(31)
    assert attacker.log_in("anna").status_code == 303


def test_the_password_never_comes_back_or_into_an_address_or_log(
    app: Starlette, accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    browser = Browser(app)
    answer = browser.log_in("anna", "wrong but long secret")
    assert "wrong but long secret" not in answer.text
    assert "wrong but long secret" not in caplog.text
    assert "wrong but long secret" not in str(accounts.audit.newest(99))
    assert 'method="post"' in browser.get("/login").text
    assert browser.get(f"/login?name=anna&password={PASSWORD}").status_code == 200
    assert browser.get("/site/shop").status_code == 303


def test_the_login_page_offers_no_other_way_in(app: Starlette) -> None:
    """No hint, no secret question, no reset by mail: one form, for name and password, in each language."""
    page = Browser(app).get("/login").text
    assert re.findall(r'<form[^>]*action="([^"]*)"', page) == ["/login"]
    assert re.findall(r'<input[^>]*name="(\w+)"', page) == ["csrf", "next", "name", "password"]
    links = re.findall(r'href="([^"]*)"', re.sub(r"<link[^>]*>", "", page))
    assert [link for link in links if not link.startswith(("#main", "?lang="))] == []


def test_a_name_is_shown_as_text_whatever_it_contains(app: Starlette) -> None:
    answer = Browser(app).log_in('"><script>alert(1)</script>', "x")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_a_form_that_another_web_site_sends_changes_nothing(app: Starlette) -> None:
    browser = logged_in(app, "anna")
    token = browser.token("/account")
    for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null", "http://["):
        forged = browser.post("/logout", data={"csrf": token}, headers={"origin": origin})
        assert (forged.status_code, f"was sent by {origin}" in forged.text) == (403, True)
    assert browser.post("/logout", data={}).status_code == 403
    assert browser.get("/site/shop").status_code == 200
    own = browser.post("/logout", data={"csrf": token}, headers={"origin": "http://127.0.0.1"})
    assert own.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "footlight="},
        {"cookie": 'footlight="\\"; footlight=\x80;;='},
        {"cookie": "footlight=" + "x" * 5_000},
        {"authorization": "Bearer"},
        {"authorization": "Basic eDp4"},
        {"authorization": "Bearer \xff\xfe"},
        {"host": "127.0.0.1:port"},
        {"host": "[::1"},
        {"x-forwarded-for": "a, , [", "x-forwarded-proto": "ftp"},
        {"user-agent": "\x80" * 1_000},
    ],
)
def test_an_odd_request_is_nobody(app: Starlette, headers: dict[str, str]) -> None:
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    for path in ("/api/shop/today", "/login", "/site/shop", "/account"):
        answer = Browser(app).get(path, headers=sent)
        assert answer.status_code < 500
        assert "visits" not in answer.text


def test_nothing_may_be_read_by_the_script_of_another_web_site(app: Starlette) -> None:
    browser = logged_in(app, "anna")
    answer = browser.get("/api/shop/today", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "form-action 'self'" in answer.headers["content-security-policy"]


def test_the_audit_log_says_who_logged_in_and_from_where(app: Starlette, accounts: Accounts) -> None:
    browser = logged_in(app, "anna")
    Browser(app, client="198.51.100.7").log_in("a password in the wrong field", "guess")
    browser.submit("/logout", "/account")
    lines = [(entry.who, entry.act, entry.address) for entry in accounts.audit.newest(3)]
    assert lines == [
        ("anna", "logout", HERE),
        ("unknown name", "login_failed", "198.51.100.7"),
        ("anna", "login", HERE),
    ]


PROXY, HEADER = "192.0.2.9", "remote-user"


@pytest.fixture
def behind_proxy(accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Starlette:
    store.write([window(0)])
    access = AccountAccess(accounts, proxy_header="Remote-User", proxy_addresses=[PROXY])
    return page_with(accounts, store, clock, access=access, proxies=[PROXY])


def test_a_named_proxy_may_say_who_it_is(behind_proxy: Starlette) -> None:
    proxy = Browser(behind_proxy, client=PROXY)
    forwarded = {HEADER: "Anna", "x-forwarded-for": "198.51.100.7"}
    assert proxy.get("/api/shop/today", headers=forwarded).status_code == 200
    assert proxy.get("/api/shop/today", headers={HEADER: "nobody"}).status_code == 401
    assert proxy.get("/api/shop/today").status_code == 401


def test_nobody_else_may_say_who_it_is(behind_proxy: Starlette, app: Starlette) -> None:
    for client in (HERE, "127.0.0.1", "198.51.100.7"):
        visitor = Browser(behind_proxy, client=client)
        for headers in ({HEADER: "anna"}, {HEADER: "anna", "x-forwarded-for": PROXY}):
            assert visitor.get("/api/shop/today", headers=headers).status_code == 401
    untold = Browser(app, client=PROXY)
    assert untold.get("/api/shop/today", headers={HEADER: "anna"}).status_code == 401


def test_a_header_that_comes_twice_is_nobody(behind_proxy: Starlette) -> None:
    twice = [(HEADER, "anna"), (HEADER, "ben")]
    assert Browser(behind_proxy, client=PROXY).get("/api/shop/today", headers=twice).status_code == 401


def test_a_disabled_user_stays_out_whatever_the_proxy_says(
    behind_proxy: Starlette, accounts: Accounts
) -> None:
    accounts.disable("anna")
    proxy = Browser(behind_proxy, client=PROXY)
    assert proxy.get("/api/shop/today", headers={HEADER: "anna"}).status_code == 401


def test_only_named_proxies_are_believed_about_the_visitor(
    behind_proxy: Starlette, accounts: Accounts
) -> None:
    forwarded = {"x-forwarded-for": "198.51.100.7"}
    for client in (PROXY, HERE):
        browser = Browser(behind_proxy, client=client)
        form = {"csrf": browser.token(), "name": "anna", "password": "guess"}
        browser.post("/login", data=form, headers=forwarded)
    assert [entry.address for entry in accounts.audit.newest(2)] == [HERE, "198.51.100.7"]
    encrypted = {"x-forwarded-proto": "https"}
    set_by = [
        Browser(behind_proxy, client=client).get("/login", headers=encrypted) for client in (PROXY, HERE)
    ]
    names = [answer.headers["set-cookie"].partition("=")[0] for answer in set_by]
    assert names == ["__Host-footlight", "footlight"]
