"""Where people are: in a zone by their feet, or by their head for a shelf; and where nobody is counted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.places.places import Places
from edge.places.zones import ESTIMATED, LEAST_S, SEEN, ExcludedZones, Zone
from edge.proportions import FACES_HIGH
from edge.types import Box
from tests.edge.places.people import AWAY, SIZE, VIEW, Play, Point, play, track

LEFT = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)), stop_s=5.0)
SHELF = Zone("shelf", ((0, 0), (1, 0), (1, 0.5), (0, 0.5)), on_shelf=True)
STAFF = Zone("till", ((0.8, 0), (1, 0), (1, 0.3)))
ASPECT = VIEW[0] / VIEW[1]
BORDER = 0.5 * ASPECT
"""Where ``LEFT`` ends, in heights of the picture."""


def walked(zone: Zone, way: list[tuple[float, Point]], **options: float) -> Play:
    return play(Places(zones=[zone]), [way], **options)  # type: ignore[arg-type]


def test_a_zone_on_the_floor_holds_feet_and_one_on_a_shelf_heads() -> None:
    feet = (0.4, 0.7)  # the head is at 0.41
    for zone, holds in (
        (LEFT, True),
        (SHELF, True),
        (Zone("floor", SHELF.polygon), False),
    ):
        (visit,) = walked(zone, [(0, feet), (2, feet)]).visits
        assert (zone.name in visit.stays) is holds


def test_stays_are_the_seconds_inside_and_a_long_one_is_a_stop() -> None:
    inside, outside = (0.5, 0.8), (1.2, 0.8)
    visit = walked(
        LEFT, [(0, outside), (2, outside), (2.1, inside), (6, inside), (6.1, outside), (9, outside)]
    )
    assert visit.visits[0].stays["left"] == pytest.approx(4.0, abs=0.2)
    assert not visit.visits[0].stops
    visit = walked(
        LEFT, [(0, outside), (2, outside), (2.1, inside), (8, inside), (8.1, outside), (9, outside)]
    )
    assert visit.visits[0].stops == {"left"}
    assert [crowd.get("left", 0) for crowd in visit.crowds[:15]] == [0] * 15
    assert visit.crowds[50] == {"left": 1}


def test_two_short_stays_are_no_stop() -> None:
    inside, outside = (0.5, 0.8), (1.2, 0.8)
    way = [(0.0, inside), (3.5, inside), (3.6, outside), (6.0, outside), (6.1, inside), (9.5, inside)]
    (visit,) = walked(LEFT, way).visits
    assert visit.stays["left"] == pytest.approx(7.0, abs=0.2)
    assert not visit.stops


def test_who_brushes_a_corner_is_in_no_zone() -> None:
    inside, outside = (0.5, 0.8), (1.2, 0.8)
    way = [(0.0, outside), (2.0, outside), (2.01, inside), (2.3, inside), (2.31, outside), (6.0, outside)]
    assert walked(LEFT, way).visits[0].stays == {}


def test_only_seconds_inside_make_a_stay() -> None:
    """Somebody walks along the border, and the floor point is inside now and then."""
    inside, outside = (BORDER - 0.05, 0.8), (BORDER + 0.05, 0.8)
    way = [(index / 10, inside if index % 8 < 2 else outside) for index in range(24)]
    assert len(way) > LEAST_S * 10
    assert walked(LEFT, way).visits[0].stays == {}


@given(st.lists(st.floats(-0.9 * SEEN.leave * SIZE, 0.9 * SEEN.enter * SIZE), min_size=30, max_size=60))
@settings(deadline=None)
def test_who_walks_along_the_border_after_a_step_inside_is_in_no_zone(depths: list[float]) -> None:
    inside = [(index / 10, (BORDER - 2 * SEEN.enter * SIZE, 0.8)) for index in range(8)]
    way = inside + [(0.8 + index / 10, (BORDER - depth, 0.8)) for index, depth in enumerate(depths)]
    assert walked(LEFT, way).visits[0].stays == {}


@pytest.mark.parametrize(("shows", "holds"), [(FACES_HIGH, True), (0.0, False)])
def test_feet_that_are_estimated_must_be_further_inside(shows: float, holds: bool) -> None:
    between = (SEEN.enter + ESTIMATED.enter) / 2
    assert SEEN.enter < between < ESTIMATED.enter
    places = Places(zones=[LEFT])
    sights = [track(1, (BORDER - between * SIZE, 0.8), index / 10, shows=shows) for index in range(30)]
    for one in sights:
        places.seen(one, None, None, VIEW, one.last_seen_s)
    assert (LEFT.name in places.finish(sights[-1]).stays) is holds


def test_a_jump_of_the_floor_point_does_not_end_a_stay() -> None:
    inside, outside = (0.5, 0.8), (1.2, 0.8)
    way = [(0.0, inside), (3.0, inside), (3.01, outside), (3.6, outside), (3.61, inside), (6.0, inside)]
    (visit,) = walked(LEFT, way).visits
    assert visit.stops == {"left"}
    assert visit.stays["left"] == pytest.approx(5.3, abs=0.25)


@given(st.lists(st.floats(-SEEN.leave * SIZE, 0.2 * SIZE), min_size=20, max_size=60))
@settings(deadline=None)
def test_jitter_at_the_border_is_no_visit_to_the_zone(jitter: list[float]) -> None:
    """Somebody stands just outside."""
    way = [(index / 10, (BORDER - depth, 0.8)) for index, depth in enumerate(jitter)]
    assert not walked(LEFT, way).visits[0].stays


@given(st.lists(st.floats(-0.9 * SEEN.leave * SIZE, 0.2), min_size=80, max_size=80))
@settings(deadline=None)
def test_jitter_at_the_border_does_not_interrupt_a_stay(jitter: list[float]) -> None:
    way = [(0.0, (BORDER - 0.1, 0.8)), (LEAST_S, (BORDER - 0.1, 0.8))]
    way += [(LEAST_S + (index + 1) / 10, (BORDER - depth, 0.8)) for index, depth in enumerate(jitter)]
    (visit,) = walked(LEFT, way).visits
    assert visit.stops == {"left"}
    assert visit.stays["left"] == pytest.approx(way[-1][0])


points = st.tuples(st.floats(0, ASPECT), st.floats(0.4, 1))


@given(
    st.lists(st.tuples(st.floats(0.05, 3), points), min_size=1, max_size=12),
    st.sampled_from([3.0, 8.0, 15.0]),
)
@settings(deadline=None)
def test_stays_are_never_longer_than_the_visit(legs: list[tuple[float, Point]], fps: float) -> None:
    at_s, way = 0.0, [(0.0, (0.5, 0.7))]
    for seconds, point in legs:
        at_s += seconds
        way.append((at_s, point))
    zones = [LEFT, SHELF, Zone("right", ((0.5, 0), (1, 0), (1, 1), (0.5, 1)))]
    (visit,) = play(Places(zones=zones), [way], fps=fps, pose=AWAY).visits
    assert all(0 <= stay_s <= at_s + 1e-6 for stay_s in visit.stays.values())
    assert visit.stays.get("left", 0.0) + visit.stays.get("right", 0.0) <= at_s + 2 * 1.0
    assert visit.stops <= visit.stays.keys()


@pytest.mark.parametrize("fps", [4.0, 10.0, 25.0])
def test_stays_do_not_depend_on_the_frame_rate(fps: float) -> None:
    way = [(0.0, (1.3, 0.8)), (2.0, (0.5, 0.8)), (12.0, (0.5, 0.8)), (14.0, (1.3, 0.8))]
    (visit,) = walked(LEFT, way, fps=fps).visits
    assert visit.stays["left"] == pytest.approx(12.0, abs=0.1 + 2 / fps)


def test_a_person_who_is_hidden_stays_where_seen_before_and_after() -> None:
    way = [(0.0, (0.5, 0.8)), (10.0, (0.5, 0.8))]
    (visit,) = play(Places(zones=[LEFT]), [way], hidden=[(4.0, 6.0)]).visits
    assert visit.stays["left"] == pytest.approx(10.0)


def around(x: float, y: float) -> Box:
    return Box(x - 20, y - 30, x + 20, y + 30)


def test_excluded_zones_exclude_by_the_head() -> None:
    excluded = ExcludedZones([STAFF])
    assert excluded.hold(around(620, 50), 640, 480)
    assert not excluded.hold(around(200, 300), 640, 480)
    assert not excluded.hold(around(520, 130), 640, 480)  # in the box around the triangle, not in it
    assert not ExcludedZones([]).hold(around(620, 50), 640, 480)


def test_a_notch_is_outside() -> None:
    corners = ((0, 0), (1, 0), (1, 1), (0.6, 1), (0.6, 0.4), (0.4, 0.4), (0.4, 1), (0, 1))
    horseshoe = Zone("u", corners).drawn(1.0)
    for x, y in ((0.2, 0.8), (0.8, 0.8), (0.5, 0.2)):
        assert horseshoe.depth(x, y, room=0.1) > 0
    assert horseshoe.depth(0.5, 0.8, room=0.1) == pytest.approx(-0.1)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_neighbours_share_no_point_and_leave_none_out(x: float, y: float) -> None:
    """A picture cut in two along a slant."""
    one = Zone("a", ((0, 0), (0.7, 0), (0.3, 1), (0, 1))).drawn(1.0).depth(x, y, room=1.0)
    other = Zone("b", ((0.7, 0), (1, 0), (1, 1), (0.3, 1))).drawn(1.0).depth(x, y, room=1.0)
    assert (one > 0) + (other > 0) == 1 or math.isclose(one, 0, abs_tol=1e-9)


@pytest.mark.parametrize("polygon", [((0, 0), (1, 1)), ((0, 0), (1, 0), (1, 1.2))])
def test_a_wrong_polygon_names_its_zone(polygon: tuple[Point, ...]) -> None:
    with pytest.raises(ValueError, match="zone door"):
        Zone("door", polygon)


def test_crowds_are_people_in_view() -> None:
    places = Places(zones=[LEFT])
    near, far = track(1, (0.5, 0.8), 0.0), track(2, (1.2, 0.8), 0.0)
    for one in (near, far):
        places.seen(one, None, None, VIEW, 0.0)
    assert places.frame([near, far]) == {"left": 1}
    assert places.frame([far]) == {}
