"""The effect of a clip on entries and sales: what is there is found, what is not there is not called real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from cloud.analysis.clip_hours import LEAST_HOURS, HourEffect, Outcome, clip_effects, hour_effects
from cloud.analysis.shop_hours import ShopHour, shop_hours
from cloud.domain.clips import HeldByHours
from cloud.domain.tally import Tally
from cloud.domain.till import Kept, Takings
from common.signage import held_out_in
from tests.cloud.analysis.test_estimates import sold
from tests.support.campaigns_by_hour import HourCampaign

CAMPAIGNS = 200
Told = list[Mapping[Outcome, HourEffect]]


@cache
def campaigns(entries: float, buys: float) -> list[Told]:
    """What the page says at the end of each week of each of the campaigns with these true effects."""
    made = HourCampaign(entries=entries, buys=buys)
    return [[hour_effects(*hours) for hours in made.so_far(seed)] for seed in range(CAMPAIGNS)]


def ends(entries: float, buys: float, outcome: Outcome, verdict: str) -> int:
    return sum(weeks[-1][outcome].verdict == verdict for weeks in campaigns(entries, buys))


def ever(entries: float, buys: float, outcome: Outcome, verdict: str) -> int:
    return sum(any(week[outcome].verdict == verdict for week in weeks) for weeks in campaigns(entries, buys))


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestCampaigns:
    """A shop with sixty entries an hour, of whom three in ten buy, for eight weeks; half of the hours are held out."""

    def test_ten_per_cent_more_entries_are_found_in_four_of_five(self) -> None:
        assert ends(0.1, 0.0, "entries", "worked") >= 0.8 * CAMPAIGNS

    def test_ten_per_cent_more_buyers_are_found_in_four_of_five(self) -> None:
        assert ends(0.0, 0.1, "conversion", "worked") >= 0.8 * CAMPAIGNS

    @pytest.mark.parametrize("outcome", ["entries", "sales", "conversion"])
    def test_no_effect_is_called_real_in_at_most_one_of_twenty(self, outcome: Outcome) -> None:
        assert ever(0.0, 0.0, outcome, "worked") <= 0.05 * CAMPAIGNS

    def test_who_comes_in_more_often_does_not_buy_more_often(self) -> None:
        assert ever(0.1, 0.0, "conversion", "worked") <= 0.05 * CAMPAIGNS
        assert ever(0.0, 0.1, "entries", "worked") <= 0.05 * CAMPAIGNS

    def test_without_effect_most_end_with_a_clear_no(self) -> None:
        assert ends(0.0, 0.0, "entries", "did not") >= 0.8 * CAMPAIGNS
        assert ever(0.1, 0.0, "entries", "did not") <= 0.05 * CAMPAIGNS

    @pytest.mark.parametrize(("entries", "buys"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1)])
    def test_the_interval_holds_the_truth_at_all_times(self, entries: float, buys: float) -> None:
        truth = {"entries": entries, "sales": (1 + entries) * (1 + buys) - 1, "conversion": buys}
        for outcome, true in truth.items():
            missed = sum(
                any(not holds(week[outcome], true) for week in weeks)  # type: ignore[index]
                for weeks in campaigns(entries, buys)
            )
            assert missed <= 0.05 * CAMPAIGNS

    def test_a_quiet_shop_is_told_that_it_cannot_tell(self) -> None:
        found = [list(HourCampaign(entries=0.1, an_hour=4.0, days=14).so_far(seed))[-1] for seed in range(20)]
        told = [hour_effects(*hours)["entries"] for hours in found]
        assert sum(one.verdict == "cannot tell yet" for one in told) >= 18
        assert all(one.needed and one.needed > 3 * one.hours for one in told if one.low is not None)


def holds(one: HourEffect, truth: float) -> bool:
    return one.low is None or one.high is None or one.low <= truth <= one.high


MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def steady(days: int = 10, *, more: float = 1.0, hours: int = 10) -> tuple[list[ShopHour], list[bool]]:
    """Days that differ, with ``more`` entries in every other hour."""
    found, held = [], []
    for day in range(days):
        for hour in range(hours):
            kind = (day + hour) % 2 == 0
            people = round(100 * (1 + day % 3) * (1.0 if kind else more)) + hour % 2
            found.append(ShopHour(MONDAY + timedelta(days=day, hours=hour), people, people // 4))
            held.append(kind)
    return found, held


def test_the_effect_is_relative_to_the_hours_without_the_clip() -> None:
    found = hour_effects(*steady(more=1.2))
    assert found["entries"].change == pytest.approx(0.2, abs=0.01)
    assert found["entries"].verdict == "worked"
    assert found["conversion"].change == pytest.approx(0.0, abs=0.02)
    assert found["entries"].hours == 100


@pytest.mark.parametrize(
    ("hours", "held"),
    [
        ([], []),
        steady(days=2),
        (steady()[0], [True] * 100),
        (steady()[0], [False] * 100),
        ([ShopHour(one.start, 0, 0) for one in steady()[0]], steady()[1]),
    ],
    ids=["none", "two days", "all held out", "never shown", "nobody came"],
)
def test_without_enough_to_compare_nothing_is_claimed(hours: list[ShopHour], held: list[bool]) -> None:
    for one in hour_effects(hours, held).values():
        assert (one.verdict, one.change, one.low) == ("cannot tell yet", None, None)
    assert LEAST_HOURS == 20


def test_without_a_till_entries_are_told_alone() -> None:
    hours, held = steady(more=1.2)
    found = hour_effects([ShopHour(one.start, one.entries, None) for one in hours], held)
    assert found["entries"].verdict == "worked"
    assert (found["sales"].hours, found["sales"].change, found["conversion"].change) == (0, None, None)


def test_the_server_computes_the_hours_of_the_device_and_only_those_of_the_campaign() -> None:
    hours, _ = steady(days=20)
    clip = HeldByHours("window", "tea", 0.5, MONDAY + timedelta(days=4), MONDAY + timedelta(days=18))
    told = clip_effects("shop", clip, hours)
    during = [one for one in hours if 4 <= (one.start - MONDAY).days < 18]
    held = [
        held_out_in(int(one.start.timestamp() // 3600), site="shop", device="window", clip="tea", share=0.5)
        for one in during
    ]
    assert told == hour_effects(during, held)
    assert 0.3 < sum(held) / len(held) < 0.7


def test_the_hours_of_a_shop_are_whole_watched_and_in_utc() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    start = datetime(2026, 10, 1, 4, tzinfo=UTC)
    quarters = {
        start + timedelta(minutes=15 * number): quarter(entries=number, watched=number != 6)
        for number in range(2, 14)
    }
    half_hours = [taken(start + timedelta(minutes=30 * number), 30, 3) for number in range(2, 8)]
    found = shop_hours(quarters, half_hours, zone)
    # The first hour was open for half of it, and in the second one, a quarter was not watched.
    assert [(one.start, one.entries, one.sales) for one in found] == [
        (start + timedelta(hours=2), 8 + 9 + 10 + 11, 6),
    ]
    assert found[0].start.tzinfo is zone
    # An hour of this till reaches into two hours in UTC: whose sales are they?
    whole = [taken(start + timedelta(minutes=30 + 60 * number), 60, 5) for number in range(3)]
    assert [one.sales for one in shop_hours(quarters, whole, zone)] == [None]


def quarter(*, entries: int, watched: bool) -> Tally:
    day = sold(entries=entries)
    watched_s = 900.0 if watched else 0.0
    doors = day.doors and replace(day.doors, watched_s=watched_s)
    return replace(day, open_s=900.0, watched_s={"door/front": watched_s}, doors=doors)


def taken(start: datetime, minutes: int, sales: int) -> Kept:
    return Kept(Takings(start, start + timedelta(minutes=minutes), sales), None)
