"""The whole view often cuts the head off a far body: one sight of the face tells where it is from then on."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.types import Body, Box, Face, Sight
from edge.vision.sightings import joined, sightings
from edge.vision.tracker import Tracker, Tracks

VIEW, WIDE_SCALE, SMALL_PX = (1280, 720), 0.25, 128.0
FPS, SIDE = 15, 22.0

missing = st.floats(0.0, 1.2)
"""How much of the upper end of the body is not in its box, in face sizes."""


def face_at(x: float, y: float) -> Face:
    box = Box(x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2)
    return Face(box, 0.95, np.zeros((5, 2), np.float32))


def body_at(x: float, y: float, lacks: float, *, below: float = 9.7, score: float = 0.9) -> Body:
    """Return the body of the person whose face is at (x, y), down to ``below`` face sizes under it."""
    top = y + (lacks - 0.8) * SIDE
    return Body(Box(x - 1.7 * SIDE, top, x + 1.7 * SIDE, y + below * SIDE), score)


def off(tracks: Tracks, x: float, y: float) -> float:
    (track,) = tracks.active
    return math.dist(track.box.centre, (x, y)) / SIDE


@given(lacks=missing, speed=st.floats(-3, 3), near_every=st.integers(8, 15), together=st.booleans())
def test_one_near_look_tells_where_the_head_is_from_then_on(
    lacks: float, speed: float, near_every: int, together: bool
) -> None:
    """``together``: the near look is at the same frame as the wide one, or at another."""
    tracker, known = Tracker(), False
    for index in range(6 * FPS):
        x, y = 300 + speed * SIDE * index / FPS, 300.0
        near = index % near_every == near_every - 1 and index < 3 * FPS
        faces = (face_at(x, y),) if near else ()
        bodies = (body_at(x, y, lacks),) if not near or together else ()
        scale = None if near and not together else WIDE_SCALE
        tracks = tracker.update(sightings(Sight(faces, bodies)), index / FPS, view=VIEW, scale=scale)
        known |= near
        assert not known or off(tracks, x, y) < 0.5


@given(lacks=st.floats(0.8, 1.2))
def test_without_a_sight_of_the_face_the_head_is_guessed_on_the_chest(lacks: float) -> None:
    """What the near look is for."""
    guessed = sightings(Sight((), (body_at(300, 300, lacks),)))[0].head
    assert guessed.centre[1] - 300 > 0.5 * SIDE


@given(seed=st.integers(0, 1000), speed=st.floats(-3, 3))
def test_an_upper_edge_that_jumps_moves_the_head_less(seed: int, speed: float) -> None:
    rng, tracker = np.random.default_rng(seed), Tracker()
    guesses, heads = [], []
    for index in range(8 * FPS):
        x, y = 300 + speed * SIDE * index / FPS, 300.0
        (found,) = sightings(Sight((), (body_at(x, y, float(rng.uniform(0, 1.2))),)))
        tracks = tracker.update([found], index / FPS, view=VIEW, scale=WIDE_SCALE)
        (track,) = tracks.active
        guesses.append(found.head.centre[1])
        heads.append(track.box.centre[1])
    assert np.std(heads[FPS:]) < 0.8 * np.std(guesses[FPS:])


@given(lacks=st.floats(1.2, 1.6), speed=st.floats(-3, 3))
def test_body_and_face_that_come_apart_are_one_person(lacks: float, speed: float) -> None:
    """The box may begin so far below the face that the two are not joined in one frame."""
    tracker = Tracker()
    for index in range(3 * FPS):
        x, y = 300 + speed * SIDE * index / FPS, 300.0
        faces = (face_at(x, y),) if index % 10 == 9 else ()
        worse = lacks if index > FPS else 0.7
        found = sightings(Sight(faces, (body_at(x, y, worse),)))
        tracks = tracker.update(found, index / FPS, view=VIEW, scale=WIDE_SCALE)
        assert len(tracks.active) == 1


@given(lacks=st.floats(0.9, 1.4), below=st.floats(3.5, 4.5), aside=st.floats(-0.3, 0.3))
def test_a_body_without_legs_and_one_without_a_head_are_one_person(
    lacks: float, below: float, aside: float
) -> None:
    wide = Sight((), (body_at(300 + aside * SIDE, 300, lacks),))
    near = Sight((face_at(300, 300),), (body_at(300, 300, 0, below=below, score=0.99),))
    (person,) = sightings(joined((wide, near), small_px=SMALL_PX))
    assert person.face is near.faces[0]
    assert person.body is wide.bodies[0]


@given(aside=st.floats(-0.5, 0.5), behind=st.floats(1.5, 2.5))
def test_somebody_behind_another_stays_a_second_person(aside: float, behind: float) -> None:
    """The near look shows the one in front as well."""
    front = body_at(300, 300, 0, below=4.5)
    head_and_shoulders = body_at(300 + aside * SIDE, 300 - behind * SIDE, 0, below=4.0, score=0.8)
    wide = Sight((), (body_at(300, 300, 0.2, below=4.5),))
    near = Sight((), (front, head_and_shoulders))
    assert head_and_shoulders in joined((wide, near), small_px=SMALL_PX).bodies


@given(gap_s=st.floats(0.6, 1.5), speed=st.floats(2, 5), score=st.floats(0.3, 0.45))
def test_somebody_too_small_for_the_wide_look_is_found_again_with_a_low_score(
    gap_s: float, speed: float, score: float
) -> None:
    """Near looks find who is that far away now and then only."""
    side = 6.0
    tracker = Tracker()

    def see(at_s: float, score: float) -> Tracks:
        x, y = 300 + speed * side * at_s, 300.0
        body = Body(Box(x - 9, y - 5, x + 9, y + 55), score)
        tracker.update((), at_s - 0.5 / FPS, view=VIEW, scale=WIDE_SCALE)  # the wide look finds nobody
        return tracker.update(sightings(Sight((), (body,))), at_s, view=VIEW, scale=None)

    before = [see(index / FPS, 0.8) for index in range(1, 3 * FPS)][-1]
    again = see(before.active[0].last_seen_s + gap_s, score)
    assert [track.track_id for track in again.active] == [track.track_id for track in before.active]


@given(longer=st.floats(1.9, 2.3), aside=st.floats(-0.5, 0.5))
def test_the_body_of_somebody_in_front_is_not_that_of_who_is_hidden(longer: float, aside: float) -> None:
    """It begins at the same height, but reaches down much further than somebody so far away can."""
    tracker, found = Tracker(), sightings(Sight((face_at(300, 300),), (body_at(300, 300, 0),)))
    for index in range(FPS):
        tracker.update(found, index / FPS, view=VIEW, scale=WIDE_SCALE)
    (before,) = tracker.update(found, 1.0, view=VIEW, scale=WIDE_SCALE).active
    x, half = 300 + aside * SIDE, 1.7 * longer * SIDE
    top = 300 - 0.8 * SIDE
    front = Body(Box(x - half, top, x + half, top + longer * 10.5 * SIDE), 0.9)
    after = tracker.update(sightings(Sight((), (front,))), 1 + 1 / FPS, view=VIEW, scale=WIDE_SCALE)
    assert [track.track_id for track in after.active if track.sighting is not None] != [before.track_id]
