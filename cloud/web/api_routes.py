"""The routes of the read API: ``/api/v1``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cloud.api import ask, figures
from cloud.api.answers import Answer, Sites
from cloud.api.devices import devices
from cloud.api.endpoints import BY_NAME, JSON, ROOT, Nothing, OfSite, Page, Period
from cloud.api.openapi import document
from cloud.domain.chain import Chain
from cloud.stores.check_file import CheckFile
from cloud.stores.shops import Shops
from cloud.stores.store import Reader
from cloud.web.access import guarded, unknown_site
from cloud.web.api_answers import answering, fresh, kept, of_path, of_query
from common.clock import Clock
from common.errors import UserError


def routes(reader: Reader, shops: Shops, clock: Clock, checks: CheckFile | None = None) -> list[BaseRoute]:
    """Return the routes of the API: ``reader`` has the devices, ``shops`` the figures, which ``checks`` correct."""
    api = _Api(reader, shops, clock, checks)
    handlers: dict[str, Callable[[Request], Response]] = {
        "sites": api.sites,
        "days": api.days,
        "hours": api.hours,
        "cohorts": api.cohorts,
        "places": api.places,
        "metrics": api.metrics,
        "noise": api.noise,
        "clips": api.clips,
        "devices": api.devices,
    }
    return [
        guarded(f"{ROOT}/openapi.json", api.openapi, needs="numbers", name="openapi"),
        *(
            guarded(
                f"{ROOT}{BY_NAME[name].path}",
                answering(handler),
                needs=BY_NAME[name].needs,
                name=f"api_{name}",
            )
            for name, handler in handlers.items()
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Api:
    """The handlers. They are not async: a store may block."""

    reader: Reader
    shops: Shops
    clock: Clock
    checks: CheckFile | None

    def openapi(self, request: Request) -> Response:
        return kept(request, json.dumps(document(request.scope["root_path"])).encode(), JSON)

    def sites(self, request: Request) -> Response:
        page, chain = of_query(request, Page), self._chain()
        names = request.state.user.of(sorted(chain.sites)) if chain else []
        rest = [name for name in names if page.after is None or name > page.after]
        shown = rest[: page.limit]
        answer = Sites(
            sites=[figures.site_answer(chain.sites[name]) for name in shown] if chain else [],
            next=shown[-1] if len(rest) > len(shown) else None,
        )
        return _json(request, answer)

    def days(self, request: Request) -> Response:
        return _json(request, ask.days(self.shops, *self._asked(request), self.checks))

    def hours(self, request: Request) -> Response:
        return _json(request, ask.hours(self.shops, *self._asked(request)))

    def cohorts(self, request: Request) -> Response:
        return _json(request, ask.cohorts(self.shops, *self._asked(request)))

    def places(self, request: Request) -> Response:
        return _json(request, ask.places(self.shops, *self._asked(request)))

    def metrics(self, request: Request) -> Response:
        return _json(request, ask.metrics(self.shops, *self._asked(request), self.checks))

    def noise(self, request: Request) -> Response:
        return _json(request, ask.noise(self.shops, self.reader, *self._asked(request)))

    def clips(self, request: Request) -> Response:
        return _json(request, ask.clips(self.shops, *self._asked(request)))

    def devices(self, request: Request) -> Response:
        of_query(request, Nothing)
        name, chain = of_path(request, OfSite).site, self._chain()
        if chain is None:
            raise unknown_site(name)
        zone = ask.site_named(chain, name).zone
        return fresh(devices(self.reader, name, self.clock.now(), zone))

    def _chain(self) -> Chain | None:
        """Return the shops as they are now; None if none has sent anything yet."""
        try:
            return self.shops.until(self.clock.now().date())[0]
        except UserError:
            return None

    def _asked(self, request: Request) -> tuple[str, Period, datetime]:
        return of_path(request, OfSite).site, of_query(request, Period), self.clock.now()


def _json(request: Request, answer: Answer) -> Response:
    return kept(request, answer.model_dump_json().encode(), JSON)
