"""The built-in page as a shop manager meets it: in a real browser, over a real store."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Locator, Page, Response, expect, sync_playwright

import cloud.web
from cloud.domain.arrival import checked
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.store import DeadLetter, DeviceState, Reader, StoreUnavailable
from cloud.web.app import create_app
from cloud.web.day import Cell, Day, day_figures
from cloud.web.placement import KEPT_S, MOST, Positions
from common.clock import Clock
from common.errors import UserError
from common.vocabulary import AGE_BANDS, UNKNOWN
from common.wire import Cohort, PlacementMessage, Totals, WindowMessage, encode, topic
from tests.support.brokers import free_port, until
from tests.support.clock import ManualClock
from tests.support.messages import MORNING, alert, cohort, health, placement, status, window
from tests.support.programs import require_library, require_program

pytestmark = pytest.mark.chromium

expect.set_options(timeout=20_000)  # as for the rest below: a busy machine is no fault of the page
BERLIN = ZoneInfo("Europe/Berlin")
NOBODY = Totals(visits=0, viewers=0)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)


class _Server(uvicorn.Server):
    """The page on a free loopback port, in a thread."""

    def __init__(
        self, reader: Reader, clock: Clock, positions: Positions | None = None, **shown: Any
    ) -> None:
        app = create_app(reader, clock, "Europe/Berlin", positions, **shown)
        super().__init__(uvicorn.Config(app, host="127.0.0.1", port=0, ws="none", log_config=None))
        self._thread = threading.Thread(target=self.run)

    def __enter__(self) -> str:
        self._thread.start()
        until(lambda: self.started or not self._thread.is_alive(), "the page is served")
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = require_program("chromium", "apt-get install chromium")
    require_library("atomic", "apt-get install libatomic1")  # of playwright's driver
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def visit(chromium: Browser, address: str, *, expected: str = "", **options: Any) -> Iterator[Page]:
    """A look at the page, which must end without a request to anywhere else, and without a word on the console
    but those that begin as ``expected``."""
    complaints: list[str] = []
    hosts: set[str | None] = set()
    page = chromium.new_page(**options)
    page.set_default_timeout(20_000)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    try:
        page.goto(address)
        yield page
    finally:
        page.close()
    assert [said for said in complaints if not expected or not said.startswith(expected)] == []
    assert hosts == {"127.0.0.1"}


def live(page: Page) -> Page:
    expect(page.locator("#live")).to_contain_text("live")
    return page


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING + timedelta(hours=3, seconds=10))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "store.sqlite", retention_days=400, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def address(store: EmbeddedStore, clock: ManualClock) -> Iterator[str]:
    with _Server(store, clock) as served:
        yield served


def a_morning() -> list[WindowMessage]:
    """9 to 12 in Berlin: an hour with visits and two cohorts, an hour that nobody watched, an hour without visits."""
    busy = [window(minute, cohort=cohort() if minute in {20, 40} else None) for minute in range(60)]
    empty = [window(minute, totals=NOBODY) for minute in range(120, 180)]
    return [*busy, *empty]


def test_what_is_all_withheld_says_why(store: EmbeddedStore, address: str, chromium: Browser) -> None:
    """Ten visits, five of them women and men each: not that there are no five alike."""
    hidden = dict.fromkeys(("female", "male", "unknown"))
    ages = dict.fromkeys((*AGE_BANDS, UNKNOWN))
    of_ten = cohort().model_copy(
        update={
            "visits": 10,
            "described": 10,
            "gender": {**hidden, "not_seen": 0},
            "age_band": {**ages, "not_seen": 0},
            "gender_age_band": None,
        }
    )
    store.write([window(0, k=1, cohort=of_ten)])
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#ages")).to_contain_text(
            "All 10 visits are hidden to protect privacy: some groups are still too small."
        )


def test_the_page_shows_the_time_of_the_shop(store: EmbeddedStore, address: str, chromium: Browser) -> None:
    """Wherever the one is who looks at it."""
    store.write(a_morning())
    shown = {}
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        with visit(chromium, address, timezone_id=zone) as page:
            live(page)
            shown[zone] = page.locator("#live").inner_text()
            assert page.locator("#date").inner_text().endswith("Europe/Berlin time")
    here = datetime.now(ZoneInfo("Europe/Berlin"))
    minutes = {(here - timedelta(minutes=ago)).strftime("%H:%M") for ago in range(5)}
    assert all(said.removeprefix("live, ")[:5] in minutes for said in shown.values())


def value(page: Page, figure: str) -> str:
    return page.locator(f"#{figure} .value").inner_text()


def rows(page: Page, panel: str) -> list[list[str]]:
    """The text table beside a chart."""
    lines = page.locator(f"#{panel} tbody tr").all()
    return [[cell.text_content() or "" for cell in line.locator("th, td").all()] for line in lines]


def written(cell: Cell) -> str:
    if cell.exact:
        return str(cell.count)
    return f"{cell.count} or more" if cell.count else "withheld"


def test_the_page_shows_the_figures_of_the_stored_windows(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write([*a_morning(), health(), status(online=True), alert(active=True)])
    day: Day = day_figures(store.windows("shop", MORNING, clock.now()), clock.now(), BERLIN)
    with visit(chromium, address) as page:
        live(page)
        assert page.url.endswith("/site/shop")
        assert value(page, "visits") == str(day.visits) == "180"
        assert value(page, "viewers") == str(day.viewers) == "120"
        assert value(page, "now") == "0"
        assert "11:59 to 12:00" in page.locator("#now .says").inner_text()
        assert day.attraction_ratio is not None
        assert value(page, "attraction") == f"{round(100 * day.attraction_ratio)} %"
        assert value(page, "coverage") == f"{round(100 * day.coverage)} %" == "67 %"
        assert day.gender_age_band is not None
        joint = day.gender_age_band.cells
        for band, *shown in rows(page, "ages"):
            label = "unknown" if band == "not sure" else band
            assert shown == [written(joint[f"{gender}.{label}"]) for gender in ("female", "male", "unknown")]
        assert day.dwell is not None
        assert [shown for _, shown in rows(page, "dwell")] == [written(c) for c in day.dwell.cells.values()]
        assert "Monday" in page.locator("#date").inner_text()
        devices = page.locator("#devices")
        expect(devices).to_contain_text("online since 09:00")
        expect(devices).to_contain_text("9.5 frames a second")
        expect(devices.locator(".alert")).to_contain_text("camera gone")


def test_no_data_never_looks_like_zero(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        live(page)
        shown = {hour: visits for hour, visits, *_ in rows(page, "hours")}
        assert shown == {"08:00": "no data", "09:00": "180", "10:00": "no data", "11:00": "0"}
        chart = page.locator("#hours .chart")
        assert "10:00: no data" in (chart.get_attribute("aria-label") or "")
        # The hatched bars of the hours 8 and 10; the hour with a fact of zero has none.
        assert [painted(chart, place) for place in range(4)] == [True, True, True, False]
        expect(page.locator("#hours .notes")).to_contain_text("2 hours without data")


def test_an_empty_day_says_no_data(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write([status(online=True), window(0, start=MORNING - timedelta(days=1))])
    with visit(chromium, address) as page:
        live(page)
        for figure in ("now", "visits", "viewers", "attraction", "coverage"):
            assert value(page, figure) == "no data"
        for panel in ("hours", "ages", "dwell", "expressions"):
            expect(page.locator(f"#{panel} .empty")).to_contain_text("No data")
            expect(page.locator(f"#{panel} .chart")).to_be_hidden()
        assert not re.search(r"\b0\b", page.locator("main dl").inner_text())


def test_yesterday_stays_on_the_page(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    """With the cohort that came only this morning, of a device that was off at night."""
    evening = MORNING - timedelta(hours=12)
    late = cohort().model_copy(update={"since": evening})
    store.write(
        [window(-720, seq=0, visits=8), window(0, cohort=late), window(20, visits=8, cohort=cohort())]
    )
    with visit(chromium, address) as page:
        live(page)
        told = page.locator("#yesterday")
        expect(told).to_contain_text("2026-03-01: 8 visits, 8 of them broken down.")
        expect(told).to_contain_text("Gender: female 8.")
        expect(told).to_contain_text("Age: 25-34 8, not sure withheld.")
        expect(page.locator("#ages .notes")).to_contain_text("Based on 8 visits")


def test_old_figures_are_not_called_now(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write([window(minute) for minute in range(60)])
    with visit(chromium, address) as page:
        live(page)
        assert value(page, "now") == "no data"
        expect(page.locator("#now .says")).to_have_text("last known 09:59 to 10:00: 3 visits")


def test_a_new_window_appears_without_a_reload(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write([window(179)])
    with visit(chromium, address) as page:
        expect(page.locator("#visits .value")).to_have_text("3")
        page.evaluate("window.kept = true")
        store.write([window(180, visits=4)])
        clock.time += timedelta(minutes=1)
        expect(page.locator("#visits .value")).to_have_text("7")
        expect(page.locator("#now .says")).to_contain_text("12:00 to 12:01")
        assert page.evaluate("window.kept") is True


def test_the_page_says_when_the_box_does_not_answer(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(a_morning())
    with visit(chromium, address, expected="Failed to load resource") as page:
        live(page)
        page.route("**/today", lambda route: route.abort())
        expect(page.locator("#banner")).to_contain_text("does not answer")
        expect(page.locator("#live")).to_have_text("not connected")
        assert value(page, "visits") == "180"
        page.unroute("**/today")
        live(page)
        expect(page.locator("#banner")).to_be_hidden()


def test_withheld_cells_are_explained(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        live(page)
        assert ["25-34", "16", "withheld", "0"] in rows(page, "ages")
        expect(page.locator("#dwell .notes")).to_contain_text("Based on 16 visits")
        expect(page.locator("#ages .notes")).to_contain_text("Small sample")
        expect(page.locator("#ages")).to_have_class(re.compile("small"))


def test_ages_stand_alone_where_their_genders_are_withheld(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    bare = cohort().model_dump() | {"gender_age_band": None, "age_band": {"25-34": 5, "35-44": None}}
    store.write([window(0, k=1, cohort=Cohort.model_validate(bare))])
    with visit(chromium, address) as page:
        live(page)
        notes = page.locator("#ages .notes")
        expect(notes).to_contain_text("3 of 8 visits withheld to protect privacy")
        expect(notes).to_contain_text("Ages by gender are withheld. Gender: female 8, male 0, not sure 0.")
        assert ["35-44", "withheld"] in rows(page, "ages")


@pytest.mark.parametrize(
    ("profile", "panel", "sentence"),
    [
        ("count", "ages", "Age and gender are switched off in this shop"),
        ("demographics", "expressions", "Expressions are switched off in this shop"),
        ("expression", "expressions", "Nothing yet: 4 visits waiting."),
    ],
)
def test_a_breakdown_that_is_not_there_says_why(
    chromium: Browser, store: EmbeddedStore, address: str, profile: str, panel: str, sentence: str
) -> None:
    store.write([window(0, profile=profile, pending=4)])
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator(f"#{panel} .empty")).to_contain_text(sentence)
        expect(page.locator(f"#{panel} .chart")).to_be_hidden()


def test_expressions_are_shown_where_the_profile_allows(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    faces = cohort().model_dump() | {"expression": {"neutral": 5, "happy": None, "sad": 0, "not_seen": 0}}
    store.write([window(0, k=1, profile="expression", cohort=Cohort.model_validate(faces))])
    with visit(chromium, address) as page:
        live(page)
        assert rows(page, "expressions")[:3] == [["neutral", "5"], ["happy", "withheld"], ["sad", "0"]]


@pytest.mark.parametrize(
    ("changes", "says", "not_sure"),
    [
        ({"described": 22}, "18 visits: the face was never seen well enough.", True),
        ({"described": None}, "20 visits: not sure, or the face was never seen well enough.", False),
    ],
    ids=["told", "together"],
)
def test_who_was_not_seen_is_told_beside_the_chart(
    chromium: Browser, store: EmbeddedStore, address: str, changes: dict[str, Any], says: str, not_sure: bool
) -> None:
    told = changes["described"] is not None
    rest = {"unknown": 2, "not_seen": 18} if told else {"no_verdict": 20}
    people = {
        "visits": 40,
        "gender": {"female": 11, "male": 9, **rest},
        "age_band": {"25-34": 20, **rest},
        "gender_age_band": None,
    }
    store.write(
        [window(0, k=1, visits=40, cohort=Cohort.model_validate(cohort().model_dump() | people | changes))]
    )
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#ages .notes")).to_contain_text(says)
        labels = [label for label, _ in rows(page, "ages")]
        assert ("not sure" in labels) == not_sure
        assert not {"not_seen", "no_verdict"} & {*labels}
        assert ("Gender: female 11, male 9." in page.locator("#ages .notes").inner_text()) != not_sure


def test_a_shop_that_sees_only_backs_says_so(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    backs = {"described": 0, "gender": {"not_seen": 8}, "age_band": {"not_seen": 8}, "gender_age_band": None}
    store.write([window(0, visits=8, cohort=Cohort.model_validate(cohort().model_dump() | backs))])
    with visit(chromium, address) as page:
        live(page)
        expect(page.locator("#ages .empty")).to_contain_text("no face was seen well enough to tell")


PIXELS = """(chart, place) => {
    const [plot, canvas] = [chart.plot, chart.querySelector("canvas")];
    const half = Math.abs(plot.valToPos(1, "x", true) - plot.valToPos(0, "x", true)) / 4;
    const [x, { top, height }] = [plot.valToPos(place, "x", true), plot.bbox];
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(x - half, top + height / 2, 2 * half, height / 4);
    return Array.from({ length: data.length / 4 }, (_, at) => [...data.subarray(4 * at, 4 * at + 4)].join());
}"""
"""The colours at half height of the bars in one place, of which the grid's are the pale ones."""


def colours(chart: Locator, place: int) -> set[str]:
    """What fills the bar in a place of a chart: colours of at least a hundred pixels."""
    counted = Counter(chart.evaluate(PIXELS, place))
    return {colour for colour, pixels in counted.items() if pixels >= 100 and not colour.endswith(",0")}


def painted(chart: Locator, place: int) -> bool:
    """Whether a bar stands there, full or hatched. A line of the grid alone is not enough."""
    seen = Counter(chart.evaluate(PIXELS, place))
    return seen.total() - seen["0,0,0,0"] > 0.1 * seen.total()


WIDTHS = [320, 360, 768]
SCHEMES = ["light", "dark"]


def fits(page: Page, width: int) -> bool:
    """Whether nothing sticks out at the side, neither of the page nor of a chart in its panel."""
    for summary in page.locator("summary:visible").all():
        summary.click()
    charts = page.locator(".chart:visible").evaluate_all(
        "charts => charts.every(chart => chart.scrollWidth <= chart.clientWidth)"
    )
    return bool(charts) and page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("stored", [a_morning(), []], ids=["a morning", "an empty day"])
def test_a_phone_never_scrolls_sideways(
    chromium: Browser,
    store: EmbeddedStore,
    address: str,
    stored: list[WindowMessage],
    scheme: str,
    width: int,
) -> None:
    store.write(
        [*stored, status(online=True, device="a-device-with-a-name-as-long-as-the-wire-allows-it-to-be")]
    )
    with visit(chromium, address, viewport={"width": width, "height": 812}, color_scheme=scheme) as page:
        live(page)
        assert fits(page, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_other_pages_fit_a_phone(
    chromium: Browser, store: EmbeddedStore, address: str, width: int
) -> None:
    size = {"width": width, "height": 812}
    with visit(chromium, address, expected="Failed to load resource", viewport=size) as page:
        assert fits(page, width)  # no data yet
        store.write([window(0, site="a" * 64), window(0, site="b" * 64)])
        page.goto(address)
        expect(page.locator("main a")).to_have_count(2)
        assert fits(page, width)
        page.goto(f"{address}/site/{'c' * 64}")
        expect(page.locator("h1")).to_have_text("This page cannot be shown")
        assert fits(page, width)


def test_charts_shrink_with_the_window(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address, viewport={"width": 1200, "height": 812}) as page:
        live(page)
        page.set_viewport_size({"width": 320, "height": 812})
        until(lambda: fits(page, 320), "the charts are narrower")


def test_charts_follow_the_colour_scheme(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    with visit(chromium, address, color_scheme="light") as page:
        chart = live(page).locator("#hours .chart")
        before = colours(chart, 1)
        page.emulate_media(color_scheme="dark")
        until(lambda: not before & colours(chart, 1), "the chart is drawn anew")


def test_a_bar_says_what_it_is_when_it_is_touched(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write(a_morning())
    with visit(chromium, address) as page:
        chart = live(page).locator("#hours .chart")
        expect(chart.locator(".tip")).to_be_hidden()
        box = chart.locator(".u-over").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 1.5 / 12 * box["width"], box["y"] + box["height"] / 2)
        expect(chart.locator(".tip")).to_have_text("09:00: 180 visits, 120 viewers, 100 % watched")


class _Hostile:
    """A reader whose every name is markup."""

    NAME = "<img src=x onerror=alert(1)>"

    def sites(self) -> list[str]:
        return [self.NAME, "harmless"]

    def devices(self, site: str) -> list[DeviceState]:
        fault = alert(active=True).model_copy(update={"text": self.NAME})
        return [DeviceState(site, self.NAME, False, MORNING, MORNING, self.NAME, self.NAME, None, (fault,))]

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return []

    def latest(self, site: str) -> WindowMessage | None:
        return None

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return [DeadLetter(MORNING, self.NAME, self.NAME, self.NAME, self.NAME, b"")]


def test_names_are_text_and_never_markup(chromium: Browser, clock: ManualClock) -> None:
    with _Server(_Hostile(), clock) as address, visit(chromium, address) as page:
        page.get_by_role("link", name=_Hostile.NAME).click()
        live(page)
        expect(page.locator("h1")).to_have_text(_Hostile.NAME)
        expect(page.locator("#devices b")).to_have_text(_Hostile.NAME)
        expect(page.locator("#devices li .alert")).to_contain_text(_Hostile.NAME)
        expect(page.locator("#letters .alert")).to_contain_text(_Hostile.NAME)
        assert page.locator("img").count() == 0


def test_a_device_whose_clock_runs_ahead_is_marked_and_what_could_not_be_stored_is_shown(
    chromium: Browser, store: EmbeddedStore, clock: ManualClock, address: str
) -> None:
    store.write(a_morning())
    ahead = health(at=clock.now() + timedelta(hours=5), clock_trusted=True)
    store.write([checked(ahead, clock.now())])
    store.record_dead_letter(DeadLetter(clock.now(), "shop", "door", "t", "seq: Field required", b"{}"))
    with visit(chromium, address) as page:
        expect(live(page).locator("#devices li .alert")).to_contain_text("its clock is wrong")
        expect(page.locator("#letters")).to_contain_text(
            "a message from door could not be stored: seq: Field required"
        )


class _Damaged(_Hostile):
    """A reader over a damaged file."""

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        raise StoreUnavailable("database disk image is malformed")


def test_a_store_that_cannot_be_read_is_an_answer_and_told_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with _Server(_Damaged(), clock) as address:
        answers = [httpx.get(f"{address}/api/harmless/today", timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert answers[0].json() == {
        "error": "The stored data cannot be read. The log of the Footlight box says why."
    }
    assert sum("malformed" in record.getMessage() for record in caplog.records) == 1


def test_a_chain_of_shops_offers_a_choice(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    with visit(chromium, address) as page:
        expect(page.locator("main")).to_contain_text("No data yet")
        store.write([window(0), window(0, site="other")])
        page.get_by_role("link", name="other").click()
        expect(live(page).locator("h1")).to_have_text("other")
        expect(page.get_by_role("link", name="shop")).to_be_visible()


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
    "path", ["/", "/site/shop", "/site/nowhere", "/api/shop/today", "/static/page.js", "/x"]
)
def test_every_answer_forbids_foreign_code_and_sets_no_cookie(
    store: EmbeddedStore, address: str, path: str
) -> None:
    store.write([window(0)])
    _, headers, _ = answer(address, path)
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
)
def test_nothing_outside_the_static_folder_is_served(address: str, path: str) -> None:
    assert answer(address, path)[0] == 404


def test_the_page_only_reads(address: str) -> None:
    assert answer(address, "/", "POST")[0] == 405


def test_the_first_view_is_light(chromium: Browser, store: EmbeddedStore, address: str) -> None:
    store.write(a_morning())
    sizes: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if response.ok:  # a redirection has no body
            sizes[urlsplit(response.url).path] = len(response.body())

    page = chromium.new_page()
    try:
        page.on("response", weigh)
        page.goto(address)
        live(page)
    finally:
        page.close()
    assert "/api/shop/today" in sizes
    assert any(path.endswith("uPlot.iife.min.js") for path in sizes)
    assert sum(sizes.values()) <= 300_000


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
def proxied(folder: Path, upstream: str, *, keeps_path: bool) -> Iterator[str]:
    """nginx, which shows the page below /footlight/."""
    program = require_program("nginx", "apt-get install nginx-light")
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{}} user root;\n"
        f"http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;\n"
        f" fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
        f" server {{ listen 127.0.0.1:{port}; location /footlight/ {{\n"
        f"  proxy_pass {upstream}{'' if keeps_path else '/'}; proxy_set_header Host shop.example.com; }} }} }}\n"
    )
    process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error")])

    def listening() -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listening, "nginx listens")
        yield f"http://127.0.0.1:{port}/footlight/"
    finally:
        process.terminate()
        process.wait(20)


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
        create_app(store, clock, "Mars/Olympus")


# A camera's position


@pytest.fixture
def positions(clock: ManualClock) -> Positions:
    return Positions(clock)


@pytest.fixture
def hung(store: EmbeddedStore, clock: ManualClock, positions: Positions) -> Iterator[str]:
    """The page of a shop that has sent nothing yet but what is said while its camera is hung."""
    with _Server(store, clock, positions) as served:
        yield f"{served}/site/shop/position"


def say(positions: Positions, message: PlacementMessage) -> None:
    positions.take(topic(message), encode(message))


def test_a_position_is_shown_as_numbers_and_outlines(
    chromium: Browser, positions: Positions, hung: str
) -> None:
    say(positions, placement())
    with visit(chromium, hung) as page:
        expect(page.locator("#live")).to_contain_text("live")
        expect(page.locator(".verdict")).to_have_text("So far: This position will not work.12 seconds left")
        assert page.locator(".advice li").all_inner_texts() == ["Come closer: 2 of 4 faces are too small."]
        assert page.locator(".readings .bad .words").inner_text() == "18 px, 28 needed; 2 of 4 too small"
        boxes = page.locator(".outlines rect")
        assert [box.get_attribute("class") for box in boxes.all()] == ["good", "unknown"]
        assert (boxes.first.get_attribute("x"), boxes.first.get_attribute("width")) == ("64", "64")
        assert page.locator("img, video, canvas").count() == 0


def test_a_position_follows_the_check_to_its_end(
    chromium: Browser, positions: Positions, clock: ManualClock, hung: str
) -> None:
    say(positions, placement())
    with visit(chromium, hung) as page:
        expect(page.locator(".verdict")).to_contain_text("12 seconds left")
        say(positions, placement(left_s=0.0, verdict="works", advice=()))
        expect(page.locator(".verdict")).to_have_text("This position works.finished 0 seconds ago")
        expect(page.locator(".outlines")).to_be_hidden()
        clock.time += timedelta(minutes=3)
        expect(page.locator(".verdict")).to_contain_text("finished 3 minutes ago")


def test_a_check_that_breaks_off_is_said_to(
    chromium: Browser, positions: Positions, clock: ManualClock, hung: str
) -> None:
    say(positions, placement())
    clock.time += timedelta(seconds=30)
    with visit(chromium, hung) as page:
        expect(page.locator(".verdict")).to_contain_text("interrupted 30 seconds ago")


def test_where_no_camera_is_checked_the_page_says_how_to(
    chromium: Browser, store: EmbeddedStore, address: str
) -> None:
    store.write([window(0)])
    with visit(chromium, address) as page:
        page.get_by_role("link", name="Check a camera's position").click()
        expect(page.locator("#nothing")).to_contain_text("systemctl start footlight-place@footlight-edge")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_position_fits_a_phone_and_its_words_are_no_markup(
    chromium: Browser, positions: Positions, hung: str, scheme: str, width: int
) -> None:
    say(positions, placement(advice=("<img src=x onerror=alert(1)> " + 40 * "long ",)))
    with visit(chromium, hung, viewport={"width": width, "height": 812}, color_scheme=scheme) as page:
        expect(page.locator(".advice li")).to_contain_text("<img")
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_positions_are_kept_for_an_hour_and_not_without_end(positions: Positions, clock: ManualClock) -> None:
    for number in range(MOST + 5):
        say(positions, placement(device=f"door-{number}"))
    assert len(positions.of("shop")["positions"]) == MOST
    assert positions.of("shop")["positions"][0]["device"] == f"door-{MOST + 4}"
    assert positions.of("other") == {"positions": []}
    clock.time += timedelta(seconds=KEPT_S + 1)
    assert (positions.of("shop"), positions.sites()) == ({"positions": []}, set())


def test_what_breaks_the_contract_is_no_position(positions: Positions) -> None:
    positions.take("footlight/v1/shop/door/placement", b"{}")
    positions.take(topic(window(0)), encode(window(0)))
    positions.take("footlight/v1/other/door/placement", encode(placement()))
    assert positions.sites() == set()
