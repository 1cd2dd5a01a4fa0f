"""A notice in words, for people, and as an event, for other programs; and who takes care of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.wire import NoticeMessage, NoticeRule

_WORDS: Mapping[NoticeRule, str] = {
    "queue_over": "more than {limit} people wait",
    "nobody_at_desk": "somebody waits and nobody is at the desk",
    "inside_over": "more than {limit} people are inside",
    "zone_empty": "nobody is there",
}

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


def said(notice: NoticeMessage) -> str:
    """Return one line such as ``long-queue: more than 4 people wait (6)``."""
    if not notice.active:
        return f"{notice.name}: over"
    count = f" ({notice.count})" if notice.count else ""
    return f"{notice.name}: {_WORDS[notice.rule].format(limit=notice.limit)}{count}"


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
