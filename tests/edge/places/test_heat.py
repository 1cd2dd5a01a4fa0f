"""Where people stand and look, and which ways they go."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.wire.places import HEAT_COLUMNS
from edge.place_types import HEAT_MOST_S
from edge.places.doors import Door
from edge.places.heat import STANDING_M_S, Grid, Way
from edge.places.places import Places
from edge.places.plan import PlanPoints
from edge.places.zones import Zone
from edge.proportions import ADULT_M, EYES_M, FACES_HIGH
from tests.edge.places.people import AWAY, HERE, METRE, VIEW, Point, play, track

ASPECT = VIEW[0] / VIEW[1]
STANDS = (0.5 * ASPECT + 0.02, 0.75)
CELL = 6 * HEAT_COLUMNS + 8


def test_who_stands_warms_one_cell_and_who_walks_none() -> None:
    (visit,) = play(Places(), [[(0.0, STANDS), (8.0, STANDS)]]).visits
    assert visit.heat.keys() == {CELL}
    assert visit.heat[CELL] == pytest.approx((7.5, 0.0), abs=0.2)
    (visit,) = play(Places(), [[(0.0, (0.2, 0.8)), (8.0, (0.2 + 8 * METRE, 0.8))]]).visits
    assert visit.heat == {}


FOCAL = 1.0
"""Of the camera of these tests, in heights of the picture: a little wider than the product takes it to be."""


def heat_of(distances: list[float]) -> float:
    """The seconds in which somebody stands who is at these distances in metres, ten a second, before a camera at the
    height of the eyes."""
    places, person = Places(), None
    for step, metres in enumerate(distances):
        at_s, feet = step / 10, (0.5 * ASPECT, 0.35 + FOCAL * EYES_M / metres)
        person = track(1, feet, at_s, size=FOCAL * ADULT_M / FACES_HIGH / metres)
        places.seen(person, None, None, VIEW, at_s)
    assert person is not None
    return sum(standing_s for standing_s, _ in places.finish(person).heat.values())


def test_who_comes_nearer_does_not_stand_although_the_feet_hardly_move_in_the_picture() -> None:
    assert heat_of([10 - 0.1 * step for step in range(50)]) == 0
    assert heat_of([5 + 0.1 * step for step in range(50)]) == 0
    assert heat_of([8.0] * 50) == pytest.approx(4.5, abs=0.2)


def test_looking_is_the_part_of_standing_in_which_somebody_looks() -> None:
    (visit,) = play(Places(), [[(0.0, STANDS), (8.0, STANDS)]], pose=HERE).visits
    assert visit.heat[CELL] == pytest.approx((7.5, 7.5), abs=0.2)
    way = [(0.0, (0.2, 0.8)), (8.0, (0.2 + 8 * METRE, 0.8))]
    (visit,) = play(Places(), [way], pose=HERE).visits
    assert visit.heat == {}


def test_nobody_draws_the_map_alone() -> None:
    (visit,) = play(Places(), [[(0.0, STANDS), (100.0, STANDS)]], pose=HERE, fps=5).visits
    assert visit.heat == {CELL: (HEAT_MOST_S, HEAT_MOST_S)}


def test_with_a_plan_the_grid_lies_over_the_metres() -> None:
    plan = PlanPoints(((0.2, 0.4), (0.8, 0.4), (1.0, 0.9), (0.0, 0.9)), ((0, 8), (6, 8), (5, 3), (1, 3)))
    spot = (1.0 * ASPECT - 0.001, 0.899)  # near the third point, at 5, 3
    (visit,) = play(Places(plan=plan), [[(0.0, spot), (5.0, spot)]]).visits
    assert visit.heat.keys() == {Grid((0, 3), (6, 8)).cell((4.99, 3.01))}
    out = (0.5, 0.95)  # on the floor, but outside the plan
    (visit,) = play(Places(plan=plan), [[(0.0, out), (5.0, out)]]).visits
    assert visit.heat == {}


@given(
    st.lists(st.tuples(st.floats(0.05, 4), st.floats(0, ASPECT), st.floats(0.3, 1)), min_size=1, max_size=12),
    st.sampled_from([4.0, 15.0]),
)
@settings(deadline=None, max_examples=60)
def test_no_cell_is_warmer_than_the_visit_was_long(
    legs: list[tuple[float, float, float]], fps: float
) -> None:
    at_s, way = 0.0, [(0.0, STANDS)]
    for seconds, x, y in legs:
        at_s += seconds
        way.append((at_s, (x, y)))
    (visit,) = play(Places(), [way], fps=fps, pose=HERE).visits
    assert sum(standing_s for standing_s, _ in visit.heat.values()) <= at_s + 1e-6
    assert all(looking_s <= standing_s for standing_s, looking_s in visit.heat.values())


@pytest.mark.parametrize("fps", [3.0, 10.0, 25.0])
def test_standing_does_not_depend_on_the_frame_rate(fps: float) -> None:
    way = [(0.0, (0.3, 0.75)), (3.0, STANDS), (23.0, STANDS), (26.0, (1.4, 0.75))]
    (visit,) = play(Places(), [way], fps=fps, pose=AWAY).visits
    assert sum(standing_s for standing_s, _ in visit.heat.values()) == pytest.approx(19.5, abs=1.0)
    assert STANDING_M_S < 0.8


ZONES = [
    Zone("shelf", ((0.1, 0.6), (0.3, 0.6), (0.3, 1), (0.1, 1))),
    Zone("desk", ((0.6, 0.6), (0.8, 0.6), (0.8, 1), (0.6, 1))),
]
STREET = Door("street", ((0.3, 0.55), (0.7, 0.55)), (0.5, 0.9))
OUT, SHELF, DESK = (0.5 * ASPECT, 0.45), (0.2 * ASPECT, 0.8), (0.7 * ASPECT, 0.8)
HALL = (0.45 * ASPECT, 0.8)


def ways(*points: Point) -> set[tuple[str, str]]:
    way = [(2.0 * number, point) for number, point in enumerate(points)]
    (visit,) = play(Places(doors=[STREET], zones=ZONES), [way]).visits
    return set(visit.ways)


def test_ways_lead_from_the_entry_through_zones_to_the_exit() -> None:
    """The entry is known only after the person has reached the shelf; it still comes first."""
    assert ways(OUT, HALL, SHELF, SHELF, DESK, HALL, OUT, OUT, OUT) == {
        ("entry", "shelf"),
        ("shelf", "desk"),
        ("desk", "exit"),
    }


def test_each_way_counts_once_and_back_is_another() -> None:
    assert ways(SHELF, SHELF, DESK, DESK, SHELF, SHELF, DESK, DESK, SHELF) == {
        ("shelf", "desk"),
        ("desk", "shelf"),
    }
    assert ways(SHELF, HALL, SHELF) == set()
    assert ways(OUT, HALL, HALL, OUT) == {("entry", "exit")}


def test_a_way_that_lasts_all_day_needs_no_memory_for_it() -> None:
    way = Way()
    for step in range(5000):
        way.add(step * 5.0, ("shelf", "desk")[step % 2])
    assert len(way._recent) < 10
    assert way.pairs() == {("shelf", "desk"), ("desk", "shelf")}
