"""A better picture of a face has a better quality; a useless one costs no forward pass."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.types import Box, Face, Image, Pose
from edge.vision.quality import QualityGate, sharpness

FRONTAL = Pose(0, 0, 0)
GATE = QualityGate()


def scene(side: int = 96, contrast: float = 1.0) -> tuple[Image, Face]:
    """A frame with something face-like, drawn: an oval with eyes, brows, nose and mouth."""
    image = np.full((300, 400, 3), 90, np.uint8)
    x, y, unit = 200, 150, side / 96

    def at(dx: float, dy: float) -> tuple[int, int]:
        return round(x + dx * unit), round(y + dy * unit)

    def length(value: float) -> int:
        return max(1, round(value * unit))

    cv2.ellipse(image, at(0, 0), (length(38), length(48)), 0, 0, 360, (150, 170, 205), -1, cv2.LINE_AA)
    for dx in (-17, 17):
        cv2.ellipse(image, at(dx, -12), (length(8), length(4)), 0, 0, 360, (235, 235, 235), -1, cv2.LINE_AA)
        cv2.circle(image, at(dx, -12), length(4), (30, 30, 40), -1, cv2.LINE_AA)
        cv2.line(image, at(dx - 9, -22), at(dx + 9, -22), (50, 60, 70), length(3), cv2.LINE_AA)
    cv2.line(image, at(0, -8), at(0, 12), (120, 140, 175), length(3), cv2.LINE_AA)
    cv2.ellipse(image, at(0, 26), (length(15), length(5)), 0, 0, 360, (90, 80, 160), -1, cv2.LINE_AA)
    image = np.clip(128 + (image.astype(np.float32) - 128) * contrast, 0, 255).astype(np.uint8)
    half = side / 2
    return image, Face(Box(x - half, y - half, x + half, y + half), 0.9, np.zeros((5, 2), np.float32))


def quality(image: Image, detection: Face, pose: Pose = FRONTAL) -> float:
    value = GATE.assess(image, detection, pose)
    assert value is not None
    return value


def blurred(image: Image, sigma: float) -> Image:
    return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8)


def grey(image: Image) -> Image:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8)


def test_a_large_sharp_frontal_face_is_nearly_perfect() -> None:
    assert quality(*scene()) > 0.8


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: blurred(image, 4),
        lambda image: (image * 0.06).astype(np.uint8),
        lambda image: np.clip(image.astype(np.float32) * 2.2, 0, 255).astype(np.uint8),
    ],
    ids=["blurred", "dark", "burnt out"],
)
def test_each_fault_of_the_picture_lowers_quality(spoil: Callable[[Image], Image]) -> None:
    image, detection = scene()
    spoilt = GATE.assess(spoil(image), detection, FRONTAL)
    assert spoilt is None or spoilt < 0.8 * quality(image, detection)


def test_more_blur_is_never_sharper() -> None:
    image, _ = scene()
    values = [sharpness(grey(blurred(image, sigma))) for sigma in (0.5, 1, 2, 3, 5)]
    assert values == sorted(values, reverse=True)


def test_a_dim_face_is_not_taken_for_a_blurred_one() -> None:
    bright, dim = (grey(scene(contrast=contrast)[0]) for contrast in (1.0, 0.4))
    assert sharpness(dim) == pytest.approx(sharpness(bright), rel=0.2)


def test_size_and_pose_lower_quality_step_by_step() -> None:
    sizes = [quality(*scene(side)) for side in (30, 44, 60)]
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.6 * sizes[-1]
    turned = [quality(*scene(), Pose(yaw, 0, 0)) for yaw in (0, 20, -35, 45)]
    assert turned == sorted(turned, reverse=True)
    assert turned[-1] < 0.1
    assert quality(*scene(), Pose(0, 0, 60)) == quality(*scene())  # roll is undone by the alignment


def test_hopeless_faces_are_refused() -> None:
    image, detection = scene()
    assert GATE.assess(*scene(20), FRONTAL) is None
    assert GATE.assess(image, detection, Pose(51, 0, 0)) is None
    assert GATE.assess(image, detection, Pose(0, -41, 0)) is None
    assert GATE.assess(blurred(image, 30), detection, FRONTAL) is None
    assert GATE.assess(np.full_like(image, 128), detection, FRONTAL) is None


def test_a_face_cut_by_the_border_is_refused() -> None:
    image, detection = scene()
    assert (
        GATE.assess(image[:, 180:].copy(), Face(Box(-28, 102, 68, 198), 0.9, detection.landmarks), FRONTAL)
        is None
    )


@given(
    st.tuples(*[st.floats(-300, 700)] * 2),
    st.tuples(*[st.floats(0, 500)] * 2),
    st.floats(-90, 90),
    st.floats(-90, 90),
)
@settings(deadline=None)
def test_quality_is_a_share_for_any_box(
    corner: tuple[float, float], size: tuple[float, float], yaw: float, pitch: float
) -> None:
    image, _ = scene()
    box = Box(*corner, corner[0] + size[0], corner[1] + size[1])
    value = GATE.assess(image, Face(box, 0.9, np.zeros((5, 2), np.float32)), Pose(yaw, pitch, 0))
    assert value is None or 0 <= value <= 1
