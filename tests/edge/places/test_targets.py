"""Who looks at what, and for how long."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.places.places import Places
from edge.places.plan import PlanPoints
from edge.places.targets import Target, apart
from edge.places.zones import Zone
from edge.proportions import EYES_M
from edge.types import Pose
from tests.edge.places.people import AWAY, VIEW, Point, camera, play, track

LEFT, RIGHT = (
    Target("left", 15.0, direction=(-30.0, 0.0)),
    Target("right", 20.0, direction=(30.0, 5.0)),
)
STANDS: list[tuple[float, Point]] = [(0.0, (0.8, 0.8)), (4.0, (0.8, 0.8))]


def looks(
    poses: Sequence[tuple[float, Pose | None]], *targets: Target, **options: object
) -> dict[str, float]:
    places = Places(targets=targets or (LEFT, RIGHT), **options)  # type: ignore[arg-type]
    one = track(1, (0.8, 0.8), 0.0)
    for at_s, pose in poses:
        one = track(1, (0.8, 0.8), at_s)
        places.seen(one, pose, None if pose is None else False, VIEW, at_s)
    return dict(places.finish(one).looks)


def steady(yaw: float, pitch: float = 0.0, seconds: float = 3.0) -> list[tuple[float, Pose | None]]:
    return [(step / 10, Pose(yaw, pitch, 0.0)) for step in range(round(seconds * 10) + 1)]


def test_a_look_is_within_the_half_angle() -> None:
    assert looks(steady(-30)) == {"left": pytest.approx(3.0)}
    assert looks(steady(-16)) == {"left": pytest.approx(3.0)}
    assert looks(steady(-14)) == {}
    assert looks(steady(30, 24)) == {"right": pytest.approx(3.0)}
    assert looks(steady(30, 26)) == {}


def test_of_two_targets_only_the_nearer_is_looked_at() -> None:
    near, wide = Target("near", 15.0, direction=(0.0, 0.0)), Target("wide", 60.0, direction=(25.0, 0.0))
    assert looks(steady(5), near, wide) == {"near": pytest.approx(3.0)}
    assert looks(steady(14), near, wide) == {"wide": pytest.approx(3.0)}


def test_time_without_sights_and_short_looks_do_not_count() -> None:
    at = Pose(-30.0, 0.0, 0.0)
    assert looks([(0.0, at), (0.5, at), (2.0, at), (2.4, at)]) == {"left": pytest.approx(0.9)}
    assert looks([(0.0, AWAY), (0.5, at), (0.6, AWAY)], least_look_s=0.2) == {}
    assert looks([(0.0, AWAY), (0.5, at), (0.6, at), (0.7, AWAY)], least_look_s=0.2) == {}
    assert looks([(0.0, at), (0.2, None), (0.5, at)]) == {"left": pytest.approx(0.5)}


def test_only_who_is_in_its_zone_looks_at_a_target() -> None:
    zone = Zone("shelf", ((0, 0), (0.4, 0), (0.4, 1), (0, 1)))
    target = Target("offer", 15.0, direction=(0.0, 0.0), zone="shelf")
    way = [(0.0, (1.3, 0.8)), (2.0, (1.3, 0.8)), (2.1, (0.3, 0.8)), (5.0, (0.3, 0.8))]
    (visit,) = play(Places(zones=[zone], targets=[target]), [way], pose=Pose(0.0, 0.0, 0.0)).visits
    assert visit.looks["offer"] == pytest.approx(2.9, abs=0.2)


def test_a_target_on_the_plan_is_seen_from_where_the_person_is() -> None:
    """A camera at the height of the eyes looks into a hall; a poster hangs 3 m to the right of it."""
    setup = (EYES_M, 15.0, 1.5, 0.0, (0.0, 0.0))
    floor = ((-2.0, 3.0), (2.0, 3.0), (3.0, 8.0), (-3.0, 8.0))
    plan = PlanPoints(tuple(camera(*setup, point) for point in floor), floor)
    places = Places(targets=[Target("poster", 12.0, at=(3.0, 0.0, EYES_M))], plan=plan)
    for place in ((-1.0, 5.0), (1.0, 5.0), (2.5, 7.0)):
        share = camera(*setup, place)
        found = []
        for yaw in range(90):
            one = track(1, (share[0] * VIEW[0] / VIEW[1], share[1]), 0.0)
            for at_s in (0.0, 0.5):
                places.seen(one, Pose(float(yaw), 0.0, 0.0), False, VIEW, at_s)
            found += [yaw] if "poster" in places.finish(one).looks else []
        to_camera, to_poster = math.atan2(-place[0], place[1]), math.atan2(3.0 - place[0], place[1])
        assert sum(found) / len(found) == pytest.approx(math.degrees(to_poster - to_camera), abs=1.5)
        assert len(found) == pytest.approx(24, abs=2)


angles = st.tuples(st.floats(-90, 90), st.floats(-60, 60))


@given(angles, angles)
def test_angles_between_directions(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert apart(one, other) == pytest.approx(apart(other, one), abs=1e-6)
    assert apart(one, one) == pytest.approx(0, abs=1e-5)
    assert apart((one[0], 0), (other[0], 0)) == pytest.approx(abs(one[0] - other[0]), abs=1e-4)


@given(st.lists(st.tuples(st.floats(0.05, 1.0), st.floats(-60, 60)), min_size=1, max_size=30))
@settings(deadline=None)
def test_looks_are_never_longer_than_the_visit(turns: list[tuple[float, float]]) -> None:
    at_s, poses = 0.0, []
    for seconds, yaw in turns:
        poses.append((at_s, Pose(yaw, 0.0, 0.0)))
        at_s += seconds
    assert sum(looks(poses).values()) <= poses[-1][0] + 1e-6
