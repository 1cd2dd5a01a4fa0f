"""The measuring of the models: a look and its mirror image, and figures that are kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from edge.inference.manifest import packaged_models
from models_tflite.evaluation.cards import FOLDER
from models_tflite.evaluation.evaluate import SETS, Shipped, described, labelled, looks, nominal_crop
from models_tflite.evaluation.report import MEASURED, still_true
from models_tflite.training.datasets import DataSet
from tests.models_tflite.training.painted import paint


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("data"), pictures=24)


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    return Shipped()


def test_the_second_look_is_the_mirror_image_of_the_first(shipped: Shipped, data: Path) -> None:
    val = DataSet(data, "utkface", "val")
    age, gender, expression = looks(shipped, val)
    for at, image in enumerate(val.images()):
        mirrored = shipped.classifier.describe(np.ascontiguousarray(nominal_crop(image, "utkface")[:, ::-1]))
        assert np.array_equal(gender[at, 1], mirrored.gender)
        assert np.array_equal(expression[at, 1], mirrored.expression)
    assert not np.array_equal(age[:, 0], age[:, 1])
    for head, first in zip((age, gender, expression), described(shipped, val), strict=True):
        assert np.array_equal(head[:, 0], first)


def test_figures_are_those_of_one_look_with_the_mirror_images_beside_them(
    shipped: Shipped, data: Path
) -> None:
    faces = DataSet(data, "utkface", "val")
    told = SETS["utkface"](shipped, faces)
    years = np.array([float(age) for age in faces.column("age")])
    age, _, _ = looks(shipped, faces)
    errors = [np.abs(each @ np.arange(101) - years).mean() for each in (age[:, 0], age.mean(1))]
    assert errors[0] != errors[1]
    assert [told["age_mae"], told["with_mirror"]["age_mae"]] == pytest.approx(errors)
    expressions = DataSet(data, "fer", "val")
    told = SETS["fer"](shipped, expressions)
    judged = labelled(shipped, expressions, mirror=True)
    assert judged.shape == (len(expressions), 2, 7)
    assert told.keys() == told["with_mirror"].keys() | {"with_mirror"}


def test_figures_are_kept_only_while_their_networks_are_the_same_files() -> None:
    stored = json.loads((FOLDER / MEASURED).read_text())
    assert still_true(stored, packaged_models(), "attributes") == ("faces", "faces2", "person", "landmarks")
    assert still_true(stored, packaged_models(), "detector") == ("utkface", "fer")
    stored["sha256"]["detector"] = "another"
    with pytest.raises(UserError, match="detector has changed"):
        still_true(stored, packaged_models(), "attributes")
