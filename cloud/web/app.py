"""The built-in page as an ASGI application. It only reads, sets no cookies and loads nothing from other servers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp

from cloud.domain.chain import shop_zone
from cloud.stores.store import Reader, StoreUnavailable
from cloud.web import api
from cloud.web.day import day_bounds, day_figures
from cloud.web.middleware import KnownHosts, SecurityHeaders, SubPath
from cloud.web.placement import Positions
from common.clock import Clock

log = logging.getLogger(__name__)
_HERE = Path(__file__).parent

FRESH_S = 2.0
"""How long an answer is reused, so that ten open phones cost a Pi no more than one."""

_LETTERS, _LETTERS_FOR = 5, timedelta(days=7)
"""How many dead letters are shown, and for how long."""


def create_app(
    reader: Reader,
    clock: Clock,
    timezone: str | None = None,
    positions: Positions | None = None,
    *,
    names: Iterable[str] = (),
    path: str = "",
) -> ASGIApp:
    """Create the page that shows the data of ``reader``.

    ``timezone`` is the shop's, such as Europe/Berlin; None takes this machine's. ``positions`` are the cameras that are
    being checked, None if placement messages are not received. ``names`` are host names of the page besides this
    machine's own. ``path`` is where a proxy shows the page, such as /footlight.

    Raises ``UserError`` for a time zone that does not exist.
    """
    page = _Page(reader, clock, shop_zone(timezone), positions or Positions(clock))
    return Starlette(
        routes=[
            Route("/", page.start),
            Route("/site/{site}", page.site),
            Route("/site/{site}/position", page.position),
            Route("/api/{site}/today", page.today),
            Route("/api/{site}/positions", page.positions),
            Mount("/static", StaticFiles(directory=_HERE / "static"), name="static"),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(KnownHosts, names=names),
            Middleware(SubPath, path=path),
        ],
        exception_handlers={HTTPException: page.error, StoreUnavailable: page.unavailable},
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    read_s: float
    body: bytes


class _Page:
    """The request handlers. They are not async: the framework runs them in threads, where a store may block."""

    def __init__(self, reader: Reader, clock: Clock, zone: ZoneInfo, positions: Positions) -> None:
        self._reader = reader
        self._positions = positions
        self._clock = clock
        self._zone = zone
        self._templates = Jinja2Templates(directory=_HERE / "templates")
        self._answers: dict[str, _Answer] = {}
        self._lock = Lock()
        self._fault = ""

    def start(self, request: Request) -> Response:
        """Redirect to the only site, or show a list of the sites."""
        sites = self._sites()
        if len(sites) == 1:
            return RedirectResponse(request.url_for("site", site=sites[0]).path)
        return self._templates.TemplateResponse(request, "sites.html", {"sites": sites})

    def site(self, request: Request) -> Response:
        site, sites = self._known(request)
        return self._templates.TemplateResponse(request, "site.html", {"site": site, "sites": sites})

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
        if request.url.path.removeprefix(request.scope["root_path"]).startswith("/api/"):
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
            request,
            HTTPException(503, "The stored data cannot be read. The log of the Footlight box says why."),
        )

    def _known(self, request: Request) -> tuple[str, list[str]]:
        site, sites = request.path_params["site"], self._sites()
        if site not in sites:
            raise HTTPException(404, f"No data has been received from a shop named {site}.")
        return site, sites

    def _sites(self) -> list[str]:
        """Return the names of all sites, including those whose only data so far is a placement check."""
        return sorted({*self._reader.sites(), *self._positions.sites()})

    def _answer(self, site: str) -> bytes:
        # One request reads at a time: the requests that wait here then reuse its answer.
        with self._lock:
            at_s = self._clock.monotonic()
            answer = self._answers.get(site)
            if answer is None or at_s - answer.read_s >= FRESH_S:
                answer = _Answer(at_s, self._read(site))
                self._answers[site] = answer
            return answer.body

    def _read(self, site: str) -> bytes:
        now = self._clock.now()
        start, end = day_bounds(now, self._zone)
        last_evening = start - timedelta(microseconds=1)
        windows = self._reader.windows(site, day_bounds(last_evening, self._zone)[0], end)
        day, before = (day_figures(windows, at, self._zone) for at in (now, last_evening))
        letters = [
            letter for letter in self._reader.dead_letters(_LETTERS) if now - letter.at <= _LETTERS_FOR
        ]
        devices, notices = self._reader.devices(site), self._reader.notices(site)
        taken = self._reader.acknowledgements(site)
        answer = api.today(site, now, self._zone, day, before, devices, notices, taken, letters)
        return json.dumps(answer, default=lambda value: value.isoformat()).encode()
