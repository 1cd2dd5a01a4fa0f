"""The cost of places: CPU milliseconds a frame for people who walk about between doors, zones and targets.

    python -m benchmarks.places

The tracks are synthetic, so that nothing else is measured. Twice: with the places of a usual shop, and with as many as
the settings allow.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from common.wire.places import MOST_DOORS, MOST_TARGETS
from edge.places.doors import Door
from edge.places.places import Places
from edge.places.plan import PlanPoints
from edge.places.targets import Target
from edge.places.zones import Zone
from edge.proportions import FACES_HIGH, HAIR
from edge.types import Body, Box, Pose, Sighting, Track, TrackState

GOALS_MS = {5: 0.3, 20: 1.0}
"""What a frame may cost at most with so many people, with the places of a usual shop."""

FPS, STRETCH = 15, 30
VIEW = (1280, 720)
PLAN = PlanPoints(((0.2, 0.3), (0.8, 0.3), (1.0, 1.0), (0.0, 1.0)), ((0, 8), (6, 8), (5, 2), (1, 2)))
MOST_ZONES = 32


def usual() -> Places:
    """Return the places of a shop with one door, four zones with a queue, and two targets, on a plan."""
    zones = [_square("shelf", 0.1, 0.5), _square("offer", 0.3, 0.5), _square("desk", 0.8, 0.6)]
    return Places(
        doors=[Door("street", ((0.2, 0.45), (0.5, 0.45)), (0.4, 0.9))],
        zones=[*zones, _square("line", 0.6, 0.6, front="desk")],
        targets=[Target("screen", 15.0, direction=(30.0, 0.0)), Target("poster", 15.0, at=(0.0, 5.0, 1.5))],
        plan=PLAN,
    )


def full() -> Places:
    """Return as many places as the settings allow."""
    zones = [_square(f"zone{i}", 0.1 * (i % 8), 0.3 + 0.15 * (i // 8)) for i in range(MOST_ZONES)]
    doors = [Door(f"door{i}", ((0.1 * i, 0.5), (0.1 * i + 0.1, 0.5)), (0.5, 0.9)) for i in range(MOST_DOORS)]
    targets = [Target(f"target{i}", 8.0, direction=(16.0 * i - 90, 0.0)) for i in range(MOST_TARGETS)]
    return Places(doors=doors, zones=zones, targets=targets, plan=PLAN)


def milliseconds(places: Places, people: int, *, frames: int = 300) -> float:
    """Measure the CPU time of a frame with so many people in view, all of them with a face: the median over stretches
    of ``STRETCH`` frames, because asking for the time costs more than a frame on some machines."""
    steps = [_tracks(people, frame / FPS) for frame in range(frames)]
    costs = []
    for first in range(0, frames, STRETCH):
        began = time.thread_time()
        for frame in range(first, first + STRETCH):
            at_s, tracks = frame / FPS, steps[frame]
            for track in tracks:
                pose = Pose(40 * math.sin(at_s + track.track_id), 0.0, 0.0)
                places.seen(track, pose, False, VIEW, at_s)
            places.drop({track.track_id for track in tracks})
            places.events()
            places.frame(tracks)
        costs.append((time.thread_time() - began) / STRETCH)
    return 1000 * median(costs)


def costs() -> list[dict[str, float]]:
    """Measure with each number of people of the goals: people, and CPU milliseconds with usual and with full places."""
    return [
        {"people": people, "usual_ms": milliseconds(usual(), people), "full_ms": milliseconds(full(), people)}
        for people in GOALS_MS
    ]


def table(measured: Sequence[dict[str, float]]) -> Table:
    shown = Table(title="places: CPU milliseconds per frame", box=SIMPLE_HEAD, title_justify="left")
    for column in ("people", "usual shop", "goal", "as many places as possible"):
        shown.add_column(column, justify="right")
    for each in measured:
        goal = GOALS_MS[int(each["people"])]
        shown.add_row(f"{each['people']}", f"{each['usual_ms']:.3f}", f"{goal:g}", f"{each['full_ms']:.3f}")
    return shown


def too_slow(measured: Sequence[dict[str, float]]) -> list[str]:
    """Return a line for each goal that is missed."""
    return [
        f"places cost {each['usual_ms']:.2f} ms a frame with {each['people']} people, not at most {goal:g}"
        for each in measured
        if each["usual_ms"] > (goal := GOALS_MS[int(each["people"])])
    ]


def _square(name: str, x: float, y: float, *, front: str | None = None) -> Zone:
    right, bottom = min(x + 0.2, 1.0), min(y + 0.3, 1.0)
    return Zone(name, ((x, y), (right, y), (right, bottom), (x, bottom)), front=front)


def _tracks(people: int, at_s: float) -> list[Track]:
    """Return people who walk about in circles of their own."""
    tracks = []
    for person in range(people):
        turn, side = 0.6 * at_s + person, 18.0 + person % 5
        x = VIEW[0] * (0.5 + 0.35 * math.cos(turn) * math.cos(person))
        feet = VIEW[1] * (0.65 + 0.25 * math.sin(turn))
        top = feet - FACES_HIGH * side
        y = top + HAIR * side
        head = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        body = Body(Box(x - 1.5 * side, top, x + 1.5 * side, feet), 0.9)
        sighting = Sighting(head, 0.9, body=body)
        tracks.append(Track(person, head, TrackState.CONFIRMED, 0.0, at_s, sighting))
    return tracks


def main() -> int:
    measured = costs()
    Console().print(table(measured))
    for line in too_slow(measured):
        Console(stderr=True, soft_wrap=True).print(line)
    return 1 if too_slow(measured) else 0


if __name__ == "__main__":
    sys.exit(main())
