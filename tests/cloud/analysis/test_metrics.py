"""What stores are compared by: each rate is a sum over a sum, and a share that was not measured is no zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cloud.analysis.confusion import shipped_confusions
from cloud.analysis.metrics import metric_named
from cloud.domain.place_tally import DoorTally
from common.errors import UserError
from tests.cloud.analysis.shops import compared, day, rows

pytestmark = pytest.mark.slow


def test_a_share_is_compared_corrected_and_only_where_little_is_withheld() -> None:
    rng = np.random.default_rng(12)
    sites = [f"s{number}" for number in range(20)]
    tallies = []
    for site in sites:
        share = 0.7 if site == "s3" else 0.6
        for number in range(28):
            women = int(rng.binomial(185, share))
            gender = {"female": women, "male": 185 - women, "unknown": 15}
            tallies.append(day(site, number, gender=gender))
    hidden = [replace(t, gender={**t.gender, "male": None}) if t.site == "s5" else t for t in tallies]
    found = rows(compared(hidden, sites, "share:gender=female"))
    assert found["s3"].real
    assert sum(row.real for row in found.values()) <= 2
    assert "withheld to protect privacy" in (found["s5"].set_apart or "")
    raw = np.mean([(t.gender["female"] or 0) / 185 for t in tallies if t.site == "s3"])
    rate = found["s3"].rate
    assert rate is not None
    assert 0 < rate - raw < 0.1  # mistakes draw shares towards the middle


@pytest.mark.parametrize(
    ("metric", "rate"),
    [("viewers_share", 0.6), ("dwell_mean", 10.0), ("attraction_ratio", 0.4), ("visits_per_open_hour", 20.0)],
)
def test_each_rate_is_a_sum_over_a_sum(metric: str, rate: float) -> None:
    tallies = [day(site, number) for site in "ab" for number in range(14)]
    found = compared(tallies, "ab", metric)
    assert found.rate == pytest.approx(rate)
    assert [row.rate for row in found.rows] == pytest.approx([rate, rate])


def test_what_doors_count_is_compared_by_the_hour_and_by_who_passes() -> None:
    doors = DoorTally(entries=90, exits=80, passers=110, groups=60, watched_s=36_000.0)
    tallies = [day(site, number, doors=doors) for site in "ab" for number in range(14)]
    for metric, rate in (("entries_per_open_hour", 9.0), ("capture_rate", 0.45)):
        found = compared(tallies, "ab", metric)
        assert [row.rate for row in found.rows] == pytest.approx([rate, rate])


def test_two_entrances_share_the_hours_of_a_shop() -> None:
    doors = DoorTally(entries=90, exits=80, passers=110, groups=60, watched_s=72_000.0)
    both = dict.fromkeys(("door/front", "side/front"), 36_000.0)
    one = day("a", 0, role="entrance", doors=doors, watched_s=both)
    above, below = metric_named("entries_per_open_hour").terms([one])
    assert above / below == pytest.approx(9.0)


@pytest.mark.parametrize("watched_s", [None, 18_000.0])
def test_a_shop_without_doors_or_with_new_ones_is_set_apart(watched_s: float | None) -> None:
    """Half a day of entries is not half as many entries."""
    counted = DoorTally(entries=90, exits=80, passers=110, groups=60, watched_s=36_000.0)
    other = None if watched_s is None else replace(counted, watched_s=watched_s)
    tallies = [
        day(site, number, doors=other if site == "c" else counted) for site in "abc" for number in range(14)
    ]
    for metric in ("entries_per_open_hour", "capture_rate"):
        found = rows(compared(tallies, "abc", metric))
        assert "no door was counted" in (found["c"].set_apart or "")
        assert found["a"].set_apart is None


def test_a_door_through_which_nobody_came_is_a_zero() -> None:
    nobody = DoorTally(entries=0, exits=0, passers=0, groups=0, watched_s=36_000.0)
    some = DoorTally(entries=90, exits=80, passers=110, groups=60, watched_s=36_000.0)
    tallies = [
        day(site, number, doors=nobody if number % 2 else some) for site in "ab" for number in range(14)
    ]
    assert compared(tallies, "ab", "entries_per_open_hour").rate == pytest.approx(4.5)
    assert compared(tallies, "ab", "capture_rate").rate == pytest.approx(0.45)


def test_a_breakdown_that_is_off_is_no_zero() -> None:
    tallies = [day(site, number) for site in "ab" for number in range(14)]
    found = compared(tallies, "ab", "share:expression=happy")
    assert found.rate is None
    assert all(
        "no group of visits was released with expression" in (row.set_apart or "") for row in found.rows
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("footfall", "is not known; use visits_per_open_hour"),
        ("share:race=any", "share:gender=LABEL"),
        ("share:gender=women", "gender must be one of female, male"),
    ],
)
def test_a_metric_that_is_none_is_explained(name: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        metric_named(name)


def test_a_day_that_mixes_unknown_verdicts_with_visits_not_seen_has_the_same_share() -> None:
    share = metric_named("share:gender=female")
    counts = {**day("a", 0).gender, "unknown": None, "not_seen": None, "no_verdict": 75}
    calibrations = frozenset({max(shipped_confusions())})
    told = day("a", 0, calibrations=calibrations)
    mixed = day(
        "a", 1, calibrations=calibrations, gender=counts, demographics_visits=260, described=0, described_of=0
    )
    women, of = share.terms([told, mixed])
    assert women[1] / of[1] == pytest.approx(women[0] / of[0], abs=0.02)
    assert (share.told(told), share.told(mixed), share.withheld(mixed)) == (200, 185, 0)
