"""The list of shops; the figures of today and yesterday, as they change; and who takes care of a notice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from cloud.analysis.noise import noise_of_day
from cloud.domain.formula import BUILT_IN
from cloud.domain.ledger import ledgers
from cloud.domain.messages import gettext as _
from cloud.domain.users import User, reads
from cloud.ingest.acknowledging import LONGEST_NAME, acknowledge
from cloud.stores.store import StoreRejected, StoreUnavailable
from cloud.stores.till_file import TillFile
from cloud.web import api
from cloud.web.access import Access, address_of, guarded, record
from cloud.web.day import Day, day_bounds, day_figures
from cloud.web.day_till import till_today
from cloud.web.languages import Language, language, language_of
from cloud.web.live import Live
from cloud.web.site_pages import SitePages
from common.errors import UserError
from common.wire import WindowMessage

if TYPE_CHECKING:
    from cloud.analysis.recall import Recall

FRESH_S = 2.0
"""How long an answer is reused, so that ten open phones of one language cost a Pi no more than one."""

_LETTERS, _LETTERS_FOR = 5, timedelta(days=7)
"""How many dead letters are shown, and for how long."""


def routes(today: Today) -> list[BaseRoute]:
    """Return the routes of this feature."""
    return [
        guarded("/", today.start, needs="numbers"),
        guarded("/site/{site}", today.site, needs="numbers"),
        guarded("/api/{site}/today", today.today, needs="numbers"),
        guarded("/api/{site}/events", today.events, needs="numbers"),
        guarded("/api/{site}/acknowledge", today.acknowledge, needs="acknowledge", methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Answer:
    read_s: float
    body: bytes


class Today:
    """The handlers of this feature."""

    def __init__(self, pages: SitePages, till: TillFile | None = None) -> None:
        self._pages, self._till = pages, till
        self.live = Live(lambda site, code: self._answer(site, language(code)))
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
        site, _sites = self._pages.known(request)
        return Response(self._answer(site, language_of(request)), media_type="application/json")

    async def events(self, request: Request) -> Response:
        """Answer with the same, again whenever it changes, as a stream of events."""
        site, _sites = await run_in_threadpool(self._pages.known, request)
        user: User = request.state.user
        keys = f"user {user.name}", f"address {address_of(request)}"
        if not self.live.has_room(*keys):
            raise HTTPException(429, _("Too many pages are open. This one asks for news now and then."))
        access: Access = request.app.state.access

        async def may_go_on() -> bool:
            return reads(await run_in_threadpool(access.user, request), site)

        seen = request.query_params.get("seen", "")
        stream = self.live.stream((site, language_of(request).code), keys, seen, may_go_on)
        # nginx would hold the events back.
        return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    def acknowledge(self, request: Request) -> Response:
        """Write down that the user takes care of a notice; answer with who does."""
        site, _sites = self._pages.known(request)
        user: User = request.state.user
        device, name = (request.state.form.get(key, "") for key in ("device", "name"))
        who, at = (user.title or user.name)[:LONGEST_NAME], self._pages.clock.now()
        try:
            taken = acknowledge(self._pages.reader, site=site, device=device, name=name, who=who, at=at)
        except UserError:
            raise HTTPException(409, _("This notice is over.")) from None
        except StoreRejected as error:
            raise StoreUnavailable(str(error)) from None
        if taken.at == at:
            record(request, "acknowledged", f"{name} of {site}/{device}")
        self.news(site)
        return JSONResponse({"who": taken.who, "at": taken.at.isoformat()})

    def news(self, site: str) -> None:
        """Show what has just been stored of a site at once. From any thread."""
        with self._lock:
            self._answers = {key: one for key, one in self._answers.items() if key[0] != site}
        self.live.wake(site)

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
        noise = reader.noise(site, yesterday, end)
        found, says = ledgers(windows, reader.duplicates(site, yesterday, end)), language.says
        checked = self._checked(site, (start, end))
        till = self._sold(site, windows, (start, end), checked)
        corrected = _corrected(day, checked)
        answer = api.today(
            site,
            now,
            zone,
            day,
            before,
            till,
            devices,
            notices,
            taken,
            letters,
            changes,
            corrected,
            found,
            noise_of_day(noise, start, end),
            noise_of_day(noise, yesterday, start),
            says,
        )
        return json.dumps(answer, default=lambda value: value.isoformat()).encode()

    def _sold(
        self,
        site: str,
        windows: Sequence[WindowMessage],
        bounds: tuple[datetime, datetime],
        doors: Sequence[Recall],
    ) -> api.Sold | None:
        """Return what the till told of today; None if it told nothing."""
        start, end = bounds
        kept = self._till.between(site, start, end) if self._till else ()
        if not kept:
            return None
        # Without a chain file, the chain would be estimated from weeks of windows, each time.
        listed = self._pages.shops.site(site) is not None
        chain = self._pages.shops.until(end.date())[0] if listed else None
        found = till_today(kept, windows, chain.formulas if chain else BUILT_IN, doors)
        return api.Sold(found, chain.currency or "" if chain else "") if found else None

    def _checked(self, site: str, bounds: tuple[datetime, datetime]) -> Sequence[Recall]:
        """Return the count checks of all doors; empty unless each door has one that holds today."""
        checks = self._pages.checks
        if checks is None or site not in checks.file.sites():
            return ()
        # Imported here: scipy is needed only where somebody made a check, and takes seconds to load on a Pi.
        from cloud.analysis.corrected import checked_today

        return checked_today(checks.file, site, bounds)


def _corrected(day: Day, doors: Sequence[Recall]) -> dict[str, float] | None:
    """Return the entries of today as the count checks correct them; None if they do not."""
    if day.doors is None or not doors:
        return None
    from cloud.analysis.recall import corrected

    found = corrected(day.doors.entries, doors)
    return asdict(found) if found else None
