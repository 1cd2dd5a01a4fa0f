"""A notice in words, for people, and as an event, for other programs; and who takes care of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud.domain.messages import Message, ngettext
from cloud.domain.messages import gettext as _
from common.wire import NoticeMessage, NoticeRule

WITHOUT_END = timedelta(minutes=15)
"""A notice whose end is never told is shown for this time."""
LONGEST = timedelta(hours=12)
"""A notice is shown for this time at most: its end may be lost, or its rule deleted."""


@dataclass(frozen=True, slots=True)
class Event:
    """``id`` stays the same when an event is sent again, so that a receiver can drop the second one."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody takes care of the notice ``name``. ``began`` is when it began, by the clock of the device."""

    site: str
    device: str
    name: str
    began: datetime
    who: str
    at: datetime

    def covers(self, notice: NoticeMessage) -> bool:
        """Whether the beginning ``notice`` is told to nobody any more: it is the one that was acknowledged or, where
        nobody learns of an end, one of the repeats of ``WITHOUT_END`` after the acknowledgement."""
        if (notice.site, notice.device, notice.name) != (self.site, self.device, self.name):
            return False
        repeats = not notice.has_end and notice.at - self.at < WITHOUT_END
        return notice.active and (notice.at <= self.began or repeats)


def taken_care_of(notice: NoticeMessage, known: Iterable[Acknowledgement]) -> Acknowledgement | None:
    """Return the acknowledgement that covers ``notice``, if there is one."""
    return next((one for one in known if one.covers(notice)), None)


def said(notice: NoticeMessage) -> Message:
    """Return one line such as ``long-queue: more than 4 people wait (6)``."""
    if not notice.active:
        return _("%(name)s: over", name=notice.name)
    what = _what(notice.rule, notice.limit or 0)
    if notice.count:
        return _("%(name)s: %(what)s (%(count)s)", name=notice.name, what=what, count=notice.count)
    return _("%(name)s: %(what)s", name=notice.name, what=what)


def _what(rule: NoticeRule, limit: int) -> Message:
    match rule:
        case "queue_over":
            return ngettext("more than %(count)s person waits", "more than %(count)s people wait", limit)
        case "inside_over":
            return ngettext(
                "more than %(count)s person is inside", "more than %(count)s people are inside", limit
            )
        case "nobody_at_desk":
            return _("somebody waits and nobody is at the desk")
        case "zone_empty":
            return _("nobody is there")


def is_current(notice: NoticeMessage, now: datetime) -> bool:
    """Whether a notice whose last message is this one is still shown."""
    return notice.active and now - notice.at < (LONGEST if notice.has_end else WITHOUT_END)


def event_of(notice: NoticeMessage) -> Event:
    """Make the event of a notice; the same notice always has the same id."""
    body = {
        "type": "notice.began" if notice.active else "notice.ended",
        "timestamp": notice.at.isoformat(),
        "data": {
            **notice.model_dump(include={"site", "device", "name", "rule", "count", "limit"}),
            "text": said(notice),
        },
    }
    payload = json.dumps(body).encode()
    return Event(f"notice_{hashlib.sha256(payload).hexdigest()[:24]}", payload)
