"""The dashboards on the screen: a real Grafana in a real browser, whose clock stands where the data end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, Route, ViewportSize

from tests.dashboards import shops
from tests.dashboards.expected import EXPECTED
from tests.dashboards.grafana_world import brought
from tests.dashboards.panels import dashboard, names, panels
from tests.dashboards.scenes import scenes
from tests.dashboards.world import World
from tests.support.chromium import started
from tests.support.influxdb import InfluxDB
from tests.support.real_grafana import RealGrafana, needs_grafana

pytestmark = [pytest.mark.influxdb, pytest.mark.chromium, needs_grafana, pytest.mark.timeout(300)]

SIZES: Mapping[str, ViewportSize] = {
    "desktop": {"width": 1440, "height": 4500},
    "phone": {"width": 390, "height": 14000},
}
"""High enough that every panel is in view: Grafana asks for no other."""
ERRORS = '[aria-label="Panel status error"], [data-testid*="Panel status error"], .panel-info-corner--error'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def grafana(filled: InfluxDB, world: World) -> Iterator[RealGrafana]:
    with brought(shops.CHAIN, filled) as running:
        yield running


@contextmanager
def opened(
    chromium: Browser,
    grafana: RealGrafana,
    name: str,
    variables: Mapping[str, str | Sequence[str]],
    size: str,
) -> Iterator[Page]:
    """A dashboard with these variables at :data:`shops.NOW`, without the page's frame."""
    refused: list[str] = []

    def local(route: Route) -> None:
        """The tiles of a map come from a public server, which no test asks; nobody else gets the token."""
        own = urlsplit(route.request.url).netloc == urlsplit(grafana.url).netloc
        route.continue_() if own else route.abort()

    def answered(response: Response) -> None:
        if "/api/" in response.url and not response.ok:
            refused.append(f"{response.status} {response.url}: {response.text()[:300]}")

    bearer = {"Authorization": f"Bearer {grafana.token}"}
    page = chromium.new_page(viewport=SIZES[size], extra_http_headers=bearer, timezone_id=str(shops.BERLIN))
    page.set_default_timeout(60_000)
    page.route("**/*", local)
    page.on("response", answered)
    page.clock.install(time=shops.NOW)
    chosen = urlencode({f"var-{key}": value for key, value in variables.items()}, doseq=True)
    try:
        page.goto(f"{grafana.url}/d/{dashboard(name)['uid']}?kiosk&{chosen}")
        page.wait_for_load_state("networkidle")
        yield page
    finally:
        page.close()
    assert refused == []


def texts(page: Page, titles: Sequence[str]) -> dict[str, str]:
    """What each panel says, by its title."""
    found = {}
    for title in titles:
        panel = page.locator(
            f'section[aria-label="{title} panel"], section[data-testid="data-testid Panel header {title}"]'
        )
        panel.first.wait_for()
        found[title] = panel.first.inner_text()
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", names())
def test_no_panel_fails_and_a_panel_is_empty_only_where_nothing_was_counted(
    chromium: Browser, grafana: RealGrafana, world: World, name: str, size: str
) -> None:
    shown = {panel.title: panel for panel in panels() if panel.dashboard == name}
    empty = {
        p["title"]: p["fieldConfig"]["defaults"]["noValue"]
        for p in dashboard(name)["panels"]
        if p["type"] not in ("row", "text")
    }
    for number, scene in enumerate(scenes(name)):
        with opened(chromium, grafana, name, scene.variables, size) as page:
            said = texts(page, list(shown))
            if folder := os.environ.get("GRAFANA_SCREENSHOTS"):
                page.screenshot(path=Path(folder) / f"{name}-{number}-{size}.png", full_page=True)
            assert page.locator(ERRORS).count() == 0
        for title, panel in shown.items():
            (own,) = (s for s in scenes(name, panel.time_from) if s.variables == scene.variables)
            answers = EXPECTED[name][title](world, own)
            assert "No data" not in said[title], title
            assert (empty[title] in said[title]) == (not any(answers)), (title, said[title])
