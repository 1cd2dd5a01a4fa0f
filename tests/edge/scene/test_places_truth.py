"""The truth of places, computed from walks that are simple enough to know it by heart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edge.scene.floor_plan import Door, FloorPlan, Target, Zone, drop_on_floor, heading_to, in_picture
from edge.scene.places import PlacesTruth
from edge.scene.places_truth import places_truth
from edge.scene.portraits import load_portraits
from edge.scene.queue_plan import Customer, plan_queue
from edge.scene.route import Spot, route
from edge.scene.walk import LINES, Walk

WIDE = LINES * 16 / 9
DOOR = Door("door", ((-2.0, 8.0), (2.0, 8.0)), (0.0, 6.0))
QUEUE = Zone("queue", ((-0.5, 4.5), (0.5, 4.5), (0.5, 5.5), (-0.5, 5.5)), desk="desk")
DESK = Zone("desk", ((0.5, 4.5), (1.5, 4.5), (1.5, 5.5), (0.5, 5.5)))
SIGN = Target("sign", (2.0, 1.0), "queue", yaw=30.0, half_angle=15.0)
PLAN = FloorPlan((DOOR,), (QUEUE, DESK), (SIGN,))
PACE = 1.0


def walk(*spots: Spot, starts_s: float = 1.0) -> Walk:
    portrait = load_portraits()[0]
    return route(portrait, 1, drop_on_floor(portrait), starts_s, spots, width=WIDE, pace=PACE)


def of(*walks: Walk, seconds: float = 40.0) -> PlacesTruth:
    return places_truth(walks, PLAN, WIDE, seconds)


def enters(x: float, starts_s: float) -> Walk:
    """Cross the door line two seconds after the start."""
    return walk(Spot(x, 10.0), Spot(x, 6.0), starts_s=starts_s)


# Doors


def test_in_and_out_are_an_entry_and_an_exit() -> None:
    (door,) = of(walk(Spot(0, 10), Spot(0, 6, 8.0), Spot(0, 10))).doors
    assert [one.inwards for one in door.crossings] == [True, False]
    assert [one.at_s for one in door.crossings] == pytest.approx([3.0, 15.0], abs=0.2)
    assert (door.entries, door.exits, door.turned, door.passed) == (1, 1, (), ())


def test_who_is_back_at_once_has_turned_round() -> None:
    (door,) = of(walk(Spot(0, 10), Spot(0, 7, 1.0), Spot(0, 10))).doors
    assert (door.entries, door.exits, door.turned, door.passed) == (0, 0, (0,), ())


def test_who_stays_outside_is_a_passer() -> None:
    (door,) = of(walk(Spot(-4, 10), Spot(0, 8.3, 1.0), Spot(4, 10)), walk(Spot(-4, 6), Spot(4, 6))).doors
    assert (door.entries, door.turned, door.passed) == (0, (), (0,))


@pytest.mark.parametrize(
    ("places", "groups"),
    [
        ([(0.0, 1.0), (0.8, 2.0)], (2,)),
        ([(0.0, 1.0), (0.8, 3.5)], (1, 1)),
        ([(-1.5, 1.0), (1.5, 1.0)], (1, 1)),
        (
            [(-1.2, 1.0), (0.0, 1.2), (1.2, 1.4)],
            (3,),
        ),  # the first and the last belong to the one between them
        ([(-1.2, 1.0), (1.2, 1.2), (0.0, 1.4), (0.0, 9.0)], (3, 1)),
    ],
)
def test_who_enters_near_another_is_of_one_group(
    places: Sequence[tuple[float, float]], groups: tuple[int, ...]
) -> None:
    assert of(*(enters(x, starts_s) for x, starts_s in places)).doors[0].groups == groups


# Zones, queues and targets


def test_a_wait_ends_at_the_desk_or_in_giving_up() -> None:
    served = walk(Spot(-3, 5), Spot(0, 5, 6.0), Spot(1, 5, 4.0), Spot(3, 6))
    leaves = walk(Spot(-3, 5), Spot(0, 5, 3.0), Spot(0, 7), starts_s=12.0)
    truth = of(served, leaves)
    queue, desk = truth.zones
    assert [stay.seconds for stay in queue.stays] == pytest.approx([7.0, 4.0], abs=0.3)
    assert [stay.person for stay in desk.stays] == [0]
    assert (queue.visits, queue.stops, desk.visits) == (2, 1, 1)
    assert [(wait.person, wait.served) for wait in truth.queues[0].waits] == [(0, True), (1, False)]
    assert truth.queues[0].length_mean == pytest.approx(11.0 / 40, abs=0.02)
    assert truth.queues[0].length_max == 1
    assert truth.ways == {("queue", "desk"): 1}


def test_two_in_a_zone_are_two_at_a_time() -> None:
    waits = [walk(Spot(-3, z), Spot(0, z, 10.0), Spot(-3, z)) for z in (4.7, 5.3)]
    queue = of(*waits).zones[0]
    assert queue.people_max == 2
    assert queue.people_mean == pytest.approx(queue.dwell_s / 40)


def test_a_look_is_a_turned_head_in_the_zone_of_the_target() -> None:
    truth = of(
        walk(Spot(-3, 5), Spot(0, 5, 8.0, 30.0), Spot(0, 5, 5.0, -30.0), Spot(-3, 5)),
        walk(Spot(-3, 6.5), Spot(0, 6.5, 8.0, 30.0), Spot(-3, 6.5)),
    )
    (sign,) = truth.targets
    assert sign.passers == 1
    assert [person for person, _ in sign.looks] == [0]
    assert sign.attention_s == pytest.approx(8.0, abs=0.8)
    assert sign.interest == sign.attention_s
    assert truth.interest_order == ["sign"]


def test_only_who_stands_warms_a_cell() -> None:
    heat = of(walk(Spot(-3, 5), Spot(0, 5, 8.0), Spot(3, 5))).heat
    x, y = in_picture(np.array([(0.0, 5.0)]), WIDE)[0]
    cells = [(int(y / (LINES / 9)), int(x / (WIDE / 16)))]
    assert heat.shape == (9, 16)
    around = heat[
        cells[0][0], cells[0][1] - 1 : cells[0][1] + 1
    ]  # in the middle of the picture, at their border
    assert around.sum() == pytest.approx(8.0, abs=0.8)
    assert heat.sum() == pytest.approx(around.sum())


def test_ways_go_from_the_door_through_zones_and_out() -> None:
    comes = walk(Spot(0, 10), Spot(-2, 7), Spot(-2, 5), Spot(0, 5, 3.0), Spot(1, 5, 3.0), Spot(1, 10))
    assert of(comes, seconds=60.0).ways == {
        ("entry", "queue"): 1,
        ("queue", "desk"): 1,
        ("desk", "exit"): 1,
    }


# The plan


def test_somebody_turned_to_a_target_is_turned_as_the_camera_sees_it() -> None:
    assert heading_to((0.0, 0.0), 1.5, 5.0) == pytest.approx(0.0)  # into the camera
    assert heading_to((3.0, 5.0), 0.0, 5.0) == pytest.approx(90.0)
    assert heading_to((0.0, 9.0), 0.0, 5.0) == pytest.approx(180.0)


def test_those_behind_move_up_one_after_the_other() -> None:
    turns = plan_queue(
        [Customer(0.0, 10.0), Customer(1.0, None, 5.0), Customer(2.0, 4.0), Customer(30.0, 4.0)]
    )
    first, gives_up, behind, late = turns
    assert first.leaves_s == 1.0
    assert gives_up.places[0] == (0, 1.0)
    assert gives_up.leaves_s == 6.0
    assert behind.places == ((1, 2.0), (0, 6.5))
    assert behind.leaves_s == pytest.approx(11.8)  # the desk is free again
    assert behind.seconds_at(1) == pytest.approx(4.5)
    assert late.places == ((0, 30.0),)
