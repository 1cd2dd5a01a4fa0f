"""A picture of a face is no visit, however well it is seen; who walks out of the picture has left."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.types import Box, Face, Sighting, Track
from edge.vision.stationary import MEMORY_S, SCREEN_S, STILL_AGAIN_S, STILL_S
from edge.vision.tracker import Tracker
from tests.support.watchers import Watcher, light, noisy, shaken, wall

pytestmark = pytest.mark.slow

SIDE = 60.0
VIEW = (640, 480)


def sighting(box: Box, score: float) -> Sighting:
    return Sighting(box, score, face=Face(box, score, np.zeros((5, 2), np.float32)))


def face(x: float, y: float, score: float = 0.9, side: float = SIDE) -> Sighting:
    return sighting(Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2), score)


class Film:
    """Feeds a tracker and keeps every track that ended."""

    def __init__(self, fps: float = 10.0) -> None:
        self.tracker, self.fps, self.at_s = Tracker(), fps, 0.0
        self.ended: list[Track] = []
        self.occupancy = 0

    def show(self, *faces: Sighting) -> None:
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
        film.show(face(40 + 5 * step, 240))
    for _ in range(14):
        film.show()
    for step in range(20):
        film.show(face(180 + 5 * step, 240))
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


def clipped(x: float, score: float = 0.95) -> Sighting:
    """A face about ``x``, of which the camera sees what lies in the picture."""
    box = Box(max(0.0, x - SIDE / 2), 210, min(float(VIEW[0]), x + SIDE / 2), 270)
    return sighting(box, score)


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


# With the picture


class Scenery:
    """A still wall with pictures of faces, and people before it, as a camera sees them."""

    def __init__(self, *pictures: Watcher, fps: float = 10.0) -> None:
        self.tracker, self.fps, self.at_s = Tracker(), fps, 0.0
        self.pictures = pictures
        self.ended: list[Track] = []
        self.ids: set[int] = set()
        self.occupancy = 0
        self.noise, self.shake, self.dimming = 3.0, 0.0, 0.0
        self._chance = random.Random(1)

    def show(self, *people: Watcher, hidden: Sequence[Watcher] = ()) -> None:
        """The next frame. Who comes later in ``people`` is nearer; ``hidden`` pictures are not found."""
        image = wall()
        for face in (*self.pictures, *people):
            image = face.paint(image, self.at_s)
        shift = (self._chance.gauss(0, self.shake), self._chance.gauss(0, self.shake))
        gain = 1 - self.dimming * (0.5 + 0.5 * math.sin(0.4 * self.at_s))
        image = noisy(light(shaken(image, shift), gain), self.noise, round(self.at_s * self.fps))
        found = [
            jittered(face.sighting(self.at_s), shift, self._chance)
            for face in (*self.pictures, *people)
            if face not in hidden
        ]
        tracks = self.tracker.update(found, self.at_s, view=image.shape[1::-1], image=image)
        self.ended += tracks.ended
        self.occupancy = tracks.occupancy
        self.at_s = round(self.at_s + 1 / self.fps, 6)

    def finish(self) -> list[Track]:
        return self.ended + list(self.tracker.finish(self.at_s))


def jittered(seen: Sighting, shift: tuple[float, float], chance: random.Random) -> Sighting:
    dx, dy = shift[0] + chance.gauss(0, 0.6), shift[1] + chance.gauss(0, 0.6)
    box = seen.head
    return sighting(Box(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy), seen.score)


@pytest.mark.parametrize("fps", [3.0, 10.0])
@pytest.mark.parametrize("sign", ["blinks", "breathes", "sways"])
def test_who_stands_and_watches_is_one_visit_with_the_whole_dwell(sign: str, fps: float) -> None:
    """In view from the first frame to the last: nobody saw them come."""
    scenery, person = Scenery(fps=fps), Watcher(**{sign: True, "breathes": True})
    for _ in range(round(30 * fps)):
        scenery.show(person)
    (visit,) = scenery.finish()
    assert visit.last_seen_s - visit.first_seen_s == pytest.approx(30, abs=2 / fps)


@pytest.mark.parametrize(
    ("noise", "shake", "dimming"), [(0, 0, 0), (4, 0, 0), (9, 0, 0), (3, 0.7, 0), (3, 0, 0.4), (3, 0.5, 0.2)]
)
def test_a_picture_of_a_face_is_none(noise: float, shake: float, dimming: float) -> None:
    """A poster, a mannequin, a still on a screen: in noise, on a shaking mast, while clouds pass."""
    scenery = Scenery(Watcher())
    scenery.noise, scenery.shake, scenery.dimming = noise, shake, dimming
    for _ in range(250):
        scenery.show()
    assert scenery.occupancy == 0
    assert scenery.finish() == []


def test_a_box_that_jumps_over_a_still_picture_has_not_moved() -> None:
    """A detector that cannot decide finds a larger and a smaller face in turn."""
    image, tracker, ended = Watcher().at(0), Tracker(), 0
    for step in range(250):
        jump = 24.0 if step % 3 == 0 else 0.0
        seen = [face(160 + jump, 120)]
        ended += len(tracker.update(seen, step / 10, view=VIEW, image=noisy(image, 3, step)).ended)
    assert ended + len(tracker.finish(25)) == 0


def test_who_came_and_now_looks_down_is_no_picture() -> None:
    """What was beside them when they came stays as it is: that says nothing."""
    scenery = Scenery()
    for step in range(12):
        scenery.show(Watcher(x=40 + 8 * step))
    for _ in range(200):
        scenery.show(Watcher(x=136))
    (visit,) = scenery.finish()
    assert visit.last_seen_s - visit.first_seen_s == pytest.approx(21, abs=0.5)


def test_the_next_person_at_the_place_of_a_poster_is_one_visit() -> None:
    """Walks up, stands before it for 20 s at its very size and place, and leaves."""
    poster = Watcher()
    scenery = Scenery(poster)
    for _ in range(120):
        scenery.show()
    began_s = scenery.at_s
    for step in range(30):
        scenery.show(Watcher(x=40 + 4 * step, member=5), hidden=[poster] if step > 20 else ())
    for _ in range(200):
        scenery.show(Watcher(breathes=True, sways=True, member=5), hidden=[poster])
    for step in range(30):
        scenery.show(Watcher(x=160 + 4 * step, member=5), hidden=[poster] if step < 10 else ())
    left_s = scenery.at_s
    for _ in range(150):
        scenery.show()
    (visit,) = scenery.finish()
    assert visit.first_seen_s == pytest.approx(began_s, abs=0.3)
    assert visit.last_seen_s == pytest.approx(left_s, abs=0.3)


def test_who_turns_round_at_the_place_of_a_poster_counts_from_then_on() -> None:
    poster = Watcher()
    scenery = Scenery(poster)
    for _ in range(100):
        scenery.show()
    for _ in range(20):
        scenery.show(hidden=[poster])
    began_s = scenery.at_s
    for _ in range(300):
        scenery.show(Watcher(breathes=True, sways=True, member=5), hidden=[poster])
    (visit,) = scenery.finish()
    assert visit.first_seen_s == pytest.approx(began_s, abs=0.3)
    assert visit.last_seen_s - visit.first_seen_s == pytest.approx(30, abs=1)


def test_passers_by_give_no_life_to_a_poster() -> None:
    """One after the other hides a part of it, then all of it, for a moment; each is a visit."""
    poster = Watcher()
    scenery = Scenery(poster)
    for _ in range(100):
        scenery.show()
    for _ in range(6):
        for step in range(40):
            walker = Watcher(x=-40 + 10 * step, y=150, member=5)
            shown = [walker] if walker.x < 360 else []
            hides = abs(walker.x - poster.x) < 40
            scenery.show(*shown, hidden=[poster] if hides else ())
        for _ in range(30):
            scenery.show()
    visits = scenery.finish()
    assert len(visits) == 6
    assert all(visit.last_seen_s - visit.first_seen_s < 5 for visit in visits)


def test_a_track_that_went_over_to_a_poster_ends() -> None:
    """The person walked behind a shelf just where a face hangs: their visit must not last all day."""
    scenery = Scenery()
    for step in range(25):
        scenery.show(Watcher(x=60 + 4 * step))
    scenery.pictures = (Watcher(),)
    for _ in range(800):
        scenery.show()
    assert scenery.occupancy == 0
    (visit,) = scenery.finish()
    assert visit.last_seen_s - visit.first_seen_s < 2.5 + STILL_AGAIN_S + 1


def fidget(at_s: float) -> float:
    return 160 + 0.2 * SIDE * math.sin(at_s)


def test_a_face_that_stays_on_its_screen_is_none_however_lively() -> None:
    film = Film(fps=2)
    while film.at_s < SCREEN_S + 300:
        film.show(face(fidget(film.at_s), 120))
    assert film.occupancy == 0
    assert film.finish() == []


def test_who_walked_in_may_stay_for_as_long_as_they_like() -> None:
    film = Film(fps=2)
    for step in range(10):
        film.show(face(20 + 14 * step, 120))
    while film.at_s < SCREEN_S + 300:
        film.show(face(fidget(film.at_s), 120))
    (visit,) = film.finish()
    assert visit.last_seen_s - visit.first_seen_s == pytest.approx(SCREEN_S + 300, abs=2)
