"""Places on the shop of the sample scene, with perfect tracks: what they count is what happens there.

The tracks are made from the truth of the picture, so that only the rules of places are tested here, not how well people
are found; ``python -m benchmarks.shop`` measures that.
"""

from __future__ import annotations

import math
import random

import pytest

from edge.config import Settings
from edge.place_types import PlaceCounts, counts_of
from edge.proportions import FACES_HIGH, HAIR
from edge.scene.places import PlacesTruth
from edge.scene.shop import DOOR, SHELF, ShopView
from edge.scene.shop_plan import WIDE
from edge.service.place_building import build_places
from edge.types import Body, Box, Pose, Sighting, Track, TrackState
from edge.vision.place_counts import of_moment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # drawing a scene beside other work takes its time

VIEW = (640, 360)
LOST_S = 2.0


def counted(view: ShopView, seed: int, jitter: float) -> tuple[PlacesTruth, PlaceCounts]:
    """The truth of one seed, and what places make of perfect tracks whose feet jitter by this many face sizes."""
    scene, chance = view.scene(seed, *VIEW), random.Random(seed)
    places, total = (
        build_places(Settings.model_validate(view.plan.settings(WIDE)), least_look_s=0.3),
        PlaceCounts(),
    )
    alive: dict[int, Track] = {}

    def end(track: Track) -> PlaceCounts:
        dwell_s = track.last_seen_s - track.first_seen_s
        return counts_of(places.finish(track), dwell_s, "unknown", [])

    for index, people in enumerate(scene.truth.people):
        at_s, tracks = index / scene.fps, []
        for person in people:
            if not person.present:
                continue
            side = person.body.height / FACES_HIGH
            x, y = person.head.centre[0], person.body.y1 + HAIR * side
            head = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
            feet = min(VIEW[1], person.body.y2 + chance.gauss(0, jitter) * side)
            body = Body(Box(person.body.x1, person.body.y1, person.body.x2, feet), 0.9)
            sighting = Sighting(head, 0.9, body=body if person.visible > 0.6 else None)
            before = alive.get(person.person)
            first_s = at_s if before is None else before.first_seen_s
            track = Track(person.person, head, TrackState.CONFIRMED, first_s, at_s, sighting)
            alive[person.person] = track
            tracks.append(track)
            pose = Pose(person.yaw, 0.0, 0.0) if abs(person.yaw) < 60 else None
            places.seen(track, pose, pose is not None and abs(pose.yaw) < 30, VIEW, at_s)
        for track in [track for track in alive.values() if at_s - track.last_seen_s > LOST_S]:
            total += end(alive.pop(track.track_id))
        places.settle(at_s)
        total += of_moment(places.events(), places.frame(tracks))
    for track in alive.values():
        total += end(track)
    places.settle(math.inf)
    return view.truth(scene), total + of_moment(places.events(), {})


SEEDS = pytest.mark.parametrize(("seed", "jitter"), [(1, 0.0), (3, 0.2), (4, 0.2)])


@SEEDS
def test_a_door_counts_what_happens(seed: int, jitter: float) -> None:
    truth, counts = counted(DOOR, seed, jitter)
    assert truth.doors
    for door in truth.doors:
        got = counts.doors[door.name]
        assert (got.entries, got.exits, got.passers, got.groups) == (
            door.entries,
            door.exits,
            len(door.passed),
            len(door.groups),
        )


@SEEDS
def test_the_shelf_and_the_desk_count_what_happens(seed: int, jitter: float) -> None:
    truth, counts = counted(SHELF, seed, jitter)
    for zone in truth.zones:
        stays = counts.zones[zone.name]
        assert (stays.stays.visits, stays.stops) == (zone.visits, zone.stops)
        assert stays.stays.sum_s == pytest.approx(zone.dwell_s, rel=0.1)
    for queue in truth.queues:
        waits = counts.zones[queue.name]
        assert (waits.waits.visits, waits.served) == (len(queue.waits), queue.served)
        assert waits.waits.sum_s == pytest.approx(sum(wait.seconds for wait in queue.waits), rel=0.1)
    assert counts.ways == truth.ways
    warm = sorted(counts.heat, key=lambda cell: -counts.heat[cell].standing_s)[:3]
    assert set(warm) == {int(cell) for cell in (-truth.heat.flatten()).argsort()[:3]}
    interest = {one.name: counts.targets[one.name].looks.sum_s / one.passers for one in truth.targets}
    assert sorted(interest, key=lambda name: -interest[name]) == truth.interest_order
