"""The list of shops, and the figures of today and yesterday."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from cloud.web import api
from cloud.web.access import guarded
from cloud.web.day import day_bounds, day_figures
from cloud.web.languages import Language, language_of
from cloud.web.site_pages import SitePages

FRESH_S = 2.0
"""How long an answer is reused, so that ten open phones of one language cost a Pi no more than one."""

_LETTERS, _LETTERS_FOR = 5, timedelta(days=7)
"""How many dead letters are shown, and for how long."""


def routes(pages: SitePages) -> list[BaseRoute]:
    """Return the routes of this feature."""
    today = _Today(pages)
    return [
        guarded("/", today.start, needs="numbers"),
        guarded("/site/{site}", today.site, needs="numbers"),
        guarded("/api/{site}/today", today.today, needs="numbers"),
    ]


@dataclass(frozen=True, slots=True)
class _Answer:
    read_s: float
    body: bytes


class _Today:
    def __init__(self, pages: SitePages) -> None:
        self._pages = pages
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._lock = Lock()

    def start(self, request: Request) -> Response:
        """Redirect to the only site, or show a list of the sites."""
        sites = self._pages.sites(request)
        if len(sites) == 1:
            return RedirectResponse(request.url_for("site", site=sites[0]).path)
        return self._pages.templates.TemplateResponse(
            request, "sites.html", {"sites": sites, "title_of": self._pages.title_of}
        )

    def site(self, request: Request) -> Response:
        site, sites = self._pages.known(request)
        zone = self._pages.zone_of(site)
        shown = {
            "site": site,
            "sites": sites,
            "title_of": self._pages.title_of,
            "today": self._pages.clock.now().astimezone(zone).date(),
            "timezone": zone.key,
        }
        return self._pages.templates.TemplateResponse(request, "site.html", shown)

    def today(self, request: Request) -> Response:
        site, _ = self._pages.known(request)
        return Response(
            self._answer(site, language_of(request)),
            media_type="application/json",
            headers={"cache-control": "no-store"},
        )

    def _answer(self, site: str, language: Language) -> bytes:
        # One request reads at a time: the requests that wait here then reuse its answer.
        with self._lock:
            at_s = self._pages.clock.monotonic()
            answer = self._answers.get((site, language.code))
            if answer is None or at_s - answer.read_s >= FRESH_S:
                answer = _Answer(at_s, self._read(site, language))
                self._answers[site, language.code] = answer
            return answer.body

    def _read(self, site: str, language: Language) -> bytes:
        reader, zone, now = self._pages.reader, self._pages.zone_of(site), self._pages.clock.now()
        start, end = day_bounds(now, zone)
        last_evening = start - timedelta(microseconds=1)
        yesterday = day_bounds(last_evening, zone)[0]
        windows = reader.windows(site, yesterday, end)
        day, before = (day_figures(windows, at, zone) for at in (now, last_evening))
        letters = [letter for letter in reader.dead_letters(_LETTERS) if now - letter.at <= _LETTERS_FOR]
        devices, notices, taken = reader.devices(site), reader.notices(site), reader.acknowledgements(site)
        changes = self._pages.in_use(site, yesterday, end)
        says = language.says
        answer = api.today(site, now, zone, day, before, devices, notices, taken, letters, changes, says)
        return json.dumps(answer, default=lambda value: value.isoformat()).encode()
