"""What counts at a door: who crosses it and stays, who turns back, who passes by, and who belongs together."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.place_types import DoorCounts
from edge.places.doors import AWAY_MORE_S, GROUP_M, MARGIN, REACH_M, SETTLE_S, Door
from edge.places.places import Places
from edge.types import TrackState
from tests.edge.places.people import METRE, SIZE, VIEW, Point, between, play, track
from tests.edge.places.street import ASPECT, COMES, GOES, IN, LINE_Y, MIDDLE, OUT, STREET, counted, moved


def test_inwards_is_an_entry_and_outwards_an_exit() -> None:
    assert counted(COMES) == DoorCounts(entries=1, groups=1)
    assert counted(GOES) == DoorCounts(exits=1)


def test_a_door_drawn_the_other_way_round_counts_the_same() -> None:
    turned = Door("street", STREET.line[::-1], STREET.inside)
    assert play(Places(doors=[turned]), [COMES]).doors == {"street": DoorCounts(entries=1, groups=1)}
    outside_in = Door("street", STREET.line, (0.5, 0.2))
    assert play(Places(doors=[outside_in]), [COMES]).doors == {"street": DoorCounts(exits=1)}


def test_a_track_that_ends_beyond_the_line_has_crossed_it() -> None:
    assert counted([(0.0, IN), (3.0, OUT)]).exits == 1
    barely = (MIDDLE, LINE_Y - 0.3 * SIZE)
    assert counted([(0.0, IN), (3.0, barely)]).exits == 0


WRONG = (0.1, 0.2)
"""For this long a floor point may be wrong: the feet of somebody else, or a guess."""


def with_wrong(way: list[tuple[float, Point]], since_s: float, until_s: float, at: Point) -> DoorCounts:
    """Count somebody whose floor point is ``at`` in between."""
    places, at_s, person = Places(doors=[STREET]), 0.0, None
    while at_s <= way[-1][0]:
        feet = at if since_s <= at_s < until_s else between(way, at_s)
        person = track(1, feet, at_s)
        places.seen(person, None, None, VIEW, at_s)
        at_s = round(at_s + 0.1, 3)
    assert person is not None
    places.finish(person)
    places.settle(math.inf)
    return places.events().get("street", DoorCounts())


@pytest.mark.parametrize("wrong_s", WRONG)
def test_a_wrong_floor_point_decides_nothing(wrong_s: float) -> None:
    """At the beginning, in the middle and at the end."""
    past: list[tuple[float, Point]] = [(0.0, (0.3, LINE_Y - 0.1)), (8.0, (1.4, LINE_Y - 0.1))]
    for way, right in (
        (COMES, DoorCounts(1, 0, 0, 1)),
        (GOES, DoorCounts(exits=1)),
        (past, DoorCounts(passers=1)),
    ):
        for since_s, beyond in (
            (0.0, way is not GOES),
            (way[-1][0] - wrong_s, way is GOES),
            (0.5, way is not GOES),
        ):
            assert with_wrong(way, since_s, since_s + wrong_s, IN if beyond else OUT) == right, since_s


def test_who_goes_out_of_sight_beyond_the_line_counts_after_the_time_to_settle() -> None:
    """Not only when the tracker gives up: staff are told how many are inside within five seconds."""
    places, at_s = Places(doors=[STREET]), 0.0
    while at_s < 3.0:
        places.seen(track(1, between(COMES, at_s), at_s), None, None, VIEW, at_s)
        at_s = round(at_s + 0.1, 3)
    settles_s = 1.0 + SETTLE_S + AWAY_MORE_S
    places.settle(settles_s - 0.1)
    assert places.events() == {}
    places.settle(settles_s + 0.1)
    assert places.events() == {"street": DoorCounts(entries=1, groups=1)}
    places.finish(track(1, IN, at_s))
    assert places.events() == {}


def test_a_wrong_floor_point_before_somebody_is_hidden_decides_nothing() -> None:
    """The last sight before the gap is that of somebody else, beyond the line."""
    past: list[tuple[float, Point]] = [(0.0, (0.3, LINE_Y - 0.1)), (8.0, (1.4, LINE_Y - 0.1))]
    places, person = Places(doors=[STREET]), track(1, past[0][1], 0.0)
    for step in [*range(31), *range(38, 81)]:
        feet = IN if step == 30 else between(past, step / 10)
        person = track(1, feet, step / 10)
        places.seen(person, None, None, VIEW, step / 10)
    places.finish(person)
    places.settle(math.inf)
    assert places.events() == {"street": DoorCounts(passers=1)}


def test_who_turns_back_while_out_of_sight_has_not_crossed() -> None:
    """In sight again just outside, a moment after the time to settle."""
    inside = (MIDDLE, LINE_Y + 0.05)
    peeks = [(0.0, OUT), (2.0, inside), (6.0, (MIDDLE, LINE_Y - 0.03)), (9.0, OUT)]
    crosses_s, back_s = 2.0 * 2 / 3, 5.6
    assert SETTLE_S < back_s - crosses_s < SETTLE_S + AWAY_MORE_S
    assert counted(peeks, hidden=[(2.5, back_s)]) == DoorCounts()


def test_the_people_inside_change_in_the_order_of_the_crossings() -> None:
    """The one who comes in leaves the picture at once, the one who went out before is still in view."""
    places = Places(doors=[STREET])
    goes, comes = moved(GOES, 0.1, 0.0), moved(COMES[:2], 0.0, 1.5)
    before = [moved(COMES, 0.3 * number, -12.0) for number in range(2)]
    inside = []
    for step in range(-120, 120):
        at_s = step / 10
        for number, way in enumerate([*before, goes, comes]):
            person = track(number, between(way, at_s), at_s)
            if way[0][0] <= at_s <= way[-1][0]:
                places.seen(person, None, None, VIEW, at_s)
            elif way[-1][0] < at_s <= way[-1][0] + 0.1:
                places.finish(person)
        places.settle(at_s)
        places.events()
        inside.append(places.live(at_s).inside)
    assert [now for last, now in pairwise(inside) if now != last] == [2, 1, 2]


def test_jitter_back_over_the_line_does_not_put_a_crossing_off() -> None:
    """Estimated feet jump back over the line for a moment: staff would be told that much later."""
    places, at_s, crosses_s = Places(doors=[STREET]), 0.0, 1.0
    while at_s <= crosses_s + SETTLE_S:
        feet = between(COMES, at_s) if not 1.25 < at_s < 1.45 else (MIDDLE, LINE_Y - 0.1 * SIZE)
        places.seen(track(1, feet, at_s), None, None, VIEW, at_s)
        at_s = round(at_s + 0.1, 3)
    places.settle(at_s)
    assert places.events() == {"street": DoorCounts(entries=1, groups=1)}


def test_who_turns_back_soon_has_not_crossed() -> None:
    inside = (MIDDLE, LINE_Y + 0.05)
    peeks = [(0.0, OUT), (2.0, inside), (3.0, inside), (5.0, OUT), (9.0, OUT)]  # beyond the line for 2.7 s
    assert counted(peeks) == DoorCounts()  # no passer either: the person has crossed the line
    steps_out = [(0.0, IN), (2.0, OUT), (3.0, OUT), (5.0, IN), (9.0, IN)]
    assert counted(steps_out) == DoorCounts()


def test_who_stays_and_leaves_later_counts_twice() -> None:
    way = [*COMES, (20.0, IN), (23.0, OUT), (28.0, OUT)]
    assert counted(way) == DoorCounts(entries=1, exits=1, groups=1)


def test_who_walks_past_is_a_passer_once_and_who_is_far_is_none() -> None:
    past = [(0.0, (0.3, LINE_Y - 0.1)), (8.0, (1.4, LINE_Y - 0.1))]
    assert counted(past) == DoorCounts(passers=1)
    far = LINE_Y - (REACH_M + 0.2) * METRE
    assert counted([(0.0, (0.3, far)), (8.0, (1.4, far))]) == DoorCounts()


def test_who_is_always_inside_is_no_passer() -> None:
    assert counted([(0.0, IN), (5.0, (MIDDLE + 0.1, 0.9))]) == DoorCounts()


def test_who_walks_round_the_end_of_the_line_has_not_crossed() -> None:
    beside = 0.1 * ASPECT
    way = [(0.0, IN), (2.0, (beside, LINE_Y + 0.1)), (4.0, (beside, LINE_Y - 0.1)), (9.0, OUT)]
    assert counted(way) == DoorCounts()
    assert counted([*way, (12.0, IN), (18.0, IN)]).entries == 1


def test_of_two_doors_only_the_nearest_was_passed() -> None:
    left = Door("left", ((0.1, LINE_Y), (0.3, LINE_Y)), (0.2, 0.9))
    right = Door("right", ((0.7, LINE_Y), (0.9, LINE_Y)), (0.8, 0.9))
    way = [(0.0, (0.0, 0.4)), (8.0, (0.72 * ASPECT, LINE_Y - 0.05))]
    assert play(Places(doors=[left, right]), [way]).doors == {"right": DoorCounts(passers=1)}


def test_a_crossing_counts_once_the_track_is_confirmed() -> None:
    places = Places(doors=[STREET])
    for step in range(60):
        at_s = step / 10
        y = min(LINE_Y - 0.1 + 0.1 * at_s, LINE_Y + 0.2)
        state = TrackState.TENTATIVE if at_s < 5.5 else TrackState.CONFIRMED
        places.seen(track(1, (MIDDLE, y), at_s, state=state), None, None, VIEW, at_s)
        places.settle(at_s)
        events = places.events()
        assert bool(events) is (abs(at_s - 5.5) < 1e-6)


def test_a_crossing_of_somebody_never_confirmed_does_not_count() -> None:
    places = Places(doors=[STREET])
    for step in range(80):
        at_s = step / 10
        y = min(LINE_Y - 0.1 + 0.1 * at_s, LINE_Y + 0.2)
        places.seen(track(1, (MIDDLE, y), at_s, state=TrackState.TENTATIVE), None, None, VIEW, at_s)
    places.drop(set())
    places.settle(math.inf)
    assert places.events() == {}
    assert places.live(8.0).inside == 0


def test_a_person_hidden_while_crossing_counts() -> None:
    assert counted(COMES, hidden=[(0.5, 2.5)]).entries == 1


@pytest.mark.parametrize("fps", [3.0, 10.0, 30.0])
def test_counts_do_not_depend_on_the_frame_rate(fps: float) -> None:
    people = [moved(COMES, 0.01 * number, 3.0 * number) for number in range(4)]
    people += [moved(GOES, -0.02 * number, 4.0 * number) for number in range(3)]
    assert counted(*people, fps=fps) == DoorCounts(4, 3, 0, 4)


@given(st.lists(st.floats(-0.98, 0.98), min_size=20, max_size=100), st.sampled_from([-0.15, 0.0, 0.15]))
@settings(deadline=None)
def test_jitter_below_the_margin_counts_nothing(jitter: list[float], x: float) -> None:
    """Somebody comes, stands on the line, and leaves to the same side."""
    on_line = [(2 + i / 10, (MIDDLE + x, LINE_Y + share * MARGIN * SIZE)) for i, share in enumerate(jitter)]
    until_s = on_line[-1][0] + 1
    inside = counted([(0.0, IN), *on_line, (until_s, IN), (until_s + 5, IN)])
    assert (inside.entries, inside.exits, inside.passers) == (0, 0, 0)
    outside = counted([(0.0, OUT), *on_line, (until_s, OUT), (until_s + 5, OUT)])
    assert outside == DoorCounts(passers=1)


sides = st.lists(st.tuples(st.booleans(), st.floats(SETTLE_S + 0.5, 9)), min_size=1, max_size=8)


@given(sides, st.sampled_from([5.0, 12.0]))
@settings(deadline=None, max_examples=60)
def test_entries_minus_exits_is_the_change_of_side(stays: list[tuple[bool, float]], fps: float) -> None:
    at_s, way = 0.0, [(0.0, IN if stays[0][0] else OUT)]
    for inside, seconds in stays:
        way += [(at_s + 1.0, IN if inside else OUT), (at_s + 1.0 + seconds, IN if inside else OUT)]
        at_s += 1.0 + seconds
    counts = counted(way, fps=fps)
    assert counts.entries - counts.exits == int(stays[-1][0]) - int(stays[0][0])
    changes = sum(one[0] != other[0] for one, other in pairwise(stays))
    assert counts.entries + counts.exits == changes
    assert counts.groups <= counts.entries


@given(st.lists(st.floats(0.2, SETTLE_S - 1.2), min_size=1, max_size=6), st.booleans())
@settings(deadline=None, max_examples=40)
def test_u_turns_count_nothing(peeks: list[float], begins_inside: bool) -> None:
    home, away = (IN, OUT) if begins_inside else (OUT, IN)
    at_s, way = 0.0, [(0.0, home)]
    for seconds in peeks:
        way += [
            (at_s + 2, home),
            (at_s + 2.5, away),
            (at_s + 2.5 + seconds, away),
            (at_s + 3 + seconds, home),
        ]
        at_s += 3 + seconds
    way.append((at_s + 6, home))
    counts = counted(way)
    assert (counts.entries, counts.exits) == (0, 0)
    assert counts.passers == 0


def test_a_group_enters_close_together() -> None:
    step = 0.5 * METRE
    assert counted(COMES, moved(COMES, step, 0.3), moved(COMES, 2 * step, 0.6)) == DoorCounts(3, 0, 0, 1)
    assert counted(COMES, moved(COMES, step, 2.5)).groups == 2
    assert counted(COMES, moved(COMES, (GROUP_M + 0.1) * METRE, 0.2)).groups == 2


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_the_order_of_people_does_not_matter(chance: random.Random) -> None:
    people = [moved(COMES, 0.03 * number, 1.3 * number) for number in range(6)]
    people += [moved(GOES, -0.05 * number, 1.7 * number) for number in range(4)]
    before = counted(*people)
    assert (before.entries, before.exits) == (6, 4)
    chance.shuffle(people)
    assert counted(*people) == before


def test_nobody_is_inside_after_closing_time_and_never_less_than_nobody() -> None:
    places = Places(doors=[STREET])
    play(places, [COMES, moved(COMES, 0.2, 1.0)])
    assert places.live(10).inside == 2
    places.close()
    assert places.live(10).inside == 0
    play(places, [moved(GOES, 0.0, 60.0)])
    assert places.live(100).inside == 0
    play(places, [moved(COMES, 0.0, 120.0)])
    assert places.live(160).inside == 1


def test_who_came_in_just_before_closing_time_is_not_inside_the_next_day() -> None:
    places, person = Places(doors=[STREET]), track(1, OUT, 0.0)
    for step in range(80):
        person = track(1, between(COMES, step / 10), step / 10)
        places.seen(person, None, None, VIEW, step / 10)
        if step == 30:
            places.close()
        places.settle(step / 10)
    assert places.events() == {"street": DoorCounts(entries=1, groups=1)}
    assert places.live(8.0).inside == 0
