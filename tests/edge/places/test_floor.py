"""Where people stand: by their feet where these show, by the head where they do not; and on the plan, in metres."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.places.floor import Floor
from edge.places.plan import Plan, PlanPoints
from edge.proportions import EYES_M
from tests.edge.places.people import SIZE, VIEW, Point, camera, track

ASPECT = VIEW[0] / VIEW[1]
FEET = (0.8, 0.7)


def seen(floor: Floor, at_s: float, feet: Point = FEET, **options: float) -> Point:
    floor.see(track(1, feet, at_s, **options), VIEW, at_s)  # type: ignore[arg-type]
    return floor.point


def test_the_floor_point_is_below_the_middle_of_the_body() -> None:
    assert seen(Floor(), 0.0) == pytest.approx(FEET)


@pytest.mark.parametrize("shows", [0.0, 3.0, 5.0])
def test_a_body_that_is_cut_off_has_its_feet_below_the_head(shows: float) -> None:
    assert seen(Floor(), 0.0, shows=shows) == pytest.approx(FEET, abs=0.01 * SIZE)


def test_the_edge_of_the_picture_cuts_off() -> None:
    below = (0.8, 1.1)
    shows = (1.0 - (1.1 - 10.5 * SIZE)) / SIZE  # just to the lower edge
    assert 7 < shows < 8
    assert seen(Floor(), 0.0, below, shows=shows) == pytest.approx(below, abs=0.01 * SIZE)


def test_a_child_that_was_seen_in_full_stands_where_it_stood() -> None:
    """Behind a low table, which hides the legs: an adult's feet would be 2.5 face sizes lower."""
    floor = Floor()
    for step in range(50):
        seen(floor, step / 10, shows=8.0)
    assert seen(floor, 5.1, shows=4.0) == pytest.approx(seen(floor, 5.2, shows=8.0), abs=0.1 * SIZE)


def test_a_change_between_seen_and_estimated_feet_is_no_jump() -> None:
    """A tall person's feet are seen, then hidden at once, and seen again."""
    floor, before, point = Floor(), (0.0, 0.0), (0.0, 0.0)
    for step in range(200):
        at_s = step / 10
        shows = 5.0 if 5 < at_s < 6 or 9 < at_s < 15 else 12.0
        point = seen(floor, at_s, (0.5 + 0.02 * at_s, 0.7), shows=shows)
        if step:
            assert math.dist(point, before) < 0.3 * SIZE
        before = point
    assert point == pytest.approx((0.5 + 0.02 * 19.9, 0.7 + 1.5 * SIZE), abs=0.1 * SIZE)


def test_feet_that_are_seen_first_correct_a_guess_at_once() -> None:
    """A child comes out behind a counter, and was taken for an adult until then."""
    floor, child = Floor(), (0.8, 0.7 - 2.5 * SIZE)
    for step in range(3):
        seen(floor, step / 10, shows=4.0)
    assert floor.point == pytest.approx(FEET, abs=0.01 * SIZE)
    assert seen(floor, 0.3, shows=8.0) == pytest.approx(child, abs=0.01 * SIZE)


def test_a_wrong_first_box_is_not_carried_on() -> None:
    """Where somebody comes into view, the first box may be that of a person who leaves there, nearer to the camera."""
    floor = Floor()
    seen(floor, 0.0, (0.8, 0.98), size=1.6 * SIZE)
    assert seen(floor, 0.1, shows=14.0) == pytest.approx(FEET, abs=0.01 * SIZE)
    assert seen(floor, 0.2) == pytest.approx(FEET, abs=0.01 * SIZE)


def test_a_wrong_point_before_a_gap_is_not_carried_on() -> None:
    """The last box before is that of another person, and afterwards the feet are hidden."""
    floor, stands = Floor(), (0.5, 0.6)
    for step in range(10):
        floor.see(track(1, stands, step / 10), VIEW, step / 10)
    floor.see(track(1, (0.5, 0.7), 1.0), VIEW, 1.0)
    floor.see(track(1, stands, 1.5, shows=3), VIEW, 1.5)
    assert floor.point[1] == pytest.approx(stands[1], abs=0.02)


def test_a_face_that_looks_larger_for_a_moment_cuts_no_body_off() -> None:
    """The size of a face found by itself and of one told from the body differ, and take turns."""
    floor = Floor()
    for step in range(40):
        person, at_s = track(1, FEET, step / 10), step / 10
        grown = person.box.scaled(1.4) if step % 2 else person.box
        floor.see(replace(person, box=grown), VIEW, at_s)
        assert floor.feet_seen
    assert floor.point == pytest.approx(FEET)


def test_a_body_that_is_cut_off_after_it_was_seen_is_cut_off() -> None:
    floor = Floor()
    for step in range(20):
        seen(floor, step / 10)
    seen(floor, 2.0, shows=7.0)
    assert not floor.feet_seen


def test_two_people_in_one_box_are_no_tall_person() -> None:
    floor = Floor()
    assert seen(floor, 0.0, shows=14.0) == pytest.approx(FEET, abs=0.01 * SIZE)
    assert not floor.feet_seen


def test_a_body_that_ends_above_the_edge_of_the_picture_may_be_cut_off() -> None:
    """Of somebody near the camera the feet should be far below the picture; the box of the body ends a little above
    its edge."""
    size, below = 0.1, (0.8, 1.3)
    shows = (0.93 - (1.3 - 10.5 * size)) / size
    assert shows > 6.5
    floor = Floor()
    assert seen(floor, 0.0, below, size=size, shows=shows) == pytest.approx(below, abs=0.01 * size)


cameras = st.tuples(
    st.floats(2, 3.5),
    st.floats(15, 40),
    st.floats(1.2, 1.8),
    st.floats(-60, 60),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
)


def plan_of(setup: tuple[float, float, float, float, Point]) -> tuple[Plan, list[Point]]:
    """A plan from four points of the floor in front of the camera, and where these are."""
    turn, place = math.radians(setup[3]), setup[4]
    ahead = [(-1.0, 2.5), (1.0, 2.5), (1.5, 5.0), (-1.5, 5.0)]
    floor = [
        (
            place[0] + x * math.cos(turn) + y * math.sin(turn),
            place[1] - x * math.sin(turn) + y * math.cos(turn),
        )
        for x, y in ahead
    ]
    return Plan(PlanPoints(tuple(camera(*setup, point) for point in floor), tuple(floor)), ASPECT), floor


@given(cameras, st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_a_plan_tells_metres_and_where_the_camera_is(
    setup: tuple[float, float, float, float, Point], u: float, v: float
) -> None:
    plan, floor = plan_of(setup)
    corners = np.array(floor)
    inside = (1 - v) * ((1 - u) * corners[0] + u * corners[1]) + v * ((1 - u) * corners[3] + u * corners[2])
    x, y = camera(*setup, tuple(inside))
    assert plan.floor((x * ASPECT, y)) == pytest.approx(tuple(inside), abs=0.01)
    assert plan.camera == pytest.approx((*setup[4], setup[0]), abs=0.15)


def test_above_the_horizon_there_is_no_floor() -> None:
    plan, _ = plan_of((2.5, 20.0, 1.5, 0.0, (0.0, 0.0)))
    assert plan.floor((0.5 * ASPECT, 0.9)) is not None
    assert plan.floor((0.5 * ASPECT, -0.2)) is None


@given(cameras)
@settings(deadline=None)
def test_a_head_that_faces_the_camera_has_no_yaw_and_no_pitch(
    setup: tuple[float, float, float, float, Point],
) -> None:
    plan, floor = plan_of(setup)
    eyes = (*floor[2], EYES_M)
    assert plan.direction(eyes, plan.camera) == pytest.approx((0, 0), abs=1e-3)


def test_the_right_of_the_picture_is_a_positive_yaw_and_up_a_positive_pitch() -> None:
    """The person is 4 m ahead of a camera at the height of the eyes; the plan may be drawn with y upwards or
    downwards."""
    setup = (EYES_M, 15.0, 1.5, 0.0, (0.0, 0.0))
    floor = [(-1.0, 2.5), (1.0, 2.5), (1.5, 5.0), (-1.5, 5.0)]
    points = tuple(camera(*setup, point) for point in floor)
    for sign in (1, -1):
        plan = Plan(PlanPoints(points, tuple((x, sign * y) for x, y in floor)), ASPECT)
        eyes = (0.0, sign * 4.0, EYES_M)
        yaw, pitch = plan.direction(eyes, (4.0, 0.0, EYES_M))
        assert yaw == pytest.approx(45, abs=2)
        assert pitch == pytest.approx(0, abs=2)
        assert plan.direction(eyes, (0.0, 0.0, EYES_M + 4))[1] == pytest.approx(45, abs=2)
