"""``make bench``: the cost of the edge on this machine, stage by stage, beside a minimum and three other systems.

A crowd of the sample scene is rendered into a film and decoded as in the product. Every contestant plays it in turn,
in several rounds, on one thread, so that CPU seconds can be compared on a busy machine. Each number is the median over
the rounds. The exit code is 1 if Footlight costs more than the share of another system that it may cost, or its places
more than their time (``benchmarks.places``).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import cv2
from rich.console import Console
from rich.progress import Progress

from benchmarks import places
from benchmarks.contestants import Contestant, Footlight, Run, run
from benchmarks.cost_tables import NOTES, tables
from benchmarks.peers import (
    BodyDetector,
    Both,
    EveryFace,
    HaarDetector,
    PeerFiles,
    YuNetDetector,
    peer_files,
)
from common.clock import SystemClock
from common.command_line import positive
from common.errors import UserError
from edge.capture.video import VideoFile
from edge.config import Settings
from edge.scene.render import crowd
from edge.service.build import load_models

Json = dict[str, Any]

SIZES = ((640, 480), (1280, 720))
PEOPLE = (0, 1, 5, 20)
FPS = 15
CODEC = "MJPG"
"""The format of a USB camera; every frame takes the same time to decode."""

FOOTLIGHT, HAAR, YUNET, BODIES = "footlight", "haar", "yunet", "bodies and yunet"

GOALS = {HAAR: 1.0, YUNET: 0.33, BODIES: 0.15}
"""What Footlight may cost at most, as a share of another system, at every size and number of people."""


@dataclass(frozen=True, slots=True)
class Clip:
    path: Path
    width: int
    height: int
    people: int
    far: bool


def film(folder: Path, size: tuple[int, int], people: int, frames: int, *, far: bool = False) -> Clip:
    """Write a film of a crowd that sways."""
    width, height = size
    scene = crowd(people, width, height, fps=FPS, seconds=frames / FPS, far=far)
    path = folder / f"{width}x{height}-{people}{'-far' if far else ''}.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODEC), FPS, size)
    for image in scene.frames():
        writer.write(image)
    writer.release()
    return Clip(path, width, height, people, far)


def contestants(files: PeerFiles) -> list[Contestant]:
    """Return the minimum, Footlight and the other systems, with networks on one thread. Raises ``UserError`` for a
    file that is not such a network."""
    settings = Settings()
    settings = settings.model_copy(update={"detection": settings.detection.model_copy(update={"threads": 1})})
    models = load_models(settings)
    everybody = [
        Contestant(),
        Footlight(settings, models),
        EveryFace(HAAR, HaarDetector(), models.classifier),
    ]
    if files.yunet is not None:
        faces = YuNetDetector(files.yunet, settings.detection.min_score)
        everybody.append(EveryFace(YUNET, faces, models.classifier))
        if files.bodies is not None:
            everybody.append(EveryFace(BODIES, Both(BodyDetector(*files.bodies), faces), models.classifier))
    return everybody


def play(clip: Clip, contestant: Contestant, frames: int) -> Run:
    with closing(VideoFile(clip.path, fps=FPS, clock=SystemClock())) as camera:
        camera.open()
        return run(contestant, camera.read, max(1, round(frames * contestant.share)))


def films(
    folder: Path, sizes: Sequence[tuple[int, int]], people: Sequence[int], frames: int
) -> Iterator[Clip]:
    """Render a film for each size and number of people, of people close by and, if there are any, far away."""
    for size in sizes:
        for far in (False, True):
            for count in people:
                if count or not far:
                    yield film(folder, size, count, frames, far=far)


def measure(
    everybody: Sequence[Contestant],
    clips: Sequence[Clip],
    *,
    frames: int,
    rounds: int,
    progress: Callable[[str], None],
) -> list[Json]:
    """Measure one result for each film; ``progress`` is called for every run."""
    for contestant in everybody:  # one-time work is done before the measurement
        play(clips[-1], contestant, 2)
    runs: dict[tuple[Clip, str], list[Run]] = {(clip, one.name): [] for clip in clips for one in everybody}
    for round_ in range(rounds):
        for clip in clips:
            for place in range(len(everybody)):
                contestant = everybody[(place + round_) % len(everybody)]
                runs[clip, contestant.name].append(play(clip, contestant, frames))
                progress(f"{clip.path.stem} {contestant.name}")
    return [result(clip, {one.name: runs[clip, one.name] for one in everybody}) for clip in clips]


def result(clip: Clip, runs: dict[str, list[Run]]) -> Json:
    """Compute medians over the rounds, and the ratio of Footlight's CPU per frame to each other's in the same round,
    with the decoding, which costs everybody the same, and without it."""

    def cpu(run: Run, *, without: float = 0.0) -> float:
        return (run.cpu_s["total"] - without * run.cpu_s["decode"]) / run.frames

    def ratios(without: float) -> dict[str, float]:
        return {
            name: round(
                median(
                    cpu(ours, without=without) / cpu(other, without=without)
                    for ours, other in zip(runs[FOOTLIGHT], each, strict=True)
                ),
                4,
            )
            for name, each in runs.items()
            if name in GOALS
        }

    return {
        "size": f"{clip.width}x{clip.height}",
        "people": clip.people,
        "far": clip.far,
        "contestants": {name: summary(each) for name, each in runs.items()},
        "footlight_cpu_over": ratios(0.0),
        "footlight_cpu_over_without_decoding": ratios(1.0),
    }


def summary(runs: Sequence[Run]) -> Json:
    def middle(value: Callable[[Run], float]) -> float:
        return round(median(value(run) / run.frames for run in runs), 4)

    per_frame = ("faces", "bodies", "followed", "wide", "near", "refined", "classified")
    return {
        "frames": runs[0].frames,
        "fps": round(median(run.frames / run.wall_s for run in runs), 1),
        "cpu_ms": {stage: middle(partial(_milliseconds, stage)) for stage in runs[0].cpu_s},
        "per_frame": {what: middle(partial(_done, what)) for what in per_frame},
        **{what: round(median(_done(what, run) for run in runs)) for what in ("visits", "described")},
    }


def _done(what: str, run: Run) -> int:
    return run.done[what]


def _milliseconds(stage: str, run: Run) -> float:
    return 1000 * run.cpu_s[stage]


def missed(results: Sequence[Json]) -> list[str]:
    """Return, for each other system of which Footlight costs more than its goal somewhere, a line that says where."""
    lines = []
    for name, most in GOALS.items():
        over = [each for each in results if each["footlight_cpu_over"].get(name, 0.0) > most]
        if over:
            worst = max(over, key=lambda each: each["footlight_cpu_over"][name])
            lines.append(
                f"Footlight costs more than {most:g} of {name} in {len(over)} of {len(results)} films; most, "
                f"{worst['footlight_cpu_over'][name]:.2f}, at {worst['size']} with {worst['people']} people"
                f"{' far away' if worst['far'] else ''}"
            )
    return lines


def machine() -> Json:
    def installed(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return {
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "runtime": {name: installed(name) for name in ("ai-edge-litert", "tflite-runtime")},
    }


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Compare the cost of the edge on this machine with a minimum and three other systems.",
    )
    parser.add_argument("--rounds", type=positive, default=3, help="plays of every film (%(default)s)")
    parser.add_argument("--frames", type=positive, default=90, help=f"per film, {FPS}/s (%(default)s)")
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of the data sets; its folder teacher has the networks of other systems",
    )
    parser.add_argument("--yunet", type=Path, help="yunet_n_320_320.onnx, if it is not there")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    cv2.setNumThreads(1)  # for the whole process: nothing else runs in it
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        everybody = contestants(peer_files(options.data, options.yunet, errors.print))
    except UserError as error:
        errors.print(str(error))
        return 2
    before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="footlight-bench-") as folder,
        Progress(console=errors, transient=True) as bar,
    ):
        task = bar.add_task("", total=None)
        clips = []
        for clip in films(Path(folder), SIZES, PEOPLE, options.frames):
            clips.append(clip)
            bar.update(task, description=f"rendered {clip.path.stem}")
        bar.update(task, total=options.rounds * len(everybody) * len(clips))
        results = measure(
            everybody,
            clips,
            frames=options.frames,
            rounds=options.rounds,
            progress=lambda what: bar.update(task, advance=1, description=what),
        )
    of_places = places.costs()
    wrong = missed(results) + places.too_slow(of_places)
    conditions = machine() | {"load_before": round(before, 1), "load_after": round(os.getloadavg()[0], 1)}
    if options.json:
        report = {
            "machine": conditions,
            "threads": 1,
            "codec": CODEC,
            "rounds": options.rounds,
            "goals": GOALS,
            "results": results,
            "places": of_places,
            "missed": wrong,
        }
        print(json.dumps(report, indent=2))
    else:
        console = Console()
        console.width = max(console.width, 120)  # rows must not wrap
        for table in tables(results, GOALS, CODEC):
            console.print(table)
        console.print(places.table(of_places))
        console.print(NOTES, highlight=False)
        console.print(
            f"{conditions['cores']} cores; load {before:.1f} before, {conditions['load_after']} after"
        )
    for line in wrong:
        errors.print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
