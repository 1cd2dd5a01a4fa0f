"""``python -m benchmarks.range``: how far away the product follows people, at 1280x720.

Drawn people of known size walk through a hall, alone and in threes; with ``--data``, also real faces, cut out of the
pictures of a data set and moved through the hall. **Followed**: share of the frames with a whole head in view in which
a track, confirmed or not, lies on it. **Described**: share of the people whose face was at least 32 px high and within
25 degrees for a second, of whom a visit knows anything when they have left. Nobody knows the direction of real faces,
so there all of at least 32 px count.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.following import Played, on_whom, play
from benchmarks.real_faces import DRIFTS_S, Cutting, cuttings, film
from common.command_line import positive
from common.errors import UserError
from edge.config import Settings
from edge.scene.ground_truth import PersonTruth
from edge.scene.layout import HALL
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import Spot, beside, distance_of, drop_of, route
from edge.scene.walk import FOCAL, LINES, Walk
from edge.service.build import load_models

Json = dict[str, Any]

WIDTH, HEIGHT, FPS = 1280, 720, 10
FACES_PX = (24, 32, 40, 60, 80)
BODIES_PX = (60, 120, 240)
TOGETHER = (1, 3)
PROCESSES = 2

WHOLE_HEAD = 0.95
LOOK_PX, LOOK_DEGREES, LOOK_S = 32.0, 25.0, 1.0
"""A face of this height, turned no further than this for this long, must be described."""

_BODY_FACES = 9.35
"""Height of an adult's body in face heights."""


class Shows(StrEnum):
    """What of the person the camera sees while it stands still."""

    FACE = "face"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Case:
    """``count`` people of a size walk through the view, drawn with ``seed``; ``px`` is the height of the face or of the
    ``whole`` body."""

    px: int
    whole: bool
    shows: Shows
    count: int
    seed: int

    @property
    def face(self) -> float:
        """Height of the face in lines."""
        return self.px / (_BODY_FACES if self.whole else 1.0) * LINES / HEIGHT

    @property
    def row(self) -> str:
        what = f"body {self.px} px" if self.whole else f"face {self.px} px"
        return f"{what}, {self.shows.value}, {'alone' if self.count == 1 else f'{self.count} together'}"


def cases(repeats: int) -> list[Case]:
    """Return all cases, each with other people ``repeats`` times."""
    kinds = [(px, False, Shows.FACE) for px in FACES_PX]
    kinds += [(px, True, shows) for shows in (Shows.FACE, Shows.BACK) for px in BODIES_PX]
    return [
        Case(px, whole, shows, count, repeat)
        for px, whole, shows in kinds
        for count in TOGETHER
        for repeat in range(repeats)
    ]


def scene_of(case: Case) -> Scene:
    """Build the scene of a case: everybody enters, stops in view for some seconds and walks on."""
    rng = np.random.default_rng([case.seed, case.px, case.whole, case.count])
    wide = WIDTH * LINES / HEIGHT
    grown = [one for one in load_portraits() if one.age_band != "0-17"]
    chosen = rng.permutation(len(grown))[: case.count]
    side = 1.0 if rng.random() < 0.5 else -1.0
    far = distance_of(case.face)
    stands, pace = rng.uniform(-0.12, 0.12), rng.uniform(0.9, 1.3)
    left, right = HALL.opening or (0.0, 1.0)
    walks: list[Walk] = []
    for place, which in enumerate(chosen):
        aside, z = place * 0.7, far * (1 + 0.02 * (place % 2))
        x = stands * wide * z / FOCAL + side * aside
        facing = (0.0 if case.shows is Shows.FACE else 180.0) + float(rng.uniform(-15, 15))
        spots = [
            Spot(beside((left if side < 0 else right) * wide, z, wide, side) + side * aside, z),
            Spot(x, z, float(rng.uniform(2.5, 4.0)), facing),
            Spot(beside((right if side < 0 else left) * wide, z, wide, -side), z),
        ]
        # who shows the face looks here on the way as far as the neck allows
        glances = [(0.0, 1000.0)] if case.shows is Shows.FACE else []
        walks.append(
            route(
                grown[which],
                int(rng.integers(1 << 30)),
                drop_of(grown[which], rng),
                1.0,
                spots,
                width=wide,
                pace=pace,
                glances=glances,
                sway=0.03,
            )
        )
    seconds = max(walk.ends_s for walk in walks) + 1.0
    return Scene(case.seed, WIDTH, HEIGHT, FPS, seconds, walks=tuple(walks), pillars=(), layout=HALL)


def compare(
    people: Sequence[Sequence[PersonTruth]], played: Played, *, known_yaw: bool = True
) -> Counter[str]:
    """Count frames with a whole head, those of them that are followed, people with a good look and those described.

    Without ``known_yaw`` every face of ``LOOK_PX`` is a good look.
    """
    counts: Counter[str] = Counter()
    good: Counter[int] = Counter()
    holders: Counter[tuple[int, int]] = Counter()
    for held, frame in zip(played.frames, people, strict=True):
        lies_on = on_whom(held, frame)
        whole = {person.person for person in frame if person.head_visible >= WHOLE_HEAD}
        counts["frames"] += len(whole)
        counts["followed"] += len(whole & set(lies_on.values()))
        holders.update(lies_on.items())
        for person in frame:
            large = person.face is not None and person.face.box.height >= LOOK_PX - 0.5
            if large and person.shows_face and (not known_yaw or abs(person.yaw) <= LOOK_DEGREES):
                good[person.person] += 1
    described = {counted.track_id for counted in played.visits if counted.described}
    for who, frames in good.items():
        if frames >= LOOK_S * FPS:
            counts["looked at"] += 1
            counts["described"] += any(holders[visit, who] for visit in described)
    return counts


def run_case(case: Case | tuple[int, list[Cutting]]) -> tuple[str, Counter[str]]:
    """Play one case, or some cuttings of real faces of a height in pixels, and compare."""
    cv2.setNumThreads(1)
    settings = Settings()
    settings = settings.model_copy(update={"detection": settings.detection.model_copy(update={"threads": 1})})
    models = load_models(settings)
    if isinstance(case, Case):
        scene = scene_of(case)
        return case.row, compare(scene.truth.people, play(scene.frames(), FPS, settings, models))
    px, some = case
    empty = Scene(px, WIDTH, HEIGHT, FPS, DRIFTS_S, walks=(), pillars=(), layout=HALL)
    images, people = film(empty, some)
    played = play(images, FPS, settings, models)
    return f"real face {px} px", compare(people, played, known_yaw=False)


def summed(parts: Sequence[tuple[str, Counter[str]]]) -> list[Json]:
    """Add up the parts of each row, in the order in which the rows appear."""
    rows: dict[str, Counter[str]] = {}
    for row, counts in parts:
        rows.setdefault(row, Counter()).update(counts)
    return [
        {
            "row": row,
            "frames": counts["frames"],
            "followed_percent": _percent(counts["followed"], counts["frames"]),
            "looked_at": counts["looked at"],
            "described_percent": _percent(counts["described"], counts["looked at"]),
        }
        for row, counts in rows.items()
    ]


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def table(results: Sequence[Json]) -> Table:
    shown = Table(title=f"{WIDTH}x{HEIGHT}", box=SIMPLE_HEAD, pad_edge=False)
    headings = ("who walks through the view", "frames", "followed %", "good looks at", "described %")
    for heading in headings:
        shown.add_column(heading, justify="left" if heading == headings[0] else "right", no_wrap=True)
    for each in results:
        values = (each[key] for key in ("frames", "followed_percent", "looked_at", "described_percent"))
        shown.add_row(each["row"], *("-" if value is None else str(value) for value in values))
    return shown


def batches(data: Path, faces: int) -> Iterator[tuple[int, list[Cutting]]]:
    """Yield three real faces at a time, of every height."""
    for px in FACES_PX:
        some = cuttings(data, px, faces)
        for first in range(0, len(some), 3):
            yield px, some[first : first + 3]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.range",
        description="Measure how far away people are followed and described.",
    )
    parser.add_argument("--repeats", type=positive, default=3, help="other people in each row (%(default)s)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with faces.zip, for real faces too")
    parser.add_argument("--faces", type=positive, default=24, help="real faces of each size (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    errors = Console(stderr=True)
    jobs: list[Case | tuple[int, list[Cutting]]] = [*cases(options.repeats)]
    try:
        load_models(Settings())
        if options.data is not None:
            jobs += batches(options.data, options.faces)
    except UserError as error:
        errors.print(str(error), soft_wrap=True, markup=False, highlight=False)
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = list(track(pool.map(run_case, jobs), "clips", len(jobs), console=errors, transient=True))
    results = summed(parts)
    if options.json:
        print(json.dumps({"size": f"{WIDTH}x{HEIGHT}", "rows": results}, indent=2))
    else:
        Console().print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
