"""The check of a camera's position, live."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from cloud.web.access import guarded
from cloud.web.site_pages import SitePages


def routes(pages: SitePages, *, editor: bool) -> list[BaseRoute]:
    """Return the routes of this feature; with ``editor``, the page shows the editor of places to who may use it."""

    def position(request: Request) -> Response:
        site, _ = pages.known(request)
        shown = editor and request.state.user.may("configure")
        return pages.templates.TemplateResponse(
            request, "position.html", {"site": site, "title": pages.title_of(site), "editor": shown}
        )

    def positions(request: Request) -> Response:
        site, _ = pages.known(request)
        return JSONResponse(pages.positions.of(site))

    return [
        guarded("/site/{site}/position", position, needs="placement"),
        guarded("/api/{site}/positions", positions, needs="placement"),
    ]
