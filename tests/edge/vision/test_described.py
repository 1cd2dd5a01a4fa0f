"""How many visits were described is told or not told once for a cohort, and never where it tells of a few."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.vision.privacy
from common import wire
from common.vocabulary import AGE_BANDS, GENDERS, NO_VERDICT, NOT_SEEN, UNKNOWN
from edge.vision.described import Breakdown, Triple, split
from edge.vision.privacy import CohortRule
from tests.edge.vision.test_privacy import Person, person, window
from tests.support.crowds import cohorts
from tests.support.reader import read_people

UNSEEN: Triple = (NOT_SEEN, NOT_SEEN, NOT_SEEN)


def released(
    women: int, men: int, unsure: int, unseen: int, *, profile: wire.Profile = "demographics"
) -> wire.Cohort:
    people = [person()] * women + [person("male", "35-44")] * men
    people += [person(UNKNOWN, UNKNOWN)] * unsure + [(*UNSEEN, 2, 0)] * unseen
    cohort = CohortRule(k=5, profile=profile).release(window(people, closing=True)).cohort
    assert cohort is not None
    return cohort


def test_backs_are_told_beside_the_described_visits() -> None:
    cohort = released(20, 15, 6, 40)
    assert (cohort.visits, cohort.described) == (81, 41)
    assert cohort.gender == {"female": 20, "male": 15, "unknown": 6, "not_seen": 40}
    assert cohort.age_band is not None
    assert (cohort.age_band["25-34"], cohort.age_band["not_seen"]) == (20, 40)
    assert cohort.gender_age_band is not None
    assert cohort.gender_age_band["not_seen"] == {"not_seen": 40}
    assert set(cohort.gender_age_band["female"]) == {*cohort.age_band} - {"not_seen"}


@pytest.mark.parametrize(
    ("unsure", "unseen"), [(6, 4), (3, 40), (0, 1), (3, 2)], ids=["few unseen", "few unsure", "one", "both"]
)
def test_few_unsure_or_unseen_are_told_together(unsure: int, unseen: int) -> None:
    cohort = released(20, 15, unsure, unseen)
    assert cohort.described is None
    assert cohort.gender is not None
    shown = cohort.gender[NO_VERDICT]
    assert shown == (unsure + unseen if unsure + unseen >= 5 else None)
    assert set(cohort.gender) == {"female", "male", "no_verdict"}
    if shown is not None:
        assert (cohort.gender["female"], cohort.gender["male"]) == (20, 15)


def test_who_has_a_gender_was_seen() -> None:
    """So the age band beside it is unknown, also where visits without any verdict are not told apart."""
    people = [person(gender, band) for gender in GENDERS for band in AGE_BANDS[2:4]] * 30 + [
        person("male", UNKNOWN)
    ] * 8
    people += [person(UNKNOWN)] * 2 + [person(UNKNOWN, UNKNOWN)] * 2 + [(*UNSEEN, 2, 0)] * 20
    cohort = CohortRule(k=5, profile="demographics").release(window(people, closing=True)).cohort
    assert cohort is not None
    assert cohort.described is None
    table = cohort.gender_age_band
    assert table is not None
    assert set(table["male"]) == {*AGE_BANDS, "unknown"}
    assert set(table["unknown"]) == {*AGE_BANDS}
    assert set(table["no_verdict"]) == {"no_verdict"}


def test_few_described_are_not_told() -> None:
    cohort = released(2, 1, 0, 40)
    assert cohort.described is None
    assert cohort.gender == {"female": None, "male": None, "no_verdict": None}
    assert set((cohort.age_band or {}).values()) <= {None, 0}


@pytest.mark.parametrize(("unseen", "described"), [(0, 38), (38, 0)])
def test_everybody_or_nobody_is_a_fact(unseen: int, described: int) -> None:
    cohort = released(*((20, 15, 3) if described else (0, 0, 0)), unseen)
    assert cohort.described == described
    assert cohort.gender is not None
    assert cohort.gender["not_seen"] == unseen


def test_only_what_the_profile_releases_decides() -> None:
    """A few unsure expressions are no reason where no expression is released."""
    people: list[Person] = [("female", "25-34", "neutral" if n else UNKNOWN, 2, 1) for n in range(20)]
    people += [(*UNSEEN, 2, 0)] * 20
    profiles: Iterable[wire.Profile] = ("demographics", "expression")
    told = {}
    for profile in profiles:
        cohort = CohortRule(k=5, profile=profile).release(window(people, closing=True)).cohort
        assert cohort is not None
        told[profile] = cohort.described
    assert told == {"demographics": 20, "expression": None}


def test_a_device_that_describes_nobody_by_its_profile_tells_nothing_of_it() -> None:
    cohort = released(0, 0, 0, 20, profile="count")
    assert (cohort.described, cohort.gender) == (None, None)


@pytest.mark.parametrize(("k", "most"), [(3, 13), (5, 16)])
def test_no_number_of_unseen_visits_is_the_only_one_that_is_published_as_it_is(k: int, most: int) -> None:
    """All cohorts of two genders up to a size: a reader who replays the rule on each knows no small number."""
    alike: dict[object, list[tuple[int, ...]]] = {}
    for counts in itertools.product(range(most + 1), repeat=4):
        if k <= sum(counts) <= most:
            alike.setdefault(_published(counts, k), []).append(counts)
    for group in alike.values():
        for numbers in zip(*(_numbers(counts) for counts in group), strict=True):
            assert len(set(numbers)) > 1 or not 0 < numbers[0] < k


def _numbers(counts: tuple[int, ...]) -> tuple[int, ...]:
    """Everything that must not be known where it is small."""
    women, men, unsure, unseen = counts
    return (*counts, women + men + unsure, unsure + unseen)


def _published(counts: tuple[int, ...], k: int) -> object:
    labels = ("female", "male", UNKNOWN, NOT_SEEN)
    people = {
        (label, "25-34" if label != NOT_SEEN else label, "neutral" if label != NOT_SEEN else label): count
        for label, count in zip(labels, counts, strict=True)
        if count
    }
    breakdown = split(people, k, (0,))
    cells = edge.vision.privacy._list(breakdown, 0, k)
    return sum(counts), breakdown.described, tuple(sorted(cells.items()))


unseen_or_not = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 30))


@settings(deadline=None)
@given(unseen_or_not, st.integers(3, 6))
def test_any_small_number_of_unseen_visits_could_stand_behind_a_merged_breakdown(
    counts: tuple[int, int, int, int], k: int
) -> None:
    """The proof of the rule: where the number is not told, what is published does not depend on it."""
    women, men, unsure, unseen = counts
    people = {("female", "25-34", "happy"): women, ("male", "0-17", "sad"): men}
    people |= {(UNKNOWN, UNKNOWN, UNKNOWN): unsure, UNSEEN: unseen}
    merged = split(people, k, range(3))
    if merged.described is None:
        for other in range(1, min(k, unsure + unseen + 1)):
            changed = people | {(UNKNOWN, UNKNOWN, UNKNOWN): unsure + unseen - other, UNSEEN: other}
            assert split(changed, k, range(3)) == merged


def test_the_reader_would_notice_if_one_number_gave_itself_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rule that merges for one number only, he finds that number."""

    def leaking(counts: Counter[Triple], k: int, places: range) -> Breakdown:
        return split(counts, k, places) if counts[UNSEEN] == 3 else split(counts, 1, places)

    monkeypatch.setattr(edge.vision.privacy, "split", leaking)
    rng = np.random.default_rng(4)
    truth = next(one for one in cohorts(rng, 500) if one.breakdown.get(UNSEEN) == 3)
    assert "described not_seen" in read_people(truth, rng).exact
