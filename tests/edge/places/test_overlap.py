"""Which zones share a part of the floor, and which cells lie in a zone."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.places.overlap import cells_inside, overlapping
from edge.places.places import Places
from edge.places.plan import PlanPoints
from edge.places.zones import Zone
from tests.edge.places.people import VIEW, Point, play

ASPECT = VIEW[0] / VIEW[1]


def box(name: str, left: float, top: float, right: float, bottom: float, *, on_shelf: bool = False) -> Zone:
    return Zone(name, ((left, top), (right, top), (right, bottom), (left, bottom)), on_shelf)


A, B = box("a", 0.0, 0.5, 0.4, 1.0), box("b", 0.4, 0.5, 0.8, 1.0)


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (box("x", 0.4, 0.0, 0.8, 1.0), False),  # beside it, with a common edge
        (box("x", 0.39, 0.0, 0.8, 1.0), True),
        (box("x", 0.1, 0.6, 0.2, 0.7), True),  # inside it
        (box("x", 0.0, 0.0, 1.0, 1.0), True),  # around it
        (box("x", 0.0, 0.5, 0.4, 1.0), True),  # the same
        (box("x", 0.0, 0.5, 0.4, 0.9), True),  # a part of it
        (box("x", 0.1, 0.2, 0.2, 1.0), True),  # across it
        (box("x", 0.6, 0.1, 0.9, 0.4), False),
        (box("x", 0.6, 0.1, 0.9, 0.4, on_shelf=True), True),  # a head there, the feet here
    ],
)
def test_zones_overlap_if_one_person_can_be_in_both(other: Zone, overlaps: bool) -> None:
    for zones in ((A, other), (other, A)):
        found = overlapping(zones)
        assert found == ({"a": {"x"}, "x": {"a"}} if overlaps else {"a": set(), "x": set()})


def test_cells_lie_in_a_zone_as_a_whole() -> None:
    half = box("half", 0.0, 0.0, 0.5, 1.0)
    little_more = box("more", 0.0, 0.0, 0.55, 1.0)
    shelf = box("shelf", 0.0, 0.0, 1.0, 1.0, on_shelf=True)
    slant = Zone("slant", ((0, 0), (1, 0), (0, 1)))
    inside = cells_inside([half, little_more, shelf, slant], None, ASPECT)
    assert inside["half"] == {row * 16 + column for row in range(9) for column in range(8)}
    assert inside["more"] == inside["half"]
    assert inside["shelf"] == set()
    assert 0 in inside["slant"]
    assert len(inside["slant"]) < 16 * 9 / 2


def test_on_a_plan_cells_are_compared_in_metres() -> None:
    plan = PlanPoints(((0.4, 0.4), (0.6, 0.4), (0.9, 0.9), (0.1, 0.9)), ((0, 5), (4, 5), (4, 0), (0, 0)))
    whole = Zone("whole", ((0.1, 0.35), (0.9, 0.35), (1.0, 0.6), (1.0, 1.0), (0.0, 1.0), (0.0, 0.6)))
    far = Zone("far", ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)))
    inside = cells_inside([whole, far], plan, ASPECT)
    assert len(inside["whole"]) == 16 * 9
    assert inside["far"] == set(), "it reaches beyond the horizon"


points = st.tuples(st.floats(0, ASPECT), st.floats(0.5, 1))


@given(st.lists(st.tuples(st.floats(0.05, 2), points), min_size=2, max_size=15))
@example([(1.0, (0.75, 1.0)), (1.0, (0.625, 1.0))])
@settings(deadline=None, max_examples=60)
def test_stays_in_zones_that_do_not_overlap_fit_into_the_visit(legs: list[tuple[float, Point]]) -> None:
    at_s, way = 0.0, [(0.0, (0.7, 0.8))]
    for seconds, point in legs:
        at_s += seconds
        way.append((at_s, point))
    (visit,) = play(Places(zones=[A, B]), [way]).visits
    assert sum(visit.stays.values()) <= at_s + 1e-6
