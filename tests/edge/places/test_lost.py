"""Who is lost at a door, and who goes on there: one person in several tracks counts once."""

from __future__ import annotations

import math

import pytest

from edge.place_types import DoorCounts
from edge.places.places import Places
from tests.edge.places.people import METRE, VIEW, Point, between, track
from tests.edge.places.street import IN, LINE_Y, MIDDLE, OUT, STREET, counted

LOST = (MIDDLE, LINE_Y - 0.02)


@pytest.mark.parametrize("since_s", [0.6, 1.0, 1.6])
def test_who_is_lost_at_the_line_and_found_beyond_it_has_crossed(since_s: float) -> None:
    """The new track begins before the old one is lost, at once, or a moment later."""
    begins: list[tuple[float, Point]] = [(0.0, OUT), (1.0, LOST)]
    goes_on = [(since_s, (MIDDLE, LINE_Y + 0.01)), (since_s + 2.0, IN), (since_s + 9.0, IN)]
    assert counted(begins, goes_on, lost_s=2.0) == DoorCounts(entries=1, groups=1)
    back = [(since_s, (MIDDLE, LINE_Y + 0.01)), (since_s + 1, (MIDDLE, LINE_Y + 0.04)), (since_s + 3, OUT)]
    assert counted(begins, [*back, (since_s + 9, OUT)], lost_s=2.0) == DoorCounts()


def test_who_passes_in_two_pieces_is_one_passer() -> None:
    y, metre = LINE_Y - 0.1, METRE
    first = [(0.0, (0.4, y)), (3.0, (0.4 + 3 * metre, y))]
    for hidden_s in (0.5, 2.3):
        begins_s = 3.0 + hidden_s
        second = [(begins_s, (0.4 + begins_s * metre, y)), (7.0, (0.4 + 7 * metre, y))]
        assert counted(first, second, lost_s=2.0) == DoorCounts(passers=1)


def test_a_piece_of_a_way_alone_is_no_passer() -> None:
    for is_piece in (False, True):
        places, person = Places(doors=[STREET]), track(1, OUT, 0.0)
        for step in range(10):
            person = track(1, (OUT[0] + 0.01 * step, OUT[1]), step / 10)
            places.seen(person, None, None, VIEW, step / 10)
        places.finish(person, is_piece=is_piece)
        places.settle(math.inf)
        assert places.events().get("street", DoorCounts()).passers == int(not is_piece)


def test_who_walks_back_after_a_while_out_of_sight_is_somebody_else() -> None:
    """One leaves behind the edge of a wall, another comes from there: the tracker takes both for one."""
    y, metre = LINE_Y - 0.1, METRE
    leaves = [(0.0, (0.4 + 3 * metre, y)), (3.0, (0.4, y))]
    passes = [(4.5, (0.4, y)), (7.5, (0.4 + 3 * metre, y))]
    assert counted([*leaves, *passes], hidden=[(3.0, 4.5)]) == DoorCounts(passers=2)
    enters = [(4.5, (0.4, y)), (6.5, OUT), (8.5, IN), (15.0, IN)]
    assert counted([*leaves, *enters], hidden=[(3.0, 4.5)]) == DoorCounts(1, 0, 1, 1)


def test_who_turns_round_slowly_or_in_sight_is_the_same_person() -> None:
    y, metre = LINE_Y - 0.1, METRE
    turns = [(0.0, (0.4 + 3 * metre, y)), (3.0, (0.4, y)), (6.0, (0.4 + 3 * metre, y))]
    assert counted(turns) == DoorCounts(passers=1)
    stands = [*turns[:2], (5.0, (0.4, y)), (8.0, (0.4 + 3 * metre, y))]
    assert counted(stands, hidden=[(3.9, 4.5)]) == DoorCounts(passers=1)


def test_a_second_track_beside_a_person_is_no_passer() -> None:
    """It begins a moment before the right one and ends a moment after: both are at the same place, though the right one
    begins far from where it ends."""
    comes = [(0.0, (0.4, OUT[1])), (4.0, OUT), (6.0, IN), (12.0, IN)]
    right = [(0.6, between(comes, 0.6)), *comes[1:]]
    double = [(at_s, (x + 0.01, y)) for at_s, (x, y) in ((0.0, comes[0][1]), (1.5, between(comes, 1.5)))]
    assert counted(double, right, lost_s=2.0) == DoorCounts(entries=1, groups=1)


def test_two_who_meet_and_are_taken_for_each_other_have_both_crossed() -> None:
    """The track of the one who goes out changes over to the one who comes in. That one's track ends, and the one who
    goes out is found again in another."""
    metre = METRE
    meets = (MIDDLE, LINE_Y)
    comes = [(0.0, (MIDDLE - 4 * metre, LINE_Y - 0.03)), (4.0, (MIDDLE - 0.2 * metre, LINE_Y - 0.03))]
    goes = [(0.0, (MIDDLE + 4 * metre, LINE_Y + 0.05)), (4.0, meets)]
    comes_on = [(4.2, (MIDDLE + 0.1 * metre, LINE_Y - 0.02)), (8.0, (MIDDLE + 4 * metre, LINE_Y + 0.1))]
    goes_on = [(4.5, (MIDDLE - 0.5 * metre, LINE_Y + 0.02)), (8.0, (MIDDLE - 4 * metre, LINE_Y - 0.08))]
    still = [(at_s + 6.0, way[-1][1]) for way in (comes_on, goes_on) for at_s in (way[-1][0],)]
    counts = counted(comes, [*goes, *comes_on, still[0]], [*goes_on, still[1]], lost_s=2.0)
    assert counts == DoorCounts(entries=1, exits=1, groups=1)


def test_who_comes_where_another_leaves_is_somebody_else() -> None:
    """Behind the edge of the wall, one goes and one comes; or the second begins farther away, or later."""
    y, metre = LINE_Y - 0.1, METRE
    leaves: list[tuple[float, Point]] = [(0.0, (0.4 + 4 * metre, y)), (4.0, (0.4, y))]
    for begins_s, x in ((4.5, 0.4), (4.5, 0.4 + 3 * metre), (5.5, 0.4)):
        comes = [(begins_s, (x, y)), (begins_s + 4, (x + 4 * metre, y))]
        assert counted(leaves, comes, lost_s=2.0) == DoorCounts(passers=2)
    follows = [(4.5, (0.4 - 3 * metre, y)), (6.0, (0.4 - 4 * metre, y))]
    assert counted(leaves, follows, lost_s=2.0) == DoorCounts(passers=2)
