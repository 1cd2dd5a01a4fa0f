"""The settings of a shop in the chain file: title, time zone, opening hours, special days and what its cameras watch.

It is an ordinary form, checked as the command line checks the file. Who changed what is shown below it, with undo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import available_timezones

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from cloud.chain_file.changes import ChainChanges, NotPossible, changed_settings, not_writable
from cloud.chain_file.file import section_of
from cloud.chain_file.history import HistoryUnavailable
from cloud.chain_file.rewrite import Section
from cloud.domain.chain import ROLES, Chain, Site, camera_of
from cloud.domain.opening import CLOSED, WEEKDAYS
from cloud.stores.shops import ChainShops
from cloud.web.access import guarded, record
from cloud.web.languages import Language, language_of
from cloud.web.site_pages import SitePages
from cloud.web.words import NO_HISTORY, SETTINGS, UNREADABLE_FORM
from common.errors import UserError

_DAY = timedelta(days=1)
_PAST = 31 * _DAY
"""Special days before this stay in the file and are not shown."""
_SPARE_DAYS, _SPARE_CAMERAS = 3, 1
"""Empty lines of the form for what is new."""
PURPOSES = tuple(role for role in ROLES if role != "unassigned")


def routes(pages: SitePages, changes: ChainChanges) -> list[BaseRoute]:
    """Return the routes of this feature."""
    page = _Settings(pages, changes)
    return [
        guarded("/site/{site}/settings", page.show, needs="configure", name="settings"),
        guarded("/site/{site}/settings", page.save, needs="configure", methods=["POST"]),
        guarded(
            "/site/{site}/settings/restore",
            page.restore,
            needs="configure",
            methods=["POST"],
            name="restore_settings",
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Form:
    """What stands in the fields."""

    seen: str
    since: date
    title: str
    timezone: str
    opening: Mapping[str, str]
    special_days: list[tuple[str, str]]
    cameras: list[tuple[str, str]]


class _Settings:
    def __init__(self, pages: SitePages, changes: ChainChanges) -> None:
        self._pages, self._changes = pages, changes

    def show(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        return self._page(request, site)

    def save(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        form = _read(request)

        def change() -> Chain:
            now, _version = self._changes.site(site)
            settings = _settings(form, now, language_of(request))
            who = request.state.user.name
            return self._changes.change(site, settings, who=who, seen=form.seen, assumed=self._assumed)

        return self._changed(request, site, change, form)

    def restore(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        try:
            number = int(request.state.form.get("number", ""))
        except ValueError:
            raise HTTPException(400, UNREADABLE_FORM) from None
        who = request.state.user.name
        restore = partial(self._changes.restore, site, number, who=who, assumed=self._assumed)
        return self._changed(request, site, restore)

    def _changed(
        self, request: Request, site: str, change: Callable[[], Chain], form: _Form | None = None
    ) -> Response:
        """Make the ``change`` and show the page anew; what was wrong is said above the ``form`` as it was sent."""
        try:
            self._pages.shops.use(change())
            history = self._changes.history(site)
        except UserError as error:
            return self._page(request, site, form, mistake=str(error), code=400)
        except NotPossible as error:
            return self._page(request, site, form, wrong=error.args[0], code=409)
        except HistoryUnavailable:
            raise HTTPException(503, NO_HISTORY) from None
        what = ", ".join(changed_settings(history, 0)) or "settings"
        record(request, "configured", f"{what} of {site} in the chain file")
        return RedirectResponse(request.url_for("settings", site=site).path, 303)

    def _assumed(self) -> dict[str, Section]:
        """Return the sites of a box without a chain file, with the opening hours that are estimated until now."""
        try:
            chain, _tallies = self._pages.shops.until(self._pages.clock.now().date())
        except UserError:  # nothing to estimate from yet
            return {}
        return {name: section_of(site) for name, site in chain.sites.items()}

    def _page(
        self,
        request: Request,
        site: str,
        form: _Form | None = None,
        *,
        wrong: str = "",
        mistake: str = "",
        code: int = 200,
    ) -> Response:
        pages, changes = self._pages, self._changes
        broken, listed, version = "", None, ""
        why = changes.why_not_writable()
        read_only = not_writable(changes.path, why) if why else ""
        try:
            listed, version = changes.site(site)
        except UserError as error:
            broken = str(error)
        try:
            history = changes.history(site)
        except HistoryUnavailable:
            history, read_only = [], read_only or NO_HISTORY
        zone = pages.zone_of(site)
        today = pages.clock.now().astimezone(zone).date()
        assumed = self._assumed().get(site, {}) if listed is None and not broken else {}
        section = section_of(listed) if listed else {"title": site, "timezone": zone.key, **assumed}
        shown = {
            "site": site,
            "title_of": pages.title_of,
            "form": form
            or _filled(section, version, today - _PAST, self._reported(site), language_of(request)),
            "zones": _zones(),
            "purposes": PURPOSES,
            "path": changes.path,
            "exists": bool(version),
            "listed": listed is not None,
            "estimated": bool(assumed),
            "rolled_up": isinstance(pages.shops, ChainShops),
            "read_only": read_only,
            "broken": broken,
            "wrong": wrong,
            "mistake": mistake,
            "history": [
                (
                    version,
                    version.at.astimezone(zone),
                    [SETTINGS[key] for key in changed_settings(history, place)],
                )
                for place, version in enumerate(history)
            ],
        }
        return pages.templates.TemplateResponse(request, "settings.html", shown, code)

    def _reported(self, site: str) -> list[str]:
        """Return the cameras that have sent windows since yesterday."""
        now = self._pages.clock.now()
        return sorted({camera_of(window) for window in self._pages.reader.windows(site, now - _DAY, now)})


@cache
def _zones() -> list[str]:
    """Return the names of all time zones; it reads many files."""
    return sorted(available_timezones())


def _filled(section: Section, version: str, since: date, reported: list[str], language: Language) -> _Form:
    """Return the form for settings as the chain file has them."""
    closed = language.gettext("closed")
    special = [
        (day, _shown(hours, closed))
        for day, hours in sorted(section.get("special_days", {}).items())
        if date.fromisoformat(day) >= since
    ]
    cameras = section.get("cameras") or {}
    return _Form(
        seen=version,
        since=since,
        title=section["title"],
        timezone=section["timezone"],
        opening={day: _shown(section.get("opening", {}).get(day, ""), closed) for day in WEEKDAYS},
        special_days=special + [("", "")] * _SPARE_DAYS,
        cameras=[
            *cameras.items(),
            *((camera, "") for camera in reported if camera not in cameras),
            *[("", "")] * _SPARE_CAMERAS,
        ],
    )


def _read(request: Request) -> _Form:
    """Return what the form of a request says. Raises ``HTTPException`` (400) if it is none of ours."""
    sent = request.state.form
    try:
        return _Form(
            seen=sent["seen"],
            since=date.fromisoformat(sent["since"]),
            title=sent["title"],
            timezone=sent["timezone"].strip(),
            opening={day: sent[day] for day in WEEKDAYS},
            special_days=list(zip(sent.getlist("day"), sent.getlist("hours"), strict=True)),
            cameras=list(zip(sent.getlist("camera"), sent.getlist("purpose"), strict=True)),
        )
    except (KeyError, ValueError):
        raise HTTPException(400, UNREADABLE_FORM) from None


def _settings(form: _Form, now: Site | None, language: Language) -> dict[str, Any]:
    """Return the settings that a form asks for. Raises ``UserError`` for what is given twice or half."""
    special = {
        day: hours
        for day, hours in (section_of(now).get("special_days", {}) if now else {}).items()
        if date.fromisoformat(day) < form.since
    }
    for day, hours in form.special_days:
        if not hours.strip():
            continue  # a line without hours is an empty one, or a day that is taken out
        if not day:
            raise UserError(f"special_days: {hours.strip()} has no date")
        if day in special:
            raise UserError(f"special_days.{day}: is given twice; keep one")
        special[day] = _typed(hours, language)
    cameras: dict[str, str] = {}
    for camera, purpose in form.cameras:
        name = camera.strip()
        if name in cameras:
            raise UserError(f"cameras.{name}: is given twice; keep one")
        if name and purpose:
            cameras[name] = purpose
    settings = {
        "title": form.title,
        "timezone": form.timezone,
        "opening": {day: _typed(hours, language) for day, hours in form.opening.items()},
        "special_days": special,
        "cameras": cameras,
    }
    return {key: value for key, value in settings.items() if value or key not in ("special_days", "cameras")}


def _typed(text: str, language: Language) -> str | list[str]:
    """Return hours as the chain file writes them, from what a person typed: several spans are parted by commas."""
    plain = re.sub(r"\s*[-–]\s*", "-", text.strip())
    if plain.lower() in (CLOSED, language.gettext("closed").lower()):
        return CLOSED
    spans = [re.sub(r"\b(\d):", r"0\1:", span.strip()) for span in plain.split(",")]
    return spans if len(spans) > 1 else spans[0]


def _shown(hours: str | list[str], closed: str) -> str:
    if isinstance(hours, list):
        return ", ".join(hours)
    return closed if hours == CLOSED else hours
