"""The page on a loopback port and a look at it in a real browser, for the tests of the page."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import uvicorn
from playwright.sync_api import Browser, Locator, Page, expect

from cloud.stores.shops import OneBoxShops
from cloud.web.access import OpenAccess
from cloud.web.app import create_app
from cloud.web.placement import Positions
from common.clock import Clock
from common.wire import Totals, WindowMessage
from tests.support.brokers import until
from tests.support.messages import cohort, window

expect.set_options(timeout=20_000)  # as for the rest below: a busy machine is no fault of the page
NOBODY = Totals(visits=0, viewers=0)
WIDTHS = [320, 360, 768]
SCHEMES = ["light", "dark"]


class _Server(uvicorn.Server):
    """The page on a free loopback port, in a thread."""

    def __init__(self, reader: Any, clock: Clock, positions: Positions | None = None, **shown: Any) -> None:
        shown.setdefault("access", OpenAccess())
        shown.setdefault("shops", OneBoxShops(reader, ZoneInfo("Europe/Berlin")))
        app = create_app(reader, clock, "Europe/Berlin", positions, **shown)
        super().__init__(
            uvicorn.Config(app, host="127.0.0.1", port=0, ws="none", log_config=None, proxy_headers=False)
        )
        self._end_streams = app.state.today.live.end
        self._thread = threading.Thread(target=self.run)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        await super().shutdown(sockets)

    def __enter__(self) -> str:
        self._thread.start()
        until(lambda: self.started or not self._thread.is_alive(), "the page is served")
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self._thread.join()


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


def a_morning() -> list[WindowMessage]:
    """9 to 12 in Berlin: an hour with visits and two cohorts, an hour that nobody watched, an hour without visits."""
    busy = [window(minute, cohort=cohort() if minute in {20, 40} else None) for minute in range(60)]
    empty = [window(minute, totals=NOBODY) for minute in range(120, 180)]
    return [*busy, *empty]


def value(page: Page, figure: str) -> str:
    return page.locator(f"#{figure} .value").inner_text()


def rows(page: Page, panel: str) -> list[list[str]]:
    """The text table beside a chart."""
    lines = page.locator(f"#{panel} tbody tr").all()
    return [[cell.text_content() or "" for cell in line.locator("th, td").all()] for line in lines]


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
