"""Whether people can be counted in a picture: judged by what lasts, never by people, noise or light."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import cycle, islice

import cv2
import numpy as np
import pytest

from edge.scene.busy import busy_scene
from edge.types import Image
from edge.vision.picture import EVERY_S, HOLDS_S, LEARN_S, RETURNS_S, Picture

NOISE = np.random.default_rng(0)
STATES = ("frozen", "dark", "washed_out", "blurred")


@cache
def shop() -> list[Image]:
    scene = busy_scene(1)
    indices = range(0, len(scene), int(scene.fps))[:10]
    return [np.asarray(cv2.resize(scene.render(index), (640, 360)), np.uint8) for index in indices]


def noisy(image: Image) -> Image:
    return np.asarray(cv2.add(image, NOISE.integers(0, 4, image.shape, np.uint8)), np.uint8)


def blurred(image: Image, pixels: float = 2.0) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), pixels), np.uint8)


class Watched:
    """A picture that is shown images one after the other, and which states it was in."""

    def __init__(self) -> None:
        self.picture, self._at_s = Picture(), 0.0

    def show(self, images: Iterable[Image], seconds: float) -> set[str]:
        """Show the images again and again; return the states that were on at any moment."""
        seen = set()
        for image in islice(cycle(images), int(seconds / EVERY_S)):
            self._at_s += EVERY_S
            self.picture.see(image, self._at_s)
            seen |= self.now
        return seen

    @property
    def now(self) -> set[str]:
        return {state for state in STATES if getattr(self.picture, state)}


@pytest.fixture
def watched() -> Watched:
    one = Watched()
    assert one.show(map(noisy, shop() * 3), LEARN_S + 20) == set()
    return one


def test_a_day_of_people_is_no_fault(watched: Watched) -> None:
    assert watched.show((noisy(image) for image in cycle(shop())), 600) == set()


@pytest.mark.parametrize("light", [0.35, 0.6, 1.4])
def test_other_light_is_no_fault(watched: Watched, light: float) -> None:
    lit = (noisy(np.clip(image * light, 0, 255).astype(np.uint8)) for image in cycle(shop()))
    assert watched.show(lit, 200) == set()


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        ("dark", lambda image: image // 20),
        ("washed_out", lambda image: np.full_like(image, 255)),
        ("blurred", blurred),
        ("frozen", lambda _: shop()[0]),
    ],
)
def test_a_fault_that_lasts_is_seen_within_a_minute_and_ends(
    watched: Watched, state: str, wrong: Callable[[Image], Image]
) -> None:
    pictures = [wrong(image) if state == "frozen" else noisy(wrong(image)) for image in shop()]
    assert watched.show(pictures, HOLDS_S - 2 * EVERY_S) == set()
    assert watched.show(pictures, 60 - HOLDS_S) == {state}
    watched.show(map(noisy, shop()), RETURNS_S + 2 * EVERY_S)
    assert watched.now == set()


def test_what_is_over_in_a_moment_is_no_fault(watched: Watched) -> None:
    for _ in range(5):
        assert watched.show([noisy(np.zeros_like(shop()[0]))], HOLDS_S / 2) == set()
        assert watched.show(map(noisy, shop()), 20) == set()


def test_a_blur_does_not_become_the_usual_sharpness(watched: Watched) -> None:
    soft = [blurred(image) for image in shop()]
    assert watched.show((noisy(image) for image in cycle(soft)), 1800) == {"blurred"}
    assert watched.now == {"blurred"}


def test_a_black_picture_that_stays_the_same_is_dark_and_not_frozen(watched: Watched) -> None:
    assert watched.show([np.zeros_like(shop()[0])], 120) == {"dark"}
