"""What a cohort tells of staff: none, a few, or how many from k on, and nothing by any difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from common.wire import Cohort
from edge.vision.pool import Pool
from edge.vision.privacy import CohortRule
from edge.vision.waiting import Waiting
from tests.support.places import PLAN, Someone, window

LEAVES_OUT = replace(PLAN, leaves_out_staff=True)


def told(visits: int, staff: int, k: int, *, plan: object = LEAVES_OUT) -> Cohort:
    rule = CohortRule(k=k, profile="count", plan=plan)  # type: ignore[arg-type]
    cohort = rule.release(replace(window([Someone(8.0)] * visits), staff=staff)).cohort
    assert cohort is not None
    cohort.check(k, "count")
    return cohort


@pytest.mark.parametrize("k", [1, 3, 5])
def test_a_number_of_staff_below_k_is_never_told(k: int) -> None:
    for visits in range(k, 40):
        assert len({told(visits, staff, k).model_dump_json() for staff in range(1, k)}) <= 1
        for staff in (0, *range(k, 40)):
            assert told(visits, staff, k).staff == staff


def test_any_few_are_told_as_the_middle() -> None:
    """So that days with one or two members of staff are not missing from the share."""
    assert [told(12, staff, 5).staff for staff in range(7)] == [0, 3, 3, 3, 3, 5, 6]
    assert told(12, 4, 5).staff_excluded == pytest.approx(3 / 15, abs=1e-6)


def test_nothing_else_that_is_told_depends_on_staff() -> None:
    """So no difference of published numbers can tell how many they are."""
    silent = {
        told(12, staff, 5).model_copy(update={"staff_excluded": None}).model_dump_json() for staff in range(9)
    }
    assert len(silent) == 1


def test_without_settings_nothing_is_told() -> None:
    assert told(12, 0, 5, plan=PLAN).staff_excluded is None


def test_staff_of_earlier_windows_is_in_the_cohort() -> None:
    rule = CohortRule(k=5, profile="count", plan=LEAVES_OUT)
    rule.release(replace(window([], closing=False), staff=6))
    cohort = rule.release(replace(window([Someone(8.0)] * 6, minute=1), staff=1)).cohort
    assert cohort is not None
    assert cohort.staff_excluded == pytest.approx(7 / 13, abs=1e-6)


def test_nothing_is_told_when_the_settings_changed_in_between() -> None:
    rule = CohortRule(k=5, profile="count", plan=replace(LEAVES_OUT, version="before"))
    rule.release(replace(window([Someone(8.0)], closing=False), staff=6))
    after = CohortRule(k=5, profile="count", plan=LEAVES_OUT, pool=rule.pool)
    cohort = after.release(replace(window([Someone(8.0)] * 6, minute=1), staff=6)).cohort
    assert cohort is not None
    assert cohort.staff_excluded is None


def test_staff_that_waits_is_kept_over_a_restart() -> None:
    pool = Pool()
    pool.add(replace(window([Someone(8.0)], closing=False), staff=3), "places")
    later = replace(window([], closing=False), staff=2, start=window([]).start + timedelta(minutes=1))
    kept = Waiting.load(Waiting(pool, later).dump())
    assert kept.window is not None
    assert (kept.pool.staff, kept.window.staff) == (3, 2)
