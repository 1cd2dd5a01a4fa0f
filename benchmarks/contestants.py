"""What the benchmark compares: the minimum and the product, and the watch that measures each stage."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.following import is_described
from common.clock import SystemClock
from edge.config import Settings
from edge.service.build import Models, build_pipeline
from edge.types import (
    Classifier,
    Detector,
    Face,
    FaceScores,
    Frame,
    Image,
    Refiner,
    Sight,
    Sighting,
    Track,
    Visit,
)
from edge.vision.tracker import Tracker, Tracks

STAGES = ("decode", "wide", "near", "refine", "classify", "track")
"""``wide`` and ``near`` are the looks of the detector: at the whole view, and at a part of it."""

DONE = ("faces", "bodies", "followed", "wide", "near", "refined", "classified", "visits", "described")
"""What is counted: finds of the detector, people followed in a frame, looks, passes of the two models on a face, visits
and how many of them were described."""


class Watch:
    """CPU seconds of the process with all its threads, by stage, and the work done in each stage."""

    def __init__(self) -> None:
        self.cpu_s: defaultdict[str, float] = defaultdict(float)
        self.done: Counter[str] = Counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.cpu_s[name] += time.process_time() - began

    def frames(self, read: Callable[[], Frame | None], limit: int) -> Iterator[Frame]:
        """Yield at most ``limit`` frames; the time to read them is the stage ``decode``."""
        for _ in range(limit):
            with self.stage("decode"):
                frame = read()
            if frame is None:
                return
            self.done["frames"] += 1
            yield frame

    def look(self, name: str, look: Callable[[], Sight]) -> Sight:
        """Take a look of the stage ``name``, and count what it finds."""
        with self.stage(name):
            sight = look()
        self.done[name] += 1
        self.done["faces"] += len(sight.faces)
        self.done["bodies"] += len(sight.bodies)
        return sight


class WatchedDetector:
    def __init__(self, detector: Detector, watch: Watch) -> None:
        self._detector, self._watch = detector, watch

    @property
    def near_size(self) -> tuple[int, int]:
        return self._detector.near_size

    def look(self, image: Image) -> Sight:
        return self._watch.look("wide", partial(self._detector.look, image))

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        return self._watch.look("near", partial(self._detector.look_near, image, corner))


class WatchedRefiner:
    def __init__(self, refiner: Refiner, watch: Watch) -> None:
        self._refiner, self._watch = refiner, watch

    def refine(self, image: Image, face: Face) -> Face:
        with self._watch.stage("refine"):
            refined = self._refiner.refine(image, face)
        self._watch.done["refined"] += 1
        return refined


class WatchedClassifier:
    def __init__(self, classifier: Classifier, watch: Watch) -> None:
        self._classifier, self._watch = classifier, watch

    def classify(self, image: Image, face: Face, *, mirrored: bool = False) -> FaceScores:
        with self._watch.stage("classify"):
            scores = self._classifier.classify(image, face, mirrored=mirrored)
        self._watch.done["classified"] += 1
        return scores


class WatchedTracker(Tracker):
    def __init__(self, tracker: Tracker, watch: Watch) -> None:
        self._tracker, self._watch = tracker, watch

    def update(
        self,
        sightings: Sequence[Sighting],
        at_s: float,
        *,
        view: tuple[int, int] | None = None,
        image: Image | None = None,
        scale: float | None = 1.0,
    ) -> Tracks:
        with self._watch.stage("track"):
            return self._tracker.update(sightings, at_s, view=view, image=image, scale=scale)

    def finish(self, at_s: float) -> tuple[Track, ...]:
        return self._tracker.finish(at_s)


class Contestant:
    """One way to turn the frames of a clip into people. Every ``play`` starts with a new state.

    ``share`` of the clip's frames is enough to measure its cost: all frames for a system with a memory, a tenth for
    one that treats every frame the same.
    """

    name = "decode"
    share = 1.0

    def play(self, frames: Iterable[Frame], watch: Watch) -> None:
        """Only decode the frames: this is the minimum."""
        for _ in frames:
            pass


class Footlight(Contestant):
    """The product's own pipeline, built by its own code."""

    name = "footlight"

    def __init__(self, settings: Settings, models: Models) -> None:
        self._settings, self._models = settings, models

    def play(self, frames: Iterable[Frame], watch: Watch) -> None:
        models = replace(
            self._models,
            detector=WatchedDetector(self._models.detector, watch),
            refiner=WatchedRefiner(self._models.refiner, watch),
            classifier=WatchedClassifier(self._models.classifier, watch),
        )
        budget_s = self._settings.attributes.budget_ms / 1000
        pipeline = build_pipeline(self._settings, models, SystemClock(), budget_s=budget_s)
        # the product has no public access here, and only this benchmark would need it
        pipeline._tracker = WatchedTracker(pipeline._tracker, watch)
        at_s = 0.0
        visits: list[Visit] = []
        for frame in frames:
            at_s = frame.monotonic_s
            step = pipeline.step(frame)
            watch.done["followed"] += step.tracks.occupancy
            visits += step.visits
        visits += pipeline.finish(at_s).visits
        watch.done["visits"] += len(visits)
        watch.done["described"] += sum(is_described(visit) for visit in visits)


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant over one clip: seconds for all ``frames``; the remaining CPU time is ``rest``."""

    frames: int
    wall_s: float
    cpu_s: dict[str, float]
    done: dict[str, int]


def run(contestant: Contestant, read: Callable[[], Frame | None], frames: int) -> Run:
    """Let a contestant play at most ``frames`` frames of an open camera."""
    watch = Watch()
    wall, cpu = time.perf_counter(), time.process_time()
    contestant.play(watch.frames(read, frames), watch)
    total, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    stages = {stage: watch.cpu_s[stage] for stage in STAGES}
    return Run(
        watch.done["frames"],
        wall_s,
        {**stages, "rest": total - sum(stages.values()), "total": total},
        {what: watch.done[what] for what in DONE},
    )
