"""The cohort rule, and readers who try to get a small cell out of what is published.

The readers here share nothing with the code under test: they search all tables of whole numbers that agree
with the published ones, or do linear algebra, where the code under test computes flows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import wire
from common.vocabulary import AGE_BANDS, DWELL_BINS_S, EXPRESSIONS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from edge.types import Coverage, WindowAggregate
from edge.vision.disclosure import withhold
from edge.vision.privacy import CohortRule, Release
from edge.vision.times import Times, dominated, publishable

Person = tuple[str, str, str, int, int]
"""Gender, age band, expression, bins of dwell and attention time."""

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BINS = len(DWELL_BINS_S)


def window(
    people: Sequence[Person], minute: int = 0, *, due: bool = False, closing: bool = False
) -> WindowAggregate:
    dwell, attention = [0] * BINS, [0] * BINS
    breakdown: dict[tuple[str, str, str], int] = {}
    for gender, band, expression, dwell_bin, attention_bin in people:
        dwell[dwell_bin] += 1
        attention[attention_bin] += 1
        breakdown[gender, band, expression] = breakdown.get((gender, band, expression), 0) + 1
    return WindowAggregate(
        start=MORNING + timedelta(minutes=minute),
        end=MORNING + timedelta(minutes=minute + 1),
        visits=len(people),
        viewers=sum(person[4] > 0 for person in people),
        occupancy_mean=0.5,
        occupancy_max=len(people),
        dwell_sum_s=sum(DWELL_BINS_S[person[3]] + 0.5 for person in people),
        attention_sum_s=sum(DWELL_BINS_S[person[4]] for person in people),
        dwell_histogram=tuple(dwell),
        attention_histogram=tuple(attention),
        breakdown=breakdown,
        coverage=Coverage(60.0, 600, 0),
        due=due,
        closing=closing,
    )


def day(rule: CohortRule, minutes: Sequence[Sequence[Person]]) -> list[Release]:
    return [
        rule.release(window(people, minute, closing=minute == len(minutes) - 1))
        for minute, people in enumerate(minutes)
    ]


def person(gender: str = "female", band: str = "25-34", dwell: int = 2) -> Person:
    return (gender, band, "neutral", dwell, 1)


@st.composite
def persons(draw: st.DrawFn) -> Person:
    dwell = draw(st.integers(0, BINS - 1))
    described = draw(st.integers(0, 2)) > 0
    return (
        draw(st.sampled_from([*GENDERS, UNKNOWN])) if described else NOT_SEEN,
        draw(st.sampled_from([*AGE_BANDS, UNKNOWN])) if described else NOT_SEEN,
        draw(st.sampled_from([*EXPRESSIONS, UNKNOWN])) if described else NOT_SEEN,
        dwell,
        draw(st.integers(0, dwell)),
    )


days = st.lists(st.lists(persons(), max_size=12), min_size=1, max_size=15)


MAN: Person = ("male", "35-44", "happy", 2, 1)


# --- the rule over a day -----------------------------------------------------------------------------------


def test_visits_wait_until_their_cohort_is_due() -> None:
    rule = CohortRule(k=5, profile="demographics")
    first, second = rule.release(window([person(), MAN] * 7)), rule.release(window([], 1, due=True))
    assert (first.totals.visits, first.cohort, first.pending) == (14, None, 14)
    assert (second.cohort, second.pending) == (None, 14), "fewer than 3 k wait for the next hour"
    third, fourth = rule.release(window([person()], 2)), rule.release(window([], 3, due=True))
    assert third.cohort is None, "enough, and no hour has come"
    assert (fourth.totals.visits, fourth.pending) == (0, 0)
    assert fourth.cohort is not None
    assert (fourth.cohort.since, fourth.cohort.visits) == (MORNING, 15)
    assert fourth.cohort.gender == {"female": 8, "male": 7, "unknown": 0, "not_seen": 0}
    assert fourth.cohort.gender_age_band is not None
    assert fourth.cohort.gender_age_band["female"]["25-34"] == 8


def test_a_large_cohort_does_not_wait_for_an_hour() -> None:
    rule = CohortRule(k=5, profile="demographics", max_cohort=20)
    assert rule.release(window([person()] * 19)).cohort is None
    assert rule.release(window([person()], 1)).cohort is not None


def test_at_closing_time_k_are_enough_and_fewer_stay_a_total() -> None:
    rule = CohortRule(k=5, profile="demographics")
    (last,) = day(rule, [[person()] * 5])
    assert last.cohort is not None
    (last,) = day(rule, [[person()] * 4])
    assert (last.totals.visits, last.cohort, last.pending) == (4, None, 4)
    assert rule.release(window([person()], 9)).pending == 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), max_size=20), st.data())
def test_when_a_cohort_leaves_follows_from_published_numbers_alone(
    minutes: list[tuple[int, bool, bool]], data: st.DataObject
) -> None:
    """Whatever the visits are like: only how many there are, and the time of day."""

    def leaves(rule: CohortRule) -> list[bool]:
        return [
            rule.release(
                window([data.draw(persons()) for _ in range(visits)], minute, due=due, closing=closing)
            ).cohort
            is not None
            for minute, (visits, due, closing) in enumerate(minutes)
        ]

    one, other = (CohortRule(k=3, profile="expression", max_cohort=25) for _ in range(2))
    assert leaves(one) == leaves(other)


def test_what_is_published_of_a_window_does_not_tell_how_long_a_visit_was() -> None:
    """Occupancy and numbers of frames would: they depend on nothing else where one visit came."""
    (release,) = day(CohortRule(k=5, profile="demographics"), [[person(dwell=3)]])
    assert release.totals.model_dump() == {"visits": 1, "viewers": 1, "doors": {}}
    assert set(wire.Coverage.model_fields) == {"share"}


def test_occupancy_leaves_with_the_cohort() -> None:
    rule = CohortRule(k=5, profile="count")
    rule.release(window([], 0))
    cohort = rule.release(window([person()] * 6, 1, closing=True)).cohort
    assert cohort is not None
    assert (cohort.occupancy_max, cohort.dwell_sum_s) == (6, 33.0)
    assert cohort.occupancy_mean == pytest.approx(33.0 / 120, abs=0.001), (
        "of all the time since the cohort before"
    )


@pytest.mark.parametrize(
    ("profile", "present"),
    [
        ("count", set()),
        ("demographics", {"gender", "age_band", "gender_age_band"}),
        ("expression", {"gender", "age_band", "gender_age_band", "expression"}),
    ],
)
def test_a_profile_releases_its_breakdowns_and_no_other(profile: wire.Profile, present: set[str]) -> None:
    cohort = CohortRule(k=5, profile=profile).release(window([person(), MAN] * 6, closing=True)).cohort
    assert cohort is not None
    breakdowns = ("gender", "age_band", "gender_age_band", "expression")
    assert {name for name in breakdowns if getattr(cohort, name) is not None} == present
    assert cohort.dwell["5"] == 12


@settings(deadline=None)
@given(days, st.sampled_from([1, 3, 4, 5, 6]), st.sampled_from(["count", "demographics", "expression"]))
def test_over_a_day_every_visit_is_published_once_and_every_number_shown_is_right(
    minutes: list[list[Person]], k: int, profile: wire.Profile
) -> None:
    releases = day(CohortRule(k=k, profile=profile, max_cohort=8 * k), minutes)
    waiting: list[Person] = []
    for people, release in zip(minutes, releases, strict=True):
        waiting += people
        assert release.totals.visits == len(people)
        if release.cohort is None:
            assert release.pending == len(waiting)
            assert len(waiting) < 8 * k
            continue
        cohort, whole = release.cohort, waiting
        cohort.check(k, profile)
        assert (release.pending, cohort.visits) == (0, len(whole))
        shown: dict[str, list[str]] = {
            "gender": [p[0] for p in whole],
            "age_band": [p[1] for p in whole],
            "gender_age_band": [f"{p[0]}.{p[1]}" for p in whole],
            "expression": [p[2] for p in whole],
            "dwell": [wire.bin_label(DWELL_BINS_S[p[3]]) for p in whole],
            "attention": [wire.bin_label(DWELL_BINS_S[p[4]]) for p in whole],
        }
        for name, cells in cohort.lists().items():
            for label, count in cells.items():
                assert count is None or count == sum(seen in _meant(label) for seen in shown[name])
        assert cohort.described in (None, sum(p[0] != NOT_SEEN for p in whole))
        if cohort.dwell_sum_s is not None:
            assert cohort.dwell_sum_s == pytest.approx(sum(DWELL_BINS_S[p[3]] + 0.5 for p in whole), abs=0.06)
        waiting = []
    assert releases[-1].pending == len(waiting) < k


def _meant(label: str) -> set[str]:
    """The true labels that a published one counts."""
    if NO_VERDICT not in label:
        return {label}
    return {label.replace(NO_VERDICT, each) for each in (UNKNOWN, NOT_SEEN)}


@settings(deadline=None)
@given(days)
def test_k_of_one_withholds_nothing(minutes: list[list[Person]]) -> None:
    for people, release in zip(
        minutes, day(CohortRule(k=1, profile="expression", max_cohort=1), minutes), strict=True
    ):
        assert (release.cohort is not None) == bool(people)
        if release.cohort is not None:
            tables = release.cohort.model_dump(
                include={"dwell", "attention", "gender", "age_band", "expression"}
            )
            assert all(None not in cells.values() for cells in tables.values())
            assert release.cohort.gender_age_band is not None
            assert sum(n or 0 for c in release.cohort.gender_age_band.values() for n in c.values()) == len(
                people
            )


# --- what is withheld ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "cells", "most"), [(3, 3, 14), (4, 3, 14), (5, 2, 16), (5, 3, 14), (5, 4, 10)])
def test_no_list_is_the_only_one_that_is_published_as_it_is(k: int, cells: int, most: int) -> None:
    """All lists up to a size: a reader who replays the rule on each of them knows no small cell."""
    alike: dict[object, list[tuple[int, ...]]] = {}
    for counts in itertools.product(range(most + 1), repeat=cells):
        if k <= sum(counts) <= most:
            hidden = withhold(dict(enumerate(counts)), k, range(cells))
            assert sum(counts[index] for index in hidden) >= (k if hidden else 0)
            assert all(index in hidden for index, count in enumerate(counts) if 0 < count < k)
            shown = tuple(None if index in hidden else count for index, count in enumerate(counts))
            alike.setdefault((sum(counts), shown), []).append(counts)
    for lists in alike.values():
        hidden = withhold(dict(enumerate(lists[0])), k, range(cells))
        for index in hidden:
            values = {counts[index] for counts in lists}
            assert len(values) > 1 or not 0 < min(values) < k


def test_a_sum_with_one_solution_takes_another_cell() -> None:
    assert withhold({"a": 4, "b": 4, "c": 4, "d": 9, "e": 30}, 5, "dabce") == set("abcd")
    assert withhold({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 9}, 5, "fabcde") == set("abcdef")


def test_nothing_is_withheld_without_need() -> None:
    assert withhold({"a": 5, "b": 0, "c": 7}, 5, "abc") == set()
    assert withhold({"a": 4, "b": 0, "c": 7, "d": 9}, 5, "cdab") == {"a", "c"}
    assert withhold({"a": 4, "b": 2, "c": 7, "d": 9}, 5, "abcd") == {"a", "b"}


def test_a_sum_that_one_visit_dominates_is_withheld() -> None:
    assert dominated((8, 0, 0, 0, 0, 0, 0, 0, 1), 620.0)
    assert not dominated((0, 0, 8, 0, 0, 0, 0, 0, 0), 60.0)
    assert not publishable(Times((8, 0, 0, 0, 0, 0, 0, 0, 1), 620.0), None, 5)


def test_a_few_viewers_have_no_attention_time_published() -> None:
    people = [(*person()[:4], 2 if index < 3 else 0) for index in range(20)]
    cohort = CohortRule(k=5, profile="count").release(window(people, closing=True)).cohort
    assert cohort is not None
    assert cohort.attention_sum_s is None
    assert set(cohort.attention.values()) == {None}
    assert cohort.dwell_sum_s is not None


def test_a_small_cell_of_the_joint_table_takes_others_with_it() -> None:
    people = [person("female")] * 3 + [person("female", "35-44")] * 7
    people += [person("male")] * 17 + [person("male", "35-44")] * 9 + [person("male", "45-54")] * 6
    cohort = CohortRule(k=5, profile="demographics").release(window(people, closing=True)).cohort
    assert cohort is not None
    assert cohort.gender_age_band is not None
    nobody = dict.fromkeys([*AGE_BANDS, UNKNOWN], 0)
    assert cohort.gender_age_band == {
        "female": nobody | {"25-34": None, "35-44": None},
        "male": nobody | {"25-34": None, "35-44": None, "45-54": 6},
        "unknown": nobody,
        "not_seen": {"not_seen": 0},
    }
