"""Staff on the sample scene: left out of everything but their own count, and no customer with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from common.clock import SystemClock
from edge.config import Settings
from edge.scene.card import BADGE
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import Spot, route
from edge.scene.walk import Walk
from edge.service.build import build_pipeline, load_models
from edge.types import Face, FaceScores, Frame, Image, Visit, WindowAggregate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FPS, WIDE = 10, 853.3
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
GROWN = [one for one in load_portraits() if one.age_band != "0-17"]
PASSES, CUSTOMERS = 10, 6


def passing(number: int, starts_s: float, *, badge: bool) -> Walk:
    """Somebody who comes in at one side, walks towards the camera and leaves at the other side."""
    side = 1.0 if number % 2 else -1.0
    spots = [Spot(3.2 * side, 4.4), Spot(0.9 * side, 4.2), Spot(0.5 * side, 2.6), Spot(2.6 * side, 2.4)]
    walk = route(GROWN[number % len(GROWN)], number, 0.3, starts_s, spots, width=WIDE, pace=1.1)
    return replace(walk, card=BADGE if badge else None)


class Watching:
    """The shipped classifier, and whether it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def classify(self, image: Image, face: Face, *, mirrored: bool = False) -> FaceScores:
        self.calls += 1
        scores: FaceScores = _models().classifier.classify(image, face, mirrored=mirrored)
        return scores


@cache
def _models() -> Any:
    return load_models(Settings())


def play(
    walks: Sequence[Walk], settings: Settings, *, classifier: Watching | None = None
) -> tuple[list[Visit], list[WindowAggregate]]:
    seconds = max(walk.ends_s for walk in walks) + 3
    scene = Scene(1, 1280, 720, FPS, seconds, walks=tuple(walks), pillars=())
    models = replace(_models(), classifier=classifier or _models().classifier)
    pipeline = build_pipeline(settings, models, SystemClock(), budget_s=None)
    visits: list[Visit] = []
    windows: list[WindowAggregate] = []
    at_s = 0.0
    for index, image in enumerate(scene.frames()):
        at_s = index / FPS
        step = pipeline.step(Frame(image, NOON + timedelta(seconds=at_s), at_s, index))
        visits += step.visits
        windows += step.windows
    last = pipeline.finish(at_s)
    return visits + list(last.visits), windows + list(last.windows)


def test_nine_of_ten_passes_with_the_badge_are_left_out_and_no_customer() -> None:
    count = PASSES + CUSTOMERS
    badges = [number % 8 not in (1, 4, 6) for number in range(count)]
    assert badges.count(True) == PASSES
    walks = [passing(number, 1 + 3.0 * number, badge=badge) for number, badge in enumerate(badges)]
    visits, windows = play(walks, Settings.model_validate({"staff": {"badge": True}}))
    staff = sum(window.staff for window in windows)
    assert 0.9 * PASSES <= staff <= PASSES
    assert len(visits) + staff == count
    assert sum(window.visits for window in windows) == len(visits)


def test_nothing_is_estimated_of_somebody_whose_badge_is_seen() -> None:
    classifier = Watching()
    visits, windows = play(
        [passing(1, 1, badge=True)],
        Settings.model_validate({"staff": {"badge": True}}),
        classifier=classifier,
    )
    assert (visits, classifier.calls) == ([], 0)
    assert [window.staff for window in windows] == [1]
    assert windows[0].occupancy_mean * windows[0].coverage.covered_s < 1.5


def test_in_times_when_only_staff_is_in_nobody_is_a_visit() -> None:
    classifier = Watching()
    settings = Settings.model_validate({"staff": {"times": [{"begins": "00:00", "ends": "24:00"}]}})
    visits, windows = play([passing(1, 1, badge=False)], settings, classifier=classifier)
    assert (visits, classifier.calls, [window.staff for window in windows]) == ([], 0, [1])


def test_who_stays_in_the_staff_zone_is_left_out_and_who_passes_it_is_not() -> None:
    stays = route(GROWN[3], 3, 0.3, 1.0, [Spot(-3.2, 4.4), Spot(-1.0, 4.6, 9.0, 0.0)], width=WIDE, sway=0.03)
    behind = [[0.0, 0.4], [0.48, 0.4], [0.48, 1.0], [0.0, 1.0]]
    settings = Settings.model_validate({"staff": {"zones": [{"polygon": behind, "seconds": 5}]}})
    classifier = Watching()
    visits, windows = play([stays], settings, classifier=classifier)
    assert (visits, classifier.calls, [window.staff for window in windows]) == ([], 0, [1])
    visits, windows = play([passing(2, 1, badge=False)], settings)
    assert (len(visits), [window.staff for window in windows]) == (1, [0])


def test_who_comes_from_the_back_room_is_left_out() -> None:
    """The line stands across the left part of the floor; who comes in from the left has come from there."""
    line = {"line": [[0.3, 0.5], [0.3, 1.0]], "shop": [0.7, 0.8]}
    crossing = [Spot(-3.6, 5.2), Spot(3.6, 5.2)]
    walks = [route(GROWN[5], 5, 0.3, 1.0, crossing, width=WIDE, pace=1.0)]
    visits, windows = play(walks, Settings.model_validate({"staff": {"lines": [line]}}))
    assert (visits, [window.staff for window in windows]) == ([], [1])
    walks = [route(GROWN[5], 5, 0.3, 1.0, crossing[::-1], width=WIDE, pace=1.0)]
    visits, windows = play(walks, Settings.model_validate({"staff": {"lines": [line]}}))
    assert (len(visits), [window.staff for window in windows]) == (1, [0])
