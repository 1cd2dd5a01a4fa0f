"""The pages of a week, of a month and of any days, beside another period or another site.

``/site/{site}/week?of=2026-W48``, ``/site/{site}/month?of=2026-11`` and ``/site/{site}/compare?from=...&to=...``,
each with ``against`` (``before``, ``year`` or ``site:NAME``) and ``role``. A period has finished days only; without its
name, it is the newest one that has any. Every figure is in the HTML, so the page works without its script.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cloud.analysis.noise import with_noise
from cloud.devices.changes import InUse
from cloud.domain.chain import Chain, Role, Site
from cloud.domain.periods import MOST_DAYS, Kind, Period, month_of, week_of
from cloud.domain.thresholds import FULL_COVERAGE, LEAST_COVERAGE, SMALL_SAMPLE
from cloud.stores.shops import Shops
from cloud.stores.tallies import Tallies
from cloud.web.access import guarded
from cloud.web.languages import language_of
from cloud.web.period_places import LEVELS, MOST_WAYS
from cloud.web.period_words import FILTERS, figure_titles, refusal
from cloud.web.site_pages import SitePages
from common.errors import UserError
from common.vocabulary import EARLIEST, LATEST

if TYPE_CHECKING:
    from cloud.web.period import Against, PeriodView

_DAY = timedelta(days=1)
_USUAL_DAYS = 28
"""The length of the period that ``compare`` begins with: four of each weekday."""
_OTHER_SITE = "site:"


def routes(pages: SitePages, shops: Shops) -> list[BaseRoute]:
    """Return the routes of this feature."""
    pages.templates.env.filters.update(FILTERS)
    page = _Periods(pages, shops)
    return [
        guarded("/site/{site}/week", page.week, needs="numbers"),
        guarded("/site/{site}/month", page.month, needs="numbers"),
        guarded("/site/{site}/compare", page.compare, needs="numbers"),
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks for: the whole period that is named, and its part that is over."""

    whole: Period
    period: Period
    newest: bool
    """Whether there is no later period with a finished day."""


class _Periods:
    """The request handlers. One period is computed at a time: a month of windows needs memory."""

    def __init__(self, pages: SitePages, shops: Shops) -> None:
        self._pages, self._shops = pages, shops
        self._lock = Lock()

    def week(self, request: Request) -> Response:
        return self._answer(request, "week", _week)

    def month(self, request: Request) -> Response:
        return self._answer(request, "month", _month)

    def compare(self, request: Request) -> Response:
        return self._answer(request, "days", _days)

    def _answer(self, request: Request, kind: Kind, asked_of: Callable[[Request, date], Period]) -> Response:
        name, sites = self._pages.known(request)
        today = self._pages.clock.now().astimezone(self._pages.zone_of(name)).date()
        whole = asked_of(request, today)
        if whole.first >= today:
            raise HTTPException(400, refusal("not_begun"))
        asked = _Asked(whole, whole.until(today - _DAY), whole.next.first >= today)
        context = {
            "site": name,
            "title_of": self._pages.title_of,
            "sites": sites,
            "kind": kind,
            "asked": asked,
            "yesterday": today - _DAY,
            "against": request.query_params.get("against") or "before",
            "view": None,
            "weekdays": language_of(request).weekdays,
        }
        try:
            chain, source = self._shops.until(asked.period.last)
        except UserError:  # no window has ever arrived
            return self._render(request, {**context, "state": "empty"})
        if name not in chain.sites:
            return self._render(request, {**context, "state": "unlisted"})
        site = chain.sites[name]
        role = _role(request, site)
        others = [other for other in chain.with_role(role) if other in sites and other != name]
        context |= {
            "role": role,
            "roles": site.roles,
            "others": {other: chain.sites[other].title for other in others},
        }
        view = self._view(request, chain, source, site, role, asked.period, others)
        return self._render(
            request,
            {
                **context,
                "view": view,
                "titles": figure_titles(),
                "full_coverage": FULL_COVERAGE,
                "small_sample": SMALL_SAMPLE,
                "least_coverage": LEAST_COVERAGE,
                "levels": LEVELS,
                "most_ways": MOST_WAYS,
                "currency": chain.currency or "",
                "state": self._state(name, view),
                "changes": self._changes(name, view),
                "noise": with_noise(self._pages.reader, site, asked.period.first, asked.period.last, role),
            },
        )

    def _changes(self, name: str, view: PeriodView) -> list[InUse]:
        """Return since when devices use other settings, in this period and in that of the same site beside it."""
        first = view.this.period.first if view.against == "site" else view.other.period.first
        zone = self._pages.zone_of(name)
        start, end = (datetime.combine(day, time(), zone) for day in (first, view.this.period.last + _DAY))
        return self._pages.in_use(name, start, end)

    def _view(
        self, request: Request, chain: Chain, source: Tallies, site: Site, role: Role, period: Period,
        others: list[str],
    ) -> PeriodView:  # fmt: skip
        # Imported here: numpy and scipy are needed only for this, and take seconds to load on a Pi.
        from cloud.web.period import period_view

        against, other = _against(request, chain, site, period, others)
        with self._lock:
            _, other_source = self._shops.until(other[1].last)
            checks = self._pages.checks
            return period_view(
                source,
                other_source,
                ((site, period), other),
                role,
                against,
                chain.formulas,
                checks.file if checks else None,
            )

    def _state(self, name: str, view: PeriodView) -> str:
        """Return ``shown``, or why there is nothing to show."""
        if view.this.watched:
            return "shown"
        if not self._pages.reader.latest(name):
            return "empty"
        return "closed" if all(one.open_s <= 0 for one in view.this.tallies) else "no_data"

    def _render(self, request: Request, context: dict[str, object]) -> Response:
        return self._pages.templates.TemplateResponse(request, "period.html", context)


def _week(request: Request, today: date) -> Period:
    named = request.query_params.get("of")
    if not named:
        return week_of(today - _DAY)
    year, _, number = named.partition("-W")
    try:
        return week_of(_plausible(date.fromisocalendar(int(year), int(number), 1)))
    except ValueError:
        raise HTTPException(400, refusal("week")) from None


def _month(request: Request, today: date) -> Period:
    named = request.query_params.get("of")
    if not named:
        return month_of(today - _DAY)
    return month_of(_date(f"{named}-01", "month"))


def _days(request: Request, today: date) -> Period:
    first, last = (request.query_params.get(name) for name in ("from", "to"))
    until = _date(last, "day") if last else today - _DAY
    since = _date(first, "day") if first else until - (_USUAL_DAYS - 1) * _DAY
    if until < since:
        raise HTTPException(400, refusal("order"))
    if (until - since).days >= MOST_DAYS:
        raise HTTPException(400, refusal("long", most=MOST_DAYS))
    return Period(since, until)


def _date(text: str, what: str) -> date:
    try:
        return _plausible(date.fromisoformat(text))
    except ValueError:
        raise HTTPException(400, refusal(what)) from None


def _plausible(day: date) -> date:
    """Return ``day``. Raises ``ValueError`` where no message can have a time."""
    if not EARLIEST.date() <= day < LATEST.date():
        raise ValueError(f"{day} is out of range")
    return day


def _role(request: Request, site: Site) -> Role:
    asked = request.query_params.get("role")
    if not asked:
        return site.roles[0]
    for role in site.roles:
        if role == asked:
            return role
    raise HTTPException(400, refusal("role", roles=", ".join(site.roles)))


def _against(
    request: Request, chain: Chain, site: Site, period: Period, others: list[str]
) -> tuple[Against, tuple[Site, Period]]:
    asked = request.query_params.get("against") or "before"
    if asked == "before":
        return "before", (site, period.before)
    if asked == "year":
        return "year", (site, period.year_before)
    other = asked.removeprefix(_OTHER_SITE)
    if other == asked or other not in others:
        raise HTTPException(400, refusal("against"))
    return "site", (chain.sites[other], period)
