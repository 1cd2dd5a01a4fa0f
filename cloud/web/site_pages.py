"""What every page of a site needs: the sites of the store, its templates, and the shop's time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.templating import Jinja2Templates

from cloud.domain.users import User
from cloud.stores.store import Reader
from cloud.web.access import csrf_field, csrf_token, unknown_site
from cloud.web.placement import Positions
from common.clock import Clock

_TEMPLATES = Path(__file__).parent / "templates"


def page_templates() -> Jinja2Templates:
    """Return the templates of the page; each knows the user (None before login) and the fields of a form."""
    templates = Jinja2Templates(directory=_TEMPLATES, context_processors=[_of_the_request])
    templates.env.globals.update(csrf_field=csrf_field, csrf_token=csrf_token)
    return templates


def _of_the_request(request: Request) -> dict[str, Any]:
    user: User | None = getattr(request.state, "user", None)
    return {"user": user, "has_accounts": request.app.state.access.login}


@dataclass(frozen=True, slots=True)
class SitePages:
    """What the handlers of all features share. They are not async: a store may block."""

    reader: Reader
    clock: Clock
    zone: ZoneInfo
    positions: Positions
    templates: Jinja2Templates

    def sites(self, request: Request) -> list[str]:
        """Return the names of the user's sites, including those whose only data so far is a placement check."""
        found: Iterable[str] = sorted({*self.reader.sites(), *self.positions.sites()})
        return request.state.user.of(found)  # type: ignore[no-any-return]

    def known(self, request: Request) -> tuple[str, list[str]]:
        """Return the site in the path and all sites of the user. Raises ``HTTPException`` (404)."""
        site, sites = request.path_params["site"], self.sites(request)
        if site not in sites:
            raise unknown_site(site)
        return site, sites
