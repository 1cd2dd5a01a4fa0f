"""A notice in words, for people, and as an event, for other programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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
