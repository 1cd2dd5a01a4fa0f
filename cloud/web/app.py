"""The built-in page as an ASGI application. It only reads, sets no cookie, loads nothing from elsewhere."""

from __future__ import annotations

import gzip
import json
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.stores.store import Reader, StoreUnavailable
from cloud.web import api
from cloud.web.day import day_bounds, day_figures
from cloud.web.placement import Positions
from common.clock import Clock
from common.errors import UserError

log = logging.getLogger(__name__)
_HERE = Path(__file__).parent

FRESH_S = 2.0
"""An answer is reused for so long, so that ten open phones cost a Pi no more than one."""

_LETTERS, _LETTERS_FOR = 5, timedelta(days=7)
"""So many dead letters are shown, for so long."""

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def create_app(
    reader: Reader, clock: Clock, timezone: str | None = None, positions: Positions | None = None
) -> ASGIApp:
    """The page over ``reader``. ``timezone`` is the shop's, such as Europe/Berlin; None takes this machine's.
    ``positions`` are the cameras that are being checked, None where nobody hears of them.

    Raises ``UserError`` for a time zone that does not exist.
    """
    charts = _charts()
    page = _Page(reader, clock, shop_zone(timezone), charts.map_style_id, positions or Positions(clock))
    return Starlette(
        routes=[
            Route("/", page.start),
            Route("/site/{site}", page.site),
            Route("/site/{site}/position", page.position),
            Route("/api/{site}/today", page.today),
            Route("/api/{site}/positions", page.positions),
            Route("/static/plotly.min.js", charts.serve),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        middleware=[Middleware(_SecurityHeaders)],
        exception_handlers={HTTPException: page.error, StoreUnavailable: page.unavailable},
    )


def shop_zone(name: str | None) -> ZoneInfo:
    """The time zone of that name, or this machine's when None (UTC where it has none)."""
    if name is None:
        local = Path("/etc/localtime").resolve()
        _, _, key = str(local).partition("zoneinfo/")
        return ZoneInfo(key or "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"timezone: {name!r} is not a time zone; write one like Europe/Berlin") from None


@dataclass(frozen=True, slots=True)
class _Answer:
    read_s: float
    body: bytes


class _Page:
    """The handlers. They are plain functions: the framework runs them in threads, where a store may block."""

    def __init__(
        self, reader: Reader, clock: Clock, zone: ZoneInfo, map_style_id: str, positions: Positions
    ) -> None:
        self._reader = reader
        self._positions = positions
        self._clock = clock
        self._zone = zone
        self._map_style_id = map_style_id
        self._templates = Jinja2Templates(directory=_HERE / "templates")
        self._answers: dict[str, _Answer] = {}
        self._lock = Lock()
        self._fault = ""

    def start(self, request: Request) -> Response:
        """The only site, or a choice of them."""
        sites = self._sites()
        if len(sites) == 1:
            return RedirectResponse(request.url_for("site", site=sites[0]).path)
        return self._templates.TemplateResponse(request, "sites.html", {"sites": sites})

    def site(self, request: Request) -> Response:
        site, sites = self._known(request)
        shown = {"site": site, "sites": sites, "map_style_id": self._map_style_id}
        return self._templates.TemplateResponse(request, "site.html", shown)

    def today(self, request: Request) -> Response:
        site, _ = self._known(request)
        return Response(
            self._answer(site), media_type="application/json", headers={"cache-control": "no-store"}
        )

    def position(self, request: Request) -> Response:
        site, _ = self._known(request)
        return self._templates.TemplateResponse(request, "position.html", {"site": site})

    def positions(self, request: Request) -> Response:
        site, _ = self._known(request)
        body = json.dumps(self._positions.of(site))
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    async def error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if request.url.path.startswith("/api/"):
            body = json.dumps({"error": error.detail})
            return Response(body, error.status_code, media_type="application/json")
        return self._templates.TemplateResponse(
            request, "error.html", {"detail": error.detail}, status_code=error.status_code
        )

    async def unavailable(self, request: Request, error: Exception) -> Response:
        if str(error) != self._fault:
            log.error("page: %s", error)
        self._fault = str(error)
        return await self.error(
            request, HTTPException(503, "The store cannot be read; see the log of the box.")
        )

    def _known(self, request: Request) -> tuple[str, list[str]]:
        site, sites = request.path_params["site"], self._sites()
        if site not in sites:
            raise HTTPException(404, f"Nothing was ever received from a shop named {site}.")
        return site, sites

    def _sites(self) -> list[str]:
        """A shop whose camera is only being hung has sent nothing yet that is stored."""
        return sorted({*self._reader.sites(), *self._positions.sites()})

    def _answer(self, site: str) -> bytes:
        # One reader at a time: who waits here then finds the answer of the one before.
        with self._lock:
            at_s = self._clock.monotonic()
            answer = self._answers.get(site)
            if answer is None or at_s - answer.read_s >= FRESH_S:
                answer = _Answer(at_s, self._read(site))
                self._answers[site] = answer
            return answer.body

    def _read(self, site: str) -> bytes:
        now = self._clock.now()
        windows = self._reader.windows(site, *day_bounds(now, self._zone))
        day = day_figures(windows, now, self._zone)
        letters = [
            letter for letter in self._reader.dead_letters(_LETTERS) if now - letter.at <= _LETTERS_FOR
        ]
        answer = api.today(site, now, self._zone, day, self._reader.devices(site), letters)
        return json.dumps(answer, default=lambda value: value.isoformat()).encode()


class _Charts:
    """plotly.js as its Python package ships it, compressed: 1.5 MB instead of 4.8 over a shop's Wi-Fi."""

    def __init__(self) -> None:
        spec = find_spec("plotly")
        if spec is None or spec.origin is None:
            raise UserError("the page needs plotly: pip install 'footlight[cloud]'")
        script = (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_bytes()
        guard = re.search(rb'getElementById\("([0-9a-f]{64})"\)', script)
        self.map_style_id = guard[1].decode() if guard else ""
        """Where this id exists on the page, the library writes no inline style sheet for its maps."""
        self._compressed = gzip.compress(script, mtime=0)

    def serve(self, request: Request) -> Response:
        return Response(
            self._compressed,
            media_type="text/javascript",
            headers={"content-encoding": "gzip", "cache-control": "max-age=86400"},
        )


@cache
def _charts() -> _Charts:
    return _Charts()


class _SecurityHeaders:
    """Nothing but our own files may run, whatever a name on the page contains."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
