"""The systems that the benchmark compares, and the watch that measures each stage."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import cv2
import cv2.data
import numpy as np

from common.clock import SystemClock
from edge.config import Settings
from edge.inference.align import TEMPLATE
from edge.service.build import Models, build_pipeline
from edge.types import (
    Box,
    Classifier,
    Detector,
    Face,
    FaceScores,
    Floats,
    Frame,
    Image,
    Refiner,
    Track,
)
from edge.vision.tracker import Tracker, Tracks

YUNET_SIDE = 320
"""Side of YuNet's input, pixels; the picture is fitted into it as into our detector's."""


STAGES = ("decode", "detect", "refine", "track", "classify")


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


class WatchedDetector:
    def __init__(self, detector: Detector, watch: Watch) -> None:
        self._detector, self._watch = detector, watch

    def detect(self, image: Image) -> list[Face]:
        with self._watch.stage("detect"):
            found = self._detector.detect(image)
        self._watch.done["found"] += len(found)
        return found


class WatchedRefiner:
    def __init__(self, refiner: Refiner, watch: Watch) -> None:
        self._refiner, self._watch = refiner, watch

    def refine(self, image: Image, detection: Face) -> Face:
        with self._watch.stage("refine"):
            refined = self._refiner.refine(image, detection)
        self._watch.done["refined"] += 1
        return refined


class WatchedClassifier:
    def __init__(self, classifier: Classifier, watch: Watch) -> None:
        self._classifier, self._watch = classifier, watch

    def classify(self, image: Image, detection: Face, *, mirrored: bool = False) -> FaceScores:
        with self._watch.stage("classify"):
            scores = self._classifier.classify(image, detection, mirrored=mirrored)
        self._watch.done["looks"] += 1
        return scores


class WatchedTracker(Tracker):
    def __init__(self, tracker: Tracker, watch: Watch) -> None:
        self._tracker, self._watch = tracker, watch

    def update(
        self,
        detections: Sequence[Face],
        at_s: float,
        *,
        view: tuple[int, int] | None = None,
        image: Image | None = None,
    ) -> Tracks:
        with self._watch.stage("track"):
            return self._tracker.update(detections, at_s, view=view, image=image)

    def finish(self, at_s: float) -> tuple[Track, ...]:
        return self._tracker.finish(at_s)


class Contestant:
    """One way to turn the frames of a clip into faces. Every ``play`` starts with a new state.

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
        for frame in frames:
            at_s = frame.monotonic_s
            watch.done["visits"] += len(pipeline.step(frame).visits)
        watch.done["visits"] += len(pipeline.finish(at_s).visits)


class EveryFace(Contestant):
    """A detector, and the classifier on every face of every frame, as published systems do it."""

    share = 0.1

    def __init__(self, name: str, detector: Detector, classifier: Classifier) -> None:
        self.name = name
        self._detector, self._classifier = detector, classifier

    def play(self, frames: Iterable[Frame], watch: Watch) -> None:
        detector = WatchedDetector(self._detector, watch)
        classifier = WatchedClassifier(self._classifier, watch)
        for frame in frames:
            for detection in detector.detect(frame.image):
                classifier.classify(frame.image, detection)


class HaarDetector:
    """Viola and Jones (2001) as published systems use it: grey, full resolution, OpenCV's own cascade.

    It gives no landmarks; they are placed as in the classifier's template.
    """

    def __init__(self) -> None:
        path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))

    def detect(self, image: Image) -> list[Face]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(24, 24))
        return [_upright(*(float(value) for value in box)) for box in boxes]


def _upright(x: float, y: float, width: float, height: float) -> Face:
    landmarks = TEMPLATE * np.array([width, height], np.float32) + np.array([x, y], np.float32)
    return Face(Box(x, y, x + width, y + height), 1.0, landmarks)


class YuNetDetector:
    """YuNet (Wu et al. 2023) through OpenCV, the picture fitted into ``YUNET_SIDE`` pixels square."""

    def __init__(self, path: Path, min_score: float) -> None:
        size = (YUNET_SIDE, YUNET_SIDE)
        self._network = cv2.FaceDetectorYN.create(str(path), "", size, score_threshold=min_score)
        self._canvas: Image = np.full((YUNET_SIDE, YUNET_SIDE, 3), 128, np.uint8)

    def detect(self, image: Image) -> list[Face]:
        height, width = image.shape[:2]
        scale = YUNET_SIDE / max(height, width)
        size = (round(width * scale), round(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._canvas[: size[1], : size[0]] = small
        self._canvas[size[1] :] = self._canvas[:, size[0] :] = 128
        # its type does not mention that the result may be None
        found = cast("Floats | None", self._network.detect(self._canvas)[1])
        return [] if found is None else [_detection(row / scale, float(row[14])) for row in found]


def _detection(row: Floats, score: float) -> Face:
    """Convert x, y, width, height and five points: eyes, nose, mouth corners, left meaning left in the picture."""
    x, y, width, height = (float(value) for value in row[:4])
    return Face(Box(x, y, x + width, y + height), score, row[4:14].reshape(5, 2).astype(np.float32))


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
    done = {what: watch.done[what] for what in ("found", "refined", "looks", "visits")}
    return Run(
        watch.done["frames"],
        wall_s,
        {**stages, "rest": total - sum(stages.values()), "total": total},
        done,
    )
