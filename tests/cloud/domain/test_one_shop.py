"""A shop without a chain file: its opening hours are those in which its device is usually on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloud.domain.one_shop import assumed_chain, usual_hours
from common.errors import UserError

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def minutes(first: datetime, last: datetime) -> list[datetime]:
    """A window for each minute of the local clock."""
    return [first + timedelta(minutes=n) for n in range(round((last - first).total_seconds() / 60))]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def days(count: int, *, without: Sequence[int] = ()) -> list[date]:
    return [MONDAY + timedelta(days=n) for n in range(count) if n not in without]


def test_a_device_that_is_never_switched_off_is_always_open() -> None:
    starts = minutes(at(MONDAY, 0), at(MONDAY + timedelta(days=21), 0))
    assert usual_hours(starts, BERLIN) == {name: ["00:00-24:00"] for name in WEEKDAYS}


def test_a_device_that_is_switched_off_at_night_is_closed_then() -> None:
    starts = [
        one for day in days(28) if day.weekday() != 6 for one in minutes(at(day, 8, 50), at(day, 18, 20))
    ]
    hours = usual_hours(starts, BERLIN)
    assert hours["sun"] == "closed"
    assert {hours[name][0] for name in WEEKDAYS[:6]} == {"08:45-18:30"}


def test_an_outage_is_a_hole_and_no_opening_hour() -> None:
    starts = [one for day in days(28, without=[7]) for one in minutes(at(day, 9), at(day, 18))]
    starts = [one for one in starts if not at(MONDAY, 11) <= one < at(MONDAY, 13)]
    assert usual_hours(starts, BERLIN)["mon"] == ["09:00-18:00"]


def test_a_night_in_which_it_was_left_on_does_not_open_the_shop() -> None:
    starts = [one for day in days(28) for one in minutes(at(day, 9), at(day, 18))]
    assert usual_hours([*starts, *minutes(at(MONDAY, 18), at(MONDAY, 23))], BERLIN)["mon"] == ["09:00-18:00"]


class Kept:
    """A store with the starts of one site."""

    def __init__(self, starts: Sequence[datetime]) -> None:
        self._starts = starts

    def sites(self) -> list[str]:
        return ["shop"] if self._starts else []

    def starts(self, site: str, start: datetime, end: datetime) -> list[datetime]:
        assert site == "shop"
        return [one for one in self._starts if start <= one < end]


def test_the_store_names_its_sites_and_what_came_later_does_not_count() -> None:
    starts = [one for day in days(28) for one in minutes(at(day, 9), at(day, 18))]
    later = [one for day in days(56)[28:] for one in minutes(at(day, 3), at(day, 4))]
    chain = assumed_chain(Kept([*starts, *later]), BERLIN, MONDAY + timedelta(days=27))
    site = chain.sites["shop"]
    assert (site.title, site.timezone, site.roles) == ("shop", "Europe/Berlin", ("unassigned",))
    assert site.opening.of(MONDAY) == ((540, 1080),)


def test_an_empty_store_is_said() -> None:
    with pytest.raises(UserError, match="no windows yet"):
        assumed_chain(Kept([]), BERLIN, MONDAY)
