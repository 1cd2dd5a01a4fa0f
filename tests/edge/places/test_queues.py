"""How long people wait, and who is served."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.place_types import Wait
from edge.places.places import Places
from edge.places.zones import Zone
from tests.edge.places.people import VIEW, Point, between, play, track

ASPECT = VIEW[0] / VIEW[1]
ZONES = [
    Zone("line", ((0.2, 0.5), (0.6, 0.5), (0.6, 1), (0.2, 1)), front="desk"),
    Zone("desk", ((0.6, 0.5), (0.8, 0.5), (0.8, 1), (0.6, 1))),
]
AWAY, LINE, DESK = (0.05 * ASPECT, 0.8), (0.4 * ASPECT, 0.8), (0.7 * ASPECT, 0.8)


def waited(*legs: tuple[float, Point], zones: list[Zone] = ZONES, fps: float = 10.0) -> Wait | None:
    """The wait of a person who walks to each point within half a second and stays there for the seconds given."""
    at_s, way = 0.0, [(0.0, legs[0][1])]
    for seconds, point in legs:
        way += [(at_s + 0.5, point), (at_s + 0.5 + seconds, point)]
        at_s += 0.5 + seconds
    (visit,) = play(Places(zones=zones), [way], fps=fps).visits
    return visit.waits.get("line")


@pytest.mark.parametrize("fps", [4.0, 10.0, 25.0])
def test_who_reaches_the_desk_was_served(fps: float) -> None:
    wait = waited((1, AWAY), (20, LINE), (30, DESK), (1, AWAY), fps=fps)
    assert wait is not None
    assert wait.served
    assert wait.seconds == pytest.approx(20.5, abs=0.6)


def test_who_leaves_before_gave_up() -> None:
    wait = waited((1, AWAY), (12, LINE), (3, AWAY))
    assert wait is not None
    assert not wait.served
    assert wait.seconds == pytest.approx(12.3, abs=0.5)


def test_who_walks_through_is_in_no_queue() -> None:
    assert waited((1, AWAY), (2, LINE), (3, AWAY)) is None
    assert waited((5, AWAY)) is None


def test_an_empty_queue_still_serves() -> None:
    wait = waited((1, AWAY), (0.5, LINE), (20, DESK))
    assert wait is not None
    assert wait.served
    assert wait.seconds < 2


def test_who_leaves_the_desk_through_the_queue_does_not_wait_again() -> None:
    assert waited((5, DESK), (2, LINE), (1, AWAY)) is None
    wait = waited((1, AWAY), (8, LINE), (5, DESK), (9, LINE), (1, AWAY))
    assert wait is not None
    assert wait.served
    assert wait.seconds == pytest.approx(8.5, abs=0.6)


def test_a_desk_inside_the_queue_ends_the_wait() -> None:
    inside = [Zone("line", ((0.2, 0.5), (0.8, 0.5), (0.8, 1), (0.2, 1)), front="desk"), ZONES[1]]
    wait = waited((1, AWAY), (8, LINE), (20, DESK), zones=inside)
    assert wait is not None
    assert wait.served
    assert wait.seconds == pytest.approx(8.5, abs=0.6)


def test_live_answers_whether_somebody_waits_too_long_and_no_more() -> None:
    places = Places(zones=ZONES, waits=[("line", 5.0), ("line", 60.0)])
    play(places, [[(0.0, LINE), (9.0, LINE)], [(6.0, LINE), (9.0, LINE)]])
    assert places.live(9.0).waiting == {("line", 5.0): 0, ("line", 60.0): 0}
    people = [[(0.0, LINE), (20.0, LINE)], [(6.0, LINE), (20.0, LINE)]]
    for step in range(91):
        at_s = step / 10
        tracks = [track(n, between(way, at_s), at_s) for n, way in enumerate(people) if at_s >= way[0][0]]
        for one in tracks:
            places.seen(one, None, None, VIEW, at_s)
        places.frame(tracks)
    live = places.live(9.0)
    assert live.zones == {"line": 2, "desk": 0}
    assert live.waiting == {("line", 5.0): 1, ("line", 60.0): 0}


spots = st.lists(st.tuples(st.floats(0.2, 15), st.sampled_from([AWAY, LINE, DESK])), min_size=1, max_size=8)


@given(spots)
@settings(deadline=None, max_examples=60)
def test_a_wait_is_never_longer_than_the_visit_and_only_after_joining(
    legs: list[tuple[float, Point]],
) -> None:
    wait = waited(*legs)
    if wait is None:
        return
    in_line = sum(seconds + 1.0 for seconds, point in legs if point == LINE)
    through = 1.0 * len(legs)  # from AWAY to DESK leads through the queue
    assert 0 <= wait.seconds <= in_line + through
    if wait.served:
        assert any(point == DESK for _, point in legs)
