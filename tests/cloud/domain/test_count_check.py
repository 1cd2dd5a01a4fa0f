"""Taps and counts are compared minute by minute, and what a device counts late is no mistake."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from cloud.domain.count_check import (
    WAITS,
    Basis,
    Sums,
    Tap,
    all_arrived,
    compare,
    standing,
)
from common.wire import Coverage
from tests.support.door import check_of, counted, door_windows, taps_at
from tests.support.messages import MORNING


def entries(found: object) -> list[tuple[int, int, int, int]]:
    parts = found
    return [
        (part.entries.people, part.entries.hits, part.entries.counted, part.entries.false)
        for part in parts  # type: ignore[attr-defined]
    ]


def test_hits_misses_and_false_counts_of_each_minute() -> None:
    check = check_of(3)
    taps = taps_at([10, 20, 30, 70, 130])
    windows = door_windows([14, 24, 134, 140], MORNING, 4)
    assert entries(compare(check, taps, windows)) == [(3, 2, 2, 0), (1, 0, 0, 0), (1, 1, 2, 1)]


def test_ways_are_compared_apart() -> None:
    check = check_of(1)
    taps = [Tap(0, 10, "entry"), Tap(1, 20, "exit"), Tap(2, 30, "exit")]
    (part,) = compare(check, taps, door_windows([14], MORNING, 2, exits=[24, 34]))
    assert (part.entries, part.exits) == (Sums(1, 1, 1, 0), Sums(2, 2, 2, 0))
    assert part.both == Sums(3, 3, 3, 0)


def test_who_is_counted_after_the_minute_of_the_tap_is_a_hit_and_no_false_count() -> None:
    check = check_of(2)
    # Certain after four seconds, in the next minute; or soon, when the person was out of sight.
    assert entries(compare(check, taps_at([58]), door_windows([62], MORNING, 3))) == [
        (0, 0, 0, 0),
        (1, 1, 1, 0),
    ]
    assert entries(compare(check, taps_at([58]), door_windows([59], MORNING, 3))) == [
        (0, 0, 1, 0),
        (1, 1, 0, 0),
    ]
    # Too late to be the same person.
    assert entries(compare(check, taps_at([40]), door_windows([63], MORNING, 3))) == [
        (1, 0, 0, 0),
        (0, 0, 1, 1),
    ]


def test_people_before_and_after_the_whole_minutes_are_no_mistakes() -> None:
    check = check_of(2.5, began_s=30)  # from half a minute on: two minutes are whole
    taps = taps_at([27, 60, 147])  # 57 s, 90 s and 177 s
    assert entries(compare(check, taps, door_windows([61, 94, 181], MORNING, 5))) == [
        (2, 2, 2, 0),
        (0, 0, 0, 0),
    ]
    # The first is certain before the whole minutes begin, the last before they end.
    assert entries(compare(check, taps, door_windows([58, 94, 178], MORNING, 5))) == [
        (2, 1, 1, 0),
        (0, 0, 1, 0),
    ]


def test_a_tap_that_is_taken_back_is_none() -> None:
    taps = [
        Tap(0, 1, "undo"),
        Tap(1, 10, "entry"),
        Tap(2, 11, "exit"),
        Tap(3, 12, "undo"),
        Tap(4, 20, "entry"),
    ]
    assert [tap.number for tap in standing(taps)] == [1, 4]
    assert [tap.number for tap in standing([*taps, Tap(5, 21, "undo"), Tap(6, 22, "undo")])] == []


def test_only_whole_windows_that_were_watched_and_have_the_door_count() -> None:
    check = check_of(4)
    windows = door_windows([], MORNING, 5)
    windows[1] = windows[1].model_copy(update={"coverage": Coverage(share=0.5)})
    windows[2] = windows[2].model_copy(update={"totals": windows[2].totals.model_copy(update={"doors": {}})})
    elsewhere = [one.model_copy(update={"camera": "back"}) for one in windows]
    parts = compare(check, [], [*elsewhere, *windows])
    assert [part.start - MORNING for part in parts] == [timedelta(), timedelta(minutes=3)]
    assert compare(replace(check, ended=MORNING + timedelta(seconds=59)), [], windows) == ()


def test_without_false_counts_every_count_is_a_hit() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        one = counted(rng, minutes=15, a_minute=6, recall=0.8)
        sums = replace(one.check, parts=compare(one.check, one.taps, one.windows)).sums["entries"]
        assert sums.false == 0
        assert sums.people <= one.people


def test_a_check_waits_for_the_windows_but_not_for_ever() -> None:
    check, windows = check_of(3), door_windows([], MORNING, 5)
    assert check.ended is not None
    now = check.ended
    assert not all_arrived(check, windows[:3], now)  # who came last may be in the next one
    assert all_arrived(check, windows[:4], now)
    assert all_arrived(check, [], now + WAITS)
    assert not all_arrived(replace(check, ended=None), windows, now + WAITS)


def test_every_part_of_a_basis_can_change() -> None:
    basis = Basis("1", "2", "3", moved=False)
    assert basis.changes(basis) == ()
    assert basis.changes(Basis("9", "2", "3", moved=False)) == ("software",)
    assert basis.changes(Basis("1", None, "4", moved=True)) == ("model", "config", "moved")
