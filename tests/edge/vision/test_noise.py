"""Noise in place of the rule: drawn exactly, in every cell, and nothing else that is told depends on a verdict."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import wire
from common.vocabulary import ATTRIBUTES, NOT_SEEN, UNKNOWN
from edge.vision import noise
from edge.vision.noise import discrete_laplace, noisy
from edge.vision.place_privacy import Plan
from edge.vision.privacy import CohortRule
from tests.edge.vision.test_privacy import Person, day, person, persons
from tests.support.days import PLAN, Beside, Shop, draw_person, publish_day
from tests.support.days import Habit as DayHabit
from tests.support.days import Person as Visitor

Profile = Literal["demographics", "expression"]


Draws = tuple[tuple[int, float], ...]
"""What was drawn on one way, and how likely that was."""


class _MoreDraws(Exception):
    """The next draw has outcomes with these chances."""

    def __init__(self, chances: Sequence[float]) -> None:
        self.chances = chances


class _GivenUp(Exception):
    """This way begins again from nothing."""


def exact(
    drawing: Callable[[Callable[[Sequence[float]], int]], int], least: float
) -> tuple[dict[int, float], float]:
    """Follow every way that draws can take until it is rarer than ``least``: the probability of each result that was
    reached, and of all ways that were not followed to their end."""
    found, rest = defaultdict[int, float](float), 0.0
    ways: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    while ways:
        drawn, likely = ways.pop()
        if likely < least:
            rest += likely
            continue
        left = list(drawn)

        def next_draw(chances: Sequence[float], left: list[int] = left) -> int:
            if not left:
                raise _MoreDraws(chances)
            return left.pop(0)

        try:
            found[drawing(next_draw)] += likely
        except _GivenUp:
            continue
        except _MoreDraws as more:
            ways += [
                ((*drawn, index), likely * chance) for index, chance in enumerate(more.chances) if chance
            ]
    return found, rest


def even(draw: Callable[[Sequence[float]], int]) -> noise.Below:
    return lambda outcomes: draw([1 / outcomes] * outcomes)


@pytest.mark.parametrize("rate", [Fraction(0), Fraction(1, 3), Fraction(5, 7), Fraction(1)], ids=str)
def test_what_happens_has_the_probability_that_is_asked_for(rate: Fraction) -> None:
    found, rest = exact(lambda draw: noise.happens(rate, even(draw)), 1e-7)
    assert rest < 2e-3
    assert found[True] == pytest.approx(math.exp(-rate), abs=1.01 * rest + 1e-12)


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(2), Fraction(3, 2), Fraction(3, 5)], ids=str)
def test_every_value_has_the_probability_that_the_proof_needs(
    scale: Fraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit more or less in a cell must change the odds of each value at most by e to 1 / scale. An attempt that is
    given up begins again from nothing, so the values of those that end tell the odds."""

    def drawing(draw: Callable[[Sequence[float]], int]) -> int:
        asked = 0

        def happens(rate: Fraction, below: noise.Below) -> bool:
            found = bool(draw([1 - math.exp(-rate), math.exp(-rate)]))
            if not found and rate < 1:
                raise _GivenUp
            return found

        def below(outcomes: int) -> int:
            nonlocal asked
            asked += 1
            if asked > 2:
                raise _GivenUp
            return draw([1 / outcomes] * outcomes)

        monkeypatch.setattr(noise, "happens", happens)
        return discrete_laplace(scale, below)

    found, rest = exact(drawing, 1e-9)
    every, q = sum(found.values()), math.exp(-1 / scale)
    assert rest < 1e-7
    for value in range(-9, 10):
        chance = found[value] / every
        assert chance == pytest.approx((1 - q) / (1 + q) * q ** abs(value), rel=1e-3)
        assert chance <= math.exp(1 / scale) * found[value + 1] / every * (1 + 1e-3)


@pytest.mark.parametrize("scale", [Fraction(3, 5), Fraction(6), 6 / Fraction(0.7), Fraction(600)], ids=str)
def test_mean_and_spread_of_many_draws(scale: Fraction) -> None:
    below = random.Random(7).randrange
    drawn = [discrete_laplace(scale, below) for _ in range(10_000)]
    q = math.exp(-1 / scale)
    spread = 2 * q / (1 - q) ** 2
    assert abs(np.mean(drawn)) < 4 * math.sqrt(spread / len(drawn))
    assert np.var(drawn) == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize(("profile", "scale"), [("demographics", 4), ("expression", 6)])
def test_one_visit_has_its_budget_in_all_lists_together(
    profile: Profile, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit with other verdicts changes two cells of each list by one."""
    scales = list[Fraction]()

    def noted(scale: Fraction, below: noise.Below) -> int:
        scales.append(scale)
        return 0

    monkeypatch.setattr(noise, "discrete_laplace", noted)
    told = noisy({("female", "25-34", "happy"): 4}, 1.0, profile, random.randrange)
    assert set(scales) == {Fraction(scale)} == {told.scale}
    assert len(scales) == sum(len(ATTRIBUTES[name]) + 2 for name in told.lists())


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise that happens to be 0, to see what it was added to."""
    monkeypatch.setattr(noise, "discrete_laplace", lambda scale, below: 0)


@given(minutes=st.lists(st.lists(persons(), max_size=9), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_no_visit_is_in_two_lists(minutes: list[list[Person]]) -> None:
    """So the budget of a day is that of a cohort."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noise, "discrete_laplace", lambda scale, below: 0)
        releases = day(CohortRule(k=5, profile="expression", max_cohort=20, noise_budget=1.0), minutes)
    people = iter([one for some in minutes for one in some])
    for cohort in (release.cohort for release in releases if release.cohort):
        assert cohort.noise is not None
        mine = [next(people) for _ in range(cohort.visits)]
        for place, (name, cells) in enumerate(cohort.noise.lists().items()):
            told = {label: count for label, count in cells.items() if count}
            assert told == {
                label: sum(one[place] == label for one in mine) for label in {one[place] for one in mine}
            }, name
    assert len(list(people)) == releases[-1].pending


SHOP = Shop(40, 0.2)
ABOUT = replace(PLAN, display=replace(PLAN.display, about=frozenset({"female"})))


def visitors(seed: int) -> tuple[list[Visitor], dict[int, Beside]]:
    rng = np.random.default_rng(seed)
    habit = DayHabit.draw(rng)
    minutes = sorted(rng.integers(9 * 60, 19 * 60, 30).tolist())
    people = [draw_person(rng, minute, SHOP, habit) for minute in minutes]
    return people, {minute: Beside() for minute in minutes}


def other_verdicts(people: Sequence[Visitor], seed: int) -> list[Visitor]:
    rng = np.random.default_rng(seed)
    labels = [(*values, UNKNOWN) for values in ATTRIBUTES.values()]
    drawn = [tuple(str(rng.choice(some)) for some in labels) for _ in people]
    return [
        replace(one, labels=(NOT_SEEN,) * 3 if rng.random() < 0.2 else found)  # type: ignore[arg-type]
        for one, found in zip(people, drawn, strict=True)
    ]


@pytest.mark.parametrize("plan", [PLAN, ABOUT], ids=["clips for all", "clips about women"])
@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_nothing_else_that_is_told_of_a_day_depends_on_verdicts(plan: Plan, seed: int, other: int) -> None:
    people, noted = visitors(seed)
    told = []
    for crowd in (people, other_verdicts(people, other)):
        rule = CohortRule(k=5, profile="expression", plan=plan, noise_budget=1.0)
        releases = publish_day(crowd, noted, 5, rule).releases
        assert any(release.cohort for release in releases)
        told.append(
            [
                replace(one, cohort=one.cohort and one.cohort.model_copy(update={"noise": None}))
                for one in releases
            ]
        )
    assert told[0] == told[1]


def test_clips_that_were_chosen_for_somebody_are_withheld() -> None:
    people, noted = visitors(1)
    shown = []
    for plan in (PLAN, ABOUT):
        rule = CohortRule(k=5, profile="expression", plan=plan, noise_budget=1.0)
        day_told = publish_day(people, noted, 5, rule)
        shown += [any(c.cohort.clips["brand"].shown.visits is not None for c in day_told.cohorts)]
    assert shown == [True, False]


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("profile", ["demographics", "expression"])
def test_the_lists_of_the_rule_are_withheld_whatever_they_are(profile: Profile) -> None:
    (release,) = day(
        CohortRule(k=5, profile=profile, noise_budget=1.0), [[person()] * 40 + [person("male")] * 9]
    )
    cohort = release.cohort
    assert cohort is not None
    assert cohort.noise is not None
    assert (cohort.described, cohort.gender_age_band) == (None, None)
    assert cohort.gender == {"female": None, "male": None, "no_verdict": None}
    assert cohort.noise.gender == {"female": 40, "male": 9, "unknown": 0, "not_seen": 0}
    assert (cohort.noise.expression is None) == (profile == "demographics")


def test_without_a_budget_nothing_changes() -> None:
    (release,) = day(CohortRule(k=5, profile="demographics"), [[person()] * 40 + [person("male")] * 9])
    assert release.cohort is not None
    assert release.cohort.noise is None
    assert release.cohort.gender == {"female": 40, "male": 9, "unknown": 0, "not_seen": 0}


def test_each_cohort_has_noise_of_its_own() -> None:
    people = [[person()] * 30]
    told = {str(day(CohortRule(k=5, profile="expression", noise_budget=0.1), people)) for _ in range(4)}
    assert len(told) == 4


def test_the_noise_of_a_cohort_fits_the_wire() -> None:
    (release,) = day(CohortRule(k=5, profile="expression", noise_budget=wire.BUDGETS[0]), [[person()] * 5])
    assert release.cohort is not None
    assert wire.Cohort.model_validate(release.cohort.model_dump()) == release.cohort
