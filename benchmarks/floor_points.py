"""``python -m benchmarks.floor_points``: where people stand, on the busy scene, against its truth.

An error is the distance from the floor point to the middle of the true feet, as a share of the person's true height: a
hundredth is about 2 cm. Three ways: the product's floor point where it believes the lower edge of the body, where it
estimates the feet from the head, and the lower edge of the body alone in the same frames as the second.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence

import cv2
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.following import Held, on_whom, play
from benchmarks.seeds import SIZES
from common.command_line import positive
from edge.config import Settings
from edge.places.floor import Floor
from edge.scene.busy import busy_scene
from edge.service.build import load_models
from edge.types import Body, Sighting, Track, TrackState

SEEN, ESTIMATED, EDGE = "feet seen", "feet estimated", "the same by the body's edge"

Errors = dict[str, list[float]]


def measure(seed: int, size: tuple[int, int]) -> Errors:
    """Return the errors of all frames of one seed in which a track is on a person, by the way."""
    settings = Settings.model_validate({"detection": {"threads": 1}})
    scene = busy_scene(seed, *size)
    played, truth = play(scene.frames(), scene.fps, settings, load_models(settings)), scene.truth
    floors: dict[int, Floor] = {}
    errors: Errors = {SEEN: [], ESTIMATED: [], EDGE: []}
    for index, held in enumerate(played.frames):
        people = {person.person: person for person in truth.people[index]}
        owners = on_whom(held, list(people.values()))
        for one in held:
            floor = floors.setdefault(one.track_id, Floor())
            floor.see(_track(one), size, index / scene.fps)
            if one.track_id not in owners:
                continue
            body = people[owners[one.track_id]].body
            feet = body.centre[0], body.y2
            here = floor.point[0] * size[1], floor.point[1] * size[1]
            errors[SEEN if floor.feet_seen else ESTIMATED].append(math.dist(here, feet) / body.height)
            if not floor.feet_seen and one.body is not None:
                edge = one.body.centre[0], one.body.y2
                errors[EDGE].append(math.dist(edge, feet) / body.height)
    return errors


def summary(errors: Errors) -> dict[str, dict[str, float]]:
    """Return, for each way, the frames, and the median and the 90th percentile of the errors."""
    rows = {}
    for way, values in errors.items():
        ordered = sorted(values) or [math.nan]
        rows[way] = {
            "frames": len(values),
            "median": round(ordered[len(ordered) // 2], 3),
            "p90": round(ordered[len(ordered) * 9 // 10], 3),
        }
    return rows


def _track(held: Held) -> Track:
    sighting = Sighting(held.head, 1.0, body=None if held.body is None else Body(held.body, 1.0))
    return Track(held.track_id, held.head, TrackState.CONFIRMED, 0.0, 0.0, sighting)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.floor_points",
        description="Compare floor points in the busy scene with its truth.",
    )
    parser.add_argument("--seeds", type=positive, default=3, help="scenes (%(default)s)")
    parser.add_argument("--size", choices=SIZES, default="1280x720", help="of the picture (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    errors: Errors = {SEEN: [], ESTIMATED: [], EDGE: []}
    for seed in track(range(options.seeds), "seeds", console=Console(stderr=True), transient=True):
        for way, values in measure(seed, SIZES[options.size]).items():
            errors[way] += values
    rows = summary(errors)
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    table = Table(title="floor points: error in heights of the person", box=SIMPLE_HEAD)
    for column in ("", "frames", "median", "90th percentile"):
        table.add_column(column, justify="right" if column else "left")
    for way, row in rows.items():
        table.add_row(way, f"{row['frames']}", f"{row['median']:.3f}", f"{row['p90']:.3f}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
