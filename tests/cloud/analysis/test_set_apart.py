"""Stores compared: what cannot be compared is set apart, with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cloud.domain.chain import Chain
from cloud.domain.day_tallies import with_silent_days
from tests.cloud.analysis.shops import FIRST, compared, days, rows

pytestmark = pytest.mark.slow


def test_a_camera_that_is_silent_all_the_time_is_named_and_not_ranked() -> None:
    silent = {"door/main": 36_000.0, "side/main": 0.0}
    rng = np.random.default_rng(22)
    tallies = [
        replace(t, role="entrance", watched_s=silent, visits=t.visits // 2)
        if t.site == "a"
        else replace(t, role="entrance")
        for site in "abc"
        for t in days(site, rng)
    ]
    row = rows(compared(tallies, "abc", role="entrance"))["a"]
    assert row.set_apart == "side/main watched less than 80% on 28 of 28 days"
    assert row.coverage == 0.5


def test_without_a_chain_file_that_names_them_two_cameras_are_not_ranked() -> None:
    rng = np.random.default_rng(23)
    both = {"door/main": 36_000.0, "shelf/main": 36_000.0}
    tallies = [
        replace(t, watched_s=both, visits=2 * t.visits) if t.site == "s3" else t
        for site in (f"s{n}" for n in range(12))
        for t in days(site, rng)
    ]
    found = rows(compared(tallies, [f"s{n}" for n in range(12)]))
    assert found["s3"].set_apart == "the chain file does not say what its 2 cameras are for, on 28 of 28 days"
    assert not any(row.real for row in found.values())


def test_days_on_which_the_whole_shop_was_silent_are_open_days() -> None:
    opening = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "09:00-19:00")
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": opening}
    chain = Chain.model_validate({"name": "c", "sites": dict.fromkeys("abc", shop)})
    rng = np.random.default_rng(24)
    tallies = [t for site in "abc" for t in days(site, rng, count=8 if site == "a" else 28)]
    dates = [FIRST + timedelta(days=number) for number in range(28)]
    filled = with_silent_days(tallies, chain.sites.values(), dates, "unassigned")
    row = rows(compared(filled, "abc"))["a"]
    assert row.set_apart == "no data on 20 of 28 days"
    assert row.coverage == pytest.approx(8 / 28)


def test_a_holiday_is_no_day_without_data() -> None:
    """A shop that is closed on special days is compared by the days on which it is open."""
    holidays = {(FIRST + timedelta(days=number)).isoformat(): "closed" for number in range(8, 28)}
    shop = {"title": "Shop", "timezone": "Europe/Berlin", "opening": "09:00-19:00"}
    chain = Chain.model_validate(
        {"name": "c", "sites": {"a": {**shop, "special_days": holidays}, "b": shop, "c": shop}}
    )
    rng = np.random.default_rng(24)
    tallies = [t for site in "abc" for t in days(site, rng, count=8 if site == "a" else 28)]
    dates = [FIRST + timedelta(days=number) for number in range(28)]
    filled = with_silent_days(tallies, chain.sites.values(), dates, "unassigned")
    row = rows(compared(filled, "abc"))["a"]
    assert (row.days, row.set_apart) == (8, None)
    assert row.coverage == pytest.approx(1.0)


def test_a_new_shop_is_compared_from_its_first_week_on() -> None:
    rng = np.random.default_rng(25)
    silent = {"visits": 0, "watched_s": {}}
    tallies = [
        replace(t, **silent) if t.site == "a" and t.day < FIRST + timedelta(days=20) else t  # type: ignore[arg-type]
        for site in "abc"
        for t in days(site, rng)
    ]
    row = rows(compared(tallies, "abc"))["a"]
    assert (row.days, row.set_apart, row.coverage) == (8, None, 1.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"watched_s": {"door/front": 0.0}, "visits": 0}, "no data"),
        ({"watched_s": {"door/front": 20_000.0}}, "watched less than 80% on 28 of 28 days"),
        ({"models": frozenset({"2027.1"})}, "model 2027.1 (calibration 2026.11.21-2), but the others have"),
        (
            {"calibrations": frozenset({"2027.1"})},
            "model 2026.11.21-2 (calibration 2027.1), but the others have",
        ),
    ],
)
def test_what_cannot_be_compared_is_set_apart(changes: dict[str, object], reason: str) -> None:
    rng = np.random.default_rng(1)
    sites = ["a", "b", "c", "odd"]
    tallies = [t if t.site != "odd" else replace(t, **changes) for s in sites for t in days(s, rng)]  # type: ignore[arg-type]
    found = rows(compared(tallies, sites))
    assert (found["odd"].set_apart or "").startswith(reason)
    assert found["odd"].rate is None
    assert not found["odd"].real
    assert all(found[site].set_apart is None for site in "abc")


def test_a_blind_camera_costs_the_days_on_which_it_was_blind() -> None:
    rng = np.random.default_rng(2)
    tallies = [t for site in "abc" for t in days(site, rng)]
    blind = [
        replace(t, watched_s={"door/front": 9000.0}, visits=10) if t.site == "a" and t.day.day <= 8 else t
        for t in tallies
    ]
    row = rows(compared(blind, "abc"))["a"]
    assert (row.days, row.set_apart, row.real) == (20, None, False)
    assert row.coverage == pytest.approx((20 + 8 / 4) / 28)


def test_a_chain_is_upgraded_store_by_store_without_being_set_apart() -> None:
    """On each date, the stores that have what most have are compared."""
    rng = np.random.default_rng(3)
    sites = [f"s{number}" for number in range(9)]
    upgraded = {site: FIRST + timedelta(days=10 + number) for number, site in enumerate(sites)}
    tallies = [
        replace(t, models=frozenset({"new"})) if t.day >= upgraded[t.site] else t
        for site in sites
        for t in days(site, rng)
    ]
    found = compared(tallies, sites).rows
    assert [row.set_apart for row in found] == [None] * 9
    assert min(row.days for row in found) >= 23


def test_too_few_days_and_no_company_are_said() -> None:
    rng = np.random.default_rng(4)
    tallies = [t for site in "ab" for t in days(site, rng)]
    found = rows(compared([t for t in tallies if t.site == "a" or t.day < FIRST + timedelta(days=6)], "abc"))
    assert found["c"].set_apart == "no data"
    assert found["b"].set_apart == "only 6 days; 7 are needed"
    assert found["a"].set_apart == "too few days on which other shops are open"
