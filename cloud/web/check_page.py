"""The count check: the page on which somebody at a door taps, what it sends, and what came of it.

``POST /api/{site}/count-checks`` with ``{id, door, light}`` starts a check; ``door`` is device/camera/door, ``id`` is
made by the page, so that a request that is sent again starts no second one. The answer is {elapsed_ms}: the time since
the start, by which the page knows the start on its own clock.

``POST /api/{site}/count-checks/{check}`` with ``{taps, ended_ms}`` adds taps, each ``[number, after_ms, what]`` with
what is ``entry``, ``exit`` or ``undo``, and ends the check if ``ended_ms`` is no null. A tap that was sent before is
ignored. The answer is {kept}: how many taps the server has. 404 says that there is no such check, 409 that somebody
else makes it, or that its clock is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from cloud.domain.count_check import (
    BUSY_A_MINUTE,
    LIGHTS,
    LONGEST,
    MOST_TAPS,
    SHORTEST,
    CountCheck,
    Door,
    Light,
    Tap,
    Tapped,
)
from cloud.domain.messages import Message
from cloud.domain.messages import gettext as _
from cloud.stores.count_checks import CountChecks, Judged, State, judged
from cloud.web.access import guarded, record
from cloud.web.request_body import read_body
from cloud.web.site_pages import SitePages

if TYPE_CHECKING:
    from cloud.analysis.recall import Recall

_ID = re.compile(r"[0-9a-f]{32}")
_EARLY: Final = timedelta(seconds=10)
"""By how much the clock of a phone may run ahead within a check."""

LIGHT_WORDS: Final[Mapping[Light, Message]] = {
    "daylight": _("daylight"),
    "lamps": _("lamps, or dark outside"),
    "sun": _("sun towards the camera"),
}
CHANGED_WORDS: Final[Mapping[str, Message]] = {
    "software": _("the software of the device"),
    "model": _("its models"),
    "config": _("its settings or places"),
    "moved": _("the view of its camera"),
}
"""What makes a check void."""
STATE_WORDS: Final[Mapping[State, Message]] = {
    "open": _("Not finished. Open this page on the phone with which it was begun, or delete it."),
    "waiting": _("Waiting for the counts of the device in these minutes."),
    "short": _("Does not count: a check needs ten minutes."),
    "unwatched": _(
        "Does not count: too few whole minutes in which the camera watched and this door was counted."
    ),
    "unbound": _("Does not count: the device has not told what it counts with."),
    "changed": _("Does not count: what the device counts with changed during the check."),
    "holds": _("Holds."),
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Start(_Body):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    door: str
    light: Light


Milliseconds = Annotated[int, Field(ge=0, le=int(LONGEST.total_seconds() * 1000))]


class _Taps(_Body):
    taps: Annotated[
        list[tuple[Annotated[int, Field(ge=0, lt=MOST_TAPS)], Milliseconds, Tapped]], Field(max_length=1000)
    ]
    ended_ms: Milliseconds | None


@dataclass(frozen=True, slots=True)
class Group:
    """A recall of some of the minutes."""

    title: Message
    recall: Recall


@dataclass(frozen=True, slots=True)
class DoorResult:
    """What the checks of a door that hold say together."""

    door: Door
    checks: int
    minutes: float
    entries: Recall
    exits: Recall
    groups: tuple[Group, ...]
    """By light, then by busyness, where there are enough people."""


def routes(pages: SitePages, checks: CountChecks) -> list[BaseRoute]:
    """Return the routes of this feature."""
    page = _Checks(pages, checks)
    return [
        guarded("/site/{site}/count-check", page.show, needs="count_check", name="count_check"),
        guarded(
            "/site/{site}/count-check/delete",
            page.delete,
            needs="count_check",
            methods=["POST"],
            name="delete_count_check",
        ),
        guarded(
            "/api/{site}/count-checks", page.start, needs="count_check", methods=["POST"], name="count_checks"
        ),
        guarded("/api/{site}/count-checks/{check}", page.take, needs="count_check", methods=["POST"]),
    ]


def results(found: Sequence[Judged]) -> list[DoorResult]:
    """Return what the checks that hold say of each door, by name."""
    by_door: dict[Door, list[CountCheck]] = {}
    for one in found:
        if one.state == "holds":
            by_door.setdefault(one.check.door, []).append(one.check)
    ordered = sorted(by_door.items(), key=lambda pair: (pair[0].device, pair[0].camera, pair[0].name))
    return [_result(door, checks) for door, checks in ordered]


def _result(door: Door, checks: Sequence[CountCheck]) -> DoorResult:
    # Imported here: numpy and scipy are needed only for this, and take seconds to load on a Pi.
    from cloud.analysis.recall import ENOUGH, by_busyness, recall_of

    parts = [part for check in checks for part in check.parts or ()]
    seconds = sum(part.seconds for part in parts)
    groups = []
    for light in LIGHTS:
        lit = [part for check in checks if check.light == light for part in check.parts or ()]
        both = [part.both for part in lit]
        if sum(one.people for one in both) >= ENOUGH:
            groups.append(Group(LIGHT_WORDS[light], recall_of(both, sum(part.seconds for part in lit))))
    words = {
        False: _("fewer than %(count)s people a minute", count=BUSY_A_MINUTE),
        True: _("%(count)s people a minute or more", count=BUSY_A_MINUTE),
    }
    groups += [Group(words[busy], recall) for busy, recall in by_busyness(parts).items()]
    return DoorResult(
        door=door,
        checks=len(checks),
        minutes=seconds / 60,
        entries=recall_of([part.entries for part in parts], seconds),
        exits=recall_of([part.exits for part in parts], seconds),
        groups=tuple(groups),
    )


class _Checks:
    def __init__(self, pages: SitePages, checks: CountChecks) -> None:
        self._pages, self._checks = pages, checks

    def show(self, request: Request) -> Response:
        site, sites = self._pages.known(request)
        self._checks.look(site)
        found = judged(self._checks.file, site)
        zone = self._pages.zone_of(site)
        shown = {
            "site": site,
            "sites": sites,
            "title": self._pages.title_of(site),
            "doors": self._checks.file.doors(site),
            "lights": LIGHT_WORDS,
            "shortest_s": int(SHORTEST.total_seconds()),
            "longest_s": int(LONGEST.total_seconds()),
            "results": results(found),
            "checks": [
                (one, one.check.started.astimezone(zone), [CHANGED_WORDS[name] for name in _changed(one)])
                for one in found
            ],
            "zone": zone,
            "states": STATE_WORDS,
        }
        return self._pages.templates.TemplateResponse(request, "check.html", shown)

    def start(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        asked = read_body(request, _Start)
        doors = {f"{one.device}/{one.camera}/{one.name}": one for one in self._checks.file.doors(site)}
        if asked.door not in doors:
            raise HTTPException(409, _("There is no such door any more. Load the page again."))
        now, who = self._pages.clock.now(), request.state.user.name
        check = self._checks.file.start(
            CountCheck(asked.id, site, doors[asked.door], asked.light, who, started=now)
        )
        if (check.site, check.who) != (site, who):
            raise HTTPException(409, _("Somebody else makes this check."))
        return JSONResponse({"elapsed_ms": round((now - check.started).total_seconds() * 1000)})

    def take(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        check, sent = self._check(site, request.path_params["check"]), read_body(request, _Taps)
        if check.who != request.state.user.name:
            raise HTTPException(409, _("Somebody else makes this check."))
        file = self._checks.file
        most_ms = (self._pages.clock.now() - check.started + _EARLY).total_seconds() * 1000
        if (
            any(after_ms > most_ms for _number, after_ms, _what in sent.taps)
            or (sent.ended_ms or 0) > most_ms
        ):
            raise HTTPException(409, _("These taps are in the future: the clock of this device was changed."))
        if check.ended is None:
            kept = file.add(check.id, [Tap(number, ms / 1000, what) for number, ms, what in sent.taps])
        else:  # the answer to the last request was lost
            kept = len(file.taps(check.id))
        if sent.ended_ms is not None and check.ended is None:
            file.end(check.id, check.started + timedelta(milliseconds=sent.ended_ms))
            record(request, "count_check_made", _about(check))
        return JSONResponse({"kept": kept})

    def delete(self, request: Request) -> Response:
        site, _sites = self._pages.known(request)
        check = self._check(site, request.state.form.get("check", ""))
        self._checks.file.delete(check.id)
        record(request, "count_check_deleted", _about(check))
        return RedirectResponse(request.url_for("count_check", site=site).path, 303)

    def _check(self, site: str, id_: str) -> CountCheck:
        check = self._checks.file.find(id_) if _ID.fullmatch(id_) else None
        if check is None or check.site != site:
            raise HTTPException(404, _("There is no such count check: it was deleted."))
        return check


def _changed(one: Judged) -> tuple[str, ...]:
    return one.period.changed if one.period else ()


def _about(check: CountCheck) -> str:
    of = check.door
    return f"{of.name} of {of.device}/{of.camera} in {check.site}, {check.started:%Y-%m-%d %H:%M} UTC"
