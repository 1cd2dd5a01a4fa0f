"""Who shows the code of a member: checked, counted once, and forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.badge import tracks_of
from benchmarks.code import held, picture_of, standing
from common.clock import SystemClock
from common.loyalty import new_code
from common.wire import Cohort
from edge.members import AGAIN_S, SPACING_S, Members
from edge.types import Box, Frame, Image, Sighting, Track, TrackState
from edge.vision.code import CodeReader
from edge.vision.privacy import CohortRule
from edge.vision.scheduler import Budget
from tests.support.places import PLAN, Someone, window

KEY = bytes(range(32))
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TODAY, YESTERDAY = NOON.date(), NOON.date() - timedelta(days=1)


class Showing(CodeReader):
    """Reads what each person shows, and how often it was asked."""

    def __init__(self, shown: dict[int, str]) -> None:
        super().__init__()
        self.shown, self.asked = shown, 0

    def read(self, image: Image, track: Track) -> str:
        self.asked += 1
        return self.shown.get(track.track_id, "")


def near(track_id: int, side: float = 200.0) -> Track:
    box = Box(100, 100, 100 + side, 100 + side)
    return Track(track_id, box, TrackState.CONFIRMED, 0.0, 0.0, Sighting(box, 0.9))


def frame(at_s: float) -> Frame:
    return Frame(np.zeros((4, 4, 3), np.uint8), NOON + timedelta(seconds=at_s), at_s, 0)


def members(reader: CodeReader, *, keys: tuple[bytes, ...] = (KEY,)) -> Members:
    return Members(keys=keys, reader=reader, budget=Budget(None), clock=SystemClock(), timezone=UTC)


def test_who_shows_a_valid_code_is_a_member_and_nobody_else() -> None:
    good, ended = new_code(KEY, TODAY), new_code(KEY, YESTERDAY)
    shown = {1: good, 2: ended, 3: new_code(bytes(32), TODAY), 4: "https://example.org", 5: ""}
    found, people = members(Showing(shown)), [near(number) for number in shown]
    found.look(frame(0.0), people)
    assert [found.is_member(number) for number in shown] == [True, False, False, False, False]
    assert found.in_view(people) == 1
    found.keep([2])
    assert not found.is_member(1)


def test_a_code_counts_once_an_hour_whoever_shows_it() -> None:
    code = new_code(KEY, TODAY)
    found = members(Showing({1: code, 2: code, 3: code}))
    found.look(frame(0.0), [near(1)])
    found.look(frame(10.0), [near(2)])
    found.look(frame(AGAIN_S), [near(3)])
    assert [found.is_member(number) for number in (1, 2, 3)] == [True, False, True]


def test_the_code_itself_is_kept_nowhere() -> None:
    code = new_code(KEY, TODAY)
    found = members(Showing({1: code}))
    found.look(frame(0.0), [near(1)])
    assert code not in repr(vars(found))
    assert code[1:].encode() not in b"".join(found._shown)


def test_looks_are_for_people_who_are_near_and_apart_and_end_with_the_code() -> None:
    reader = Showing({})
    found = members(reader)
    found.look(frame(0.0), [near(1, side=40.0)])
    assert reader.asked == 0
    for at_s in (0.0, 0.5 * SPACING_S, SPACING_S):
        found.look(frame(at_s), [near(1)])
    assert reader.asked == 2
    reader.shown = {1: new_code(KEY, TODAY)}
    for at_s in (2.0, 3.0, 4.0):
        found.look(frame(at_s), [near(1)])
    assert reader.asked == 3


def test_without_a_key_no_picture_is_searched() -> None:
    reader = Showing({1: new_code(KEY, TODAY)})
    members(reader, keys=()).look(frame(0.0), [near(1)])
    assert reader.asked == 0


@pytest.mark.slow
def test_the_code_on_a_card_is_read_from_a_metre_away() -> None:
    scene, code = standing(1.0, 5), new_code(KEY, TODAY)
    read = set()
    for index, image in enumerate(scene.frames()):
        (track,) = tracks_of(scene, index)
        read.add(CodeReader().read(held(image, track.box, picture_of(code), 90.0, 8.0), track))
    assert read <= {code, ""}
    assert code in read


@pytest.mark.parametrize("k", [1, 3, 5])
def test_a_number_of_members_is_told_only_k_away_from_all_others(k: int) -> None:
    plan = replace(PLAN, counts_members=True)
    for visits in range(k, 25):
        for shown in range(visits + 1):
            rule = CohortRule(k=k, profile="count", plan=plan)
            cohort = rule.release(replace(window([Someone(8.0)] * visits), members=shown)).cohort
            assert isinstance(cohort, Cohort)
            cohort.check(k, "count")
            known = {0, visits, cohort.visits, *(one.visits or 0 for one in cohort.zones.values())}
            assert cohort.members in (None, shown)
            assert (cohort.members is None) == any(0 < abs(shown - other) < k for other in known)
    silent = CohortRule(k=k, profile="count", plan=PLAN)
    cohort = silent.release(replace(window([Someone(8.0)] * 20), members=10)).cohort
    assert isinstance(cohort, Cohort)
    assert cohort.members is None
