"""The dashboards on the screen: a real Grafana in a real browser, whose clock stands where the data end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, Route, ViewportSize

from dashboards.looks import NOT_TOLD
from tests.dashboards import shops
from tests.dashboards.expected import EXPECTED
from tests.dashboards.grafana_world import brought
from tests.dashboards.panels import Scene, dashboard, milliseconds, names, panels
from tests.dashboards.scenes import scenes
from tests.dashboards.world import World
from tests.support.chromium import started
from tests.support.influxdb import InfluxDB
from tests.support.real_grafana import RealGrafana, needs_grafana

pytestmark = [pytest.mark.influxdb, pytest.mark.chromium, needs_grafana, pytest.mark.timeout(600)]

SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1440, "height": 4500},
    "phone": {"width": 390, "height": 14000},
}
"""High enough that every panel is in view: Grafana asks for no other."""
PANELS = 'section, [data-testid^="data-testid Panel header"]'
ERRORS = '[aria-label^="Panel status"], [data-testid*="Panel status error"], .panel-info-corner--error'
LOADING = '[aria-label="Panel loading bar"], [aria-label="panel loading bar"], .panel-loading'
UNTOLD = re.compile(r"No data|^null$", re.MULTILINE)
"""What Grafana says by itself where nothing is told."""
CUT = """panels => [...document.querySelectorAll(panels)].flatMap(panel => [...panel.querySelectorAll('*')]
    .filter(one => !one.children.length && one.innerText?.trim() && !one.closest('[role="cell"], [role="gridcell"]'))
    .filter(one => {
        for (let box = one; box !== panel && !['columnheader', 'row'].includes(box.role); box = box.parentElement) {
            const hides = ['hidden', 'clip'].includes(getComputedStyle(box).overflowX);
            if (hides && box.scrollWidth > box.clientWidth) return true;
        }
        return false;
    }).map(one => one.innerText))"""
"""The labels and headings that have less room than they need. The cells of a table may: they show all when asked."""
BEYOND = """() => [...document.querySelectorAll('[role="table"]')].filter(table =>
    table.querySelector('[role="row"]').offsetWidth > table.parentElement.clientWidth).map(table => table.innerText)"""
"""The tables whose last columns are out of sight."""
WRITTEN = """const drawing = CanvasRenderingContext2D.prototype, { fillText, clearRect } = drawing;
drawing.clearRect = function (...all) { this.canvas.written = []; clearRect.apply(this, all); };
drawing.fillText = function (text, x, y, ...rest) {
    if (text) (this.canvas.written ??= []).push([text, x, y, this.measureText(text).width]);
    fillText.call(this, text, x, y, ...rest);
};"""
"""Keeps beside each chart, which is only painted, its words: what, the middle of it, and its width."""
DRAWN = "geomap"
"""A map says nothing in words when it is empty."""
TIMES_AS_WORDS = "Visits by hour"
"""It makes words of times, which Grafana 9 cannot."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def grafana(filled: InfluxDB, world: World) -> Iterator[RealGrafana]:
    with brought(shops.CHAIN, filled) as running:
        yield running


@contextmanager
def opened(chromium: Browser, grafana: RealGrafana, name: str, scene: Scene, size: str) -> Iterator[Page]:
    """A dashboard with what this scene chooses, without the page's frame, once every panel says something."""
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
    page.add_init_script(WRITTEN)
    page.clock.install(time=shops.NOW)
    chosen = {f"var-{key}": value for key, value in scene.variables.items()}
    chosen |= {"from": str(milliseconds(scene.start)), "to": str(milliseconds(scene.end))}
    try:
        page.goto(f"{grafana.url}/d/{dashboard(name)['uid']}?kiosk&{urlencode(chosen, doseq=True)}")
        for title in (panel.title for panel in panels() if panel.dashboard == name):
            panel_of(page, title).wait_for()
        page.wait_for_load_state("networkidle")
        page.wait_for_function("loading => !document.querySelector(loading)", arg=LOADING)
        yield page
    finally:
        page.close()
    assert refused == []


def panel_of(page: Page, title: str) -> Locator:
    header = f"data-testid Panel header {title}"
    return page.locator(f'[aria-label="{title} panel"], [data-testid="{header}"]').first


def said(page: Page, title: str) -> str:
    """What a panel says below its title."""
    panel = panel_of(page, title)
    page.wait_for_function(
        "([panel, title]) => panel.innerText.trim() !== title", arg=[panel.element_handle(), title]
    )
    return panel.inner_text().removeprefix(title).strip()


def failed(page: Page) -> Sequence[str]:
    """The panels with the corner of an error."""
    return [
        corner.evaluate("(corner, panels) => corner.closest(panels)?.innerText ?? 'a panel'", PANELS)
        for corner in page.locator(ERRORS).all()
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", names())
def test_no_panel_fails_and_a_panel_is_empty_only_where_nothing_was_counted(
    chromium: Browser, grafana: RealGrafana, world: World, name: str, size: str
) -> None:
    shown = [panel for panel in panels() if panel.dashboard == name and panel.kind != DRAWN]
    shown = [panel for panel in shown if panel.title != TIMES_AS_WORDS or grafana.release >= 10]
    empty = {
        panel["title"]: panel["fieldConfig"]["defaults"]["noValue"]
        for panel in dashboard(name)["panels"]
        if panel["type"] not in ("row", "text")
    }
    for number, scene in enumerate(scenes(name)):
        with opened(chromium, grafana, name, scene, size) as page:
            answers = {panel.title: said(page, panel.title) for panel in shown}
            if folder := os.environ.get("GRAFANA_SCREENSHOTS"):
                page.screenshot(path=Path(folder) / f"{name}-{number}-{size}.png", full_page=True)
            assert failed(page) == []
            assert page.evaluate(CUT, PANELS) == []
            assert size == "phone" or page.evaluate(BEYOND) == []
        assert [title for title, answer in answers.items() if UNTOLD.search(answer)] == []
        # The range of a panel with its own ends at the clock of the database, where there are no data.
        judged = [panel.title for panel in shown if panel.time_from is None]
        expected = {title: any(EXPECTED[name][title](world, scene)) for title in judged}
        assert {title: answers[title] != empty[title] for title in judged} == expected, answers


@pytest.mark.parametrize(("size", "each"), [("desktop", 1), ("phone", 2)])
def test_the_names_of_hours_do_not_touch(
    chromium: Browser, grafana: RealGrafana, size: str, each: int
) -> None:
    if grafana.release < 10:
        pytest.skip("this Grafana cannot make words of times")
    with opened(chromium, grafana, "store-today", scenes("store-today")[0], size) as page:
        said(page, TIMES_AS_WORDS)
        chart = panel_of(page, TIMES_AS_WORDS).locator("canvas").first
        chart.scroll_into_view_if_needed()
        written = chart.evaluate("chart => chart.written")
    (row,) = {y for text, _, y, _ in written if text == "09:00"}
    hours = sorted(((x, text, width) for text, x, y, width in written if y == row))
    assert [text for _, text, _ in hours] == [f"{hour:02}:00" for hour in range(9, 20)][::each]
    for (x, _, width), (next_x, _, next_width) in pairwise(hours):
        assert x + width / 2 < next_x - next_width / 2


def test_a_cell_of_the_floor_that_is_not_told_has_no_colour(chromium: Browser, grafana: RealGrafana) -> None:
    with opened(chromium, grafana, "doors-zones", scenes("doors-zones")[0], "desktop") as page:
        said(page, "Standing")
        cells = panel_of(page, "Standing").locator('[role="cell"], [role="gridcell"]')
        painted = {
            cell.inner_text(): cell.evaluate("cell => getComputedStyle(cell).backgroundColor")
            for cell in cells.all()
        }
    clear = "rgba(0, 0, 0, 0)"
    assert painted.pop(NOT_TOLD) == clear
    assert painted
    assert clear not in painted.values()
