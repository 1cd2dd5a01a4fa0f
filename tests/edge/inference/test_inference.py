"""The models as the device loads them: the right file or a clear word, aligned crops, calibrated numbers."""

from __future__ import annotations

import math
import shutil
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import UserError
from common.vocabulary import AGE_BAND_STARTS, AGE_BANDS, AGE_BINS, age_band
from edge.inference.align import CROP_SIDE, TEMPLATE, aligned_crop, similarity
from edge.inference.classify import AttributeClassifier, softmax
from edge.inference.landmarks import LandmarkRefiner
from edge.inference.manifest import load_manifest, packaged_models
from edge.inference.model import Model, interpreter_class
from edge.scene.portraits import Portrait, load_portraits
from edge.types import Box, Face, Floats, Image

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def classifier() -> AttributeClassifier:
    manifest = load_manifest(packaged_models())
    return AttributeClassifier(Model(manifest.attributes), manifest.temperatures)


@pytest.fixture
def copied_models(tmp_path: Path) -> Path:
    for path in packaged_models().glob("*.t*"):
        if path.suffix in (".tflite", ".toml"):
            shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def refiner() -> LandmarkRefiner:
    return LandmarkRefiner(Model(load_manifest(packaged_models()).landmarks))


# --- the files ---------------------------------------------------------------------------------------------


def test_shipped_models_are_small_whole_and_fully_integer() -> None:
    manifest = load_manifest(packaged_models())
    for entry in (manifest.detector, manifest.landmarks, manifest.attributes):
        assert entry.path.stat().st_size < 2_000_000
        interpreter = interpreter_class()(model_content=entry.content())
        interpreter.allocate_tensors()
        ends = [*interpreter.get_input_details(), *interpreter.get_output_details()]
        assert {detail["dtype"] for detail in ends} == {np.int8}
        floats = [
            t["name"] for t in interpreter.get_tensor_details() if t["dtype"] in (np.float32, np.float16)
        ]
        assert floats == []


@pytest.mark.parametrize("harm", ["truncated", "one bit", "empty", "missing"])
def test_a_harmed_model_is_refused_in_one_line(copied_models: Path, harm: str) -> None:
    path = copied_models / "detector.tflite"
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes({"truncated": content[:-100], "one bit": bytes(flipped), "empty": b""}[harm])
    with pytest.raises(UserError) as caught:
        Model(load_manifest(copied_models).detector)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_harmed_manifest_is_refused_in_one_line(copied_models: Path) -> None:
    path = copied_models / "manifest.toml"
    text = path.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("sha256")]
    for broken in ("not = [toml", "", "\n".join(lines), text.replace('version = "', "version = [")):
        path.write_text(broken)
        with pytest.raises(UserError) as caught:
            load_manifest(copied_models)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_that_is_no_model_is_refused_even_with_a_right_hash(copied_models: Path) -> None:
    import hashlib

    path = copied_models / "manifest.toml"
    junk = b"TFL3 this is not a flatbuffer" * 50
    (copied_models / "detector.tflite").write_bytes(junk)
    old = str(tomllib.loads(path.read_text())["detector"]["sha256"])
    path.write_text(path.read_text().replace(old, hashlib.sha256(junk).hexdigest()))
    with pytest.raises(UserError, match=r"detector\.tflite"):
        Model(load_manifest(copied_models).detector)


def test_a_runtime_that_is_not_installed_is_named() -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(UserError, match=r"models\.runtime: tflite-runtime"):
        interpreter_class("tflite-runtime")


# --- alignment ---------------------------------------------------------------------------------------------

angles = st.floats(-math.pi, math.pi)
places = st.floats(-200, 200)


@given(angle=angles, scale=st.floats(0.2, 8), x=places, y=places)
def test_landmarks_land_on_the_template_however_the_head_is_turned(
    angle: float, scale: float, x: float, y: float
) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    landmarks: Floats = ((TEMPLATE * CROP_SIDE) @ turn.T * scale + [x, y]).astype(np.float32)
    matrix = similarity(landmarks)
    landed = landmarks @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(landed - TEMPLATE * CROP_SIDE).max() < 0.05


@given(st.lists(st.floats(-50, 700), min_size=10, max_size=10))
def test_any_landmarks_give_a_crop(values: list[float]) -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    crop = aligned_crop(picture, np.array(values, np.float32).reshape(5, 2))
    assert crop.shape == (CROP_SIDE, CROP_SIDE, 3)
    assert crop.dtype == np.uint8


@pytest.mark.parametrize("enlarge", [1.0, 2.3, 5.0, 9.0])
def test_a_large_face_is_averaged_not_sampled(enlarge: float) -> None:
    """A fine checkerboard seen from afar is grey; sampling would show black and white."""
    side = round(CROP_SIDE * enlarge)
    y, x = np.mgrid[0:side, 0:side]
    board = np.repeat((((x + y) % 2) * 255).astype(np.uint8)[..., None], 3, 2)
    crop = aligned_crop(board, TEMPLATE * side)
    if enlarge >= 2:
        assert crop[8:-8, 8:-8].std() < 40


# --- the classifier ----------------------------------------------------------------------------------------


def test_scores_are_probabilities_and_do_not_depend_on_history(classifier: AttributeClassifier) -> None:
    rng = np.random.default_rng(2)
    crops = [rng.integers(0, 256, (CROP_SIDE, CROP_SIDE, 3), dtype=np.uint8) for _ in range(3)]
    first = [classifier.describe(crop) for crop in crops]
    second = [classifier.describe(crop) for crop in reversed(crops)][::-1]
    for one, two in zip(first, second, strict=True):
        for a, b in ((one.age, two.age), (one.gender, two.gender), (one.expression, two.expression)):
            assert a.sum() == pytest.approx(1, abs=1e-4)
            assert np.array_equal(a, b)
        assert 0 <= one.age_years <= AGE_BINS - 1


@given(st.lists(st.floats(-300, 300, width=32), min_size=2, max_size=20))
def test_softmax_is_a_distribution(logits: list[float]) -> None:
    probabilities = softmax(np.array(logits, np.float32))
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert (probabilities >= 0).all()


@given(st.floats(0, 120))
def test_age_bands_hold_the_years_they_name(years: float) -> None:
    index = AGE_BANDS.index(age_band(years))
    assert AGE_BAND_STARTS[index] <= years
    assert index + 1 == len(AGE_BANDS) or years < AGE_BAND_STARTS[index + 1]


# --- landmarks ---------------------------------------------------------------------------------------------


def on_a_wall(member: Portrait, side: float) -> tuple[Image, Floats]:
    """A portrait ``side`` pixels wide in the middle of a grey picture, and its landmarks there."""
    scale = side / member.side
    matrix = np.array([[scale, 0, 160 - side / 2], [0, scale, 120 - side / 2]], np.float32)
    moved = cv2.warpAffine(member.picture, matrix, (320, 240), flags=cv2.INTER_AREA)
    alpha = moved[..., 3:].astype(np.float32) / 255
    picture = (moved[..., :3] * alpha + 128 * (1 - alpha)).astype(np.uint8)
    return picture, np.asarray(member.landmarks @ matrix[:, :2].T + matrix[:, 2], np.float32)


def hugging(landmarks: Floats, *, wrong_by: float = 0.0) -> Box:
    """The box of a face with these landmarks, moved by a share of its side."""
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    x, y = (float(value) for value in landmarks.mean(0))
    x, y = x + 2.2 * eyes * wrong_by, y - 2.2 * eyes * wrong_by
    return Box(x - 1.0 * eyes, y - 1.2 * eyes, x + 1.0 * eyes, y + 1.2 * eyes)


@pytest.mark.parametrize("side", [40, 70, 140])
@pytest.mark.parametrize("wrong_by", [0.0, 0.08])
def test_landmarks_of_a_face_seen_close_up_are_where_they_are(
    refiner: LandmarkRefiner, side: int, wrong_by: float
) -> None:
    errors = []
    for member in load_portraits():
        picture, truth = on_a_wall(member, side)
        guess = np.broadcast_to(truth.mean(0), (5, 2)).astype(np.float32)
        found = refiner.refine(picture, Face(hugging(truth, wrong_by=wrong_by), 0.9, guess))
        eyes = float(np.linalg.norm(truth[1] - truth[0]))
        errors.append(float(np.linalg.norm(found.landmarks - truth, axis=1).mean()) / eyes)
    assert float(np.mean(errors)) < 0.12


def test_only_the_landmarks_change(refiner: LandmarkRefiner) -> None:
    picture, truth = on_a_wall(load_portraits()[0], 90)
    coarse = Face(hugging(truth), 0.8, truth + 4)
    fine = refiner.refine(picture, coarse)
    assert (fine.box, fine.score) == (coarse.box, coarse.score)
    assert fine.landmarks.shape == (5, 2)
    assert fine.landmarks.dtype == np.float32


def test_a_face_beyond_the_edge_of_the_picture_has_landmarks_all_the_same(refiner: LandmarkRefiner) -> None:
    picture, truth = on_a_wall(load_portraits()[0], 90)
    cut = picture[:, 150:]
    moved = (truth - np.array([150, 0], np.float32)).astype(np.float32)
    fine = refiner.refine(np.ascontiguousarray(cut), Face(hugging(moved), 0.8, moved))
    assert np.isfinite(fine.landmarks).all()
