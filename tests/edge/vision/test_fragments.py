"""Nobody appears in the middle of the picture and is gone a moment later: such a piece of a way is no visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from common.clock import SystemClock
from edge.config import Settings
from edge.place_settings import DoorSettings
from edge.service.build import build_pipeline, load_models
from edge.types import Body, Box, Face, Frame, Image, Sight, Sighting, Track
from edge.vision.tracker import EDGE, MOMENT_S, NEAR, Tracker

VIEW = (1280, 720)
Point = tuple[float, float]


def face(x: float, y: float, side: float) -> Sighting:
    box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return Sighting(box, 0.95, face=Face(box, 0.95, np.zeros((5, 2), np.float32)))


def follow(way: list[Point], fps: float, side: float) -> tuple[list[Track], list[Track]]:
    """Show somebody who goes this way after a second without anybody; return visits and fragments."""
    tracker, empty = Tracker(), round(fps)
    ended: list[Track] = []
    fragments: list[Track] = []
    for index in range(-empty, len(way) + round(4 * fps)):
        shown = [face(*way[index], side)] if 0 <= index < len(way) else []
        tracks = tracker.update(shown, index / fps, view=VIEW)
        ended += tracks.ended
        fragments += tracks.fragments
    assert tracker.finish(index / fps) == ()
    return ended, fragments


def line(start: Point, end: Point, steps: int) -> list[Point]:
    return [
        (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        for share in np.linspace(0, 1, steps + 1)
    ]


@given(
    fps=st.sampled_from([8.0, 10.0, 15.0, 30.0]),
    seconds=st.floats(0.5, 1.1),
    speed=st.floats(4.0, 8.0),
    x=st.floats(250, 1000),
    side=st.floats(NEAR * VIEW[1] + 1, 60),
)
def test_a_moment_in_the_middle_is_no_visit(
    fps: float, seconds: float, speed: float, x: float, side: float
) -> None:
    steps = int(seconds * fps)
    end = x + speed * side * steps / fps
    assume(end < VIEW[0] - EDGE * side)
    ended, fragments = follow(line((x, 300), (end, 300), steps), fps, side)
    assert ended == []
    assert len(fragments) == 1


@given(
    fps=st.sampled_from([8.0, 10.0, 15.0, 30.0]),
    seconds=st.floats(MOMENT_S + 0.2, 4.0),
    speed=st.floats(2.0, 5.0),
    side=st.floats(NEAR * VIEW[1] + 1, 40),
)
def test_who_stays_longer_is_a_visit_wherever_the_way_begins(
    fps: float, seconds: float, speed: float, side: float
) -> None:
    steps = int(seconds * fps)
    ended, fragments = follow(line((300, 300), (300 + speed * side * steps / fps, 300), steps), fps, side)
    assert (len(ended), len(fragments)) == (1, 0)


@given(fps=st.sampled_from([15.0, 30.0]), side=st.floats(70, 90), seconds=st.floats(0.9, 1.1))
def test_who_runs_from_edge_to_edge_is_a_visit(fps: float, side: float, seconds: float) -> None:
    """A camera close to the way shows people for a moment."""
    ended, fragments = follow(line((2 * side, 360), (VIEW[0] - 2 * side, 360), int(seconds * fps)), fps, side)
    assert (len(ended), len(fragments)) == (1, 0)


def test_who_is_far_away_is_found_for_a_moment_and_is_a_visit() -> None:
    ended, fragments = follow(line((600, 300), (660, 300), 9), 10, 0.6 * NEAR * VIEW[1])
    assert (len(ended), len(fragments)) == (1, 0)


def test_who_was_there_when_the_source_began_is_a_visit() -> None:
    tracker = Tracker()
    ended: list[Track] = []
    for index in range(50):
        shown = [face(600 + 20 * index, 300, 40)] if index < 9 else []
        ended += tracker.update(shown, index / 10, view=VIEW).ended
    assert len(ended) == 1


class OneWalker:
    """A detector that finds a body on its way from left to right, for as many frames as it has places."""

    near_size = (320, 256)

    def __init__(self, places: list[float]) -> None:
        self._places = iter(places)

    def look(self, image: Image) -> Sight:
        x = next(self._places, None)
        return Sight() if x is None else Sight(bodies=(Body(Box(x - 60, 250, x + 60, 650), 0.95),))

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        return Sight()


def test_a_door_that_a_fragment_went_through_counts_it_though_it_is_no_visit() -> None:
    door = DoorSettings(name="street", line=((0.5, 0.5), (0.5, 1.0)), inside=(0.8, 0.9))
    settings = Settings(doors=(door,))
    walker = OneWalker([640 + 300 * (at - 0.5) for at in np.linspace(0, 1, 10)])
    pipeline = build_pipeline(
        settings, replace(load_models(settings), detector=walker), SystemClock(), budget_s=None
    )
    began, image = datetime(2026, 1, 5, 12, tzinfo=UTC), np.full((720, 1280, 3), 90, np.uint8)
    steps = [pipeline.idle(began, 0.0)]
    for index in range(8, 80):
        at_s = index / 8
        steps.append(pipeline.step(Frame(image, began + timedelta(seconds=at_s), at_s, index)))
    steps.append(pipeline.finish(10.0))
    windows = [window for step in steps for window in step.windows]
    assert [visit for step in steps for visit in step.visits] == []
    assert sum(window.visits for window in windows) == 0
    assert sum(window.places.doors["street"].entries for window in windows) == 1
