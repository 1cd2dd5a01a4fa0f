"""The page as an app on a phone: installed, without a connection, and ringing. In a real browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cloud.accounts.accounts import Accounts
from cloud.domain.users import UserRole
from cloud.ingest.acknowledging import acknowledge
from cloud.stores.embedded import EmbeddedStore
from cloud.web.account_access import AccountAccess
from cloud.web.phone_page import _Phone, push_text
from tests.cloud.ingest.phones import Phone
from tests.cloud.web.browser import _Server, a_morning, live
from tests.cloud.web.logins import PASSWORD, add_person
from tests.cloud.web.test_page_requests import proxied
from tests.support.brokers import until
from tests.support.clock import ManualClock
from tests.support.messages import notice

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

ACTIVE = "navigator.serviceWorker.ready.then((found) => found.active.state)"
KEPT = """async () => {
    const names = await caches.keys();
    const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return [names, kept.flat().map((one) => one.url)];
}"""
SHOWN = """navigator.serviceWorker.ready.then((found) => found.getNotifications()).then((all) => all.map(
    ({ title, body, tag, data }) => ({ title, body, tag, data })))"""


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A phone of its own."""
    made = chromium.new_context(viewport={"width": 360, "height": 740}, permissions=["notifications"])
    made.set_default_timeout(20_000)
    yield made
    made.close()


def log_in(context: BrowserContext, address: str, name: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/login?next=/site/shop")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    return live(page)


@contextmanager
def served(store: EmbeddedStore, clock: ManualClock, accounts: Accounts, **shown: Any) -> Iterator[str]:
    store.write([*a_morning(), notice(at=clock.now())])
    with _Server(store, clock, access=AccountAccess(accounts), **shown) as address:
        yield address


def test_the_page_is_an_app_and_keeps_no_figure(
    context: BrowserContext, store: EmbeddedStore, clock: ManualClock, accounts: Accounts, tmp_path: Path
) -> None:
    """Below the path of a real proxy, through which the stream comes, too."""
    add_person(accounts, "ana")
    with (
        served(store, clock, accounts, path="/footlight") as upstream,
        proxied(tmp_path, upstream, keeps_path=True, host="$http_host") as below,
    ):
        address = below.rstrip("/")
        page = log_in(context, address, "ana")
        assert page.evaluate(ACTIVE) in ("activating", "activated")
        manifest = page.request.get(address + "/manifest.webmanifest").json()
        assert (manifest["start_url"], manifest["scope"]) == ("/footlight/", "/footlight/")
        assert page.evaluate("navigator.serviceWorker.ready.then((one) => one.scope)") == f"{address}/"
        cdp = context.new_cdp_session(page)
        found = cdp.send("Page.getAppManifest")
        assert found["errors"] == []
        assert cdp.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
            [],
            [{"errorId": "in-incognito", "errorArguments": []}],
        )
        for icon in manifest["icons"]:
            answer = page.request.get(below.removesuffix("/footlight/") + icon["src"])
            assert (answer.status, answer.headers["content-type"]) == (200, icon["type"])

        names, kept = page.evaluate(KEPT)
        assert len(names) == 1
        assert sorted(url.removeprefix(address) for url in kept) == [
            "/offline",
            "/static/icon.svg",
            "/static/page.css",
        ]
        offline = page.request.get(address + "/offline").text()
        assert "ana" not in offline
    # Now the box is away.
    page.goto(f"{address}/site/shop")
    expect(page.locator("h1")).to_have_text("No connection")
    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1152px"


def test_a_new_version_of_the_page_takes_the_place_of_what_was_kept(
    context: BrowserContext,
    store: EmbeddedStore,
    clock: ManualClock,
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_person(accounts, "ana")
    with served(store, clock, accounts) as address:
        page = log_in(context, address, "ana")
        page.evaluate(ACTIVE)
        ((before,), _) = page.evaluate(KEPT)
        monkeypatch.setattr(_Phone, "_version", property(lambda _: "newer"), raising=False)
        page.evaluate("navigator.serviceWorker.ready.then((one) => one.update())")
        until(lambda: page.evaluate(KEPT)[0] == ["footlight-newer"], "the new one is in charge", timeout_s=60)
        assert before not in ("footlight-newer", "")


SUBSCRIBES = """(keys) => {
    const raw = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer;
    let made = null;
    PushManager.prototype.getSubscription = async () => made;
    PushManager.prototype.subscribe = async (options) => {
        made = { endpoint: keys.endpoint, getKey: (name) => raw(keys[name]), options };
        made.options.applicationServerKey = options.applicationServerKey.buffer;
        return made;
    };
}"""
"""The push service of the browser's maker, which no test reaches."""


def test_a_user_lets_notices_ring_and_the_worker_shows_them(
    context: BrowserContext, store: EmbeddedStore, clock: ManualClock, accounts: Accounts
) -> None:
    add_person(accounts, "ana")
    phone = Phone()
    keys = {
        "endpoint": phone.endpoint,
        "p256dh": base64.b64encode(phone.public).decode(),
        "auth": base64.b64encode(phone.secret).decode(),
    }
    context.add_init_script(f"({SUBSCRIBES})({json.dumps(keys)})")
    with served(store, clock, accounts) as address:
        page = log_in(context, address, "ana")
        assert accounts.pushed_to("shop") == [], "off until somebody turns it on"
        page.locator("#phone").get_by_role("button", name="Turn on").click()
        expect(page.locator("#phone")).to_contain_text("until you log out")
        (subscription,) = accounts.pushed_to("shop")
        assert subscription.endpoint == phone.endpoint
        assert (subscription.key, subscription.secret) == (phone.public, phone.secret)

        text = push_text(notice(), "Markt 1", "de")
        worker = context.service_workers[0]
        cdp = context.new_cdp_session(page)
        seen: list[Any] = []
        cdp.on("ServiceWorker.workerRegistrationUpdated", lambda told: seen.extend(told["registrations"]))
        cdp.send("ServiceWorker.enable")
        until(lambda: bool(page.evaluate("1") and seen), "the registration is known")
        cdp.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": address, "registrationId": seen[0]["registrationId"], "data": text.decode()},
        )
        assert worker.url == f"{address}/service-worker.js"
        until(lambda: page.evaluate(SHOWN), "it is shown")
        assert page.evaluate(SHOWN) == [
            {
                "title": "Markt 1",
                "body": "long-queue: mehr als 4 Personen warten (6)",
                "tag": "shop/door/long-queue",
                "data": f"{address}/site/shop",
            }
        ]
        page.locator("#phone").get_by_role("button", name="Turn off").click()
        expect(page.locator("#phone")).to_contain_text("Let notices")
        assert accounts.pushed_to("shop") == []


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_who_may_says_that_he_or_she_takes_care_of_a_notice(
    context: BrowserContext, store: EmbeddedStore, clock: ManualClock, accounts: Accounts, role: UserRole
) -> None:
    add_person(accounts, "ana", role)
    with served(store, clock, accounts) as address:
        page = log_in(context, address, "ana")
        button = page.locator("#notices").get_by_role("button", name="I take care of it")
        if role == "viewer":
            expect(page.locator("#notices p")).to_have_count(1)
            expect(button).to_have_count(0)
            return
        button.click()
        expect(page.locator("#notices p")).to_contain_text("; ana takes care of it")
        expect(button).to_have_count(0)
        (taken,) = store.acknowledgements("shop")
        assert (taken.who, taken.name) == ("ana", "long-queue")
        entry = accounts.audit.newest(1)[0]
        assert (entry.who, entry.act, entry.about) == ("ana", "acknowledged", "long-queue of shop/door")


def test_a_notice_that_is_over_or_taken_already_is_said_so(
    context: BrowserContext, store: EmbeddedStore, clock: ManualClock, accounts: Accounts
) -> None:
    add_person(accounts, "ana", "manager")
    with served(store, clock, accounts) as address:
        page = log_in(context, address, "ana")
        acknowledge(store, site="shop", device="door", name="long-queue", who="Ben", at=clock.now())
        clock.advance(1)
        page.locator("#notices button").click()
        expect(page.locator("#notices p")).to_contain_text("; Ben takes care of it")
        assert "acknowledged" not in [entry.act for entry in accounts.audit.newest(5)]
        said = page.evaluate(
            "send(element('notices').dataset.acknowledge, { device: 'door', name: 'never' })"
        )
        assert said == "This notice is over."
