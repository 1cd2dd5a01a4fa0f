"""The programme: one show after the other, a holdout by chance, and each visit in one show."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from edge.place_types import Shown
from edge.signage.programme import YIELDS_S, Programme, Show
from edge.signage.rules import Person, Rule

GROUPS = Rule("groups", people=(2, 10))
TWO = {1: Person(), 2: Person()}


def programme(*, holdout: float = 0.2, seed: int = 1) -> Programme:
    return Programme(
        seconds={"groups": 10.0, "brand": 8.0, "spring": 6.0},
        rules=[GROUPS],
        rotation=["brand", "spring"],
        holdout=holdout,
        chance=Random(seed),
    )


class Always(Random):
    """Chance that always falls the same way."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        return self.value


def fixed(value: float) -> Programme:
    return Programme(
        seconds={"groups": 10.0, "brand": 8.0, "spring": 6.0},
        rules=[GROUPS],
        rotation=["brand", "spring"],
        holdout=0.2,
        chance=Always(value),
    )


def not_looking(_: int) -> float:
    return 0.0


def test_the_rotation_runs_while_no_rule_holds() -> None:
    shows = programme()
    clips = [shows.decide({}, not_looking, float(second), 12).clip for second in range(28)]
    assert clips == ["brand"] * 8 + ["spring"] * 6 + ["brand"] * 8 + ["spring"] * 6


def test_the_rotation_gives_way_to_a_rule_and_a_rules_clip_runs_to_its_end() -> None:
    shows = fixed(0.9)
    assert shows.decide({}, not_looking, 0.0, 12).clip == "brand"
    assert shows.decide(TWO, not_looking, YIELDS_S - 0.1, 12).clip == "brand"
    assert shows.decide(TWO, not_looking, YIELDS_S, 12).clip == "groups"
    assert shows.decide({}, not_looking, YIELDS_S + 9.9, 12).clip == "groups"
    assert shows.decide({}, not_looking, YIELDS_S + 10, 12).clip == "spring"


def test_a_held_out_clip_is_replaced_for_the_same_time() -> None:
    shows = fixed(0.1)
    show = shows.decide(TWO, not_looking, 0.0, 12)
    assert (show.clip, show.suited, show.held) == ("brand", "groups", True)
    assert show.ends_s == 10.0
    assert shows.decide(TWO, not_looking, 9.0, 12) == show


def test_a_share_of_the_decisions_is_held_out() -> None:
    shows, held = programme(holdout=0.2), Counter[bool]()
    for index in range(2000):
        show = shows.decide(TWO, not_looking, 10.0 * index, 12)
        held[show.held] += 1
        assert (show.clip == "groups") is not show.held
    assert 0.17 < held[True] / 2000 < 0.23


def test_without_a_holdout_there_is_no_programme() -> None:
    with pytest.raises(ValueError, match="holdout"):
        programme(holdout=0.0)


def begun(shows: Programme, *, confirmed: bool = True) -> Show:
    show = shows.decide(TWO, float, 0.0, 12)
    if confirmed:
        shows.confirm(show.number)
    return show


def test_a_visit_belongs_to_the_show_that_began_while_it_was_there() -> None:
    shows = fixed(0.9)
    begun(shows)
    late = {**TWO, 3: Person()}
    shows.decide(late, not_looking, 5.0, 12)
    assert shows.finish(1, 1.0 + 4.0) == Shown("groups", held=False, looked_s=4.0, first=True, seconds=10.0)
    assert shows.finish(2, 2.0) == Shown("groups", held=False, looked_s=0.0, first=False, seconds=0.0)
    assert shows.finish(3, 1.0) is None


def test_looking_counts_until_the_show_ends() -> None:
    shows = fixed(0.9)
    begun(shows)
    shows.decide(TWO, lambda track: track + 3.0, 10.0, 12)
    seen = shows.finish(1, 60.0)
    assert seen is not None
    assert seen.looked_s == 3.0


def test_what_no_player_has_shown_was_seen_by_nobody() -> None:
    shows = fixed(0.9)
    show = begun(shows, confirmed=False)
    shows.confirm(show.number + 1)
    shows.confirm(0)
    assert shows.finish(1, 5.0) is None


def test_records_end_with_their_tracks() -> None:
    shows = fixed(0.9)
    begun(shows)
    shows.drop({2})
    assert shows.finish(1, 5.0) is None
    assert shows.finish(2, 5.0) is not None


def test_a_clip_is_held_out_for_a_whole_hour_and_in_no_other() -> None:
    shows = Programme(
        seconds={"groups": 10.0, "brand": 8.0, "spring": 6.0},
        rules=[GROUPS],
        rotation=["brand", "spring"],
        holdout=0.05,
        chance=Always(0.9),
        held_in=lambda clip, hour: clip == "groups" and hour % 2 == 0,
    )
    clips: dict[int, set[str]] = {}
    for index in range(4 * 360):
        show = shows.decide(TWO, not_looking, 10.0 * index, 12, 490_000 + index // 360)
        clips.setdefault(490_000 + index // 360, set()).add(show.clip)
        assert show.suited == "groups"
    assert clips == {
        490_000: {"brand", "spring"},
        490_001: {"groups"},
        490_002: {"brand", "spring"},
        490_003: {"groups"},
    }
