"""``python -m benchmarks.badge``: from how far away the badge of staff is read at 1280x720, and what it costs.

Drawn people with the badge stand in the sample scene, with its light and the noise of a sensor. **Read**: share of the
looks that find the badge; two of the first six must. **Cost**: the processor time of one look, and of a frame with
people without the badge through the whole pipeline, without and with looks for it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import process_time
from typing import Any

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from common.clock import SystemClock
from common.command_line import positive
from edge.badge import BADGE_M
from edge.config import Settings
from edge.scene.card import BADGE
from edge.scene.layout import HALL
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import Spot, route
from edge.scene.walk import FOCAL, LINES
from edge.service.build import build_pipeline, load_models
from edge.types import Frame, Image, Sighting, Track, TrackState
from edge.vision.badge import BadgeReader

Json = dict[str, Any]

WIDTH, HEIGHT, FPS = 1280, 720, 10
DISTANCES_M = (2.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0)
VIEWS = (("sharp", 0.0, 0.0), ("turned 45°", 45.0, 0.0), ("soft", 0.0, 1.0))
"""By name: degrees by which the chest is turned away, and the blur of the lens in pixels (sigma)."""
PEOPLE = 4


def standing(metres: float, turned: float, looks: int, *, badge: bool = True) -> Scene:
    """Build a scene in which people stand so far away, side by side, turned to both sides, maybe with the badge."""
    grown = [one for one in load_portraits() if one.age_band != "0-17"]
    seconds = looks / PEOPLE / FPS
    wide = WIDTH * LINES / HEIGHT
    walks = []
    for place in range(PEOPLE):
        x = (place + 0.5 - PEOPLE / 2) / PEOPLE * 0.85 * wide * metres / FOCAL
        facing = turned if place % 2 else -turned
        spots = [Spot(x, metres, seconds + 1.0, facing)]
        walk = route(grown[place * 3], place, 0.3, 0.0, spots, width=wide, sway=0.03)
        walks.append(replace(walk, card=BADGE if badge else None))
    return Scene(round(10 * metres), WIDTH, HEIGHT, FPS, seconds, walks=tuple(walks), pillars=(), layout=HALL)


def tracks_of(scene: Scene, index: int) -> Iterator[Track]:
    """Yield the people of a frame as the tracker would see them."""
    for person in scene.truth.people[index]:
        head = person.head if person.face is None else person.face.box
        yield Track(person.person, head, TrackState.CONFIRMED, 0.0, index / FPS, Sighting(head, 1.0))


def measure_range(looks: int) -> list[Json]:
    """Return the share of looks that read the badge, by distance and view, with the time of one look."""
    reader, rows = BadgeReader(), []
    for metres in DISTANCES_M:
        row: Json = {"metres": metres, "badge_px": round(FOCAL * HEIGHT / LINES * BADGE_M / metres, 1)}
        times = []
        for name, turned, blur in VIEWS:
            scene, found, count = standing(metres, turned, looks), 0, 0
            for index, sharp in enumerate(scene.frames()):
                image = sharp if not blur else np.asarray(cv2.GaussianBlur(sharp, (0, 0), blur), np.uint8)
                for track in tracks_of(scene, index):
                    began_s = process_time()
                    found += reader.shows(image, track)
                    times.append(process_time() - began_s)
                    count += 1
            row[name] = round(100 * found / count, 1)
        rows.append({**row, "look_ms": round(1000 * median(times), 2)})
    return rows


def measure_cost(seconds: float) -> Json:
    """Return the milliseconds of a frame of the pipeline without and with looks for the badge, in turns."""
    scene = standing(3.0, 0.0, round(seconds * FPS * PEOPLE), badge=False)
    images, models = list(scene.frames()), load_models(_settings(badge=False))
    times: dict[bool, list[float]] = {False: [], True: []}
    for badge in (False, True, True, False):
        times[badge].append(_play(images, _settings(badge=badge), models))
    without, with_badge = (min(times[badge]) for badge in (False, True))
    return {
        "people": PEOPLE,
        "without_ms": round(without, 2),
        "with_ms": round(with_badge, 2),
        "added_percent": round(100 * (with_badge / without - 1), 1),
    }


def _settings(*, badge: bool) -> Settings:
    return Settings.model_validate({"staff": {"badge": badge}, "detection": {"threads": 1}})


def _play(images: Sequence[Image], settings: Settings, models: Any) -> float:
    pipeline = build_pipeline(settings, models, SystemClock(), budget_s=0.04)
    start, began_s = datetime(2026, 1, 5, 12, tzinfo=UTC), process_time()
    for index, image in enumerate(images):
        pipeline.step(Frame(image, start + timedelta(seconds=index / FPS), index / FPS, index))
    return 1000 * (process_time() - began_s) / len(images)


def table(rows: Sequence[Json]) -> Table:
    shown = Table(title=f"badge of {100 * BADGE_M:g} cm at {WIDTH}x{HEIGHT}", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("metres", "badge px", *(f"read %, {name}" for name, *_ in VIEWS), "look ms"):
        shown.add_column(heading, justify="right")
    for row in rows:
        shown.add_row(*(str(value) for value in row.values()))
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.badge", description="Measure from how far the badge of staff is read."
    )
    parser.add_argument("--looks", type=positive, default=24, help="looks at each distance (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    rows, cost = measure_range(options.looks), measure_cost(6.0)
    if options.json:
        print(json.dumps({"size": f"{WIDTH}x{HEIGHT}", "rows": rows, "cost": cost}, indent=2))
        return 0
    Console().print(table(rows))
    Console().print(
        f"a frame with {cost['people']} people: {cost['without_ms']} ms without looks for the badge,"
        f" {cost['with_ms']} ms with them ({cost['added_percent']:+g} %)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
