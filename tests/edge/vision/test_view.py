"""Whether the camera was moved: by edges that stay, and never by light or by people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache
from itertools import cycle, islice, pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.scene.busy import busy_scene
from edge.types import Image
from edge.vision.view import EVERY_S, HOLDS_S, LEARN_S, NOW_S, RETURNS_S, View
from tests.support.short_scene import stretch

SIZE = 384, 216
LEARN = 100.0
"""Seconds that every test learns before something changes."""


def small(image: Image) -> Image:
    return np.asarray(cv2.resize(image, SIZE), np.uint8)


@cache
def empty_shop() -> Image:
    return small(stretch().render(0))


@cache
def busy_shop() -> list[Image]:
    scene = busy_scene(1)
    return [small(scene.render(index)) for index in range(0, len(scene), int(scene.fps))][:60]


def turned(image: Image, across: float = 0.1, down: float = 0.05) -> Image:
    matrix = np.array([[1, 0, across * SIZE[0]], [0, 1, down * SIZE[1]]], np.float32)
    return np.asarray(cv2.warpAffine(image, matrix, SIZE, borderMode=cv2.BORDER_REFLECT), np.uint8)


def lit(factor: object) -> Callable[[Image], Image]:
    return lambda image: np.clip(image * np.asarray(factor, np.float32), 0, 255).astype(np.uint8)


def show(view: View, images: Iterable[Image], since_s: float, seconds: float) -> list[float]:
    """Show the images again and again; return when the verdict changed."""
    changes = []
    for number, image in enumerate(islice(cycle(images), int(seconds / EVERY_S))):
        at_s, before = since_s + number * EVERY_S, view.moved
        view.see(image, at_s)
        if view.moved != before:
            changes.append(at_s)
    return changes


@cache
def _learnt() -> View:
    view = View()
    show(view, busy_shop(), 0.0, LEARN)
    return view


@pytest.fixture
def view() -> View:
    """It knows the busy shop."""
    return deepcopy(_learnt())


LIGHT = {
    "none": lambda image: image,
    "half of it": lit(0.5),
    "twice as much": lit(2.0),
    "from one side": lit(np.linspace(0.3, 1.5, SIZE[0])[None, :, None]),
    "off": lit(0.03),
    "bright as dark": lambda image: np.asarray(255 - image, np.uint8),
    "noise": lambda image: lit(0.5)(image) + np.random.default_rng(0).integers(0, 40, image.shape, np.uint8),
}


@pytest.mark.parametrize("change", LIGHT.values(), ids=LIGHT.keys())
def test_light_and_people_do_not_move_a_camera(view: View, change: Callable[[Image], Image]) -> None:
    assert show(view, [change(image) for image in busy_shop()], LEARN, 300) == []


MOVES = {
    "to the side": lambda image: turned(image, 0.05, 0),
    "down": lambda image: turned(image, 0, 0.1),
    "both": turned,
    "upside down": lambda image: np.asarray(image[::-1, ::-1], np.uint8),
    "to the wall": lambda image: np.full_like(image, 170),
}


@pytest.mark.parametrize("change", MOVES.values(), ids=MOVES.keys())
def test_a_moved_camera_is_noticed_in_two_minutes_and_its_return_in_one(
    view: View, change: Callable[[Image], Image]
) -> None:
    (moved_s,) = show(view, [change(image) for image in busy_shop()], LEARN, 300)
    assert HOLDS_S <= moved_s - LEARN <= 120
    (back_s,) = show(view, busy_shop(), LEARN + 300, 120)
    assert RETURNS_S <= back_s - LEARN - 300 <= 60


def test_a_box_before_the_camera_for_half_a_minute_changes_nothing(view: View) -> None:
    box = np.full_like(empty_shop(), 140)
    assert show(view, [box], LEARN, 30) == []
    assert show(view, busy_shop(), LEARN + 30, 120) == []


def test_a_camera_that_is_moved_in_the_dark_is_noticed_in_the_light(view: View) -> None:
    assert show(view, [lit(0.03)(empty_shop())], LEARN, 600) == []
    assert view.kept is None
    (moved_s,) = show(view, map(turned, busy_shop()), LEARN + 600, 200)
    assert moved_s - LEARN - 600 <= 120


def test_nothing_is_compared_before_the_view_is_known() -> None:
    view = View()
    show(view, [empty_shop()], 0.0, LEARN_S - 2)
    assert view.kept is None
    show(view, [empty_shop()], LEARN_S - 2, 4)
    assert view.kept == pytest.approx(1.0)


def test_a_view_without_edges_cannot_be_judged() -> None:
    view = View()
    assert show(view, [np.full_like(empty_shop(), 170)], 0.0, LEARN) == []
    assert show(view, [empty_shop()], LEARN, 200) == []
    assert view.kept is None


@pytest.mark.parametrize("fps", [1, 3, 15])
def test_the_frame_rate_does_not_matter(fps: int) -> None:
    view, moved_s = View(), None
    for number in range(250 * fps):
        at_s = number / fps
        view.see(empty_shop() if at_s < LEARN else turned(empty_shop()), at_s)
        moved_s = at_s if view.moved and moved_s is None else moved_s
    assert moved_s is not None
    assert moved_s - LEARN == pytest.approx(HOLDS_S + NOW_S, abs=12)


def test_only_means_are_kept_and_they_show_nobody(view: View) -> None:
    kept = [value for value in vars(view).values() if isinstance(value, np.ndarray)]
    assert {value.shape for value in kept} == {(54, 96, 2)}


@given(st.lists(st.floats(1.0, 100.0), min_size=1, max_size=8))
@settings(max_examples=8, deadline=None)
def test_it_never_changes_its_mind_sooner_than_it_says(stays: list[float]) -> None:
    """The camera is turned away and back again and again, and stays so for these times."""
    view = View()
    changes, at_s = show(view, [empty_shop()], 0.0, LEARN), LEARN
    for number, seconds in enumerate(stays):
        picture = empty_shop() if number % 2 else turned(empty_shop())
        changes += show(view, [picture], at_s, seconds)
        at_s += int(seconds / EVERY_S) * EVERY_S
    assert not changes or changes[0] - LEARN >= HOLDS_S
    for number, (one_s, other_s) in enumerate(pairwise(changes)):
        assert other_s - one_s >= (HOLDS_S if number % 2 else RETURNS_S)
