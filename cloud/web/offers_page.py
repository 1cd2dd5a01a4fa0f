"""The display of a shop: which clips were shown and whether they worked, the programme's drafts, and who approved them.

``/site/{site}/offers``. Who may work with offers drafts a programme for a device; somebody else approves it.
"""

from __future__ import annotations

from datetime import date, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

import yaml
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from cloud.devices.change_file import ChangesUnavailable
from cloud.devices.changes import NotPossible, NotSent
from cloud.devices.offers import Draft, Offers
from cloud.domain.clips import EFFECT_DAYS
from cloud.stores.shops import Shops
from cloud.web.access import guarded, record
from cloud.web.site_pages import SitePages
from cloud.web.words import DRAFT_STATES, NO_HISTORY, OUTCOMES, UNREADABLE_FORM, VERDICTS
from common.errors import UserError

if TYPE_CHECKING:
    from cloud.analysis.clip_figures import ClipFigures


def routes(pages: SitePages, shops: Shops, offers: Offers | None) -> list[BaseRoute]:
    """Return the routes of this feature; ``shops`` has what was told of clips. Without ``offers``, nothing can be
    drafted."""
    page = _OffersPage(pages, shops, offers)
    found: list[BaseRoute] = [guarded("/site/{site}/offers", page.show, needs="numbers", name="offers")]
    if offers is not None:
        found += [
            guarded("/site/{site}/offers", page.draft, needs="offers", methods=["POST"]),
            guarded(
                "/site/{site}/offers/decide",
                page.decide,
                needs="offers",
                methods=["POST"],
                name="decide_offer",
            ),
        ]
    return found


class _OffersPage:
    """The request handlers. One effect is computed at a time: weeks of windows need memory."""

    def __init__(self, pages: SitePages, shops: Shops, offers: Offers | None) -> None:
        self._pages, self._shops, self._offers = pages, shops, offers
        self._lock = Lock()

    def show(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        return self._page(request, site)

    def draft(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        assert self._offers is not None
        device, text = request.state.form.get("device", ""), request.state.form.get("programme", "")
        if device not in {state.device for state in self._pages.reader.devices(site)}:
            raise HTTPException(400, UNREADABLE_FORM)
        try:
            self._offers.draft(site, device, text, who=request.state.user.name)
        except UserError as error:
            return self._page(request, site, text=text, device=device, mistake=str(error), code=400)
        except ChangesUnavailable:
            raise HTTPException(503, NO_HISTORY) from None
        record(request, "configured", f"drafted the display of {device} in {site}")
        return self._back(request, site)

    def decide(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        assert self._offers is not None
        form, who = request.state.form, request.state.user.name
        act, number = form.get("act"), form.get("number", "")
        if act not in ("approve", "decline") or not number.isdecimal() or len(number) > 9:
            raise HTTPException(400, UNREADABLE_FORM)
        try:
            if act == "approve":
                draft = self._offers.approve(site, int(number), who=who)
                record(request, "approved", f"draft {number} for the display of {draft.device} in {site}")
            else:
                draft = self._offers.decline(site, int(number), who=who)
                record(request, "configured", f"declined draft {number} for {draft.device} in {site}")
        except NotPossible as error:
            return self._page(request, site, wrong=error.args[0], code=409)
        except NotSent as error:
            return self._page(request, site, wrong=error.args[0], code=503)
        except ChangesUnavailable:
            raise HTTPException(503, NO_HISTORY) from None
        return self._back(request, site)

    def _back(self, request: Request, site: str) -> Response:
        return RedirectResponse(request.url_for("offers", site=site).path, 303)

    def _page(
        self,
        request: Request,
        site: str,
        *,
        text: str = "",
        device: str = "",
        wrong: str = "",
        mistake: str = "",
        code: int = 200,
    ) -> Response:
        pages, zone = self._pages, self._pages.zone_of(site)
        yesterday = pages.clock.now().astimezone(zone).date() - timedelta(days=1)
        clips = self._clips(site, yesterday)
        drafts, unreadable = self._drafts(site)
        shown = {
            "site": site,
            "title_of": pages.title_of,
            "days": EFFECT_DAYS,
            "clips": [_row(one) for one in clips],
            "taken": {"first": _first(yesterday).isoformat(), "last": yesterday.isoformat()},
            "several": len({one.device for one in clips}) > 1,
            "drafts": [_about(one, request.state.user.name, zone) for one in drafts],
            "devices": [state.device for state in pages.reader.devices(site)],
            "may_draft": self._offers is not None and request.state.user.may("offers"),
            "text": text or (_text(drafts[0]) if drafts else EXAMPLE),
            "device": device,
            "wrong": wrong or unreadable,
            "mistake": mistake,
        }
        return pages.templates.TemplateResponse(request, "offers.html", shown, code)

    def _clips(self, site: str, yesterday: date) -> list[ClipFigures]:
        # Imported here: numpy and scipy are needed only for this, and take seconds to load on a Pi.
        from cloud.analysis.clip_figures import clip_figures

        try:
            chain, source = self._shops.until(yesterday)
        except UserError:  # no window has ever arrived
            return []
        if site not in chain.sites:
            return []
        of, now = chain.sites[site], self._pages.clock.now()
        with self._lock:
            return clip_figures(source, of, _first(yesterday), yesterday, of.roles[0], until=now)

    def _drafts(self, site: str) -> tuple[list[Draft], str]:
        if self._offers is None:
            return [], ""
        try:
            return self._offers.of(site), ""
        except ChangesUnavailable:
            return [], NO_HISTORY


def _first(last: date) -> date:
    return last - timedelta(days=EFFECT_DAYS - 1)


EXAMPLE = """\
holdout: 0.2
clips:
  - {name: welcome, kind: information}
  - {name: running, kind: product, seconds: 10}
rules:
  - {clip: running, people: [2, 10]}
rotation: [welcome]
"""


def _text(draft: Draft) -> str:
    """Write a programme as somebody would type it: without what is not said."""
    tree: dict[str, Any] = dict(draft.programme)
    for part in ("clips", "rules"):
        tree[part] = [
            {key: value for key, value in one.items() if value not in (None, [])} for one in tree[part]
        ]
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def _about(draft: Draft, user: str, zone: Any) -> dict[str, Any]:
    return {
        "draft": draft,
        "at": draft.at.astimezone(zone),
        "decided": draft.decided and draft.decided.astimezone(zone),
        "state": DRAFT_STATES[draft.state],
        "text": _text(draft),
        "own": draft.who == user,
    }


def _row(figures: ClipFigures) -> dict[str, Any]:
    sums, found = figures.sums, figures.attention
    return {
        "name": figures.clip,
        "device": figures.device,
        "sums": sums,
        "viewer_share": sums.viewers / sums.viewers_of if sums.viewers_of else None,
        "attention_s": sums.attention_s / sums.attention_visits if sums.attention_visits else None,
        "effect": found,
        "needed": found.needed if found and found.verdict == "cannot tell yet" else None,
        "verdict": VERDICTS[found.verdict] if found else None,
        "by_hour": [
            {
                "title": OUTCOMES[outcome],
                "effect": one,
                "verdict": VERDICTS[one.verdict],
                "needed": one.needed if one.verdict == "cannot tell yet" else None,
            }
            for outcome, one in (figures.by_hour or {}).items()
        ],
    }
