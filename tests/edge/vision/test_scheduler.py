"""Near looks go where they pay most: to those who are not described, soonest to leave first."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.types import Box, Face, Sighting, Track, TrackState
from edge.vision.motion import Point
from edge.vision.scheduler import Budget, Plan, Scheduler

SIZE, VIEW = (320, 256), (1280, 720)
FRAME_S = 1 / 15


def person(
    number: int,
    x: float,
    y: float,
    *,
    side: float = 30.0,
    speed: float = 0.0,
    seen_s: float = 0.0,
    with_face: bool = False,
) -> Track:
    box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    face = Face(box, 0.9, np.zeros((5, 2), np.float32)) if with_face else None
    return Track(number, box, TrackState.CONFIRMED, 0.0, seen_s, Sighting(box, 0.9, face=face), (speed, 0.0))


def plans(
    scheduler: Scheduler,
    tracks: Sequence[Track],
    frames: int = 8,
    *,
    described: Collection[int] = (),
    motion: Sequence[Point] = (),
    may_look_near: bool = True,
) -> list[Plan]:
    found = []
    for index in range(frames):
        at_s = index * FRAME_S
        now = [Track(t.track_id, t.box, t.state, 0.0, at_s, t.sighting, t.velocity) for t in tracks]
        plan = scheduler.plan(at_s, VIEW, now, described, motion, may_look_near=may_look_near)
        if plan.corner is not None:
            scheduler.looked(plan.corner, now, at_s)
        found.append(plan)
    return found


def scheduler() -> Scheduler:
    return Scheduler(SIZE, least_px=24, spacing_s=0.3)


def holds(plan: Plan, track: Track) -> bool:
    assert plan.corner is not None
    (x, y), (left, top) = track.box.centre, plan.corner
    return left <= x <= left + SIZE[0] and top <= y <= top + SIZE[1]


def corners(found: Sequence[Plan]) -> list[Plan]:
    return [plan for plan in found if plan.corner is not None]


def test_a_calm_view_is_looked_at_eight_times_a_second_at_most() -> None:
    found = plans(scheduler(), [], frames=30)
    assert sum(plan.wide for plan in found) == 15
    assert not corners(found)


def test_at_a_low_frame_rate_every_frame_is_looked_at() -> None:
    looks = scheduler()
    assert all(
        looks.plan(i / 5, VIEW, [person(1, 400, 300, seen_s=i / 5)], (), (), may_look_near=True).wide
        for i in range(10)
    )


def test_a_far_head_without_a_description_is_looked_at_from_near() -> None:
    far = person(1, 900, 200)
    found = corners(plans(scheduler(), [far]))
    assert found
    assert all(holds(plan, far) for plan in found)


def test_wide_and_near_looks_take_turns() -> None:
    found = plans(scheduler(), [person(1, 900, 200)])[1:]  # the frame rate is not known in the first frame
    assert all(not (plan.wide and plan.corner) for plan in found)


@pytest.mark.parametrize("side", [10.0, 80.0])
def test_a_face_too_small_to_describe_or_large_enough_for_the_wide_look_needs_no_near_look(
    side: float,
) -> None:
    assert not corners(plans(scheduler(), [person(1, 900, 200, side=side)]))


def test_nobody_is_looked_at_from_near_when_the_picture_is_no_larger_than_the_look() -> None:
    looks = scheduler()
    far = person(1, 100, 100)
    assert looks.plan(0.0, (320, 240), [far], (), (), may_look_near=True).corner is None


def test_who_leaves_first_is_looked_at_first() -> None:
    leaves, stays = person(1, 1100, 300, speed=400), person(2, 300, 300)
    first = corners(plans(scheduler(), [stays, leaves]))[0]
    assert holds(first, leaves)


def test_heads_close_together_share_one_look() -> None:
    pair, alone = [person(1, 300, 300), person(2, 420, 330)], person(3, 1000, 300, speed=50)
    first = corners(plans(scheduler(), [*pair, alone]))[0]
    assert all(holds(first, one) for one in pair)


def test_a_head_whose_face_never_shows_is_tried_less_and_less_often() -> None:
    found = plans(scheduler(), [person(1, 900, 200)], frames=90)
    looked = [index for index, plan in enumerate(found) if plan.corner is not None]
    gaps = np.diff(looked)
    assert gaps[0] < gaps[-1]
    assert gaps[-1] * FRAME_S == pytest.approx(1.5, abs=0.3)


def test_who_is_described_is_looked_at_four_times_a_second_at_most_to_measure_attention() -> None:
    known = person(1, 900, 200, with_face=True)
    found = plans(scheduler(), [known], frames=60, described={1})
    assert len(corners(found)) <= 4 * 60 * FRAME_S + 1


def test_somebody_new_comes_before_somebody_known() -> None:
    known, new = person(1, 300, 300, with_face=True), person(2, 1000, 300)
    first = corners(plans(scheduler(), [known, new], described={1}))[0]
    assert holds(first, new)


def test_where_something_moves_and_nobody_is_known_is_looked_at_once_in_half_a_second() -> None:
    found = corners(plans(scheduler(), [], frames=15, motion=[(700.0, 400.0)]))
    assert 1 <= len(found) <= 3
    assert all(holds(plan, person(0, 700, 400)) for plan in found)


def test_the_motion_of_somebody_known_is_no_reason() -> None:
    known = person(1, 700, 300, side=80)
    assert not corners(plans(scheduler(), [known], motion=[(700.0, 600.0), (760.0, 500.0)]))


def test_without_time_there_is_no_near_look() -> None:
    found = plans(scheduler(), [person(1, 900, 200)], may_look_near=False)
    assert not corners(found)
    assert any(plan.wide for plan in found)


@given(
    st.lists(st.tuples(st.floats(0, 1280), st.floats(0, 720), st.floats(3, 200)), max_size=8),
    st.lists(st.tuples(st.floats(0, 1280), st.floats(0, 720)), max_size=4),
)
def test_a_near_look_lies_within_the_picture(
    heads: list[tuple[float, float, float]], motion: list[Point]
) -> None:
    tracks = [person(number, x, y, side=side) for number, (x, y, side) in enumerate(heads)]
    for plan in corners(plans(scheduler(), tracks, motion=motion)):
        assert plan.corner is not None
        assert 0 <= plan.corner[0] <= VIEW[0] - SIZE[0]
        assert 0 <= plan.corner[1] <= VIEW[1] - SIZE[1]


@given(st.floats(0.001, 0.05), st.lists(st.floats(0.0, 0.2), min_size=20, max_size=80))
def test_looks_take_no_more_than_their_share_of_time(per_frame_s: float, costs: list[float]) -> None:
    budget, spent_s = Budget(per_frame_s), 0.0
    for frames, cost_s in enumerate(costs, start=1):
        if budget.next_frame():
            assert spent_s <= per_frame_s * frames + 1e-9
            budget.spend(cost_s)
            spent_s += cost_s


def test_no_limit_is_no_limit() -> None:
    budget = Budget(None)
    budget.spend(math.inf)
    assert budget.next_frame()
