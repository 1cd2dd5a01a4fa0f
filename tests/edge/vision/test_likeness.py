"""A still picture of a face is alike whatever the camera adds; a face that lives is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.likeness import LEAST_CHANGE, Reference
from tests.support.watchers import Watcher, light, noisy, shaken

WATCHER = Watcher()


def change(then: np.ndarray, now: np.ndarray) -> float:
    reference = Reference(then, WATCHER.box)
    return reference.change(reference.patch(now))


@pytest.mark.parametrize("gain", [0.6, 0.85, 1.2])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.5, -0.7), (-2.0, 2.0)])
def test_light_shake_and_noise_are_no_change(gain: float, shift: tuple[float, float]) -> None:
    then, now = WATCHER.at(0), light(shaken(WATCHER.at(0), shift), gain)
    assert change(noisy(then, 4, seed=1), noisy(now, 4, seed=2)) < LEAST_CHANGE / 2


def test_compression_is_no_change() -> None:
    def compressed(quality: int) -> np.ndarray:
        encoded = cv2.imencode(".jpg", WATCHER.at(0), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))

    assert change(compressed(85), compressed(40)) < LEAST_CHANGE


@pytest.mark.parametrize("living", [Watcher(blinks=True), Watcher(breathes=True), Watcher(sways=True)])
def test_a_blink_a_breath_and_a_sway_are_changes(living: Watcher) -> None:
    moments = np.arange(0, 4, 0.1)
    assert max(change(living.at(0.5), living.at(at_s)) for at_s in moments) > 2 * LEAST_CHANGE


def test_a_place_at_the_edge_or_without_anything_to_see_has_no_change() -> None:
    flat = np.full((90, 120, 3), 90, np.uint8)
    for box in (WATCHER.box, WATCHER.box.__class__(-10, -10, 8, 8), WATCHER.box.__class__(118, 88, 140, 120)):
        reference = Reference(flat, box)
        assert reference.change(reference.patch(flat)) < LEAST_CHANGE
