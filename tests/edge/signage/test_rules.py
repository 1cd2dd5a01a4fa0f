"""A rule chooses a clip for those who are there together, never for what one person seems to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.signage.rules import Person, Rule, chosen

WOMAN, MAN = Person("female", "25-34"), Person("male", "45-54")
NOBODY_KNOWS = Person()


def test_the_first_rule_that_holds_chooses() -> None:
    rules = [Rule("lunch", hours=(11, 14)), Rule("groups", people=(2, 10))]
    assert chosen(rules, [WOMAN, MAN], 12) == "lunch"
    assert chosen(rules, [WOMAN, MAN], 14) == "groups"
    assert chosen(rules, [WOMAN], 10) is None


@pytest.mark.parametrize(("people", "holds"), [(1, False), (2, True), (4, True), (5, False)])
def test_a_group_has_from_its_fewest_to_its_most_people(people: int, holds: bool) -> None:
    assert Rule("groups", people=(2, 4)).holds([NOBODY_KNOWS] * people, 12) is holds


def test_only_those_in_the_zone_are_looked_at() -> None:
    here = Person("female", "25-34", frozenset({"shelf"}))
    rule = Rule("shelf", zone="shelf", people=(1, 1))
    assert rule.holds([here, MAN, MAN], 12)
    assert not rule.holds([MAN, MAN], 12)


@pytest.mark.parametrize(
    ("audience", "holds"),
    [
        ([WOMAN, WOMAN, MAN], True),
        ([WOMAN, MAN, MAN], False),
        ([WOMAN, WOMAN, NOBODY_KNOWS], True),
        ([WOMAN, WOMAN, *[NOBODY_KNOWS] * 3], False),  # most of them are not known
    ],
)
def test_a_mix_is_about_the_share_of_those_who_are_described(audience: list[Person], holds: bool) -> None:
    assert Rule("scarf", gender="female", share=0.6).holds(audience, 12) is holds


def test_gender_and_age_are_asked_together() -> None:
    rule = Rule("running", gender="male", ages=frozenset({"45-54"}), share=0.5)
    assert rule.holds([MAN, WOMAN], 12)
    assert not rule.holds([Person("male", "18-24"), WOMAN], 12)


@given(
    st.sampled_from(["female", "male"]),
    st.floats(0.01, 1),
    st.lists(st.just(NOBODY_KNOWS), max_size=3),
    st.sampled_from([WOMAN, MAN]),
)
def test_one_person_is_never_addressed_by_gender(
    gender: str, share: float, others: list[Person], person: Person
) -> None:
    assert not Rule("clip", gender=gender, share=share).holds([person, *others], 12)
