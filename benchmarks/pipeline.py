"""``make bench``: the cost of the edge on this machine, stage by stage, compared with a minimum and two other systems.

A crowd of the sample scene is rendered into a film and decoded as in the product. Every contestant plays it in turn,
in several rounds, on one thread, so that CPU seconds can be compared on a busy machine. Each number is the median over
the rounds. The exit code is 1 if Footlight is not the cheapest.
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
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.contestants import (
    STAGES,
    Contestant,
    EveryFace,
    Footlight,
    HaarDetector,
    Run,
    YuNetDetector,
    run,
)
from common.clock import SystemClock
from common.errors import UserError
from edge.capture.video import VideoFile
from edge.config import Settings
from edge.scene.render import crowd
from edge.service.build import load_models

Json = dict[str, Any]

SIZES = ((640, 480), (1280, 720))
FACES = (0, 1, 5, 20)
FPS = 15
CODEC = "MJPG"
"""The format of a USB camera; every frame takes the same time to decode."""

FLOOR, FOOTLIGHT, HAAR, YUNET = "decode", "footlight", "haar", "yunet"


@dataclass(frozen=True, slots=True)
class Clip:
    path: Path
    width: int
    height: int
    faces: int


def film(folder: Path, size: tuple[int, int], faces: int, frames: int) -> Clip:
    """Write a film of a crowd that moves a little."""
    width, height = size
    scene = crowd(faces, width, height, fps=FPS, seconds=frames / FPS)
    path = folder / f"{width}x{height}-{faces}.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODEC), FPS, size)
    for image in scene.frames():
        writer.write(image)
    writer.release()
    return Clip(path, width, height, faces)


def contestants(yunet: Path | None) -> list[Contestant]:
    """Return the minimum, Footlight and the other systems, with networks on one thread; YuNet if its file is given."""
    settings = Settings()
    settings = settings.model_copy(update={"detection": settings.detection.model_copy(update={"threads": 1})})
    models = load_models(settings)
    everybody = [
        Contestant(),
        Footlight(settings, models),
        EveryFace(HAAR, HaarDetector(), models.classifier),
    ]
    if yunet is not None:
        try:
            detector = YuNetDetector(yunet, settings.detection.min_score)
        except cv2.error:
            raise UserError(f"{yunet}: not YuNet as ONNX; give face_detection_yunet as --yunet") from None
        everybody.append(EveryFace(YUNET, detector, models.classifier))
    return everybody


def play(clip: Clip, contestant: Contestant, frames: int) -> Run:
    with closing(VideoFile(clip.path, fps=FPS, clock=SystemClock())) as camera:
        camera.open()
        return run(contestant, camera.read, max(1, round(frames * contestant.share)))


def measure(
    everybody: Sequence[Contestant],
    *,
    sizes: Sequence[tuple[int, int]],
    faces: Sequence[int],
    frames: int,
    rounds: int,
    progress: Callable[[str], None],
) -> list[Json]:
    """Measure one result for each size and number of faces; ``progress`` is called for every film and every run."""
    with tempfile.TemporaryDirectory(prefix="footlight-bench-") as folder:
        clips = []
        for size in sizes:
            for count in faces:
                clips.append(film(Path(folder), size, count, frames))
                progress(f"render {clips[-1].path.stem}")
        for contestant in everybody:  # one-time work is done before the measurement
            play(clips[-1], contestant, 2)
        runs: dict[tuple[Clip, str], list[Run]] = {
            (clip, one.name): [] for clip in clips for one in everybody
        }
        for round_ in range(rounds):
            for clip in clips:
                for place in range(len(everybody)):
                    contestant = everybody[(place + round_) % len(everybody)]
                    runs[clip, contestant.name].append(play(clip, contestant, frames))
                    progress(f"{clip.path.stem} {contestant.name}")
    return [result(clip, {one.name: runs[clip, one.name] for one in everybody}) for clip in clips]


def result(clip: Clip, runs: dict[str, list[Run]]) -> Json:
    """Compute medians over the rounds, and the ratio of Footlight's CPU per frame to each other's in the same round."""

    def cpu(run: Run) -> float:
        return run.cpu_s["total"] / run.frames

    ratios = {
        name: round(
            median(cpu(ours) / cpu(other) for ours, other in zip(runs[FOOTLIGHT], each, strict=True)), 4
        )
        for name, each in runs.items()
        if name != FOOTLIGHT
    }
    return {
        "size": f"{clip.width}x{clip.height}",
        "faces": clip.faces,
        "contestants": {name: summary(each) for name, each in runs.items()},
        "footlight_cpu_over": ratios,
    }


def summary(runs: Sequence[Run]) -> Json:
    def middle(value: Callable[[Run], float]) -> float:
        return round(median(value(run) / run.frames for run in runs), 4)

    return {
        "frames": runs[0].frames,
        "fps": round(median(run.frames / run.wall_s for run in runs), 1),
        "cpu_ms": {stage: middle(partial(_milliseconds, stage)) for stage in runs[0].cpu_s},
        "found_per_frame": middle(lambda run: run.done["found"]),
        "looks_per_frame": middle(lambda run: run.done["looks"]),
        "visits": round(median(run.done["visits"] for run in runs)),
    }


def _milliseconds(stage: str, run: Run) -> float:
    return 1000 * run.cpu_s[stage]


def cheaper_everywhere(results: Sequence[Json]) -> bool:
    """Return whether Footlight uses less CPU per frame than the Haar cascade at every size and number of faces."""
    return all(each["footlight_cpu_over"][HAAR] < 1 for each in results)


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


def tables(results: Sequence[Json], seconds: float) -> Iterator[Table]:
    """Build, for each size, the cost of a frame and the work done for it; ``seconds`` is the length of a film."""
    stages = (*STAGES, "rest", "total")
    titles = {FLOOR: "floor", HAAR: "Haar", YUNET: "YuNet"}
    others = {name: title for name, title in titles.items() if name in results[0]["contestants"]}
    peers = {name: title for name, title in others.items() if name != FLOOR}
    for size in dict.fromkeys(each["size"] for each in results):
        costs = Table(
            title=f"{size} {CODEC}: CPU milliseconds per frame, one thread", box=SIMPLE_HEAD, pad_edge=False
        )
        work = Table(title=f"{size}: work done", box=SIMPLE_HEAD, pad_edge=False)
        for heading in (
            "faces",
            "fps",
            *stages,
            *others.values(),
            *(f"/ {title}" for title in others.values()),
        ):
            costs.add_column(heading, justify="right", no_wrap=True)
        for heading in ("faces", "found/frame", "looks/frame", "visits", "new visits/minute"):
            work.add_column(heading, justify="right", no_wrap=True)
        for title in peers.values():
            work.add_column(f"{title} looks/frame", justify="right", no_wrap=True)
        for each in (each for each in results if each["size"] == size):
            mine, faces = each["contestants"][FOOTLIGHT], str(each["faces"])
            costs.add_row(
                faces,
                f"{mine['fps']:.0f}",
                *(f"{mine['cpu_ms'][stage]:.2f}" for stage in stages),
                *(f"{each['contestants'][name]['cpu_ms']['total']:.2f}" for name in others),
                *(f"{each['footlight_cpu_over'][name]:.3f}" for name in others),
            )
            work.add_row(
                faces,
                f"{mine['found_per_frame']:.1f}",
                f"{mine['looks_per_frame']:.2f}",
                str(mine["visits"]),
                f"{60 * mine['visits'] / seconds:.0f}",
                *(f"{each['contestants'][name]['looks_per_frame']:.1f}" for name in peers),
            )
        yield costs
        yield work


NOTES = """\
floor: only decodes. Haar, YuNet: that detector, with our classifier on every face of every frame.
/ X: Footlight's CPU per frame divided by that of X, in the same rounds. fps: real time, with the present
load of this machine. looks: how often the classifier ran. It runs a few times per visit, so its cost
depends on how many people come, not on how long they stay. In a film all come at once."""


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Compare the cost of the edge on this machine with a minimum and two other systems.",
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="plays of every film (%(default)s)")
    parser.add_argument("--frames", type=_positive, default=150, help=f"per film, {FPS}/s (%(default)s)")
    parser.add_argument("--yunet", type=Path, help="yunet_n_320_320.onnx, for the second system")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    cv2.setNumThreads(1)  # for the whole process: nothing else runs in it
    errors = Console(stderr=True)
    yunet = options.yunet
    if yunet is None or not yunet.is_file():
        where = "make bench DATA=folder of the data sets" if yunet is None else f"no such file: {yunet}"
        errors.print(f"YuNet is skipped ({where})", soft_wrap=True, markup=False, highlight=False)
        yunet = None
    try:
        everybody = contestants(yunet)
    except UserError as error:
        errors.print(str(error), soft_wrap=True, markup=False, highlight=False)
        return 2
    films = len(SIZES) * len(FACES)
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("", total=films * (1 + options.rounds * len(everybody)))
        results = measure(
            everybody,
            sizes=SIZES,
            faces=FACES,
            frames=options.frames,
            rounds=options.rounds,
            progress=lambda what: bar.update(task, advance=1, description=what),
        )
    passed = cheaper_everywhere(results)
    if options.json:
        report = {
            "machine": machine(),
            "threads": 1,
            "codec": CODEC,
            "rounds": options.rounds,
            "results": results,
            "cheaper_than_haar": passed,
        }
        print(json.dumps(report, indent=2))
    else:
        console = Console()
        console.width = max(console.width, 110)  # rows must not wrap
        for table in tables(results, options.frames / FPS):
            console.print(table)
        console.print(NOTES, highlight=False)
    if not passed:
        errors.print("Footlight does not use less CPU per frame than the Haar cascade")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
