"""The cohort rule, and readers who try to get a small cell out of what is published.

The readers here share nothing with the code under test: they search all tables of whole numbers that agree
with the published ones, or do linear algebra, where the code under test computes flows.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import wire
from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from edge.types import Coverage, WindowAggregate
from edge.vision.disclosure import withhold_in_histogram, withhold_in_joint, withhold_in_table
from edge.vision.privacy import CohortRule, Release

Person = tuple[str, str, str, int, int, bool]
"""Gender, age band, expression, bins of dwell and attention time, in zone "till"."""

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BINS = len(wire.DWELL_BINS_S)


def window(people: Sequence[Person], minute: int = 0, *, closing: bool = False) -> WindowAggregate:
    dwell, attention = [0] * BINS, [0] * BINS
    breakdown: dict[tuple[str, str, str], int] = {}
    for gender, band, expression, dwell_bin, attention_bin, _ in people:
        dwell[dwell_bin] += 1
        attention[attention_bin] += 1
        breakdown[gender, band, expression] = breakdown.get((gender, band, expression), 0) + 1
    till = sum(person[5] for person in people)
    return WindowAggregate(
        start=MORNING + timedelta(minutes=minute),
        end=MORNING + timedelta(minutes=minute + 1),
        visits=len(people),
        viewers=sum(person[4] > 0 for person in people),
        occupancy_mean=0.5,
        occupancy_max=len(people),
        dwell_sum_s=sum(wire.DWELL_BINS_S[person[3]] + 0.5 for person in people),
        attention_sum_s=sum(wire.DWELL_BINS_S[person[4]] for person in people),
        dwell_histogram=tuple(dwell),
        attention_histogram=tuple(attention),
        breakdown=breakdown,
        zones={"till": till} if till else {},
        coverage=Coverage(60.0, 600, 0),
        closing=closing,
    )


def day(rule: CohortRule, minutes: Sequence[Sequence[Person]]) -> list[Release]:
    return [
        rule.release(window(people, minute, closing=minute == len(minutes) - 1))
        for minute, people in enumerate(minutes)
    ]


def person(gender: str = "female", band: str = "25-34", dwell: int = 2, *, till: bool = False) -> Person:
    return (gender, band, "neutral", dwell, 1, till)


@st.composite
def persons(draw: st.DrawFn) -> Person:
    dwell = draw(st.integers(0, BINS - 1))
    return (
        draw(st.sampled_from([*GENDERS, UNKNOWN])),
        draw(st.sampled_from([*AGE_BANDS, UNKNOWN])),
        draw(st.sampled_from([*EXPRESSIONS, UNKNOWN])),
        dwell,
        draw(st.integers(0, dwell)),
        draw(st.booleans()),
    )


days = st.lists(st.lists(persons(), max_size=12), min_size=1, max_size=15)


# --- the rule over a day -----------------------------------------------------------------------------------


def test_a_small_window_is_carried_until_k_are_together() -> None:
    first, second, third = day(CohortRule(k=5, profile="demographics"), [[person()] * 2, [], [person()] * 3])
    assert (first.totals.visits, first.cohort, first.pending) == (2, None, 2)
    assert (second.totals.visits, second.cohort, second.pending) == (0, None, 2)
    assert third.pending == 0
    assert third.cohort is not None
    assert (third.cohort.since, third.cohort.visits) == (MORNING, 5)
    assert third.cohort.gender == {"female": 5, "male": 0, "unknown": 0}
    assert third.cohort.gender_age_band is not None
    assert third.cohort.gender_age_band["female"]["25-34"] == 5


def test_what_is_below_k_at_closing_time_stays_a_total() -> None:
    rule = CohortRule(k=5, profile="demographics")
    (last,) = day(rule, [[person()] * 4])
    assert (last.totals.visits, last.cohort, last.pending) == (4, None, 4)
    assert rule.release(window([person()], 9)).pending == 1


def test_a_cohort_with_a_small_cell_waits_and_is_released_in_the_end_without_it() -> None:
    rule = CohortRule(k=5, profile="demographics", max_cohort=20)
    people = [person()] * 8 + [person("male")] * 2
    assert rule.release(window(people)).pending == 10
    release = rule.release(window([person()] * 10, 1))
    assert release.cohort is not None
    assert release.cohort.gender == {"female": None, "male": None, "unknown": 0}
    assert release.cohort.age_band == dict.fromkeys([*AGE_BANDS, UNKNOWN], 0) | {"25-34": 20}


def test_when_a_cohort_leaves_does_not_tell_what_the_last_visit_was() -> None:
    """4 + 8 were held back; a release right after one more visit would say that the one was female."""
    rule = CohortRule(k=5, profile="demographics")
    assert rule.release(window([person("female")] * 4 + [person("male")] * 8)).cohort is None
    assert rule.release(window([person("female")], 1)).cohort is None
    assert rule.release(window([person("male")] * 4, 2)).cohort is not None


@pytest.mark.parametrize(
    ("profile", "present"),
    [
        ("count", set()),
        ("demographics", {"gender", "age_band", "gender_age_band"}),
        ("expression", {"gender", "age_band", "gender_age_band", "expression"}),
    ],
)
def test_a_profile_releases_its_breakdowns_and_no_other(profile: wire.Profile, present: set[str]) -> None:
    cohort = CohortRule(k=5, profile=profile).release(window([person()] * 6)).cohort
    assert cohort is not None
    breakdowns = ("gender", "age_band", "gender_age_band", "expression")
    assert {name for name in breakdowns if getattr(cohort, name) is not None} == present
    assert cohort.dwell["5"] == 6


def test_a_zone_that_nearly_all_or_nearly_none_were_in_is_withheld() -> None:
    def zones(inside: int) -> wire.Cells:
        people = [person(till=index < inside) for index in range(12)]
        cohort = CohortRule(k=5, profile="count", max_cohort=12).release(window(people)).cohort
        assert cohort is not None
        return cohort.zones

    assert [zones(inside).get("till", 0) for inside in range(13)] == [
        0, None, None, None, None, 5, 6, 7, None, None, None, None, 12,
    ]  # fmt: skip


@settings(deadline=None)
@given(days, st.integers(1, 6), st.sampled_from(["count", "demographics", "expression"]))
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
        assert (release.pending, cohort.visits) == (0, len(whole))
        assert cohort.visits >= k
        shown: list[tuple[wire.Cells | None, list[str]]] = [
            (cohort.gender, [p[0] for p in whole]),
            (cohort.age_band, [p[1] for p in whole]),
            (cohort.expression, [p[2] for p in whole]),
            (cohort.dwell, [wire.bin_label(wire.DWELL_BINS_S[p[3]]) for p in whole]),
            (cohort.attention, [wire.bin_label(wire.DWELL_BINS_S[p[4]]) for p in whole]),
        ] + [
            (cells, [p[1] for p in whole if p[0] == gender])
            for gender, cells in (cohort.gender_age_band or {}).items()
        ]
        for cells, labels in shown:
            for label, count in (cells or {}).items():
                assert count is None or count == labels.count(label)
                assert count is None or count == 0 or count >= k
        assert cohort.dwell_sum_s == pytest.approx(
            sum(wire.DWELL_BINS_S[p[3]] + 0.5 for p in whole), abs=0.06
        )
        waiting = []
    assert releases[-1].pending == len(waiting) < k


@settings(deadline=None)
@given(days)
def test_k_of_one_withholds_nothing(minutes: list[list[Person]]) -> None:
    for people, release in zip(minutes, day(CohortRule(k=1, profile="expression"), minutes), strict=True):
        assert (release.cohort is not None) == bool(people)
        if release.cohort is not None:
            tables = release.cohort.model_dump(exclude={"gender_age_band"})
            assert all(None not in cells.values() for cells in tables.values() if isinstance(cells, dict))
            assert release.cohort.gender_age_band is not None
            assert sum(n or 0 for c in release.cohort.gender_age_band.values() for n in c.values()) == len(
                people
            )


# --- readers ------------------------------------------------------------------------------------------------


def splits(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to share ``total`` among ``parts`` cells of which none is empty."""
    for cuts in itertools.combinations(range(1, total), parts - 1):
        yield tuple(b - a for a, b in itertools.pairwise((0, *cuts, total)))


def readable(equations: Floats, values: Floats) -> Iterator[tuple[tuple[int, ...], int]]:
    """Every group of unknowns whose sum follows from the equations by linear algebra, with that sum."""
    _, sizes, basis = np.linalg.svd(equations)
    null = basis[int((sizes > 1e-9).sum()) :]
    for group in itertools.product((0, 1), repeat=equations.shape[1]):
        if any(group) and np.allclose(null @ np.array(group), 0):
            yield group, int(np.array(group) @ values)


counts = st.lists(st.one_of(st.just(0), st.integers(0, 8)), min_size=2, max_size=6)


@settings(deadline=None)
@given(counts, st.integers(2, 6))
def test_no_small_cell_of_a_list_can_be_read(values: list[int], k: int) -> None:
    if sum(values) < k:
        return
    withheld = sorted(withhold_in_table(dict(enumerate(values)), k))
    assert all(index in withheld for index, value in enumerate(values) if 0 < value < k)
    if not withheld:
        return
    assert sum(values[index] for index in withheld) >= k
    if len(withheld) == len(values):
        return  # nothing of it is published, not even which cells are 0
    tables = list(splits(sum(values[index] for index in withheld), len(withheld)))
    for position, index in enumerate(withheld):
        if values[index] < k:
            assert len({table[position] for table in tables}) >= 2


def test_five_single_visits_do_not_give_each_other_away() -> None:
    """They sum to k, but a reader who knows that none of them is 0 would know them all."""
    assert withhold_in_table({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 9, "g": 30}, 5) == set("abcdef")


def test_nothing_is_withheld_without_need() -> None:
    assert withhold_in_table({"a": 5, "b": 0, "c": 7}, 5) == set()
    assert withhold_in_table({"a": 4, "b": 0, "c": 7, "d": 9}, 5) == {"a", "c"}
    assert withhold_in_table({"a": 4, "b": 3, "c": 7, "d": 9}, 5) == {"a", "b"}


@settings(deadline=None, max_examples=150)
@given(counts, st.integers(2, 5), st.floats(0, 1), st.integers(0, 4))
def test_the_sum_of_the_values_does_not_give_a_small_bin_away(
    values: list[int], k: int, place: float, known: int
) -> None:
    if sum(values) < k:
        return
    edges = wire.DWELL_BINS_S[: len(values)]
    upper = [*edges[1:], 900.0]  # a value of the open bin, for the sum

    def reach(table: Sequence[int], ends: Sequence[float]) -> float:
        return sum(n * end for n, end in zip(table, ends, strict=True))

    low, high = reach(values, edges), reach(values, upper)
    total = low + place * 0.99 * (high - low)
    known = min(known, values[0])
    withheld = sorted(withhold_in_histogram(values, edges, total, k, floor_of_first=known))
    if not withheld or len(withheld) == len(values):
        return
    consistent = []
    for split in splits(sum(values[index] for index in withheld), len(withheld)):
        table = list(values)
        for index, count in zip(withheld, split, strict=True):
            table[index] = count
        open_end = float("inf") if table[-1] else 0.0
        if table[0] >= known and reach(table, edges) <= total <= reach(table[:-1], upper[:-1]) + open_end:
            consistent.append(table)
    assert values in consistent
    for index in withheld:
        if values[index] < k:
            assert len({table[index] for table in consistent}) >= 2


def test_one_long_visit_beside_four_short_ones_is_not_told_by_their_sum() -> None:
    assert withhold_in_histogram([4, 0, 0, 1], [0.0, 2.0, 5.0, 60.0], 65.0, 5) == {0, 1, 2, 3}
    assert withhold_in_histogram([4, 3, 6, 9], [0.0, 2.0, 5.0, 10.0], 220.0, 5) == {0, 1}


def test_the_number_of_viewers_does_not_give_the_attention_times_away() -> None:
    """Four were no viewers, so four at least had no attention time; with five in two bins that is all."""
    edges = [0.0, 2.0, 5.0]
    assert withhold_in_histogram([4, 1, 6], edges, 45.0, 5, floor_of_first=0) == {0, 1}
    assert withhold_in_histogram([4, 1, 6], edges, 45.0, 5, floor_of_first=4) == {0, 1, 2}


tables = st.tuples(st.integers(2, 3), st.integers(2, 3)).flatmap(
    lambda shape: st.lists(
        st.lists(st.one_of(st.just(0), st.integers(0, 9)), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


@settings(deadline=None, max_examples=400)
@given(tables, st.integers(2, 5))
def test_no_small_cell_of_a_joint_table_can_be_read(table: list[list[int]], k: int) -> None:
    joint = {(r, c): value for r, row in enumerate(table) for c, value in enumerate(row)}
    rows = {r: sum(row) for r, row in enumerate(table)}
    columns = {c: sum(column) for c, column in enumerate(zip(*table, strict=True))}
    if sum(rows.values()) < k:
        return
    hidden_rows, hidden_columns = withhold_in_table(rows, k), withhold_in_table(columns, k)
    if any(rows[r] == 0 for r in hidden_rows) or any(columns[c] == 0 for c in hidden_columns):
        return  # a margin was given up; the joint table is asked about on its own terms below
    hidden = withhold_in_joint(
        joint, rows, columns, k, rows_withheld=hidden_rows, columns_withheld=hidden_columns
    )
    if hidden is None:
        return
    assert all(key in hidden for key, value in joint.items() if 0 < value < k)
    assert all(joint[key] for key in hidden)
    unknown: list[tuple[str, Hashable]] = [
        *(("cell", key) for key in sorted(hidden)),
        *(("row", r) for r in sorted(hidden_rows)),
        *(("column", c) for c in sorted(hidden_columns)),
    ]
    if not unknown:
        return
    truth: Mapping[tuple[str, Hashable], int] = {
        **{("cell", key): value for key, value in joint.items()},
        **{("row", r): value for r, value in rows.items()},
        **{("column", c): value for c, value in columns.items()},
    }

    def enters(unknown: tuple[str, Hashable], side: str, label: int) -> float:
        """Whether an unknown is added to this sum (1), is the sum (-1), or has nothing to do with it."""
        kind, name = unknown
        if isinstance(name, tuple):
            return float(name[0 if side == "row" else 1] == label)
        return -float((kind, name) == (side, label))

    equations = [[float(kind == side) for kind, _ in unknown] for side in ("row", "column")]
    equations += [[enters(u, "row", label) for u in unknown] for label in rows]
    equations += [[enters(u, "column", label) for u in unknown] for label in columns]
    system = np.array(equations)
    values = np.array([float(truth[u]) for u in unknown])
    for _, total in readable(system, values):
        assert total >= k
    for index, value in enumerate(values):
        if value < k:
            assert other_value_possible(system, values, index)


def other_value_possible(system: Floats, truth: Floats, index: int) -> bool:
    """Is there a table of whole numbers, none of them 0, with the same sums and another value there?

    Searched from the true one along all vectors of -1, 0 and 1: the sums form a network, so that these lead
    to every table with the same sums.
    """
    for shift in itertools.product((-1, 0, 1), repeat=len(truth)):
        if shift[index] and not (system @ shift).any() and (truth + shift >= 1).all():
            return True
    return False


def test_the_joint_table_costs_no_cell_of_a_margin() -> None:
    """Three women of 25-34: their column hides them, but the other women are all of the column 35-44."""
    people = [person("female")] * 3 + [person("female", "35-44")] * 7 + [person("male")] * 17
    cohort = CohortRule(k=5, profile="demographics").release(window(people)).cohort
    assert cohort is not None
    assert cohort.gender == {"female": 10, "male": 17, "unknown": 0}
    assert cohort.age_band == dict.fromkeys([*AGE_BANDS, UNKNOWN], 0) | {"25-34": 20, "35-44": 7}
    assert cohort.gender_age_band is None


def test_a_small_cell_of_the_joint_table_takes_others_with_it() -> None:
    people = [person("female")] * 3 + [person("female", "35-44")] * 7
    people += [person("male")] * 17 + [person("male", "35-44")] * 9 + [person("male", "45-54")] * 6
    cohort = CohortRule(k=5, profile="demographics").release(window(people)).cohort
    assert cohort is not None
    assert cohort.gender_age_band is not None
    nobody = dict.fromkeys([*AGE_BANDS, UNKNOWN], 0)
    assert cohort.gender_age_band == {
        "female": nobody | {"25-34": None, "35-44": None},
        "male": nobody | {"25-34": None, "35-44": None, "45-54": 6},
        "unknown": nobody,
    }
