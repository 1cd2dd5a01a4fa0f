"""The interest that a device tells of its targets, over many simulated days, beside how long all visitors looked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from statistics import mean
from typing import NamedTuple

import numpy as np
import pytest

from cloud.domain.place_tally import TargetTally, place_tally
from cloud.domain.time_bins import Interest
from cloud.simulation.chain import KINDS, Camera, make_sites
from cloud.simulation.device import Device, DeviceDay, Release
from cloud.simulation.faults import Faults
from cloud.simulation.places import PLANS
from cloud.simulation.visitors import known_eyes, visitors
from common.vocabulary import LOOK_MOST_S
from common.wire import Cohort, WindowMessage

pytestmark = pytest.mark.slow

_DAYS = [date(2026, 3, 2) + timedelta(days=number) for number in range(28)]
_SHOPS = 3


class Told(NamedTuple):
    """What is told of a target on one day, and how long the passers of all days looked, on average."""

    interest: Interest
    really_s: float
    of_passers: float
    """The share of the passers of the day of whom it is told."""


@pytest.fixture(scope="module")
def told() -> list[Told]:
    return [*chain.from_iterable(map(_of_shop, range(_SHOPS)))]


def test_about_nineteen_of_twenty_days_hold_the_true_interest_in_their_interval(told: list[Told]) -> None:
    spans = [(one.interest.interval, one.really_s) for one in told]
    held = [span.low <= really_s <= span.high for span, really_s in spans if span is not None]
    assert len(held) == len(told) > 90
    assert 0.9 < mean(held) < 0.99


def test_what_is_withheld_leaves_the_interest_where_it_is(told: list[Told]) -> None:
    """Weighted with the passers, days that tell it are like the others."""
    really_s = mean(one.really_s for one in told)
    assert mean(one.interest.mean_s for one in told) == pytest.approx(really_s, rel=0.05)


def test_most_days_of_a_busy_shop_tell_it(told: list[Told]) -> None:
    assert len(told) > 0.6 * _SHOPS * sum(day.weekday() < 6 for day in _DAYS) * len(PLANS["display"].targets)


def _of_shop(number: int) -> Iterator[Told]:
    sites = make_sites(40, _DAYS, seed=1)
    busy = [name for name, one in sites.characters.items() if one.kind is KINDS["mall"]]
    name = busy[number]
    site, character = sites.chain.sites[name], sites.characters[name]
    rng = np.random.default_rng([1, number])
    camera = Camera("shelf", "display", 0.5)
    until = datetime(2026, 5, 1, tzinfo=UTC)
    device = Device(camera, site, character, Faults(), window_s=900, until=until, rng=rng)
    release = Release("0.1.0", "1", known_eyes()[-1])
    days = [device.day(day, visitors(rng, character, site, day, camera.sees), release) for day in _DAYS]
    for target, zone in PLANS["display"].targets.items():
        looks = [_looks(day, target, zone) for day in days]
        really_s = mean(chain.from_iterable(looks))
        for day, of_day in zip(days, looks, strict=True):
            tally = _tally(day).get(target)
            if tally is not None and tally.interest is not None:
                yield Told(tally.interest, really_s, tally.attention_passers / len(of_day))


def _looks(day: DeviceDay, target: str, zone: str | None) -> list[float]:
    """Return the seconds that count of each visit that could see the target."""
    return [
        min(one.looks.get(target, 0.0), LOOK_MOST_S)
        for one in day.counted.places
        if zone is None or zone in one.stays
    ]


def _tally(day: DeviceDay) -> dict[str, TargetTally]:
    messages = [one.message for one in day.arrivals if isinstance(one.message, WindowMessage)]
    cohorts: list[Cohort] = [one.cohort for one in messages if one.cohort is not None]
    return dict(place_tally(cohorts).targets)
