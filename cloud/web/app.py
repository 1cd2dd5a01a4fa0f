"""The built-in page as an ASGI application: joins the routes of all features. It loads nothing from other servers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from cloud.chain_file.changes import ChainChanges
from cloud.devices.changes import Changes
from cloud.devices.offers import Offers
from cloud.domain.chain import shop_zone
from cloud.domain.levels import Level
from cloud.domain.messages import gettext as _
from cloud.stores.count_checks import CountChecks
from cloud.stores.shops import Shops
from cloud.stores.store import Reader, StoreUnavailable
from cloud.stores.till_file import TillFile
from cloud.web import (
    account_page,
    api_routes,
    check_page,
    export_routes,
    language_page,
    login_page,
    metrics,
    offers_page,
    period_page,
    phone_page,
    placement_page,
    places_page,
    settings_page,
    sign_page,
    till_routes,
    today_page,
    users_page,
)
from cloud.web.access import Access, check_routes, is_api
from cloud.web.account_access import AccountAccess
from cloud.web.api_answers import is_v1, problem
from cloud.web.languages import language_of
from cloud.web.middleware import KnownHosts, KnownProxies, SecurityHeaders, SubPath
from cloud.web.placement import Positions
from cloud.web.site_pages import SitePages, page_templates
from cloud.web.words import REFUSALS
from common.clock import Clock

log = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"


def create_app(
    reader: Reader,
    clock: Clock,
    timezone: str | None = None,
    positions: Positions | None = None,
    *,
    access: Access,
    shops: Shops,
    changes: Changes | None = None,
    chain_changes: ChainChanges | None = None,
    till: TillFile | None = None,
    checks: CountChecks | None = None,
    kept_days: Mapping[Level, int | None] | None = None,
    collectors: Sequence[Collector] = (),
    only_api: bool = False,
    names: Iterable[str] = (),
    path: str = "",
    proxies: Iterable[str] = (),
) -> Starlette:
    """Create the page that shows the data of ``reader`` to the users that ``access`` knows.

    ``shops`` has the tallies for the pages of periods and the API. ``timezone`` is that of shops without a chain
    file, such as Europe/Berlin; None takes this machine's. ``positions`` are the cameras that are being checked, None
    if placement messages are not received. ``changes`` sends new settings to devices, and ``chain_changes`` changes
    the chain file; None if nobody can. ``kept_days`` is for how long the store keeps each level, for the sign at the
    door; without it there is no sign. ``till`` is where tills tell their sales, None if they cannot. ``checks`` keeps
    the count checks; None on a page without. ``collectors`` are further metrics of the process. ``only_api`` leaves
    the pages out. ``names`` are host names of the page besides this machine's own. ``path`` is where a proxy shows
    the page, such as /footlight. ``proxies`` are addresses or networks of proxies that say where a request came
    from, and how.

    Raises ``UserError`` for a time zone that does not exist.
    """
    templates = page_templates()
    pages = SitePages(
        reader, clock, shop_zone(timezone), positions or Positions(clock), templates, shops, changes, checks
    )
    today = today_page.Today(pages, till)
    routes: list[BaseRoute] = [
        *api_routes.routes(reader, shops, clock, checks.file if checks else None),
        *export_routes.routes(shops, clock, checks.file if checks else None),
        *metrics.routes(reader, clock, collectors),
        *(till_routes.routes(till, shops, clock) if till is not None else ()),
    ]
    if not only_api:
        routes += [
            *today_page.routes(today),
            *phone_page.routes(pages, access if isinstance(access, AccountAccess) else None),
            *period_page.routes(pages, shops),
            *offers_page.routes(
                pages, shops, None if changes is None else Offers(changes.file, changes, clock)
            ),
            *placement_page.routes(pages, editor=changes is not None),
            *(places_page.routes(pages, changes) if changes is not None else ()),
            *(settings_page.routes(pages, chain_changes) if chain_changes is not None else ()),
            *(check_page.routes(pages, checks) if checks is not None else ()),
            *(sign_page.routes(pages, kept_days) if kept_days is not None else ()),
            *language_page.routes(),
            Mount("/static", StaticFiles(directory=_STATIC), name="static"),
        ]
        if isinstance(access, AccountAccess):
            for feature in (login_page, account_page, users_page):
                routes += feature.routes(access, templates)
    check_routes(routes)
    errors = _Errors(None if only_api else templates)
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(KnownProxies, addresses=proxies),
            Middleware(SecurityHeaders),
            Middleware(KnownHosts, names=names),
            Middleware(SubPath, path=path),
        ],
        exception_handlers={HTTPException: errors.error, StoreUnavailable: errors.unavailable},
    )
    app.state.access, app.state.today = access, today
    app.state.edits_chain, app.state.has_checks = chain_changes is not None, checks is not None
    app.state.has_sign = kept_days is not None
    return app


class _Errors:
    """What a person or a program reads when a request cannot be answered."""

    def __init__(self, templates: Jinja2Templates | None) -> None:
        self._templates = templates
        self._fault = ""

    async def error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if self._templates is None or is_v1(request):
            return problem(error)
        framework = error.detail == HTTPStatus(error.status_code).phrase
        detail = REFUSALS.get(error.status_code, error.detail) if framework else error.detail
        if is_api(request):
            said = {"error": language_of(request).says(detail)}
            return JSONResponse(said, error.status_code, error.headers)
        return self._templates.TemplateResponse(
            request, "error.html", {"detail": detail}, error.status_code, error.headers
        )

    async def unavailable(self, request: Request, error: Exception) -> Response:
        if str(error) != self._fault:
            log.error("page: %s", error)
        self._fault = str(error)
        return await self.error(
            request,
            HTTPException(503, _("The stored data cannot be read. The log of the Footlight box says why.")),
        )
