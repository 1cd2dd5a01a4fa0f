"""The chain file: when a store is open is exact on every day of the year, and a mistake is one line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.chain import Chain, Site
from common.errors import UserError
from tests.support.messages import window
from tests.support.paths import ROOT

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Sundays on which the clocks change in the European Union, at 01:00 UTC."""

# Europe; half an hour of summer time; a change at midnight; a day that was skipped whole; none at all.
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns", "Pacific/Apia", "UTC")
days = st.dates(date(2010, 1, 1), date(2035, 12, 31))


def site(hours: Any = "09:00-20:00", timezone: str = "Europe/Berlin") -> Site:
    chain = {"name": "c", "sites": {"shop": {"title": "Shop", "timezone": timezone}}}
    chain["sites"]["shop"]["opening"] = dict.fromkeys(WEEKDAYS, hours)  # type: ignore[index]
    return Chain.model_validate(chain).sites["shop"]


def utc(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@st.composite
def opening_hours(draw: st.DrawFn) -> list[str]:
    edges = sorted(draw(st.sets(st.integers(0, 24 * 60), min_size=2, max_size=8)))
    return [
        f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]


def test_the_example_is_a_chain() -> None:
    chain = Chain.load(ROOT / "cloud" / "chain.example.yaml")
    berlin = chain.sites["berlin-mitte"]
    assert berlin.name == "berlin-mitte"
    saturday = date(2026, 1, 3)
    assert berlin.opening_intervals(saturday) == [
        (utc(saturday, 9), utc(saturday, 13)),
        (utc(saturday, 14), utc(saturday, 19)),
    ]
    assert berlin.opening_intervals(date(2026, 1, 4)) == []
    (promotion,) = chain.annotations
    assert (promotion.first, promotion.last, promotion.sites) == (
        date(2026, 3, 2),
        date(2026, 3, 7),
        ["berlin-mitte"],
    )


def test_the_same_hours_are_another_time_in_summer() -> None:
    assert site().opening_intervals(SPRING - timedelta(days=1))[0][0].hour == 8
    assert site().opening_intervals(SPRING)[0][0].hour == 7


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 7, 1), 24)])
def test_a_day_is_as_long_as_the_clocks_make_it(day: date, hours: int) -> None:
    start, end = site().local_day(day)
    assert end - start == timedelta(hours=hours)
    assert site("00:00-24:00").opening_intervals(day) == [(start, end)]


def test_an_hour_that_is_skipped_is_not_open_and_one_that_is_repeated_is_open_twice() -> None:
    # 01:00-04:00 is two hours in spring, four in autumn.
    night = site("01:00-04:00")
    assert night.opening_intervals(SPRING) == [(utc(SPRING, 0), utc(SPRING, 2))]
    assert night.opening_intervals(AUTUMN) == [(utc(AUTUMN - timedelta(days=1), 23), utc(AUTUMN, 3))]
    assert site("02:10-02:50").opening_intervals(SPRING) == []
    assert site("02:30-03:30").opening_intervals(SPRING) == [(utc(SPRING, 1), utc(SPRING, 1, 30))]
    assert site("02:15-02:45").opening_intervals(AUTUMN) == [(utc(AUTUMN, 0, 15), utc(AUTUMN, 0, 45))]


@given(day=days, zone=st.sampled_from(ZONES), hours=opening_hours())
def test_opening_hours_lie_in_their_day_in_order_and_apart(day: date, zone: str, hours: list[str]) -> None:
    shop = site(hours, zone)
    start, end = shop.local_day(day)
    edges = [start, *(edge for interval in shop.opening_intervals(day) for edge in interval), end]
    assert edges == sorted(edges)
    assert all(opens < closes for opens, closes in shop.opening_intervals(day))


@given(day=days, zone=st.sampled_from(ZONES))
def test_days_follow_each_other_without_a_gap(day: date, zone: str) -> None:
    assert site(timezone=zone).local_day(day)[1] == site(timezone=zone).local_day(day + timedelta(days=1))[0]


@given(day=days, zone=st.sampled_from(ZONES), edges=st.sets(st.integers(1, 1439), max_size=6))
def test_a_day_cut_in_pieces_is_open_as_long_as_in_one(day: date, zone: str, edges: set[int]) -> None:
    cuts = [f"{minute // 60:02}:{minute % 60:02}" for minute in (0, *sorted(edges), 1440)]
    pieces = [f"{start}-{end}" for start, end in pairwise(cuts)]

    def open_s(hours: Any) -> float:
        return sum((end - start).total_seconds() for start, end in site(hours, zone).opening_intervals(day))

    assert open_s(pieces) == open_s("00:00-24:00")


GOOD = """
name: c
sites:
  shop: {title: Shop, timezone: Europe/Berlin, opening: {HOURS}}
"""
ALL = ", ".join(f"{day}: 09:00-20:00" for day in WEEKDAYS)


def test_norway_is_a_region(tmp_path: Path) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text(GOOD.replace("HOURS}", ALL + "}, region: NO"), encoding="utf-8")
    assert Chain.load(path).sites["shop"].region == "NO"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("HOURS", ALL.replace("mon: 09:00-20:00, ", "")), "sites.shop.opening.mon: is required"),
        (
            GOOD.replace("HOURS", ALL.replace("mon: 09:00-20:00", "mon: 9-20")),
            'must be hours such as "09:00-20:00"',
        ),
        (
            GOOD.replace("HOURS", ALL.replace("mon: 09:00-20:00", "mon: 22:00-02:00")),
            "on the next day",
        ),
        (
            GOOD.replace("HOURS", ALL.replace("mon: 09:00-20:00", "mon: 09:00-24:30")),
            "not a valid time of day",
        ),
        (
            GOOD.replace("HOURS", ALL.replace("mon: 09:00-20:00", "mon: [09:00-14:00, 13:00-20:00]")),
            "opening hours overlap",
        ),
        (GOOD.replace("HOURS", ALL).replace("Berlin", "Berln"), "sites.shop.timezone: is not a time zone"),
        (GOOD.replace("HOURS", ALL).replace("title", "titel"), "did you mean 'title'?"),
        (GOOD.replace("HOURS", ALL).replace("shop:", "my shop:"), "sites.my shop"),
        ("name: c\nsites: {}", "sites: "),
        (
            GOOD.replace("HOURS}", ALL + "}, place: {latitude: true, longitude: 13}"),
            "sites.shop.place.latitude: must not be true or false; found true",
        ),
        (
            GOOD.replace("HOURS}", ALL + "}, special_days: {2026-02-30: closed}"),
            "sites.shop.special_days.2026-02-30: must be a date such as 2026-03-31",
        ),
        (
            GOOD.replace("HOURS}", ALL + "}, special_days: {20261225: closed}"),
            "is not a date; write it as 2026-12-25",
        ),
        (
            GOOD.replace("HOURS}", ALL + "}, special_days: {2026-12-25: 9-20}"),
            'special_days.2026-12-25: must be hours such as "09:00-20:00"',
        ),
        (
            GOOD.replace("HOURS}", ALL + "}, special_days: {2026-12-25: closed, 2026-12-25: closed}"),
            "is given twice",
        ),
        (
            GOOD.replace("HOURS", ALL) + "annotations: [{from: 2026-02-30, to: 2026-03-01, text: sale}]",
            "annotations.0.from: must be a date such as 2026-03-31; found '2026-02-30'",
        ),
        (
            GOOD.replace("HOURS", ALL) + "annotations: [{from: 2026-03-02, to: 2026-03-01, text: sale}]",
            "ends on 2026-03-01, before it begins",
        ),
        (
            GOOD.replace("HOURS", ALL)
            + "annotations: [{from: 2026-03-02, to: 2026-03-03, sites: [shp], text: sale}]",
            "'sale' names 'shp', which is not a site of this file",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        Chain.load(path)
    line = str(raised.value)
    assert str(path) in line
    assert expected in line
    assert "\n" not in line


def with_cameras(cameras: object, **more: Any) -> Chain:
    shop = {"title": "Shop", "timezone": "UTC", "opening": "09:00-20:00"}
    return Chain.model_validate({"name": "c", "sites": {"shop": {**shop, "cameras": cameras}, **more}})


def test_hours_without_weekdays_are_those_of_every_day() -> None:
    shop = with_cameras(None).sites["shop"]
    assert all(shop.opening.of(SPRING + timedelta(days=n)) == ((540, 1200),) for n in range(7))


def test_a_special_day_has_its_own_hours_and_no_other_day_does() -> None:
    usual = site()
    special = Site.model_validate(
        {
            **usual.model_dump(mode="json"),
            "special_days": {"2026-03-28": "closed", str(SPRING): ["01:00-03:00", "10:00-12:00"]},
        }
    )
    assert special.opening_intervals(SPRING - timedelta(days=1)) == []
    assert special.opening_intervals(SPRING) == [
        (utc(SPRING, 0), utc(SPRING, 1)),
        (utc(SPRING, 8), utc(SPRING, 10)),
    ], "the hour that is skipped is not open on a special day either"
    after = SPRING + timedelta(days=1)
    assert special.opening_intervals(after) == usual.opening_intervals(after)


def test_a_chain_is_written_as_it_is_read() -> None:
    chain = Chain.load(ROOT / "cloud" / "chain.example.yaml")
    assert chain.sites["berlin-mitte"].hours_of(date(2026, 12, 25)) == ()
    assert Chain.model_validate(chain.model_dump(mode="json", by_alias=True)) == chain


def test_the_chain_file_says_what_each_camera_is_for() -> None:
    listed = {"shelf/main": "display", "side/main": "entrance", "door/main": "entrance"}
    bare = {"title": "Bare", "timezone": "UTC", "opening": "09:00-20:00"}
    chain = with_cameras(listed, bare=bare)
    shop = chain.sites["shop"]
    assert shop.roles == ("entrance", "display"), "the one that says most about the shop first"
    assert shop.cameras_of("entrance") == ("door/main", "side/main")
    assert shop.role_of(window(0, device="shelf", camera="main")) == "display"
    assert shop.role_of(window(0, device="cellar", camera="main")) is None
    assert chain.sites["bare"].roles == ("unassigned",)
    assert chain.sites["bare"].role_of(window(0)) == "unassigned"
    assert chain.roles == ("entrance", "display", "unassigned")
    assert list(chain.with_role("unassigned")) == ["bare"]


@pytest.mark.parametrize(
    ("cameras", "said"),
    [
        ({"door": "entrance"}, "is not a camera; write device/camera, such as door/main"),
        ({"a/b/c": "entrance"}, "is not a camera"),
        ({"door/main": "till"}, "Input should be 'entrance', 'area' or 'display'"),
        ({"door/main": "unassigned"}, "Input should be 'entrance', 'area' or 'display'"),
        ({}, "at least 1 item"),
    ],
)
def test_a_camera_that_is_written_wrongly_is_explained(cameras: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        with_cameras(cameras)
