"""Time zones and dates that try whatever reckons with local days: clocks that are set, and 29 February."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # half an hour from the full one
    "America/Santiago",  # in the south, set at midnight
    "America/Havana",  # shows midnight twice
    "Africa/Cairo",  # has a day without midnight
    "Africa/Casablanca",  # set back for a month in the year
    "Asia/Kolkata",  # half an hour, never set
    "Asia/Kathmandu",  # three quarters of an hour
    "Australia/Sydney",
    "Australia/Lord_Howe",  # set by half an hour
    "Pacific/Chatham",  # three quarters of an hour, and set
    "Pacific/Kiritimati",  # the furthest east
    "Pacific/Pago_Pago",  # nearly the furthest west
    "UTC",
)
FIRST, LAST = date(2024, 1, 1), date(2031, 12, 31)
LEAP_DAYS = (date(2024, 2, 29), date(2028, 2, 29))


@cache
def days_when_it_is_set(zone: str) -> tuple[date, ...]:
    """Return the local days from ``FIRST`` to ``LAST`` that are not 24 hours long."""
    found, of = [], ZoneInfo(zone)
    for n in range((LAST - FIRST).days):
        at = datetime(FIRST.year, 1, 1, 12, tzinfo=UTC) + timedelta(days=n)
        if at.astimezone(of).utcoffset() != (at + timedelta(days=1)).astimezone(of).utcoffset():
            noons = at.astimezone(of).date(), (at + timedelta(days=1)).astimezone(of).date()
            found += [day for day in noons if _length(day, of) != timedelta(days=1)]
    return tuple(found)


def _length(day: date, zone: ZoneInfo) -> timedelta:
    start, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1)))
    return end.astimezone(UTC) - start.astimezone(UTC)


@st.composite
def zones_and_days(draw: st.DrawFn) -> tuple[str, date]:
    """A zone and one of its local days; often one that is not 24 hours long, or 29 February."""
    zone = draw(st.sampled_from(ZONES))
    special = (*days_when_it_is_set(zone), *LEAP_DAYS)
    return zone, draw(st.one_of(st.sampled_from(special), st.dates(FIRST, LAST)))
