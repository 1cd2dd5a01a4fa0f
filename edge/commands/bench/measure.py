"""The cost of a frame on this machine, stage by stage, and whether the speed lasts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import cv2
import numpy as np

from common.clock import Clock
from edge.pipeline import Pipeline
from edge.scene.render import crowd
from edge.scene.trajectories import SWAY_S
from edge.service.host import board_model, memory_mib, processor_name, temperature_c, throttled
from edge.types import Classifier, Detector, Face, FaceScores, Frame, Image, Refiner, Sight

FPS = 15
"""Nominal rate of the film, which decides how often a face is classified; it is played as fast as possible."""

STAGES = ("decode", "wide", "near", "refine", "classify", "track", "step")
"""``wide`` and ``near`` are looks at the whole view and at a part of it. These two, ``refine`` and ``classify`` cover
only the frames in which they took place; ``track`` is the rest of a step. The camera's thread does the decoding."""

_NOT_ALWAYS = ("wide", "near", "refine", "classify")
_SLICE_S = 5.0
_FILM = round(SWAY_S * FPS)
"""Frames from one side to the other: people go far enough to be counted."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine at one moment. ``load``: number of programs that want the processor; ``free_mib``: free memory."""

    board: str
    cores: int
    load: float
    free_mib: float
    governor: str | None
    mhz: float | None
    temperature_c: float | None
    throttled: bool | None


@dataclass(frozen=True, slots=True)
class Stage:
    """Milliseconds a frame."""

    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of frames of one kind. ``step_ms``: mean time of a step, because not every frame has the same looks.
    ``without_near``: the steps without their near looks. ``near_share``: share of the frames with a near look.
    ``cpu_ms`` is processor time a frame, over all cores, decoding included."""

    width: int
    height: int
    people: int
    threads: int
    stages: Mapping[str, Stage]
    step_ms: float
    without_near: Stage
    near_share: float
    cpu_ms: float

    @property
    def fps(self) -> float:
        """Frames a second of the main loop."""
        return 1000 / self.step_ms


@dataclass(frozen=True, slots=True)
class Slice:
    """Some seconds of a long run, which end ``until_s`` after its start."""

    until_s: float
    fps: float
    temperature_c: float | None
    throttled: bool | None


class Stopwatch:
    """Adds up the time of each stage within one frame."""

    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}

    @contextmanager
    def lap(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.laps_s[stage] = self.laps_s.get(stage, 0.0) + time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class TimedModels:
    """Detector, refiner and classifier, timed."""

    detector: Detector
    refiner: Refiner
    classifier: Classifier
    watch: Stopwatch

    @property
    def near_size(self) -> tuple[int, int]:
        return self.detector.near_size

    def look(self, image: Image) -> Sight:
        with self.watch.lap("wide"):
            return self.detector.look(image)

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        with self.watch.lap("near"):
            return self.detector.look_near(image, corner)

    def refine(self, image: Image, face: Face) -> Face:
        with self.watch.lap("refine"):
            return self.refiner.refine(image, face)

    def classify(self, image: Image, face: Face, *, mirrored: bool = False) -> FaceScores:
        with self.watch.lap("classify"):
            return self.classifier.classify(image, face, mirrored=mirrored)


class Film:
    """People far away who sway, as JPEG, played forwards and backwards in an endless loop."""

    def __init__(self, width: int, height: int, people: int) -> None:
        self.width, self.height, self.people = width, height, people
        scene = crowd(people, width, height, fps=FPS, seconds=_FILM / FPS, far=True)
        self._pictures = [cv2.imencode(".jpg", image)[1] for image in scene.frames()]

    def picture(self, number: int) -> Image:
        """Decode the picture of this number."""
        there_and_back = number % (2 * _FILM - 2)
        index = min(there_and_back, 2 * _FILM - 2 - there_and_back)
        return np.asarray(cv2.imdecode(self._pictures[index], cv2.IMREAD_COLOR), np.uint8)


def machine(
    *,
    proc: Path = Path("/proc"),
    cpu: Path = Path("/sys/devices/system/cpu"),
    thermal: Path = Path("/sys/class/thermal"),
    platform: Path = Path("/sys/devices/platform"),
) -> Machine:
    """Return the current state of the machine, as far as it reports it."""
    policy = cpu / "cpu0" / "cpufreq"
    khz = _text(policy / "scaling_cur_freq")
    return Machine(
        board=board_model(proc) or processor_name(proc) or "unknown",
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0],
        free_mib=memory_mib()[1],
        governor=_text(policy / "scaling_governor"),
        mhz=None if khz is None else int(khz) / 1000,
        temperature_c=temperature_c(thermal),
        throttled=throttled(platform),
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip("\0\n ")
    except OSError:
        return None


class Runner:
    """One pipeline, fed with films; ``threads`` is the number that its models use."""

    def __init__(self, pipeline: Pipeline, watch: Stopwatch, *, threads: int, clock: Clock) -> None:
        self._pipeline, self._watch, self._threads = pipeline, watch, threads
        self._began_at = clock.now()
        self._number = 0

    def cost(self, film: Film, frames: int) -> Cost:
        """Measure ``frames`` of the film, after a second that is not measured: in it, people become visits."""
        for _ in range(FPS):
            self._step(film)
        cpu_s = time.process_time()
        laps = [self._step(film) for _ in range(frames)]
        cpu_s = time.process_time() - cpu_s
        return Cost(
            film.width,
            film.height,
            film.people,
            self._threads,
            stages={stage: _stage([1000 * lap[stage] for lap in laps], stage) for stage in STAGES},
            step_ms=round(1000 * sum(lap["step"] for lap in laps) / frames, 3),
            without_near=_stage([1000 * (lap["step"] - lap["near"]) for lap in laps], "step"),
            near_share=round(sum(lap["near"] > 0 for lap in laps) / frames, 3),
            cpu_ms=round(1000 * cpu_s / frames, 3),
        )

    def endure(self, film: Film, seconds: float, progress: Callable[[float], None]) -> list[Slice]:
        """Play the film as fast as possible for ``seconds``; ``progress`` is called with the seconds so far."""
        began = time.perf_counter()
        count = max(2, round(seconds / _SLICE_S))
        slices: list[Slice] = []
        for number in range(1, count + 1):
            since, frames = time.perf_counter(), 0
            while (now := time.perf_counter()) - began < seconds * number / count or not frames:
                self._step(film)
                frames += 1
            slices.append(
                Slice(round(now - began, 1), round(frames / (now - since), 2), temperature_c(), throttled())
            )
            progress(now - began)
        return slices

    def _step(self, film: Film) -> dict[str, float]:
        """Process the next frame, and return the seconds of each stage."""
        self._watch.laps_s.clear()
        with self._watch.lap("decode"):
            image = film.picture(self._number)
        at_s = self._number / FPS
        self._number += 1
        with self._watch.lap("step"):
            self._pipeline.step(Frame(image, self._began_at, at_s, self._number))
        laps = {stage: self._watch.laps_s.get(stage, 0.0) for stage in STAGES}
        laps["track"] = laps["step"] - laps["wide"] - laps["near"] - laps["refine"] - laps["classify"]
        return laps


def _stage(values: Sequence[float], stage: str) -> Stage:
    if stage in _NOT_ALWAYS:
        values = [value for value in values if value] or [0.0]
    return Stage(round(median(values), 3), round(quantiles([*values, values[-1]], n=20)[-1], 3))
