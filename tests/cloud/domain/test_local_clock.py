"""Days of 23 to 25 hours, half hours, 29 February: everything is counted in the local day and hour in which it was."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings

from cloud.domain.chain import Chain, Site
from cloud.domain.day_tallies import count_day
from cloud.domain.local_clock import QUARTER, hour_end, hour_start, hours_between
from cloud.domain.till import Kept, Takings, TillRow, resolved, till_tally
from cloud.rollup.figures import _by_hour
from cloud.web.day import day_bounds, day_figures
from common.wire import WindowMessage
from tests.support.messages import window
from tests.support.zones import ZONES, days_when_it_is_set, zones_and_days

HOUR = timedelta(hours=1)
SPRING, AUTUMN = date(2026, 10, 4), date(2026, 4, 5)
"""On Lord Howe; days of 23.5 and 24.5 hours."""
LORD_HOWE = "Australia/Lord_Howe"


def shop(zone: str, hours: str = "00:00-24:00") -> Site:
    of = {"title": "Shop", "timezone": zone, "opening": hours}
    return Chain.model_validate({"name": "c", "sites": {"shop": of}}).sites["shop"]


def every_quarter(site: Site, day: date) -> list[WindowMessage]:
    """A window of each quarter of an hour, from six hours before this day to six hours after it."""
    start, end = site.local_day(day)
    count = (end - start + 12 * HOUR) // QUARTER
    starts = [start - 6 * HOUR + n * QUARTER for n in range(count)]
    return [window(0, start=at, duration_s=900, seq=n) for n, at in enumerate(starts)]


def test_the_days_that_are_tried_are_those_on_which_clocks_are_set() -> None:
    lengths = {
        zone: {
            (end - start) / HOUR
            for day in days_when_it_is_set(zone)
            for start, end in [shop(zone).local_day(day)]
        }
        for zone in ZONES
    }
    assert lengths["Europe/Berlin"] == lengths["America/Santiago"] == {23, 25}
    assert lengths[LORD_HOWE] == {23.5, 24.5}
    assert lengths["Asia/Kolkata"] == set()


@given(zones_and_days())
@example((LORD_HOWE, SPRING))
@example((LORD_HOWE, AUTUMN))
def test_the_hours_of_a_day_follow_each_other_and_each_shows_one_hour(of: tuple[str, date]) -> None:
    zone, (start, end) = ZoneInfo(of[0]), shop(of[0]).local_day(of[1])
    begins = hours_between(start, end, zone)
    ends = [*begins[1:], end]
    assert begins[0] == start
    for begin, over in zip(begins, ends, strict=True):
        quarters = [begin + n * QUARTER for n in range((over - begin) // QUARTER)]
        shown = {(at.astimezone(zone).hour, at.astimezone(zone).utcoffset()) for at in quarters}
        assert len(shown) == 1
        assert {at.astimezone(zone).date() for at in quarters} == {of[1]}
        assert {hour_start(at + QUARTER / 3, zone) for at in quarters} == {begin}
        assert {hour_end(at, zone) for at in quarters} == {over}
        assert timedelta() < over - begin <= HOUR


@settings(deadline=None)
@given(zones_and_days())
@example((LORD_HOWE, SPRING))
@example((LORD_HOWE, AUTUMN))
def test_a_day_that_was_watched_all_the_time_is_whole_on_the_page_and_in_the_tally(
    of: tuple[str, date],
) -> None:
    site, day = shop(of[0]), of[1]
    start, end = site.local_day(day)
    stored = every_quarter(site, day)
    mine = [one for one in stored if one.start.astimezone(site.zone).date() == day]
    visits = sum(one.totals.visits for one in mine)
    total = count_day(stored, site, day, "unassigned").total
    assert (total.visits, total.open_s, total.coverage) == (visits, (end - start).total_seconds(), 1.0)
    # In UTC, because Python calls a midnight that the clock skips equal to nothing.
    assert [at.astimezone(UTC) for at in day_bounds(end - QUARTER, site.zone)] == [start, end]
    figures = day_figures(stored, end - timedelta(seconds=1), site.zone)
    assert figures.visits == sum(hour.visits or 0 for hour in figures.hours) == visits
    assert [(hour.state, hour.coverage) for hour in figures.hours] == [("full", 1.0)] * len(figures.hours)
    local = [one.start.astimezone(site.zone) for one in mine]
    by_clock = Counter((at.hour, at.utcoffset()) for at in local)
    assert {
        (hour.start.hour, hour.start.utcoffset()): (hour.visits or 0) // 3 for hour in figures.hours
    } == by_clock


@settings(deadline=None)
@given(zones_and_days())
def test_opening_hours_are_those_of_the_clock_on_the_wall(of: tuple[str, date]) -> None:
    site = shop(of[0], "09:00-20:00")
    stored = every_quarter(site, of[1])
    local = [one.start.astimezone(site.zone) for one in stored]
    inside = sum(at.date() == of[1] and 9 <= at.hour < 20 for at in local)
    total = count_day(stored, site, of[1], "unassigned").total
    assert (total.visits, total.open_s, total.coverage) == (3 * inside, 11 * 3600, 1.0)


@settings(deadline=None)
@given(zones_and_days())
@example((LORD_HOWE, SPRING))
@example((LORD_HOWE, AUTUMN))
def test_takings_by_the_hour_add_up_to_the_day_and_are_of_their_hour(of: tuple[str, date]) -> None:
    site, day = shop(of[0]), of[1]
    start, end = site.local_day(day)
    begins = hours_between(start, end, site.zone)
    rows = [
        TillRow(
            start=begin.astimezone(site.zone).isoformat(),
            minutes=round((over - begin) / timedelta(minutes=1)),
            transactions=1 + n,
        )
        for n, (begin, over) in enumerate(zip(begins, [*begins[1:], end], strict=True))
    ]
    kept = [Kept(resolved(row, site, end), None) for row in rows]
    assert {
        at: [one.takings.transactions for one in those] for at, those in _by_hour(kept, site).items()
    } == {begin: [1 + n] for n, begin in enumerate(begins)}
    whole = resolved(TillRow(start=day.isoformat(), transactions=0), site, end)
    assert (whole.start, whole.end) == (start, end)
    told = till_tally(kept)
    assert told is not None
    assert told.transactions == sum(range(1, 1 + len(begins)))


def test_takings_that_reach_beyond_a_half_hour_are_of_no_hour() -> None:
    """The clock on Lord Howe shows 01:30 to 02:00 twice; the second time it is an hour of its own."""
    site = shop(LORD_HOWE)
    again = datetime(2026, 4, 4, 15, 0, tzinfo=UTC)
    assert again.astimezone(site.zone).isoformat() == "2026-04-05T01:30:00+10:30"
    long, short = (Takings(again, again + length, 1) for length in (HOUR, HOUR / 2))
    assert _by_hour([Kept(long, None)], site) == {}
    assert list(_by_hour([Kept(short, None)], site)) == [again]
