"""What devices tell of times, over many simulated days, beside the times of all visitors."""

from __future__ import annotations

from statistics import mean

import pytest

from benchmarks.withheld import Found, difference, measure, share_told

pytestmark = pytest.mark.slow

_SHOPS, _DAYS = 4, 28


@pytest.fixture(scope="module")
def found() -> list[Found]:
    return measure(_SHOPS, _DAYS, seed=1)


def test_about_nineteen_of_twenty_days_hold_the_true_interest_in_their_interval(found: list[Found]) -> None:
    held = [holds for one in found for holds in one.holds()]
    assert len(held) > 100
    assert 0.9 < mean(held) < 0.98


def test_every_day_that_tells_an_interest_tells_its_interval(found: list[Found]) -> None:
    told = [one for camera in found for days in camera.interest.values() for one in days]
    assert None not in [one.interval for one in told]


@pytest.mark.parametrize("name", ["interest tea", "interest sign", "attention", "wait till", "stay shelf"])
def test_the_mean_of_what_is_told_is_nearly_that_of_all(found: list[Found], name: str) -> None:
    change = difference(found, name)
    assert change is not None
    assert abs(change) < 0.05


def test_long_looks_withhold_little_of_a_busy_shop(found: list[Found]) -> None:
    assert share_told(found, "attention") > 0.9
    assert share_told(found, "interest sign") > 0.6
