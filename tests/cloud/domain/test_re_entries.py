"""People who came in again: an estimate from the totals of the windows, right on average, with its error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from benchmarks.re_entries import measure
from cloud.domain.re_entries import WITHIN_S, ReEntries, re_entries
from common.wire import Coverage, Door, Totals, WindowMessage
from tests.support.messages import window

STEPS = WITHIN_S // 60
REACH = 4 * STEPS


def minutes(
    entries: Sequence[int], exits: Sequence[int], *, blind: Sequence[int] = (), name: str = "front"
) -> list[WindowMessage]:
    return [
        window(
            minute,
            totals=Totals(
                visits=0,
                viewers=0,
                doors={name: Door(entries=came, exits=left, passers=0, groups=came)},
            ),
            coverage=Coverage(share=0.5 if minute in blind else 1.0),
        )
        for minute, (came, left) in enumerate(zip(entries, exits, strict=True))
    ]


def one(length: int, at: int) -> list[int]:
    return [int(minute == at) for minute in range(length)]


def total(windows: Sequence[WindowMessage]) -> ReEntries:
    return sum(re_entries(windows).values(), ReEntries())


def test_who_left_a_moment_ago_is_one_who_came_in_again() -> None:
    found = total(minutes(one(40, 35), one(40, 32)))
    assert (found.people, found.entries) == (1.0, 1)


def test_as_many_as_the_trend_says_are_nobody_who_came_back() -> None:
    length = REACH + 10
    steady, rising = [3] * length, list(range(length))
    for exits in (steady, rising):
        assert total(minutes([1] * length, exits)).people == pytest.approx(0.0, abs=1e-9)


def test_an_entry_without_the_time_before_is_not_judged() -> None:
    entries, exits = one(60, 40), one(60, 38)
    assert total(minutes(entries, exits)).entries == 1
    assert total(minutes(entries, exits, blind=[20])) == ReEntries()
    assert total(minutes(entries, exits)[20:]) == ReEntries()
    assert total(minutes(one(60, 10), exits)) == ReEntries()


def test_windows_that_are_too_long_tell_nothing() -> None:
    long = [
        one.model_copy(update={"duration_s": 900, "start": one.start + timedelta(minutes=14 * place)})
        for place, one in enumerate(minutes([1] * 40, [1] * 40))
    ]
    assert re_entries(long) == {}


def test_doors_are_judged_apart() -> None:
    """Who left by another door did not come in again by this one."""
    windows = []
    for front, back in zip(
        minutes(one(40, 35), [0] * 40), minutes([0] * 40, one(40, 32), name="back"), strict=True
    ):
        totals = front.totals.model_copy(update={"doors": {**front.totals.doors, **back.totals.doors}})
        windows.append(front.model_copy(update={"totals": totals}))
    assert total(windows) == ReEntries(0.0, 0.0, 1)


def test_the_interval_is_within_what_is_possible() -> None:
    assert ReEntries().interval is None
    assert ReEntries(-8.0, 1.0, 20).interval == (0.0, 0.0)
    low, high = ReEntries(19.0, 4.0, 20).interval or (0, 0)
    assert (round(low, 2), high) == (15.08, 20.0)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.15])
def test_it_is_right_on_average_and_its_interval_holds_the_truth(share: float) -> None:
    found = measure(50, share, days=56, seed=3)
    assert abs(found["bias"]) < 3 * found["error"] / np.sqrt(56)
    assert found["held_percent"] >= 87
