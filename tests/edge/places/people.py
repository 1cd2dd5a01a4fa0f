"""People for the tests of places: tracks with a head and a body, from the floor points of a way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from edge.place_types import DoorCounts, VisitPlaces, added
from edge.places.places import Places
from edge.proportions import FACES_HIGH, HAIR
from edge.types import Body, Box, Pose, Sighting, Track, TrackState

VIEW = (1600, 900)
SIZE = 0.03
"""Size of a face in heights of the picture: a person is a third of it."""

METRE = SIZE * FACES_HIGH / 1.7
"""The length of a metre at this size."""

AWAY, HERE = Pose(60.0, 0.0, 0.0), Pose(0.0, 0.0, 0.0)

AFTER_S = 30.0
"""After this time everything has settled."""

Point = tuple[float, float]


def track(
    track_id: int,
    feet: Point,
    at_s: float,
    *,
    since_s: float = 0.0,
    size: float = SIZE,
    state: TrackState = TrackState.CONFIRMED,
    shows: float = FACES_HIGH,
) -> Track:
    """A standing person with the feet at this point in heights of the picture. ``shows`` face sizes of the body are
    seen, none of it with 0."""
    height = VIEW[1]
    side, x, y = size * height, feet[0] * height, feet[1] * height
    top = y - FACES_HIGH * side
    half, middle = side / 2, top + HAIR * side
    head = Box(x - half, middle - half, x + half, middle + half)
    body = Body(Box(x - 1.5 * side, top, x + 1.5 * side, top + shows * side), 0.9) if shows else None
    return Track(track_id, head, state, since_s, at_s, Sighting(head, 0.9, body=body))


def camera(height: float, tilt: float, focal: float, turn: float, place: Point, floor: Point) -> Point:
    """Project a point of the floor, in metres: a camera at ``place``, ``height`` above it, turned to the right by
    ``turn`` and down by ``tilt`` degrees. The result is in shares of the picture."""
    x, y = floor[0] - place[0], floor[1] - place[1]
    a, b = math.radians(turn), math.radians(tilt)
    right, ahead = x * math.cos(a) - y * math.sin(a), x * math.sin(a) + y * math.cos(a)
    depth = ahead * math.cos(b) + height * math.sin(b)
    down = height * math.cos(b) - ahead * math.sin(b)
    return 0.5 + focal * right / depth / (VIEW[0] / VIEW[1]), 0.5 + focal * down / depth


def between(way: Sequence[tuple[float, Point]], at_s: float) -> Point:
    """The point of a way, given as (second, point), at a time; at its end it stands."""
    for (since_s, start), (until_s, end) in pairwise(way):
        if since_s <= at_s <= until_s:
            share = (at_s - since_s) / (until_s - since_s)
            return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
    return way[-1][1] if at_s > way[-1][0] else way[0][1]


@dataclass
class Play:
    """What happened: the visits in the order of the people, the counts at the doors, and the crowds of each frame."""

    visits: list[VisitPlaces] = field(default_factory=list)
    doors: dict[str, DoorCounts] = field(default_factory=dict)
    crowds: list[dict[str, int]] = field(default_factory=list)


def play(
    places: Places,
    people: Iterable[Sequence[tuple[float, Point]]],
    *,
    fps: float = 10.0,
    pose: Pose | None = None,
    hidden: Sequence[tuple[float, float]] = (),
    lost_s: float = 0.0,
) -> Play:
    """Let people walk their ways, from the first to the last second of each, seen ``fps`` times a second but not in the
    intervals ``hidden``. A visit ends ``lost_s`` after its way."""
    ways, result = list(people), Play()
    last_s = max(way[-1][0] for way in ways)
    seen: dict[int, Track] = {}
    ended: dict[int, VisitPlaces] = {}
    looks_here = None if pose is None else abs(pose.yaw) < 30
    for step in range(round((last_s + lost_s) * fps) + 2):
        at_s, active = step / fps, []
        for number, way in enumerate(ways):
            if way[0][0] <= at_s <= way[-1][0] + 1e-9:
                if not any(since_s < at_s < until_s for since_s, until_s in hidden):
                    seen[number] = track(number, between(way, at_s), at_s, since_s=way[0][0])
                    places.seen(seen[number], pose, looks_here, VIEW, at_s)
                active.append(seen[number])
            elif number in seen and number not in ended and at_s <= way[-1][0] + lost_s:
                active.append(seen[number])
            elif number in seen and number not in ended:
                ended[number] = places.finish(seen[number])
        places.drop({one.track_id for one in active})
        places.settle(at_s)
        result.doors = added(result.doors, places.events())
        result.crowds.append(dict(places.frame(active)))
    places.settle(last_s + lost_s + AFTER_S)
    result.doors = added(result.doors, places.events())
    result.visits = [ended[number] for number in range(len(ways))]
    return result
