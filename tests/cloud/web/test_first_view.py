"""What a manager waits for in the morning: few bytes, few requests, nothing from elsewhere, nothing that jumps."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Response

from cloud.web.languages import TITLES, language
from tests.cloud.web.every_page import EveryPage, every_page

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

MOST_BYTES = 300_000
AFTERWARDS = (
    "/phone.js",
    "/service-worker.js",
    "/offline",
    "/push",
    "/icons/192.png",
    "/manifest.webmanifest",
)
"""What makes the page an app: it is loaded when the figures are there."""
VIEWS = {"/site/shop": 12, "/site/silent": 12, "/site/shop/week": 12, "/site/shop/position": 20}
"""How many requests each view may make; the editor of places comes in modules."""
LARGEST = max(TITLES, key=lambda code: len(language(code).script))
"""The language with the most bytes."""
SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
        window.shifts.push(`${entry.value}: ${entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80))}`);
    })).observe({ type: "layout-shift", buffered: true });
}"""
"""Writes down every shift of the layout that no input of a person has caused."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryPage]:
    with every_page(tmp_path_factory.mktemp("page")) as opened:
        yield opened


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("width", [360, 1280])
def test_the_first_view_is_light_and_calm(
    chromium: Browser, served: EveryPage, path: str, width: int
) -> None:
    sizes: dict[str, int] = {}
    hosts: set[str | None] = set()
    streams: list[str] = []

    def weigh(response: Response) -> None:
        hosts.add(urlsplit(response.url).hostname)
        address = response.url.partition("?")[0]
        if address.endswith("/events"):  # it has no end; its first event is this answer
            streams.append(address.replace("/events", "/today"))
        elif response.ok:  # a redirection has no body
            sizes[response.url] = len(response.body())

    with served.visitor(chromium, LARGEST, viewport={"width": width, "height": 800}) as context:
        context.add_init_script(f"({SHIFTS})()")
        context.on("response", weigh)
        page = served.open(context, path)
        assert page.evaluate("window.shifts") == []
        assert bool(streams) == (page.locator("#notices").count() == 1)
        sizes.update((stream, len(context.request.get(stream).body())) for stream in streams)
    assert sum(sizes.values()) <= MOST_BYTES
    first = {url for url in sizes if not url.endswith(AFTERWARDS)}
    assert len(first) <= VIEWS[path], sorted(first)
    assert hosts == {"127.0.0.1"}
