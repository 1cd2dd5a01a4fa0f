"""The whole way from frames to windows on the sample scene, whose truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from common.clock import SystemClock
from edge.config import Settings
from edge.place_settings import ZoneSettings
from edge.scene.camera import SceneCamera
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import Spot, route
from edge.service.build import Models, build_pipeline, load_models
from edge.types import Face, FaceScores, Frame, Image, Visit, WindowAggregate

pytestmark = pytest.mark.slow

SECONDS_PER_WINDOW = 15


@cache
def models() -> Models:
    return load_models(Settings())


def frames(every: int = 1) -> Iterator[Frame]:
    camera = SceneCamera(clock=SystemClock())
    camera.open()
    while (frame := camera.read()) is not None:
        if frame.sequence % every == 0:
            yield frame


def play(settings: Settings, some: Models, *, every: int = 1) -> tuple[list[Visit], list[WindowAggregate]]:
    settings = settings.model_copy(
        update={"window": settings.window.model_copy(update={"seconds": SECONDS_PER_WINDOW})}
    )
    pipeline = build_pipeline(settings, some, SystemClock(), budget_s=None)
    visits: list[Visit] = []
    windows: list[WindowAggregate] = []
    last_s = 0.0
    for frame in frames(every):
        step = pipeline.step(frame)
        visits += step.visits
        windows += step.windows
        last_s = frame.monotonic_s
    step = pipeline.finish(last_s)
    return visits + list(step.visits), windows + list(step.windows)


@cache
def whole_scene() -> tuple[list[Visit], list[WindowAggregate]]:
    return play(Settings(), models())


def test_everybody_who_walks_by_is_one_visit() -> None:
    truth = SceneCamera(clock=SystemClock()).scene.truth
    visits, _ = whole_scene()
    assert abs(len(visits) - len(truth.visits)) <= 1


def test_gender_is_right_for_nine_in_ten_of_the_classified() -> None:
    """Each visit is held against the person whose coming and going it fits best."""
    scene = SceneCamera(clock=SystemClock()).scene
    visits, _ = whole_scene()
    began = min(visit.started_at for visit in visits)
    offset = min(person.enters_s for person in scene.truth.visits)
    right = classified = 0
    for visit in visits:
        start = (visit.started_at - began).total_seconds() + offset
        end = start + visit.dwell_s
        person = min(scene.truth.visits, key=lambda p: abs(p.enters_s - start) + abs(p.leaves_s - end))
        if visit.attributes["gender"].label != "unknown":
            classified += 1
            right += visit.attributes["gender"].label == person.gender
    assert classified >= 0.8 * len(visits)
    assert right >= 0.9 * classified


def test_what_the_windows_hold_is_what_the_visits_were() -> None:
    visits, windows = whole_scene()
    assert sum(window.visits for window in windows) == len(visits)
    assert sum(window.viewers for window in windows) == sum(visit.viewer for visit in visits)
    assert sum(window.dwell_sum_s for window in windows) == pytest.approx(sum(v.dwell_s for v in visits))
    joint: Counter[tuple[str, str, str]] = Counter()
    for window in windows:
        joint.update(window.breakdown)
    told = Counter(
        (v.attributes["gender"].label, v.attributes["age_band"].label, v.attributes["expression"].label)
        for v in visits
    )
    assert joint == told
    assert [window.closing for window in windows] == [False] * (len(windows) - 1) + [True]


def test_a_third_of_the_frames_counts_the_same_people() -> None:
    """Time, not frames, is what is counted in."""
    visits, _ = whole_scene()
    fewer, _ = play(Settings(), models(), every=3)
    assert abs(len(fewer) - len(visits)) <= 1


def test_who_stands_and_watches_is_one_described_visit_with_the_whole_dwell() -> None:
    """From the first frame to the last, and so far away that it may be a picture: a visit only at the end."""
    person = route(load_portraits()[3], 3, 0.2, 0.0, [Spot(0.0, 2.0, 9.0, 0.0)], width=640.0, sway=0.04)
    scene = Scene(1, fps=10, seconds=9, walks=(person,), pillars=())
    camera = SceneCamera(clock=SystemClock(), scene=scene)
    camera.open()
    pipeline = build_pipeline(Settings(), models(), SystemClock(), budget_s=None)
    visits: list[Visit] = []
    last_s = 0.0
    while (frame := camera.read()) is not None:
        visits += pipeline.step(frame).visits
        last_s = frame.monotonic_s
    (visit,) = [*visits, *pipeline.finish(last_s).visits]
    (truth,) = scene.truth.visits
    assert visit.dwell_s == pytest.approx(last_s, abs=0.3)
    assert visit.attention_s > 0.8 * visit.dwell_s
    assert visit.attributes["gender"].label == truth.gender


class CountingClassifier:
    """The shipped classifier, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def classify(self, image: Image, detection: Face, *, mirrored: bool = False) -> FaceScores:
        self.calls += 1
        return models().classifier.classify(image, detection, mirrored=mirrored)


def test_a_visit_is_classified_a_few_times_not_every_frame() -> None:
    classifier = CountingClassifier()
    visits, _ = play(Settings(), replace(models(), classifier=classifier))
    limit = 2 * Settings().attributes.observations_per_visit
    assert 0 < classifier.calls <= limit * (len(visits) + 2)


class CountingRefiner:
    """The shipped refiner, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.found: list[Face] = []

    def refine(self, image: Image, detection: Face) -> Face:
        self.calls += 1
        self.found.append(models().refiner.refine(image, detection))
        return self.found[-1]


class ListeningClassifier(CountingClassifier):
    """Remembers by which landmarks it was to look."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Face] = []

    def classify(self, image: Image, detection: Face, *, mirrored: bool = False) -> FaceScores:
        self.asked.append(detection)
        return super().classify(image, detection, mirrored=mirrored)


def test_landmarks_are_refined_for_looks_and_four_times_a_second_for_the_direction() -> None:
    refiner, classifier = CountingRefiner(), ListeningClassifier()
    visits, _ = play(Settings(), replace(models(), refiner=refiner, classifier=classifier))
    assert classifier.asked
    assert all(any(asked is found for found in refiner.found) for asked in classifier.asked)
    seconds = sum(visit.dwell_s for visit in visits)
    assert refiner.calls <= 4 * seconds + len(classifier.asked)


def test_an_excluded_zone_is_not_looked_at() -> None:
    """Staff behind the counter: neither counted nor described."""
    everywhere = ZoneSettings(name="staff", polygon=((0, 0), (1, 0), (1, 1), (0, 1)), exclude=True)
    classifier = CountingClassifier()
    visits, windows = play(Settings(zones=(everywhere,)), replace(models(), classifier=classifier), every=5)
    assert visits == []
    assert classifier.calls == 0
    assert sum(window.visits for window in windows) == 0
    assert sum(window.coverage.frames for window in windows) > 0


def test_time_without_frames_ends_visits_and_windows() -> None:
    from datetime import timedelta

    pipeline = build_pipeline(Settings(), models(), SystemClock(), budget_s=None)
    seen = [frame for frame in frames() if frame.monotonic_s < 4]
    for frame in seen:
        pipeline.step(frame)
    last = seen[-1]
    later = pipeline.idle(last.captured_at + timedelta(seconds=125), last.monotonic_s + 125)
    visits = later.visits
    windows = later.windows
    assert len(visits) == 1
    assert windows[0].coverage.frames > 0
    assert len(windows) >= 2
    assert windows[-1].coverage.covered_s == 0
