"""Opening hours, as the chain file writes them and as minutes of the local day."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, model_validator

from common.settings import Section

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = "closed"
_HOURS = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)$")


def _hours(value: object) -> tuple[tuple[int, int], ...]:
    """Parse ``closed``, one ``HH:MM-HH:MM`` or a list of them to minutes of the local day, sorted."""
    if value == CLOSED:
        return ()
    given = value if isinstance(value, list) else [value]
    intervals = sorted(_minutes(one) for one in given)
    if any(later[0] < earlier[1] for earlier, later in pairwise(intervals)):
        raise ValueError("opening hours overlap; write each hour once")
    return tuple(intervals)


def _minutes(text: object) -> tuple[int, int]:
    found = _HOURS.match(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('must be hours such as "09:00-20:00", a list of them, or closed')
    hour, minute, end_hour, end_minute = map(int, found.groups())
    start, end = 60 * hour + minute, 60 * end_hour + end_minute
    if max(minute, end_minute) > 59 or end > 24 * 60:
        raise ValueError("is not a valid time of day; use 00:00 to 24:00")
    if end <= start:
        raise ValueError(
            "ends before it begins; write hours after midnight on the next day: 22:00-24:00, then 00:00-02:00"
        )
    return start, end


def hours_texts(hours: tuple[tuple[int, int], ...]) -> list[str]:
    """Return opening hours as ``HH:MM-HH:MM``, as the chain file writes them; empty if closed."""
    return [f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}" for start, end in hours]


def _written(hours: tuple[tuple[int, int], ...]) -> str | list[str]:
    texts = hours_texts(hours)
    return texts if len(texts) > 1 else texts[0] if texts else CLOSED


Hours = Annotated[
    tuple[tuple[int, int], ...], BeforeValidator(_hours), PlainSerializer(_written, when_used="json")
]


class Opening(Section):
    """The opening hours of a site by weekday. Every day is required, so that a forgotten one does not count as closed;
    hours without weekdays apply to every day."""

    mon: Hours
    tue: Hours
    wed: Hours
    thu: Hours
    fri: Hours
    sat: Hours
    sun: Hours

    @model_validator(mode="before")
    @classmethod
    def _every_day(cls, value: object) -> object:
        return dict.fromkeys(cls.model_fields, value) if isinstance(value, (str, list)) else value

    def of(self, day: date) -> tuple[tuple[int, int], ...]:
        """Return the usual opening hours of one date's weekday as sorted [start, end), in minutes of the local day."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)[day.weekday()]
