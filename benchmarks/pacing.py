"""``python -m benchmarks.pacing``: how much pacing saves, and how it changes the counts.

Four minutes of film, decoded like a camera's pictures, go through the whole pipeline three times: every frame; paced by
recent tracks alone; paced by tracks and the motion test. The results are CPU seconds a minute, on one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import cv2
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from common.clock import SystemClock
from edge.capture.video import VideoFile
from edge.config import Settings
from edge.scene.render import Scene, crowd
from edge.service.build import Models, build_pipeline, load_models
from edge.service.pacing import Pacer
from edge.types import Frame, Visit
from edge.vision.motion import Motion

FPS = 15
WAYS = {"every frame": (False, False), "recent tracks": (True, False), "tracks, motion": (True, True)}


@dataclass(frozen=True, slots=True)
class Run:
    """One play of one film."""

    cpu_s: float
    decode_s: float
    frames: int
    looked_at: int
    visits: tuple[Visit, ...]


def films(folder: Path) -> Iterator[tuple[str, Path]]:
    """Make an empty picture, two people in a minute, and the sample scene, where somebody is nearly always in view."""
    few = Scene().walks[:2]
    scenes = {
        "empty, 60 s": crowd(0, 640, 480, fps=FPS, seconds=60),
        "two people, 60 s": Scene(fps=FPS, seconds=60, walks=few, pillars=()),
        "sample scene, 45 s": Scene(fps=FPS),
    }
    for name, scene in scenes.items():
        path = folder / f"{name}.avi"
        writer = cv2.VideoWriter(
            str(path), cv2.VideoWriter.fourcc(*"MJPG"), scene.fps, (scene.width, scene.height)
        )
        for image in scene.frames():
            writer.write(image)
        writer.release()
        yield name, path


def play(path: Path, settings: Settings, models: Models, *, paced: bool, motion: bool) -> Run:
    """Play the film through the pipeline; frames that are not due are decoded and skipped, as in the service."""
    clock = SystemClock()
    pipeline = build_pipeline(settings, models, clock, budget_s=None)
    pacer, senses = Pacer(idle_fps=settings.pacing.idle_fps), Motion()
    visits: list[Visit] = []
    frames = looked_at = 0
    decode_s, last_s = 0.0, 0.0
    with closing(VideoFile(path, fps=FPS, clock=clock)) as camera:
        camera.open()
        began = time.process_time()
        while True:
            before = time.process_time()
            frame: Frame | None = camera.read()
            decode_s += time.process_time() - before
            if frame is None:
                break
            frames, last_s = frames + 1, frame.monotonic_s
            moved = motion and bool(senses.seen(frame.image, frame.monotonic_s))
            if paced and not pacer.due(frame.monotonic_s, moved=moved):
                continue
            step = pipeline.step(frame)
            looked_at += 1
            visits += step.visits
            pacer.saw(step.tracks.active, frame.monotonic_s)
        visits += pipeline.finish(last_s).visits
        cpu_s = time.process_time() - began
    return Run(cpu_s, decode_s, frames, looked_at, tuple(visits))


def report(name: str, runs: dict[str, list[Run]]) -> list[dict[str, Any]]:
    """Make one row for each way, with the delay at which visits begin, compared with the run over every frame."""
    whole = sorted(visit.dwell_s for visit in runs["every frame"][0].visits)
    rows = []
    for way, plays in runs.items():
        first = plays[0]
        a_minute = 60 * FPS / first.frames
        dwell = sorted(visit.dwell_s for visit in first.visits)
        same = len(dwell) == len(whole)
        rows.append(
            {
                "film": name,
                "way": way,
                "looked_at": round(first.looked_at / first.frames, 3),
                "cpu_s_a_minute": round(a_minute * median(play.cpu_s for play in plays), 2),
                "decode_s_a_minute": round(a_minute * median(play.decode_s for play in plays), 2),
                "visits": len(dwell),
                "dwell_mean_s": round(mean(dwell), 3) if dwell else None,
                "dwell_short_by_s": round(max(w - d for w, d in zip(whole, dwell, strict=True)), 3)
                if dwell and same
                else None,
            }
        )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> Table:
    shown = Table(
        title=f"640x480, {FPS} frames/s, MJPG, one thread: CPU seconds a minute",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("film", no_wrap=True)
    shown.add_column("paced by", no_wrap=True)
    for heading in ("frames", "CPU s/min", "decoding", "visits", "mean dwell s", "shorter by s"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = (row["visits"], row["dwell_mean_s"], row["dwell_short_by_s"])
        shown.add_row(
            row["film"],
            row["way"],
            f"{row['looked_at']:.0%}",
            f"{row['cpu_s_a_minute']:.2f}",
            f"{row['decode_s_a_minute']:.2f}",
            *("" if cell is None else f"{cell:g}" for cell in cells),
        )
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pacing", description="Measure how much pacing saves."
    )
    parser.add_argument("--rounds", type=int, default=3, help="plays of every film (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    settings = Settings.model_validate({"detection": {"threads": 1}})
    models = load_models(settings)
    rows = []
    with tempfile.TemporaryDirectory(prefix="footlight-bench-") as folder:
        for name, path in films(Path(folder)):
            runs: dict[str, list[Run]] = {way: [] for way in WAYS}
            for _ in range(options.rounds):
                for way, (paced, motion) in WAYS.items():
                    runs[way].append(play(path, settings, models, paced=paced, motion=motion))
            rows += report(name, runs)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        console = Console()
        console.width = max(console.width, 120)
        console.print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
