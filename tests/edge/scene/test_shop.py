"""The second act: a shop whose door, shelf, desk and queue are used as its script says, in the picture as in metres."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest

from edge.scene.contact_sheet import contact_sheet
from edge.scene.places import STOP_S, PlacesTruth
from edge.scene.render import Scene
from edge.scene.shop import DOOR, SHELF, ShopView, door_view, shop_walks
from edge.scene.shop_plan import WIDE
from edge.scene.trajectories import QUIET_S
from edge.scene.walk import FOCAL, Walk

pytestmark = pytest.mark.slow

SIZE = 640, 360
FPS = 5
SEEDS = range(5)
DRAWN = range(2)
"""Seeds whose pictures are looked at, too."""
AHEAD_S = 0.6
"""The lower edge of a body sways with the steps: it crosses a line this much sooner or later than the person."""
WAITERS, LOOKERS = {"waits", "gives up"}, {"looks left", "looks right"}


@cache
def shop(seed: int, view: ShopView = SHELF) -> Scene:
    return view.scene(seed, *SIZE, fps=FPS)


@cache
def truth(seed: int, view: ShopView = SHELF) -> PlacesTruth:
    return view.truth(shop(seed, view))


@pytest.fixture(scope="module", autouse=True)
def scenes_are_let_go() -> Iterator[None]:
    """A drawn scene holds some 200 MB of figures, and the process goes on to other tests."""
    yield
    truth.cache_clear()
    shop.cache_clear()


def acts(seed: int, persons: object, view: ShopView = SHELF) -> Counter[str]:
    """The acts of these persons."""
    assert isinstance(persons, list | tuple | set)
    return Counter(shop(seed, view).walks[person].act for person in persons)


def played(seed: int, *names: str) -> Counter[str]:
    """The acts of these names that the script plays."""
    return Counter(walk.act for walk in shop(seed).walks if walk.act in names)


# What happens at the places


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_crosses_the_door_as_the_script_says(seed: int) -> None:
    (door,) = truth(seed, DOOR).doors
    assert len(shop(seed).walks) == 30
    assert acts(seed, door.turned, DOOR) == {"turns back inside": 2}
    assert acts(seed, door.passed, DOOR) == {"passes by": 4, "turns before the door": 1}
    crossed = {one.person for one in door.crossings}
    assert crossed.isdisjoint({*door.turned, *door.passed})
    for person in range(len(shop(seed, DOOR).walks)):
        begins, ends = (distance_from_the_wall(seed, person, key) < 0 for key in (0, -1))
        mine = [one.inwards for one in door.crossings if one.person == person]
        assert sum(1 if inwards else -1 for inwards in mine) == int(ends) - int(begins)
        assert all(one != other for one, other in pairwise(mine))
    assert door.entries >= 12
    assert door.exits >= 2


def distance_from_the_wall(seed: int, person: int, key: int) -> float:
    """Metres behind the back wall; negative in the shop."""
    walk = shop(seed, DOOR).walks[person]
    return FOCAL * 0.19 / float(walk.keys[key, 2]) - DOOR.plan.doors[0].line[0][1]


@pytest.mark.parametrize("seed", SEEDS)
def test_two_groups_enter_and_everybody_else_enters_alone(seed: int) -> None:
    (door,) = truth(seed, DOOR).doors
    assert sorted(door.groups, reverse=True)[:3] == [3, 2, 1]
    assert sum(door.groups) == door.entries
    for act, size in (("two enter together", 2), ("three enter together", 3)):
        times = [one.at_s for one in door.crossings if shop(seed, DOOR).walks[one.person].act == act]
        assert len(times) == size
        assert max(times) - min(times) < 2.0


@pytest.mark.parametrize("seed", SEEDS)
def test_some_stop_at_the_shelf_and_some_pass(seed: int) -> None:
    (shelf,) = (zone for zone in truth(seed).zones if zone.name == "shelf")
    assert acts(seed, {stay.person for stay in shelf.stays}) == played(seed, *LOOKERS, "passes the shelf")
    assert shelf.visits == 8
    stopped = {stay.person for stay in shelf.stays if stay.seconds > STOP_S}
    assert acts(seed, stopped) == played(seed, *LOOKERS)
    assert shelf.stops == len(stopped) == 5
    for stay in shelf.stays:  # far from the stop time, on either side
        assert not 0.7 * STOP_S < stay.seconds < 1.3 * STOP_S


@pytest.mark.parametrize("seed", SEEDS)
def test_one_product_is_looked_at_more_than_the_other(seed: int) -> None:
    first, second = (
        next(target for target in truth(seed).targets if target.name == name)
        for name in truth(seed).interest_order
    )
    assert first.attention_s > 1.3 * second.attention_s
    assert first.passers == second.passers == 8
    assert sum(played(seed, f"looks {first.name}").values()) == 3
    for target in (first, second):
        looked = {person for person, seconds in target.looks if seconds > 4.0}
        assert acts(seed, looked) == played(seed, f"looks {target.name}")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_queue_serves_who_joins_first_and_one_gives_up(seed: int) -> None:
    places = truth(seed)
    (queue,) = places.queues
    assert (queue.served, queue.abandoned) == (5, 1)
    assert acts(seed, [wait.person for wait in queue.waits if not wait.served]) == {"gives up": 1}
    assert acts(seed, [wait.person for wait in queue.waits]) == played(seed, *WAITERS)
    served = [wait for wait in queue.waits if wait.served]
    assert [wait.leaves_s for wait in served] == sorted(wait.leaves_s for wait in served)
    (gone,) = (wait for wait in queue.waits if not wait.served)
    there = [wait for wait in served if wait.joins_s < gone.leaves_s < wait.leaves_s]
    assert any(wait.joins_s < gone.joins_s for wait in there)
    assert any(wait.joins_s > gone.joins_s for wait in there)
    assert queue.length_max == 3
    assert sum(queue.lengths) * 0.1 == pytest.approx(sum(wait.seconds for wait in queue.waits), abs=0.05)
    desk = next(zone for zone in places.zones if zone.name == "desk")
    assert desk.people_max == 1
    assert desk.visits == len(desk.stays) == 5
    assert places.ways["queue", "desk"] == 5


@pytest.mark.parametrize("seed", SEEDS)
def test_people_stand_longest_at_the_desk_and_in_the_first_two_places(seed: int) -> None:
    heat = truth(seed).heat
    order = np.argsort(heat, axis=None)[::-1]
    assert [divmod(int(cell), 16) for cell in order[:3]] == [(6, 13), (6, 11), (6, 9)]
    seconds = heat.ravel()[order]
    assert all(seconds[place] > 1.2 * seconds[place + 1] for place in range(3))


# The picture agrees


@pytest.mark.parametrize("seed", DRAWN)
def test_the_door_line_in_the_picture_is_crossed_when_the_door_is(seed: int) -> None:
    (door,) = DOOR.plan.settings(WIDE)["doors"]
    (left, level), (right, other) = door["line"]
    assert level == other
    assert door["inside"][1] > level
    points = floor_points(seed, DOOR)
    for person in range(len(shop(seed, DOOR).walks)):
        mine = points[points[:, 0] == person]
        below = mine[:, 3] > level
        seen = [
            (float(mine[step + 1, 1]), bool(below[step + 1]))
            for step in np.flatnonzero(below[1:] != below[:-1])
            if left < mine[step, 2] < right
        ]
        assert settled(seen) == pytest.approx(walked(seed, person), abs=AHEAD_S), person


def floor_points(seed: int, view: ShopView) -> np.ndarray:
    """Person, seconds, x and y as shares of the picture (n, 4): the lower middle of the body of everybody present."""
    return np.array(
        [
            (
                one.person,
                index / FPS,
                (one.body.x1 + one.body.x2) / 2 / SIZE[0],
                one.body.y2 / SIZE[1],
            )
            for index, frame in enumerate(shop(seed, view).truth.people)
            for one in frame
        ]
    )


def settled(crossings: list[tuple[float, bool]]) -> list[float]:
    """The times of crossings without those that are taken back by the next step."""
    kept: list[tuple[float, bool]] = []
    for at_s, inwards in crossings:
        if kept and at_s - kept[-1][0] <= 1.0:
            kept.pop()
        else:
            kept.append((at_s, inwards))
    return [at_s for at_s, _ in kept]


def walked(seed: int, person: int) -> list[float]:
    """The seconds at which a walk crosses the wall."""
    walk = shop(seed, DOOR).walks[person]
    times = np.arange(walk.starts_s, walk.ends_s, 0.05)
    inside = FOCAL * 0.19 / walk.along(times)[:, 1] < DOOR.plan.doors[0].line[0][1]
    return [float(times[step + 1]) for step in np.flatnonzero(inside[1:] != inside[:-1])]


@pytest.mark.parametrize("seed", DRAWN)
def test_feet_are_in_a_zone_of_the_picture_while_the_person_is_in_it(seed: int) -> None:
    width, height = SIZE
    points = floor_points(seed, SHELF)
    for zone, shown in zip(truth(seed).zones, SHELF.plan.settings(WIDE)["zones"], strict=True):
        polygon = (np.array(shown["polygon"]) * SIZE).astype(np.float32)
        inside = {
            int(person): seconds / FPS
            for person, seconds in Counter(
                person
                for person, _, x, y in points
                if cv2.pointPolygonTest(polygon, (x * width, y * height), False) >= 0
            ).items()
        }
        assert set(inside) == {stay.person for stay in zone.stays}
        for person, seconds in inside.items():
            stayed = sum(stay.seconds for stay in zone.stays if stay.person == person)
            assert seconds == pytest.approx(stayed, abs=2 * AHEAD_S), (zone.name, person)


@pytest.mark.parametrize("view", [DOOR, SHELF], ids=lambda view: view.name)
@pytest.mark.parametrize("seed", DRAWN)
def test_nobody_is_hidden_for_long(seed: int, view: ShopView) -> None:
    scene = shop(seed, view)
    assert [visit.person for visit in scene.truth.visits] == list(range(len(scene.walks)))
    assert scene.truth.occupancy(0) == scene.truth.occupancy(len(scene) - 1) == 0
    for visit in scene.truth.visits:
        act = scene.walks[visit.person].act
        # The door's camera sees a queue from its end: who waits there is hidden by the others, far from the door.
        queued = view is DOOR and act in ("waits", "gives up")
        assert queued or visit.hidden_s < 1.9, (act, visit)
        assert QUIET_S <= visit.enters_s < visit.leaves_s <= scene.seconds - QUIET_S
    assert 4 <= max(scene.truth.occupancy(index) for index in range(len(scene))) <= 10


@pytest.mark.parametrize("seed", DRAWN)
def test_a_clear_face_at_the_shelf_is_turned_to_its_product(seed: int) -> None:
    scene, yaws = shop(seed), {target.name: target.yaw for target in SHELF.plan.targets}
    for target in truth(seed).targets:
        for person, seconds in target.looks:
            if seconds > 4.0:
                shown = [one for frame in scene.truth.people for one in frame if one.person == person]
                towards = [one for one in shown if abs(one.yaw - yaws[target.name]) < 20 and one.shows_face]
                assert len(towards) / FPS > 4.0


def test_the_products_are_told_apart_and_the_settings_are_plain() -> None:
    settings = {
        **DOOR.plan.settings(WIDE),
        **{key: value for key, value in SHELF.plan.settings(WIDE).items() if value},
    }
    assert json.loads(json.dumps(settings)) == settings
    left, right = settings["targets"]
    assert right["yaw"] - left["yaw"] - left["half_angle"] - right["half_angle"] > 8.0
    assert left["yaw"] < -8.0 < 8.0 < right["yaw"]
    for points in [
        *(door["line"] for door in settings["doors"]), *(zone["polygon"] for zone in settings["zones"])
    ]:  # fmt: skip
        assert np.all((np.array(points) >= 0) & (np.array(points) <= 1))
    (queue,) = (zone for zone in settings["zones"] if zone.get("queue"))
    assert queue["front"] in {zone["name"] for zone in settings["zones"]}


# Two cameras


def test_both_cameras_see_the_same_people_at_the_same_time() -> None:
    near, far = shop(0, DOOR), shop(0, SHELF)
    assert {walk.seed for walk in near.walks} < {walk.seed for walk in far.walks}
    for walk in near.walks:
        (same,) = (one for one in far.walks if one.seed == walk.seed)
        times = np.linspace(walk.starts_s, walk.ends_s, 5)
        camera = np.array([DOOR.point.x, DOOR.point.z])
        assert on_floor(walk, times) + camera == pytest.approx(on_floor(same, times), abs=0.02)


def on_floor(walk: Walk, times: np.ndarray) -> np.ndarray:
    """Where somebody is, in metres (n, 2), as the camera sees it."""
    x, face = walk.along(times)[:, :2].T
    far = FOCAL * 0.19 / face
    return np.stack([(x - WIDE / 2) * far / FOCAL, far], 1)


def test_the_same_happens_at_the_door_from_any_distance() -> None:
    near, far = (door_view(metres) for metres in (4.0, 8.0))
    (one,), (other,) = (view.truth(shop(0, view)).doors for view in (near, far))
    assert (one.entries, one.exits, one.groups) == (other.entries, other.exits, other.groups)
    assert (
        far.plan.settings(WIDE)["doors"][0]["line"][0][1] < near.plan.settings(WIDE)["doors"][0]["line"][0][1]
    )


# The scene


def test_the_same_seed_gives_the_same_shop() -> None:
    one, other = shop(0), SHELF.scene(0, *SIZE, fps=FPS)
    assert np.array_equal(one.render(200), other.render(200))
    assert [walk.act for walk in one.walks] != [walk.act for walk in shop(1).walks]


def test_acts_that_leave_no_room_for_a_later_one_are_thrown_again() -> None:
    """In seed 108 the first throw has no place for everybody."""
    one, other = (Counter(walk.act.split()[0] for walk in shop_walks(seed)) for seed in (108, 0))
    assert one == other


def test_a_shop_that_cannot_be_says_why() -> None:
    with pytest.raises(ValueError, match="16:9, not 640 x 480"):
        SHELF.scene(0, 640, 480)
    with pytest.raises(ValueError, match="do not fit into 40"):
        SHELF.scene(0, *SIZE, seconds=40)


def test_the_contact_sheet_draws_the_places() -> None:
    with_places, without = contact_sheet(shop(0), SHELF.plan), contact_sheet(shop(0), None)
    assert with_places.shape == without.shape == (4 * 360, 3 * 640, 3)
    assert (with_places != without).any(2).mean() > 0.005
