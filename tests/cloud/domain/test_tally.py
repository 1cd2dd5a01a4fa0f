"""The tally: it counts opening hours only, each window once, and tallies add up however a period is cut."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.domain.beside_tally import BesideTally
from cloud.domain.chain import Chain, Role, Site
from cloud.domain.day_tallies import quarters as quarters_of
from cloud.domain.day_tallies import tally as tally_of
from cloud.domain.day_tallies import with_silent_days
from cloud.domain.local_clock import QUARTER
from cloud.domain.tally import Tally
from common.wire import Cohort, Coverage, WindowMessage
from tests.support.messages import cohort, window

MONDAY = date(2026, 3, 2)
SPRING = date(2026, 3, 29)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def site(*hours: str, name: str = "shop", cameras: dict[str, str] | None = None) -> Site:
    opening = {weekday: list(hours) for weekday in WEEKDAYS}
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": opening, "cameras": cameras}
    return Chain.model_validate({"name": "c", "sites": {name: shop}}).sites[name]


def at(day: date, hour: int, minute: int = 0, **changes: Any) -> WindowMessage:
    """A window that starts when the clock in Berlin shows this, in winter."""
    start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=1)
    return window(0, **{"start": start, **changes})


def tally(windows: list[WindowMessage], of: Site, day: date, role: Role = "unassigned") -> Tally:
    return tally_of(windows, of, day, role)


def quarters(windows: list[WindowMessage], of: Site, day: date) -> dict[datetime, Tally]:
    return quarters_of(windows, of, day, "unassigned")


def covered(share: float) -> Coverage:
    return Coverage(share=share)


def test_only_windows_that_start_while_the_store_is_open_count() -> None:
    shop = site("09:00-12:00", "15:00-20:00")
    windows = [
        at(MONDAY, 8, 59, visits=1),
        at(MONDAY, 9, 0, visits=10),
        at(MONDAY, 11, 59, visits=100),
        at(MONDAY, 12, 0, visits=1),
        at(MONDAY, 15, 0, visits=1000),
        at(MONDAY, 20, 0, visits=1),
        at(MONDAY, 10, 0, visits=1, site="elsewhere"),
        at(MONDAY + timedelta(days=1), 10, 0, visits=1),
    ]
    counted = tally(windows, shop, MONDAY)
    assert (counted.visits, counted.viewers) == (1110, 6)
    assert counted.open_s == 8 * 3600
    assert (counted.site, counted.day) == ("shop", MONDAY)


def test_the_last_cohort_of_a_day_counts_though_it_is_released_after_closing() -> None:
    shop = site("09:00-12:00", "15:00-20:00")
    nine = at(MONDAY, 9).start

    def since(hours: int, visits: int) -> Cohort:
        return cohort().model_copy(
            update={"since": nine + timedelta(hours=hours), "visits": visits, "described": visits}
        )

    late = [
        at(MONDAY, 12, 30, visits=0, cohort=since(0, 8)),
        at(MONDAY, 20, 1, visits=3, k=1, cohort=since(8, 9)),
        at(MONDAY, 22, 0, visits=0, k=1, cohort=since(12, 10)),
        at(MONDAY, 20, 30, visits=0, k=1, cohort=since(-1, 11)),
        at(MONDAY, 8, 45, visits=0, k=1, cohort=since(-10, 12)),
    ]
    parts = quarters(late, shop, MONDAY)
    assert {begin: part.cohort_visits for begin, part in parts.items() if part.cohort_visits} == {
        nine + timedelta(hours=2, minutes=45): 8,
        nine + timedelta(hours=10, minutes=45): 9 + 11,
    }, "two hold nobody who came while the shop was open; of a small shop one cohort may be the whole day"
    assert tally(late, shop, MONDAY).visits == 0, "who is counted after closing is not of the day"


def test_a_day_of_which_nothing_came_is_open_and_not_watched() -> None:
    counted = tally([], site("09:00-20:00"), MONDAY)
    assert (counted.open_s, counted.covered_s, counted.visits) == (11 * 3600, 0, 0)
    assert tally([], site(), MONDAY).open_s == 0, "closed"


def test_what_was_watched_is_the_mean_over_the_cameras() -> None:
    windows = [
        at(MONDAY, 9, 0, camera="in", coverage=covered(1.0)),
        at(MONDAY, 9, 1, camera="in", coverage=covered(0.5)),
        at(MONDAY, 9, 0, camera="out", coverage=covered(0.0)),
        at(MONDAY, 6, 0, device="shelf", coverage=covered(1.0)),
    ]
    assert tally(windows, site("09:00-20:00"), MONDAY).covered_s == pytest.approx(90 / 3)


def test_a_long_window_is_watched_until_closing_time_only() -> None:
    counted = tally([at(MONDAY, 19, duration_s=3600)], site("09:00-19:10"), MONDAY)
    assert counted.covered_s == 600


def test_the_share_of_staff_is_of_the_cohorts_that_tell_it() -> None:
    withheld = cohort().model_copy(update={"staff_excluded": None})
    nobody = cohort().model_copy(update={"staff_excluded": 0.0})
    parts = [
        tally([at(MONDAY, 9, cohort=one)], site("09:00-20:00"), MONDAY)
        for one in (cohort(), withheld, nobody)
    ]
    assert [part.beside.staff_excluded for part in parts] == [0.5, None, 0.0]
    assert sum(parts[1:], parts[0]).beside == BesideTally(staff=8, staff_of=24, members=24, members_of=24)


def test_a_withheld_cell_is_in_no_breakdown_and_its_visits_are_told() -> None:
    counted = tally([at(MONDAY, 9, cohort=cohort()), at(MONDAY, 10)], site("09:00-20:00"), MONDAY)
    assert counted.cohort_visits == 8
    assert counted.gender == {"female": 8, "male": 0, "unknown": 0, "not_seen": 0, "no_verdict": 0}
    assert (counted.described, counted.described_of) == (8, 8)
    assert counted.age_band["25-34"] == 8
    assert counted.gender_age_band["female", "25-34"] == 8
    assert counted.gender_age_band["male", "25-34"] is None
    assert counted.gender_age_band["male", "65+"] == 0, "nobody, which is a fact"
    assert counted.age_band["unknown"] is None
    assert counted.expression == {}, "never released"
    assert (counted.dwell_sum_s, counted.attention_sum_s) == (96.5, 40.25)
    bare = cohort().model_copy(update={"gender_age_band": None})
    hidden = tally([at(MONDAY, 9, cohort=bare)], site("09:00-20:00"), MONDAY).gender_age_band
    assert set(hidden.values()) == {None}


def test_what_a_profile_does_not_describe_is_not_withheld() -> None:
    bare = Cohort.model_validate(
        {
            **cohort().model_dump(),
            "described": None,
            "gender": None,
            "age_band": None,
            "gender_age_band": None,
        }
    )
    counted = tally([at(MONDAY, 9, cohort=bare, profile="count")], site("09:00-20:00"), MONDAY)
    assert (counted.cohort_visits, counted.demographics_visits) == (8, 0)
    assert (counted.gender, counted.described_of) == ({}, 0)


def test_versions_are_told_side_by_side() -> None:
    windows = [at(MONDAY, 9, model="1"), at(MONDAY, 12, model="2"), at(MONDAY, 22, model="3")]
    assert tally(windows, site("09:00-20:00"), MONDAY).models == {"1", "2"}


NOBODY_OLD = cohort().model_copy(update={"gender": {"female": 0, "male": None, "unknown": 8}})
MIXED = Cohort.model_validate(
    {
        **cohort().model_dump(),
        "visits": 40,
        "described": None,
        "gender": {"female": 12, "male": 10, "no_verdict": 18},
        "age_band": {"25-34": 22, "no_verdict": 18},
        "gender_age_band": {
            "female": {"25-34": 12},
            "male": {"25-34": 10},
            "no_verdict": {"no_verdict": 18},
        },
    }
)
"""Nobody is told how many of the visits were described."""


def test_who_was_described_is_told_by_some_cohorts_only() -> None:
    shop = site("09:00-20:00")
    mixed = tally([at(MONDAY, 9, cohort=MIXED)], shop, MONDAY)
    assert (mixed.described, mixed.described_of, mixed.tells_unknown) == (0, 0, False)
    assert (mixed.gender["unknown"], mixed.gender["not_seen"], mixed.gender["no_verdict"]) == (None, None, 18)
    assert mixed.gender_age_band["unknown", "unknown"] is None
    assert mixed.gender_age_band["female", "unknown"] == 0
    both = mixed + tally([at(MONDAY, 9, cohort=cohort())], shop, MONDAY)
    assert (both.described, both.described_of, both.demographics_visits) == (8, 8, 48)
    assert (both.gender["female"], both.gender["unknown"], both.gender["no_verdict"]) == (20, None, 18)


@st.composite
def some_windows(draw: st.DrawFn) -> list[WindowMessage]:
    """Windows of a few days around the change to summer time, each identity once."""
    start = datetime(2026, 3, 27, 20, tzinfo=UTC)
    places = draw(
        st.sets(st.tuples(st.integers(0, 4 * 24 * 60), st.sampled_from(["in", "out"])), max_size=30)
    )
    return [
        window(
            0,
            start=start + timedelta(minutes=minute),
            camera=camera,
            visits=draw(st.integers(0, 9)),
            # Halves add up without rounding, so that sums can be compared exactly.
            coverage=covered(draw(st.sampled_from([0.0, 0.5, 1.0]))),
            cohort=draw(st.sampled_from([None, cohort(), NOBODY_OLD, MIXED])),
            model=draw(st.sampled_from(["1", "2"])),
        )
        for minute, camera in sorted(places)
    ]


def numbers(value: Tally) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(Tally)}


@settings(max_examples=30)
@given(windows=some_windows(), order=st.randoms())
def test_the_order_of_windows_does_not_matter(windows: list[WindowMessage], order: Any) -> None:
    shuffled = list(windows)
    order.shuffle(shuffled)
    shop = site("09:00-20:00")
    assert tally(shuffled, shop, SPRING) == tally(windows, shop, SPRING)


@settings(max_examples=30)
@given(windows=some_windows())
def test_quarters_add_up_to_the_day_and_cover_all_of_it(windows: list[WindowMessage]) -> None:
    shop = site("00:10-03:40", "09:07-20:00")
    parts = quarters(windows, shop, SPRING)
    start, end = shop.local_day(SPRING)
    assert list(parts) == [start + index * QUARTER for index in range((end - start) // QUARTER)]
    day = tally(windows, shop, SPRING)
    assert reduce(add, parts.values()) == day
    assert 0 <= day.covered_s <= day.open_s
    assert all(0 <= part.open_s <= QUARTER.total_seconds() for part in parts.values())


@settings(max_examples=30)
@given(windows=some_windows())
def test_open_round_the_clock_every_window_is_in_exactly_one_day(windows: list[WindowMessage]) -> None:
    shop = site("00:00-24:00")
    days = [SPRING + timedelta(days=shift) for shift in range(-3, 4)]
    total = reduce(add, (tally(windows, shop, day) for day in days))
    assert total.visits == sum(w.totals.visits for w in windows)
    assert total.cohort_visits == sum(w.cohort.visits for w in windows if w.cohort)
    assert total.day == days[0]


@settings(max_examples=30)
@given(windows=some_windows())
def test_addition_is_commutative_and_associative(windows: list[WindowMessage]) -> None:
    one, two = (tally(windows, site("09:00-20:00"), SPRING + timedelta(days=shift)) for shift in (-1, 0))
    other = tally([], site("09:00-12:00", name="elsewhere"), SPRING)
    assert one + two == two + one
    assert (one + two) + other == one + (two + other)
    assert numbers(one + two)["site"] == "shop"
    assert (one + other).site == ""


DOORS = {"door/front": "entrance", "side/front": "entrance", "shelf/front": "display"}


def test_cameras_of_different_roles_are_never_added_up() -> None:
    shop = site("09:00-20:00", cameras=DOORS)
    windows = [
        at(MONDAY, 9, device=device, visits=visits)
        for device, visits in (("door", 5), ("side", 4), ("shelf", 7))
    ]
    windows.append(at(MONDAY, 9, device="stranger", visits=100))
    assert tally(windows, shop, MONDAY, "entrance").visits == 9
    assert tally(windows, shop, MONDAY, "display").visits == 7
    assert tally(windows, shop, MONDAY, "area").visits == 0
    with pytest.raises(ValueError, match="must not be added up"):
        tally(windows, shop, MONDAY, "entrance") + tally(windows, shop, MONDAY, "display")


def test_a_camera_of_the_chain_file_that_says_nothing_is_a_hole_in_coverage() -> None:
    shop = site("09:00-10:00", cameras=DOORS)
    counted = tally([at(MONDAY, 9, device="door", duration_s=3600)], shop, MONDAY, "entrance")
    assert counted.watched_s == {"door/front": 3600, "side/front": 0}
    assert (counted.open_s, counted.covered_s) == (3600, 1800)


def test_entrances_share_their_visitors_and_displays_see_them_again() -> None:
    shop = site("09:00-10:00", cameras={**DOORS, "till/front": "display"})
    windows = [at(MONDAY, 9, device=d, duration_s=3600) for d in ("door", "side", "shelf", "till")]
    assert tally(windows, shop, MONDAY, "entrance").exposure_s == 3600
    assert tally(windows, shop, MONDAY, "display").exposure_s == 7200


def test_a_zero_beside_something_withheld_is_no_fact() -> None:
    shop = site("09:00-20:00")
    withheld = cohort().model_copy(update={"gender": {"female": 8, "male": None, "unknown": 0}})
    both = tally([at(MONDAY, 9, cohort=cohort()), at(MONDAY, 10, cohort=withheld)], shop, MONDAY)
    assert (both.gender["female"], both.gender["male"], both.gender["unknown"]) == (16, None, 0)


def test_a_day_of_which_nothing_came_is_among_the_others() -> None:
    shop = site("09:00-20:00")
    known = tally([at(MONDAY, 9)], shop, MONDAY)
    filled = with_silent_days([known], [shop], [MONDAY, MONDAY + timedelta(days=1)], "unassigned")
    assert filled == [known, tally([], shop, MONDAY + timedelta(days=1))]


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2026, 3, 29), date(2026, 10, 25)])
@pytest.mark.parametrize("cameras", [None, {"door/main": "entrance"}])
def test_a_silent_day_is_a_day_without_windows(day: date, cameras: dict[str, str] | None) -> None:
    """Also when the clocks change; it is not added up from its quarters."""
    shop = site("01:30-04:00", "09:00-20:00", cameras=cameras)
    (role,) = shop.roles
    assert with_silent_days([], [shop], [day], role) == [tally_of((), shop, day, role)]
