"""The sign at the door and its impact assessment as pages to print, and the record that the devices compare with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from cloud.domain.chain import Chain
from cloud.domain.levels import Level
from cloud.web.access import guarded
from cloud.web.languages import TITLES, Language, language, language_of
from cloud.web.sign import Document, Facts, NothingTold, facts, told_lately, written
from cloud.web.site_pages import SitePages
from common.config_file import masked_yaml
from common.errors import UserError


def routes(pages: SitePages, kept_days: Mapping[Level, int | None]) -> list[BaseRoute]:
    """Return the routes of this feature. ``kept_days`` is for how long the store keeps each of its levels."""

    def about(request: Request) -> Facts:
        site, _sites = pages.known(request)
        today = pages.clock.now().astimezone(pages.zone_of(site)).date()
        chain: Chain | None = None
        with suppress(UserError):  # no windows yet: said below, in other words
            chain = pages.shops.until(today)[0]
        try:
            told = told_lately(pages.reader, pages.reader, site, pages.clock.now())
            return facts(chain, site, told, kept_days, None, today)
        except NothingTold as error:
            raise HTTPException(404, error.args[0]) from None

    def page(document: Document, request: Request) -> Response:
        found = about(request)
        links: dict[str, str] = {
            "style": request.url_for("static", path="sign.css").path,
            "icon": request.url_for("static", path="icon.svg").path,
            "back": request.url_for("site", site=found.site).path,
            "record": request.url_for("sign_record", site=found.site).path,
            "sign": request.url_for("sign", site=found.site).path,
            "dpia": request.url_for("dpia", site=found.site).path,
        }
        return HTMLResponse(written(pages.templates.env, document, found, _language(request), links=links))

    def sign(request: Request) -> Response:
        return page("sign", request)

    def dpia(request: Request) -> Response:
        return page("dpia", request)

    def record(request: Request) -> Response:
        name = {"content-disposition": 'attachment; filename="sign.yaml"'}
        return PlainTextResponse(
            masked_yaml(about(request).statement), headers=name, media_type="application/yaml"
        )

    return [
        guarded("/site/{site}/sign", sign, needs="exports", name="sign"),
        guarded("/site/{site}/dpia", dpia, needs="exports", name="dpia"),
        guarded("/site/{site}/sign.yaml", record, needs="exports", name="sign_record"),
    ]


def _language(request: Request) -> Language:
    """Return the language of the document, which need not be that of who prints it."""
    asked = request.query_params.get("in", "")
    return language(asked) if asked in TITLES else language_of(request)
