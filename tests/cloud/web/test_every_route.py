"""Who reaches what: every route of the page and its API, without a login, with each role, and for another shop.

The routes are those of the application itself, so that a new one is walked without a change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from cloud.accounts.accounts import Accounts
from cloud.chain_file.changes import chain_changes
from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes
from cloud.domain.users import PERMISSIONS, USER_ROLES, UserRole
from cloud.stores.check_file import CheckFile
from cloud.stores.count_checks import CountChecks
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.till_file import TillFile
from cloud.web.access import SAFE_METHODS, GuardedRoute, Needs
from tests.cloud.web.logins import Browser, add_person, logged_in, page_with
from tests.support.asgi import AsgiClient
from tests.support.clock import ManualClock
from tests.support.messages import window

OPEN = {
    "/login",
    "/login/company",
    "/login/company/done",
    "/words/x",
    "/manifest.webmanifest",
    "/service-worker.js",
    "/offline",
}
"""What is for everybody. A new line here is a decision."""
ENDS_THE_SESSION = {"/logout", "/logout-everywhere"}


@pytest.fixture
def app(tmp_path: Path, accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Iterator[Starlette]:
    store.write([window(0), window(0, site="other")])
    for role in USER_ROLES:
        add_person(accounts, role, role)
    file = ChangeFile(tmp_path / "changes.sqlite")
    with chain_changes(tmp_path / "chain.yaml", tmp_path / "chain.sqlite", clock) as edits:
        changes = Changes(file, Nowhere(), clock)
        till = TillFile(tmp_path / "till.sqlite")
        checks = CountChecks(CheckFile(tmp_path / "checks.sqlite"), store, clock)
        shown = {"changes": changes, "chain_changes": edits, "checks": checks, "till": till}
        yield page_with(accounts, store, clock, kept_days={"raw": 400}, **shown)
        checks.file.close()
        till.close()
    file.close()


class Nowhere:
    """The way to devices that nothing may take in these tests."""

    def send(self, topic: str, payload: bytes) -> None:
        raise AssertionError(f"{topic} was sent")


def walked(app: Starlette) -> list[tuple[str, str, Needs]]:
    """Method, path and need of every route, with names of things filled in."""
    found: list[tuple[str, str, Needs]] = []
    for route in app.routes:
        if isinstance(route, GuardedRoute):
            path = re.sub(r"{(?!site)[^}]*}", "x", route.path)
            found += [(method, path, route.needs) for method in sorted((route.methods or set()) - {"HEAD"})]
    assert len(found) > 10
    return found


def ask(browser: AsgiClient, method: str, path: str, token: str = "") -> httpx.Response:
    headers = {} if method in SAFE_METHODS else {"x-csrf-token": token}
    return browser.request(method, path.replace("{site}", "shop"), headers=headers)


def is_api(path: str) -> bool:
    return path.startswith("/api/")


def test_without_a_login_nothing_is_reached_but_the_login(app: Starlette) -> None:
    browser = Browser(app)
    token = browser.token()
    for method, path, needs in walked(app):
        answer = ask(browser, method, path, token)
        if needs == "nothing":
            assert path in OPEN or answer.status_code == 401, path
        elif is_api(path) or method not in SAFE_METHODS:
            assert answer.status_code == 401, path
        else:
            assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login"), path
        assert "visits" not in answer.text, path


@pytest.mark.parametrize("role", USER_ROLES)
def test_a_role_reaches_its_routes_and_none_of_the_others(app: Starlette, role: UserRole) -> None:
    browser = logged_in(app, role)
    token = browser.token("/account")
    for method, path, needs in walked(app):
        if path in ENDS_THE_SESSION:
            continue
        answer = ask(browser, method, path, token)
        may = needs in ("nothing", "login") or needs in PERMISSIONS[role]
        refused = answer.status_code == 403 and "not for the role" in answer.text
        assert refused == (not may), (method, path, answer.status_code)
        assert answer.status_code < 500, (method, path)


@pytest.mark.parametrize("role", USER_ROLES)
def test_a_role_reaches_no_shop_but_its_own(app: Starlette, role: UserRole) -> None:
    browser = logged_in(app, role)
    token = browser.token("/account")
    for method, path, needs in walked(app):
        if "{site}" not in path:
            continue
        headers = {"x-csrf-token": token}
        answers = [
            browser.request(method, path.replace("{site}", site), headers=headers)
            for site in ("other", "nowhere")
        ]
        if role == "hq":
            assert answers[0].status_code not in (401, 403), path
        else:
            assert {answer.status_code for answer in answers} == {404}, (path, needs)
            assert answers[0].text.replace("other", "nowhere") == answers[1].text, path


def test_a_list_names_only_the_own_shops(app: Starlette, accounts: Accounts, store: EmbeddedStore) -> None:
    store.write([window(0, site="third")])
    add_person(accounts, "both", "viewer", ("shop", "third"))
    start = logged_in(app, "both").get("/").text
    assert "shop" in start
    assert "third" in start
    assert "other" not in start


def test_an_access_token_reaches_the_routes_of_its_role_in_the_api_alone(
    app: Starlette, accounts: Accounts
) -> None:
    for role in USER_ROLES:
        secret = accounts.tokens.add(role, role, ["shop"], timedelta(days=1))
        program = AsgiClient(app)
        for method, path, needs in walked(app):
            answer = program.request(
                method, path.replace("{site}", "shop"), headers={"authorization": f"Bearer {secret}"}
            )
            if needs == "nothing":
                continue
            if not is_api(path):
                assert answer.status_code in (303, 401), (method, path)
            elif needs in ("login", "accounts") or needs not in PERMISSIONS[role]:
                assert answer.status_code == 403, (method, path)
            else:
                assert answer.status_code not in (401, 403), (method, path)
        other = program.get("/api/other/today", headers={"authorization": f"Bearer {secret}"})
        assert other.status_code == (200 if role == "hq" else 404)


def test_a_wrong_access_token_is_nobody_even_with_a_session(app: Starlette) -> None:
    browser = logged_in(app, "viewer")
    assert browser.get("/api/shop/today").status_code == 200
    for wrong in ("flt_x", "", "é"):
        headers = {"authorization": f"Bearer {wrong}".encode()}
        assert browser.get("/api/shop/today", headers=headers).status_code == 401


def test_no_change_is_made_by_a_request_that_should_only_read(app: Starlette) -> None:
    """A link, a picture or a bookmark sends a GET: it changes nothing that has a permission beyond reading."""
    changing = {path for method, path, _ in walked(app) if method not in SAFE_METHODS}
    reading = {path for method, path, _ in walked(app) if method in SAFE_METHODS}
    browser = logged_in(app, "hq")
    for path in changing - reading:
        assert browser.get(path.replace("{site}", "shop")).status_code == 405, path


@pytest.mark.parametrize("role", USER_ROLES)
def test_no_change_is_made_without_the_token_of_the_browser(app: Starlette, role: UserRole) -> None:
    browser = logged_in(app, role)
    for method, path, needs in walked(app):
        if method in SAFE_METHODS or needs not in ("nothing", "login", *PERMISSIONS[role]):
            continue
        answer = browser.request(method, path.replace("{site}", "shop"))
        assert (answer.status_code, "too old" in answer.text) == (403, True), path


def test_nobody_goes_on_with_a_first_password(app: Starlette, accounts: Accounts) -> None:
    first = accounts.add_user("new", "hq", [])
    browser = Browser(app)
    assert browser.log_in("new", first).status_code == 303
    token = browser.token("/account")
    for method, path, needs in walked(app):
        if needs in ("nothing", "login"):
            continue
        answer = ask(browser, method, path, token)
        if is_api(path) or method not in SAFE_METHODS:
            assert answer.status_code == 403, path
        else:
            assert (answer.status_code, answer.headers["location"]) == (303, "/account"), path


def test_nothing_of_a_figure_stays_in_a_cache(app: Starlette) -> None:
    browser = logged_in(app, "hq")
    for method, path, needs in walked(app):
        if method == "GET" and needs != "nothing":
            assert ask(browser, method, path).headers["cache-control"].startswith(("no-store", "private")), (
                path
            )
