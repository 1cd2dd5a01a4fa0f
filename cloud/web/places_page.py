"""The editor of places on the page of a camera's position: what it reads, and what it sends.

``GET /api/{site}/changes`` describes every device of a site::

    devices[]   {device, online, settings, last, asked, own, changes}
                online: whether it is connected, or null; settings: hash of the settings that it uses, or null
                last: number of the last change, or null; a change must name it, so that nobody overwrites another's
                asked: the sections about places that are asked for: plan, doors, zones, targets, notices
                own: the same in the device's own file, or null if it has not told them; only a section that is missing
                in asked is in force, and zones with exclude always are
                changes[]: {number, at, who, keys, answer, answered, reason, before, config}, newest first; keys: the
                sections that differ from the change before; answer: none, checked (its places wait for closing time),
                accepted, refused (see reason), or replaced; before and config: hashes of the settings without and with
                it, or null

``POST /api/{site}/changes/{device}`` with ``{seen, sections}`` sends sections, ``POST .../restore`` with ``{number}``
sends an earlier version again; 0 is the device's own file. The answer is 202 with {number}. 409 says in a sentence why
the change is not possible, 503 that it has not reached the broker or cannot be kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cloud.devices.change_file import Change, ChangesUnavailable
from cloud.devices.changes import PLACES, Changes, NotPossible, NotSent, changed_sections, settings_of
from cloud.domain.messages import gettext as _
from cloud.stores.store import DeviceState
from cloud.web.access import guarded, record
from cloud.web.request_body import read_body
from cloud.web.site_pages import SitePages
from cloud.web.words import NO_HISTORY

Json = dict[str, Any]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Sections(_Asked):
    seen: int | None
    sections: dict[str, JsonValue]


class _Version(_Asked):
    number: Annotated[int, Field(ge=0)]


Body = TypeVar("Body", bound=BaseModel)


def routes(pages: SitePages, changes: Changes) -> list[BaseRoute]:
    """Return the routes of this feature."""

    def history(request: Request) -> Response:
        site = pages.known(request)[0]
        states = {state.device: state for state in pages.reader.devices(site)}
        names = sorted({*states, *pages.positions.devices(site)})
        devices = _kept(
            lambda: [_device(changes, site, name, states.get(name), pages.zone) for name in names]
        )
        return _json({"devices": devices})

    def change(request: Request) -> Response:
        site, device = _device_of(pages, request)
        body, who = read_body(request, _Sections), request.state.user.name
        answer = _sent(lambda: changes.change(site, device, body.sections, who=who, seen=body.seen))
        record(request, "configured", f"{', '.join(sorted(body.sections))} of {device} in {site}")
        return answer

    def restore(request: Request) -> Response:
        site, device = _device_of(pages, request)
        body, who = read_body(request, _Version), request.state.user.name
        answer = _sent(lambda: changes.restore(site, device, body.number, who=who))
        record(request, "configured", f"{device} in {site} as in version {body.number}")
        return answer

    return [
        guarded("/api/{site}/changes", history, needs="configure", name="changes"),
        guarded("/api/{site}/changes/{device}", change, needs="configure", methods=["POST"]),
        guarded("/api/{site}/changes/{device}/restore", restore, needs="configure", methods=["POST"]),
    ]


def _device(changes: Changes, site: str, device: str, state: DeviceState | None, zone: ZoneInfo) -> Json:
    history = changes.history(site, device)
    asked = settings_of(history)
    return {
        "device": device,
        "online": state and state.online,
        "settings": state and state.health and state.health.config,
        "last": history[0].number if history else None,
        "asked": {section: asked[section] for section in PLACES if section in asked},
        "own": changes.own(site, device),
        "changes": [_change(history, place, zone) for place in range(len(history))],
    }


def _change(history: Sequence[Change], place: int, zone: ZoneInfo) -> Json:
    change = history[place]
    waits = change.answer in ("none", "checked")
    return {
        "number": change.number,
        "at": _time(change.asked.at, zone),
        "who": change.who,
        "keys": changed_sections(history, place),
        "answer": "replaced" if waits and place else change.answer,
        "answered": change.answered and _time(change.answered, zone),
        "reason": change.reason,
        "before": change.before,
        "config": change.config,
    }


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")


def _device_of(pages: SitePages, request: Request) -> tuple[str, str]:
    """Return site and device in the path. Raises ``HTTPException`` (404) for a device that nobody has heard of."""
    site = pages.known(request)[0]
    device = request.path_params["device"]
    known = {state.device for state in pages.reader.devices(site)} | pages.positions.devices(site)
    if device not in known:
        raise HTTPException(
            404, _("No data has been received from a device named %(device)s.", device=device)
        )
    return site, device


def _sent(send: Callable[[], Change]) -> Response:
    try:
        change = _kept(send)
    except NotPossible as error:
        raise HTTPException(409, error.args[0]) from None
    except NotSent as error:
        raise HTTPException(503, error.args[0]) from None
    return _json({"number": change.number}, status=202)


Result = TypeVar("Result")


def _kept(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except ChangesUnavailable:
        raise HTTPException(503, NO_HISTORY) from None


def _json(answer: Json, status: int = 200) -> Response:
    return Response(json.dumps(answer), status, media_type="application/json")
