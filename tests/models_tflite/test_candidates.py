"""The people-and-faces candidate is the file that its card speaks of, and it sees people. No device uses it yet."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from models_tflite.training.two_class.measure import Candidate

from edge.inference.detect import STRIDES
from edge.inference.manifest import packaged_models
from edge.inference.model import Model
from edge.scene.render import Scene
from edge.types import Box, Face
from tests.support.paths import ROOT

DESCRIPTION = packaged_models() / "candidates" / "people_and_faces.toml"
FRAMES = range(50, 650, 100)


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    points = tomllib.loads(DESCRIPTION.read_text())["operating_points"]
    return Candidate(DESCRIPTION, face_score=points["face_90"], person_score=points["person_80"])


def iou(a: Box, b: Box) -> float:
    wide, tall = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    inter = max(0.0, wide) * max(0.0, tall)
    return inter / (a.width * a.height + b.width * b.height - inter)


def holds_head(person: Face, face: Box) -> bool:
    """The face lies in the upper half of the person."""
    x, y = (face.x1 + face.x2) / 2, (face.y1 + face.y2) / 2
    box = person.box
    return box.x1 < x < box.x2 and box.y1 < y < (box.y1 + box.y2) / 2


def test_the_file_is_small_and_the_one_described(candidate: Candidate) -> None:
    assert len(candidate.entry(DESCRIPTION).content()) < 2_000_000  # content() refuses a file of another hash
    card = DESCRIPTION.with_suffix(".md").read_text()
    assert candidate.table["sha256"][:16] in card
    assert "AGPL-3.0" in card


def test_it_loads_with_the_input_and_the_outputs_described(candidate: Candidate) -> None:
    table = candidate.table
    assert table["input"] == {"mean": 128, "scale": 64}  # Model takes no other
    channels = {"score": 1, "box": 4, "landmarks": 10, "person_score": 1, "person_box": 4}
    assert list(table["outputs"]) == [f"{name}{stride}" for stride in STRIDES for name in channels]
    model = Model(candidate.entry(DESCRIPTION))
    for stride in STRIDES:
        for name, count in channels.items():
            shape = (1, table["height"] // stride, table["width"] // stride, count)
            assert model.outputs[f"{name}{stride}"].shape == shape


@pytest.mark.slow
def test_it_finds_every_clear_face_of_the_scene_and_the_person_below(candidate: Candidate) -> None:
    scene, seen = Scene(), 0
    for index in FRAMES:
        frame = scene.render(index)
        faces, people = candidate.faces.detect(frame), candidate.people.detect(frame)
        for face in scene.truth.boxes(index):
            assert any(iou(one.box, face) > 0.5 for one in faces), (index, face)
            assert any(holds_head(one, face) for one in people), (index, face)
            seen += 1
    assert seen >= len(FRAMES)


@pytest.mark.slow
def test_the_five_points_lie_on_the_face(candidate: Candidate) -> None:
    scene = Scene()
    for index in FRAMES:
        for face in scene.truth.faces[index]:
            if face.visible < 0.95 or abs(face.yaw) > 30:
                continue
            found = candidate.faces.detect(scene.render(index))
            near = next(one for one in found if iou(one.box, face.box) > 0.5)
            eyes = float(np.linalg.norm(face.landmarks[1] - face.landmarks[0]))
            off = float(np.linalg.norm(near.landmarks - face.landmarks, axis=1).mean())
            assert off < 0.35 * eyes, (index, face.box)


@pytest.mark.slow
def test_an_empty_shop_holds_no_person(candidate: Candidate) -> None:
    assert candidate.people.detect(Scene(walks=(), pillars=()).render(200)) == []


def test_devices_do_not_install_it() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = config["tool"]["setuptools"]["package-data"]["models_tflite"]
    root = packaged_models()
    assert not {path for pattern in patterns for path in root.glob(pattern)} & set(
        DESCRIPTION.parent.iterdir()
    )
