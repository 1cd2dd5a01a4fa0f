"""Each face belongs to at most one body, and each person of a frame is reported once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.types import Body, Box, Face, Sight, Sighting
from edge.vision.person import Person
from edge.vision.sightings import fit, head_of, joined, sightings


def face(x: float, y: float, side: float = 20.0, score: float = 0.9) -> Face:
    box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return Face(box, score, np.zeros((5, 2), np.float32))


def body(x: float, top: float, side: float = 20.0, score: float = 0.9, faces_high: float = 10.0) -> Body:
    """Return a body whose face has this ``side``."""
    return Body(Box(x - 1.5 * side, top, x + 1.5 * side, top + faces_high * side), score)


def test_a_face_and_its_body_are_one_person() -> None:
    (person,) = sightings(Sight((face(100, 116),), (body(100, 100),)))
    assert person.face is not None
    assert person.body is not None
    assert person.head == person.face.box
    assert person.score == pytest.approx(0.99)


@pytest.mark.parametrize("faces_high", [10.0, 6.0, 3.5])
def test_a_body_alone_tells_where_the_head_is(faces_high: float) -> None:
    """Whole, to the hips, and head and shoulders at a counter."""
    (person,) = sightings(Sight((), (body(100, 100, faces_high=faces_high),)))
    assert person.face is None
    assert math.dist(person.head.centre, (100, 116)) < 0.5 * 20
    assert person.head.side == pytest.approx(20, rel=0.35)


def test_faces_side_by_side_each_get_their_own_body() -> None:
    faces = (face(100, 116), face(150, 118), face(200, 112))
    bodies = (body(196, 100), body(148, 102), body(104, 100))
    people = sightings(Sight(faces, bodies))
    assert len(people) == 3
    for person in people:
        assert person.face is not None
        assert person.body is not None
        assert abs(person.face.box.centre[0] - person.body.box.centre[0]) < 10


def test_a_face_on_a_shirt_is_not_the_face_of_the_body() -> None:
    shirt = face(100, 190)
    people = sightings(Sight((shirt, face(100, 116)), (body(100, 100),)))
    (whole,) = [person for person in people if person.body is not None]
    assert whole.face is not shirt


def test_a_part_of_a_known_body_is_not_another_person() -> None:
    parts = (body(100, 100), Body(Box(75, 100, 125, 190), 0.6), Body(Box(80, 200, 120, 300), 0.5))
    assert len(sightings(Sight((face(100, 116),), parts))) == 1
    assert len(sightings(Sight((), parts))) == 1


def test_two_bodies_in_one_box_are_two_people_where_two_faces_show() -> None:
    faces, bodies = (face(90, 116), face(130, 116)), (body(90, 100), body(130, 100))
    both = Body(Box(60, 100, 160, 300), 0.7)
    assert len(sightings(Sight(faces, (*bodies, both)))) == 2


def test_a_near_look_adds_what_the_wide_one_missed() -> None:
    wide = Sight((face(100, 116),), (body(100, 100),))
    near = Sight((face(101, 115, score=0.95), face(300, 60, 8)), (body(300, 54, 8), body(100, 100)))
    both = joined((wide, near), small_px=120)
    assert [found.box.centre[0] for found in both.faces] == [
        101,
        300,
    ]  # landmarks are better in the near look
    assert [found.box.centre[0] for found in both.bodies] == [100, 300]


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(5, 80), st.floats(20, 200), st.floats(20, 400))
def test_a_fit_is_infinite_or_small(dx: float, dy: float, side: float, width: float, height: float) -> None:
    worst = fit(face(dx, dy, side).box, Box(-width / 2, 0, width / 2, height))
    assert worst >= 0
    assert worst == math.inf or worst < 20


@given(st.floats(30, 200), st.floats(40, 900))
def test_the_guessed_head_fits_its_body(width: float, height: float) -> None:
    whole = Box(0, 0, width, height)
    assert head_of(whole).cover(whole) > 0.4


@given(st.floats(0.15, 0.3))
@settings(deadline=None)
def test_half_a_body_beside_its_face_says_nothing_about_the_head_on_a_whole_one(shown: float) -> None:
    face = Face(Box(380, 180, 420, 220), 0.9, np.zeros((5, 2), np.float32))
    whole = Box(332, 168, 468, 588)
    part = Box(whole.x1, whole.y1, whole.x1 + shown * whole.width, whole.y1 + 0.25 * whole.height)
    person = Person(1, Sighting(face.box, 0.9, face=face, body=Body(part, 0.5)), 0.0)
    guess = person.head_in(Sighting(head_of(whole), 0.5, body=Body(whole, 0.5)))
    assert math.dist(guess.centre, face.box.centre) < 0.5 * face.box.side
    assert guess.side == pytest.approx(face.box.side, rel=0.1)
