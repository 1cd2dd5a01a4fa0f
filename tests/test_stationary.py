"""A picture of a face is no visit, however well it is seen; who walks out of the picture has left."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.types import Box, Detection, Track
from edge.vision.stationary import MEMORY_S, STILL_S
from edge.vision.tracker import Tracker

SIDE = 60.0
VIEW = (640, 480)


def face(x: float, y: float, score: float = 0.9, side: float = SIDE) -> Detection:
    return Detection(
        Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2), score, np.zeros((5, 2), np.float32)
    )


class Film:
    """Feeds a tracker and keeps every track that ended."""

    def __init__(self, fps: float = 10.0) -> None:
        self.tracker, self.fps, self.at_s = Tracker(), fps, 0.0
        self.ended: list[Track] = []
        self.occupancy = 0

    def show(self, *faces: Detection) -> None:
        tracks = self.tracker.update(faces, self.at_s, view=VIEW)
        self.ended += tracks.ended
        self.occupancy = tracks.occupancy
        self.at_s += 1 / self.fps

    def finish(self) -> list[Track]:
        return self.ended + list(self.tracker.finish(self.at_s))


@given(seed=st.integers(0, 2**32 - 1), score=st.floats(0.5, 1.0), fps=st.sampled_from([3.0, 10.0, 30.0]))
def test_a_poster_is_never_a_visit(seed: int, score: float, fps: float) -> None:
    """It jitters as detections do, and the detector misses it now and then."""
    chance = random.Random(seed)
    film = Film(fps)
    for _ in range(round(60 * fps)):
        poster = face(300 + chance.uniform(-4, 4), 200 + chance.uniform(-4, 4), score)
        film.show(*([poster] if chance.random() < 0.9 else []))
    assert film.occupancy == 0
    assert film.finish() == []


def test_people_before_a_poster_are_counted() -> None:
    film = Film()
    for step in range(600):
        walker = [face(20 + 6 * (step % 100), 330)] if step % 100 > 0 and step >= 200 else []
        film.show(face(300, 200), *walker)
    assert len(film.finish()) == 4


def test_a_person_who_waits_is_a_visit() -> None:
    """Half a minute on one spot, then away: a visit has come in from somewhere."""
    film = Film()
    for step in range(40):
        film.show(face(20 + 7 * step, 240))
    for _ in range(300):
        film.show(face(300, 240))
    for step in range(40):
        film.show(face(300 + 8 * step, 240))
    (visit,) = film.finish()
    assert visit.last_seen_s - visit.first_seen_s == pytest.approx(38, abs=1)


def test_a_poster_that_was_taken_down_is_forgotten() -> None:
    film = Film(fps=2)
    while film.at_s < STILL_S + 2:
        film.show(face(300, 200))
    while film.at_s < STILL_S + 2 + MEMORY_S + 2:
        film.show(face(100 + 5 * (film.at_s % 60), 400))
    before = len(film.ended)
    for _ in range(10):
        film.show(face(300, 200))
    assert len(film.finish()) > before


def test_who_walks_out_is_not_the_next_who_comes_in() -> None:
    film = Film()
    for step in range(20):
        film.show(face(220 - 12 * step, 240))
    for _ in range(14):
        film.show()
    for step in range(20):
        film.show(face(10 + 12 * step, 240))
    assert len(film.finish()) == 2


def test_who_is_hidden_near_the_edge_is_still_one() -> None:
    film = Film()
    for step in range(20):
        film.show(face(60 + 4 * step, 240))
    for _ in range(14):
        film.show()
    for step in range(20):
        film.show(face(180 + 4 * step, 240))
    assert len(film.finish()) == 1


def test_a_pattern_beside_the_way_takes_nobody_over() -> None:
    """A walker is hidden for a second; what the detector half sees beside the way meanwhile is not the walker."""
    film = Film()
    for step in range(15):
        film.show(face(100 + 12 * step, 240, 0.97))
    for _ in range(10):
        film.show(face(330, 290, 0.55))
    for step in range(15):
        film.show(face(400 + 12 * step, 240, 0.97), face(330, 290, 0.4))
    (visit,) = film.finish()
    assert visit.last_seen_s - visit.first_seen_s > 3.5


def clipped(x: float, score: float = 0.95) -> Detection:
    """A face about ``x``, of which the camera sees what lies in the picture."""
    box = Box(max(0.0, x - SIDE / 2), 210, min(float(VIEW[0]), x + SIDE / 2), 270)
    return Detection(box, score, np.zeros((5, 2), np.float32))


@pytest.mark.parametrize("mirror", [False, True])
def test_one_goes_out_where_another_comes_in(mirror: bool) -> None:
    film = Film(fps=15)
    ways: list[list[float]] = []
    for step in range(45):
        out, back = 260 - 11.0 * step, -250 + 11.0 * step
        ways.append([x for x in (out, back) if x > -15])
    for positions in ways:
        # the nearer hides the other while they pass
        shown = (
            positions
            if len(positions) < 2 or abs(positions[0] - positions[1]) > SIDE * 0.7
            else positions[:1]
        )
        film.show(*(clipped(VIEW[0] - x if mirror else x) for x in shown))
    assert len(film.finish()) == 2
