"""What is answered to a request: to its own names alone, without foreign code, small, also behind a proxy."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

import cloud.web
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.shops import OneBoxShops
from cloud.web.access import OpenAccess
from cloud.web.app import create_app
from cloud.web.placement import Positions
from common.errors import UserError
from tests.cloud.web.browser import _Server, a_morning, live, value, visit
from tests.support.brokers import free_port
from tests.support.clock import ManualClock
from tests.support.messages import window
from tests.support.nginx import nginx

pytestmark = pytest.mark.chromium


def answer(address: str, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask for exactly this path: nothing on our side tidies it."""
    with closing(HTTPConnection(urlsplit(address).netloc, timeout=20)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, {name.lower(): text for name, text in response.getheaders()}, response.read()


def test_the_api_answers_in_json(store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    code, headers, body = answer(address, "/api/shop/today")
    today = json.loads(body)
    assert (code, headers["content-type"], headers["cache-control"]) == (200, "application/json", "no-store")
    assert (today["site"], today["date"], today["timezone"]) == ("shop", "2026-03-02", "Europe/Berlin")
    assert today["hours"][9] == {
        "start": "2026-03-02T09:00:00+01:00",
        "visits": 180,
        "viewers": 120,
        "coverage": 1.0,
        "state": "full",
    }
    assert today["gender"]["cells"]["female"] == {"count": 16, "exact": True}
    code, _, body = answer(address, "/api/nowhere/today")
    assert (code, json.loads(body)) == (
        404,
        {"error": "No data has been received from a shop named nowhere."},
    )


@pytest.mark.parametrize(
    "path",
    ["/", "/site/shop", "/site/nowhere", "/api/shop/today", "/static/page.js", "/service-worker.js", "/x"],
)
def test_every_answer_forbids_foreign_code_and_only_a_page_with_buttons_sets_a_cookie(
    store: EmbeddedStore, address: str, path: str
) -> None:
    store.write([window(0)])
    _, headers, _ = answer(address, path)
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert ("set-cookie" in headers) == (path == "/site/shop")
    assert "HttpOnly" in headers.get("set-cookie", "HttpOnly")


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
)
def test_nothing_outside_the_static_folder_is_served(address: str, path: str) -> None:
    assert answer(address, path)[0] == 404


def test_the_page_only_reads(address: str) -> None:
    assert answer(address, "/", "POST")[0] == 405


def test_the_chart_library_is_the_one_that_was_released() -> None:
    folder = Path(cloud.web.__path__[0]) / "static" / "uplot"
    said = dict(re.findall(r"^([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text(), re.MULTILINE))
    held = {path for path in folder.iterdir() if path.name != "README.md"}
    assert {hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in held} == said


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8080", True),
        ("192.168.1.17", True),
        ("[::1]:8080", True),
        ("[fd00::1]", True),
        ("localhost:8080", True),
        ("LOCALHOST", True),
        (socket.gethostname(), True),
        (f"{socket.gethostname().partition('.')[0]}.local:8080", True),
        ("shop.example.com", True),
        ("evil.example.com", False),
        ("shop.example.com.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example:127.0.0.1", False),
        ("", False),
    ],
)
def test_the_page_answers_to_its_own_names_alone(
    store: EmbeddedStore, clock: ManualClock, host: str, known: bool
) -> None:
    """A foreign site whose name leads here (DNS rebinding) reads nothing."""
    store.write([window(0)])
    with (
        _Server(store, clock, names=["shop.example.com"]) as address,
        closing(HTTPConnection(urlsplit(address).netloc, timeout=20)) as connection,
    ):
        connection.putrequest("GET", "/api/shop/today", skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answered = connection.getresponse()
        body = answered.read()
    assert answered.status == (200 if known else 421)
    assert known or (b"visits" not in body and b"serve.page.names" in body)


@contextmanager
def proxied(
    folder: Path, upstream: str, *, keeps_path: bool, host: str = "shop.example.com"
) -> Iterator[str]:
    """nginx, which shows the page below /footlight/."""
    port = free_port()
    server = (
        f" server {{ listen 127.0.0.1:{port}; location /footlight/ {{\n"
        f"  proxy_pass {upstream}{'' if keeps_path else '/'}; proxy_set_header Host {host}; }} }}"
    )
    with nginx(folder, port, server):
        yield f"http://127.0.0.1:{port}/footlight/"


@pytest.mark.parametrize("keeps_path", [True, False])
def test_the_page_works_below_a_path_of_a_proxy(
    chromium: Browser,
    store: EmbeddedStore,
    clock: ManualClock,
    positions: Positions,
    tmp_path: Path,
    keeps_path: bool,
) -> None:
    store.write([*a_morning(), window(0, site="other")])
    with (
        _Server(store, clock, positions, names=["shop.example.com"], path="/footlight") as upstream,
        proxied(tmp_path, upstream, keeps_path=keeps_path) as address,
        visit(chromium, address, expected="Failed to load resource") as page,
    ):
        page.get_by_role("link", name="shop").click()
        assert value(live(page), "visits") == "180"
        assert page.locator("#hours canvas").count() == 1
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1152px"  # its style is there
        page.get_by_role("link", name="Check a camera's position").click()
        expect(page.locator("#nothing")).to_contain_text("systemctl start")
        page.get_by_role("link", name="shop").click()
        expect(live(page).locator("h1")).to_have_text("shop")
        page.goto(f"{address}nowhere")
        page.get_by_role("link", name="Back to the start page").click()
        expect(page.locator("h1")).to_have_text("Footlight")
        assert page.url == address


def test_an_unknown_time_zone_is_a_clear_error(store: EmbeddedStore, clock: ManualClock) -> None:
    with pytest.raises(UserError, match="timezone: 'Mars/Olympus' is not a time zone"):
        create_app(
            store, clock, "Mars/Olympus", access=OpenAccess(), shops=OneBoxShops(store, ZoneInfo("UTC"))
        )
