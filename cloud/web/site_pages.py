"""What every page of a site needs: the sites of the store, its templates, and the shop's time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.templating import Jinja2Templates

from cloud.devices.change_file import ChangesUnavailable
from cloud.devices.changes import Changes, InUse
from cloud.domain.users import User
from cloud.stores.count_checks import CountChecks
from cloud.stores.shops import Shops
from cloud.stores.store import Reader
from cloud.web.access import csrf_field, csrf_token, unknown_site
from cloud.web.language_page import speak
from cloud.web.languages import TITLES, language_of
from cloud.web.placement import Positions
from cloud.web.words import ROLES
from common.clock import Clock

_TEMPLATES = Path(__file__).parent / "templates"


def page_templates() -> Jinja2Templates:
    """Return the templates of the page; each knows the user (None before login) and the fields of a form."""
    templates = Jinja2Templates(directory=_TEMPLATES, context_processors=[_of_the_request])
    templates.env.globals.update(
        csrf_field=csrf_field, csrf_token=csrf_token, languages=TITLES, role_words=ROLES
    )
    speak(templates.env)
    return templates


def _of_the_request(request: Request) -> dict[str, Any]:
    user: User | None = getattr(request.state, "user", None)
    has_accounts = request.app.state.access.login
    return {
        "user": user,
        "has_accounts": has_accounts,
        "language": language_of(request),
        "edits_chain": request.app.state.edits_chain,
        "has_checks": request.app.state.has_checks,
        "has_sign": request.app.state.has_sign,
    }


@dataclass(frozen=True, slots=True)
class SitePages:
    """What the handlers of all features share. They are not async: a store may block."""

    reader: Reader
    clock: Clock
    zone: ZoneInfo
    positions: Positions
    templates: Jinja2Templates
    shops: Shops
    changes: Changes | None
    """It knows which settings were changed; None on a page that cannot change any."""
    checks: CountChecks | None = None
    """The count checks; None on a page without."""

    def zone_of(self, site: str) -> ZoneInfo:
        """Return the time zone of a site: that of the chain file, or else that of the page."""
        listed = self.shops.site(site)
        return listed.zone if listed else self.zone

    def title_of(self, site: str) -> str:
        """Return what people call a site."""
        listed = self.shops.site(site)
        return listed.title if listed else site

    def sites(self, request: Request) -> list[str]:
        """Return the names of the user's sites: those with data, in the chain file, or with a placement check."""
        found: Iterable[str] = sorted({*self.reader.sites(), *self.positions.sites(), *self.shops.named()})
        return request.state.user.of(found)  # type: ignore[no-any-return]

    def known(self, request: Request) -> tuple[str, list[str]]:
        """Return the site in the path and all sites of the user. Raises ``HTTPException`` (404)."""
        site, sites = request.path_params["site"], self.sites(request)
        if site not in sites:
            raise unknown_site(site)
        return site, sites

    def in_use(self, site: str, start: datetime, end: datetime) -> list[InUse]:
        """Return what the devices of a site began to use in [start, end), in local time: figures before and after are
        not counted alike."""
        if self.changes is None:
            return []
        try:
            return [
                replace(found, at=found.at.astimezone(self.zone_of(site)))
                for state in self.reader.devices(site)
                for found in self.changes.in_use(site, state.device, start, end)
            ]
        except ChangesUnavailable:  # the editor says so; the figures are there
            return []
