"""The badge of staff: read on the chest, and looked for only where it pays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.scene.card import BADGE
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import Spot, route
from edge.types import Box, Face, Image, Sighting, Track, TrackState
from edge.vision.badge import BADGE_FACES, LEAST_BADGE_PX, LOOKS, SPACING_S, BadgeLooks, BadgeReader

GROWN = [one for one in load_portraits() if one.age_band != "0-17"]
EVERY_FACE = 40.0


def standing(*, badge: bool, metres: float = 3.0, facing: float = 0.0, who: int = 0) -> tuple[Image, Track]:
    walk = route(GROWN[who], who, 0.3, 0.0, [Spot(0.0, metres, 2.0, facing)], width=853.3)
    scene = Scene(who, 1280, 720, 10, 2, walks=(replace(walk, card=BADGE if badge else None),), pillars=())
    (person,) = scene.truth.people[10]
    return scene.render(10), someone(person.head if person.face is None else person.face.box)


def someone(head: Box, *, has_face: bool = True) -> Track:
    face = Face(head, 0.9, np.zeros((5, 2), np.float32)) if has_face else None
    return Track(1, head, TrackState.CONFIRMED, 0.0, 1.0, Sighting(head, 0.9, face))


def sized(side: float, *, has_face: bool = True) -> Track:
    return someone(Box(100, 100, 100 + side, 100 + side), has_face=has_face)


@pytest.mark.parametrize("facing", [-30.0, 0.0, 30.0])
@pytest.mark.parametrize("metres", [2.0, 3.0, 4.0])
def test_the_badge_is_read_on_the_chest(metres: float, facing: float) -> None:
    image, track = standing(badge=True, metres=metres, facing=facing)
    assert BadgeReader().shows(image, track)


@pytest.mark.parametrize("who", range(len(GROWN)))
def test_nobody_without_the_badge_shows_it(who: int) -> None:
    image, track = standing(badge=False, who=who)
    assert not BadgeReader().shows(image, track)


def test_a_checked_shirt_is_hardly_ever_taken_for_it() -> None:
    """Random squares of black and white in place of the badge: one in 16,384 is the pattern, turned or not."""
    image, track = standing(badge=True)
    reader, rng, taken = BadgeReader(), np.random.default_rng(1), 0
    chest = _badge_box(image)
    for _ in range(300):
        cells = rng.integers(0, 2, (6, 6))
        cells[0] = cells[-1] = cells[:, 0] = cells[:, -1] = 0
        shirt = image.copy()
        shirt[chest] = np.kron(cells, np.ones((8, 8)))[..., None] * 200 + 20
        taken += reader.shows(shirt, track)
    assert taken <= 1


def _badge_box(image: Image) -> tuple[slice, slice]:
    """48 x 48 pixels around the badge of the person in the middle."""
    black = np.argwhere(image[300:480, 600:720].max(-1) < 60)
    row, column = black.mean(0).astype(int) + np.array((300, 600))
    return slice(row - 24, row + 24), slice(column - 24, column + 24)


def test_somebody_at_the_edge_of_the_picture_is_no_mistake() -> None:
    image = np.full((720, 1280, 3), 120, np.uint8)
    for box in (Box(-40, -40, 20, 20), Box(1270, 700, 1330, 760), Box(600, 715, 660, 775)):
        assert not BadgeReader().shows(image, someone(box))


# --- when to look --------------------------------------------------------------------------------------------


def test_two_sights_of_it_are_needed() -> None:
    looks, near = BadgeLooks(), sized(60)
    assert not looks.looked(near, 0.0, shows=True)
    assert looks.is_open(near)  # nothing is estimated until it is certain
    assert not looks.looked(near, 1.0, shows=False)
    assert looks.looked(near, 2.0, shows=True)


def test_a_person_gets_a_few_looks_and_then_only_when_nearer() -> None:
    looks, taken = BadgeLooks(), 0
    for frame in range(200):
        if looks.wanted(sized(60), frame / 10, EVERY_FACE):
            looks.looked(sized(60), frame / 10, shows=False)
            taken += 1
    assert taken == LOOKS
    assert not looks.is_open(sized(60))
    assert looks.wanted(sized(80), 21.0, EVERY_FACE)


def test_looks_are_apart() -> None:
    looks = BadgeLooks()
    looks.looked(sized(60), 0.0, shows=False)
    assert not looks.wanted(sized(60), 0.5 * SPACING_S, EVERY_FACE)
    assert looks.wanted(sized(60), SPACING_S, EVERY_FACE)


def test_who_is_too_far_or_shows_the_back_is_not_looked_at() -> None:
    looks, least = BadgeLooks(), LEAST_BADGE_PX / BADGE_FACES
    assert not looks.wanted(sized(0.9 * least), 0.0, EVERY_FACE)
    assert looks.wanted(sized(1.1 * least, has_face=False), 0.0, EVERY_FACE)  # too far to see the face
    assert not looks.wanted(sized(60, has_face=False), 0.0, EVERY_FACE)
    assert not looks.is_open(sized(0.9 * least))


def test_what_was_seen_is_forgotten_with_the_track() -> None:
    looks = BadgeLooks()
    looks.looked(sized(60), 0.0, shows=True)
    looks.keep(())
    assert looks.count(1) == 0
    assert not looks.looked(sized(60), 1.0, shows=True)
