"""The pages of the accounts in a real browser, without JavaScript, through nginx as docs/accounts.md sets it up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud.accounts.accounts import Accounts
from cloud.stores.embedded import EmbeddedStore
from cloud.web.account_access import AccountAccess
from tests.cloud.onebox.test_serve_logins import certificate
from tests.cloud.web.browser import SCHEMES, _Server
from tests.cloud.web.logins import PASSWORD, add_person
from tests.support.brokers import free_port
from tests.support.clock import ManualClock
from tests.support.messages import window
from tests.support.nginx import nginx

pytestmark = pytest.mark.chromium

DOCS = Path(__file__).parents[3] / "docs" / "accounts.md"
NEW = "another walnut for the tram"


@contextmanager
def behind_nginx(folder: Path, store: EmbeddedStore, clock: ManualClock, accounts: Accounts) -> Iterator[str]:
    """Serve the page with the block of the documentation, on our ports and with our certificate."""
    block = re.findall(r"```nginx\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[0]
    files, port = certificate(folder), free_port()
    access = AccountAccess(accounts)
    with _Server(
        store, clock, access=access, names=["localhost"], path="/footlight", proxies=["127.0.0.1"]
    ) as upstream:
        for documented, ours in (
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("server_name shop.example.com", "server_name localhost"),
            ("/etc/ssl/shop.crt", str(files["cert"])),
            ("/etc/ssl/shop.key", str(files["key"])),
            ("http://127.0.0.1:8080", upstream),
        ):
            assert documented in block
            block = block.replace(documented, ours)
        with nginx(folder, port, block):
            yield f"https://localhost:{port}/footlight/"


@contextmanager
def visited(chromium: Browser, address: str, *, scheme: str = "light") -> Iterator[Page]:
    context = chromium.new_context(
        java_script_enabled=False,
        ignore_https_errors=True,
        viewport={"width": 360, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    try:
        page.goto(address)
        yield page
    finally:
        context.close()


def log_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def fits(page: Page, folder: Path, name: str) -> None:
    """Nothing reaches over the edge of a phone: a picture of the whole page is as wide as the phone."""
    shot = page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert int.from_bytes(shot[16:20], "big") == 360, name


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_installer_logs_in_adds_a_user_and_logs_out(
    chromium: Browser,
    store: EmbeddedStore,
    accounts: Accounts,
    clock: ManualClock,
    tmp_path: Path,
    scheme: str,
) -> None:
    store.write([window(0)])
    first = accounts.add_user("ivo", "installer", ["shop"])
    with (
        behind_nginx(tmp_path, store, clock, accounts) as address,
        visited(chromium, address, scheme=scheme) as page,
    ):
        fits(page, tmp_path, "login")
        log_in(page, "ivo", "wrong")
        expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        log_in(page, "ivo", first)
        expect(page.locator("h1")).to_have_text("Your account")
        fits(page, tmp_path, "first")
        page.get_by_label("Current password").fill(first)
        page.get_by_label("New password, at least").fill(NEW)
        page.get_by_label("New password again").fill(NEW)
        page.get_by_role("button", name="Change the password").click()
        expect(page.locator("#sessions")).to_contain_text("this browser")
        page.locator("#tokens").get_by_label("Name").fill("sheet")
        page.get_by_role("button", name="Make a token").click()
        expect(page.locator("#secret pre")).to_contain_text("flt_")
        fits(page, tmp_path, "account")

        page.get_by_role("link", name="Users").click()
        adding = page.locator("#add")
        adding.get_by_label("Name").fill("anna")
        adding.get_by_label("Role").select_option("manager")
        adding.get_by_label("Shops").fill("shop")
        adding.get_by_role("button", name="Add").click()
        expect(page.locator("#secret")).to_contain_text("The first password of anna")
        page.locator("section.user").filter(has_text="anna").locator("summary").click()
        fits(page, tmp_path, "users")
        page.get_by_role("button", name="Disable").click()
        expect(page.locator("section.user").filter(has_text="anna")).to_contain_text("disabled")
        page.get_by_role("link", name="Who did what").click()
        expect(page.locator(".audit")).to_contain_text("disabled a user")
        expect(page.locator(".audit")).to_contain_text("ivo · 127.0.0.1")
        fits(page, tmp_path, "audit")

        page.get_by_role("link", name="ivo").click()
        page.get_by_role("button", name="Log out", exact=True).click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        assert page.url.startswith(f"{address}login")


def test_a_page_that_is_open_when_the_login_ends_leads_to_the_login_and_back(
    chromium: Browser, store: EmbeddedStore, accounts: Accounts, clock: ManualClock
) -> None:
    store.write([window(0)])
    add_person(accounts, "anna")
    page = chromium.new_page()
    page.set_default_timeout(20_000)
    try:
        with _Server(store, clock, access=AccountAccess(accounts)) as address:
            page.goto(f"{address}/site/shop")
            log_in(page, "anna", PASSWORD)
            expect(page.locator("#live")).to_contain_text("live")
            accounts.sessions.end_all("anna")
            expect(page.get_by_role("button", name="Log in")).to_be_visible()
            log_in(page, "anna", PASSWORD)
            expect(page.locator("#live")).to_contain_text("live")
            assert page.url == f"{address}/site/shop"
    finally:
        page.close()


def test_the_cookie_goes_to_the_page_alone_and_only_encrypted(
    chromium: Browser, store: EmbeddedStore, accounts: Accounts, clock: ManualClock, tmp_path: Path
) -> None:
    store.write([window(0)])
    add_person(accounts, "anna")
    with (
        behind_nginx(tmp_path, store, clock, accounts) as address,
        visited(chromium, address) as page,
    ):
        log_in(page, "anna", PASSWORD)
        expect(page.locator("h1")).to_have_text("shop")
        cookie = page.context.cookies()[0]
        assert cookie["name"] == "__Secure-footlight"
        assert (cookie["path"], cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (
            "/footlight", True, True, "Lax",
        )  # fmt: skip
