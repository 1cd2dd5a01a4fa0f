"""Measure the shipped int8 files with the shipped code: ``python -m models_tflite.evaluation.evaluate --data DIR --set
utkface|fer|faces|faces2|person|landmarks|empty [--split val] [--json]``.

It works on any DIR/SET.zip + DIR/SET.csv of the known form; ``empty`` are the pictures of faces2 and person without
anybody, of both splits. Pre-cropped faces (utkface, fer) are cropped as on the device, by landmarks onto the template
of ``edge.inference.align``. The landmarks are the medians of the set, the same for every picture, so that the figure
does not depend on a detector.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import UserError
from common.vocabulary import AGE_BAND_STARTS, AGE_BINS, GENDERS
from edge.inference.align import TEMPLATE, aligned_crop
from edge.inference.classify import AttributeClassifier, softmax
from edge.inference.detect import PeopleDetector
from edge.inference.landmarks import LandmarkRefiner
from edge.inference.manifest import load_manifest, packaged_models
from edge.types import Floats, Image
from edge.vision.pose import estimate_pose
from models_tflite.evaluation import detection
from models_tflite.evaluation.float_models import models
from models_tflite.evaluation.scoring import (
    expected_calibration_error,
    wilson_interval,
)
from models_tflite.training.datasets import (
    FER2013_LABELS,
    FERPLUS_VOTES,
    SET_SHIFT,
    DataSet,
    landmark_points,
    majority_votes,
    select,
)

RACES = ("White", "Black", "Asian", "Indian", "other")
SMALLEST_GROUP = 100


class Shipped:
    """The models as the device loads them; if the folder ``floats`` is given, its models replace the int8 ones."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        runtime: str = "auto",
        min_score: float = 1e-3,
        floats: Path | None = None,
    ) -> None:
        self.manifest = load_manifest(folder or packaged_models())
        self.models = models(self.manifest, runtime=runtime, floats=floats)
        self.detector = PeopleDetector(
            self.models["detector"],
            faces=self.manifest.face_calibration,
            bodies=self.manifest.person_calibration,
            min_score=min_score,
        )
        self.refiner = LandmarkRefiner(self.models["landmarks"])
        self.classifier = AttributeClassifier(self.models["attributes"], self.manifest.temperatures)

    def fer2013(self, crop: Image) -> Floats:
        """Return the output that no device uses, probabilities (7,): the expected label of fer2013's annotator."""
        model = self.models["attributes"]
        logits = model.outputs["fer2013"].floats(model.run(crop)["fer2013"].reshape(-1))
        return softmax(logits / self.manifest.temperatures["fer2013"])


def described(shipped: Shipped, data: DataSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities for all pictures of a pre-cropped set: age (n, 101), gender (n, 2), expression (n, 7)."""
    age, gender, expression = (head[:, 0] for head in looks(shipped, data, mirror=False))
    return age, gender, expression


def looks(
    shipped: Shipped, data: DataSet, *, mirror: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same (n, looks, ...): one look, or it and its mirror image, at which a device looks in turn."""
    heads: list[list[np.ndarray]] = [[], [], []]
    for image in data.images():
        scores = [shipped.classifier.describe(view) for view in _views(image, data.name, mirror=mirror)]
        for head, name in zip(heads, ("age", "gender", "expression"), strict=True):
            head.append(np.stack([getattr(each, name) for each in scores]))
    age, gender, expression = (np.stack(head) for head in heads)
    return age, gender, expression


def labelled(shipped: Shipped, data: DataSet, *, mirror: bool = False) -> np.ndarray:
    """Return the probabilities (n, looks, 7) of the output ``fer2013`` for all pictures of ``fer``."""
    return np.stack(
        [
            np.stack([shipped.fer2013(view) for view in _views(image, data.name, mirror=mirror)])
            for image in data.images()
        ]
    )


def _views(image: Image, name: str, *, mirror: bool) -> tuple[Image, ...]:
    crop = nominal_crop(image, name)
    return (crop, np.ascontiguousarray(crop[:, ::-1])) if mirror else (crop,)


def nominal_landmarks(image: Image, name: str) -> Floats:
    """Return the median landmarks (5, 2) of a pre-cropped set, in pixels of one of its pictures."""
    return ((TEMPLATE - np.array([0, SET_SHIFT[name]], np.float32)) * image.shape[0]).astype(np.float32)


def nominal_crop(image: Image, name: str) -> Image:
    """Crop a pre-cropped picture as the device does."""
    return aligned_crop(image, nominal_landmarks(image, name))


def bands(years: np.ndarray) -> np.ndarray:
    """Return the age band indices of years."""
    return np.searchsorted(AGE_BAND_STARTS, np.floor(years), side="right") - 1


def band_calibration_error(age: np.ndarray, years: np.ndarray) -> float:
    """Return the calibration error of the age bands; their probabilities are sums of the distribution (n, 101)."""
    edges = [*AGE_BAND_STARTS, AGE_BINS]
    mass = np.stack([age[:, low:high].sum(1) for low, high in itertools.pairwise(edges)], 1)
    return expected_calibration_error(mass, bands(years))


def utkface(shipped: Shipped, data: DataSet) -> dict[str, Any]:
    """Measure age and gender, one look each. ``with_mirror`` is the same of the mean of a look and its mirror image.

    A group is a race and gender of adults; the worst and best are among those of ``SMALLEST_GROUP`` faces and more.
    """
    age, gender, _ = looks(shipped, data)
    return _people(data, age[:, 0], gender[:, 0]) | {
        "with_mirror": _people(data, age.mean(1), gender.mean(1))
    }


def _people(data: DataSet, age: np.ndarray, gender: np.ndarray) -> dict[str, Any]:
    truth_age = np.array([float(value) for value in data.column("age")])
    truth = select(data.column("gender"), GENDERS)
    races = np.array([int(value) for value in data.column("race")])
    years = age @ np.arange(AGE_BINS)
    right = gender.argmax(1) == truth
    adult = truth_age >= 18
    groups = {}
    for race, race_name in enumerate(RACES):
        for label, label_name in enumerate(GENDERS):
            group = (races == race) & (truth == label) & adult
            if group.any():
                low, high = wilson_interval(int(right[group].sum()), int(group.sum()))
                groups[f"{race_name} {label_name}"] = {
                    "n": int(group.sum()),
                    "accuracy": float(right[group].mean()),
                    "low": low,
                    "high": high,
                }
    large = [group["accuracy"] for group in groups.values() if group["n"] >= SMALLEST_GROUP]
    return {
        "n": len(data),
        "gender_accuracy": float(right.mean()),
        "gender_accuracy_18plus": float(right[adult].mean()),
        "age_mae": float(np.abs(years - truth_age).mean()),
        "age_within_one_band": float((np.abs(bands(years) - bands(truth_age)) <= 1).mean()),
        "worst_group_gender_accuracy": min(large, default=None),
        "best_group_gender_accuracy": max(large, default=None),
        "gender_ece": expected_calibration_error(gender, truth),
        "age_ece": band_calibration_error(age, truth_age),
        "groups_18plus": groups,
    }


def fer(shipped: Shipped, data: DataSet) -> dict[str, Any]:
    """Compare two outputs with two sets of labels, one look each. ``accuracy_ferplus`` and ``ece`` compare the device's
    expression with the majority of ten annotators. ``accuracy_fer2013`` compares the output ``fer2013`` with the single
    label of that set, and ``told_fer2013`` compares the expression on the device with it. The two sets of labels agree
    on ``labels_agree`` of the faces. ``with_mirror`` is the same of the mean of a look and its mirror image."""
    _, _, told = looks(shipped, data)
    judged = labelled(shipped, data, mirror=True)
    return _expressions(data, told[:, 0], judged[:, 0]) | {
        "with_mirror": _expressions(data, told.mean(1), judged.mean(1))
    }


def _expressions(data: DataSet, told: np.ndarray, judged: np.ndarray) -> dict[str, Any]:
    labels = select(data.column("fer2013"), FER2013_LABELS)
    result = {
        "n": len(data),
        "accuracy_fer2013": float((judged.argmax(1) == labels).mean()),
        "ece": expected_calibration_error(judged, labels),
        "ece_fer2013": expected_calibration_error(judged, labels),
        "told_fer2013": float((told.argmax(1) == labels).mean()),
    }
    if FERPLUS_VOTES[0] in data.rows[0]:
        majority = majority_votes(data)
        clear = majority >= 0
        result["n_ferplus"] = int(clear.sum())
        result["accuracy_ferplus"] = float((told.argmax(1) == majority)[clear].mean())
        result["ece"] = expected_calibration_error(told[clear], majority[clear])
        result["labels_agree"] = float((labels == majority)[clear].mean())
    return result


def faces(shipped: Shipped, data: DataSet) -> dict[str, Any]:
    return detection.faces(shipped.detector, data.folder, data.name, data.split or "val")


def person(shipped: Shipped, data: DataSet) -> dict[str, Any]:
    return detection.people(shipped.detector, data.folder, data.split or "val")


def landmarks(shipped: Shipped, data: DataSet) -> dict[str, Any]:
    """Return the mean distance over five points as a share of the distance between the eyes, on detected faces:
    ``coarse`` as the detector has the points, the rest as the landmark network makes them; and by how many degrees its
    points turn the head otherwise than those drawn by hand."""
    coarse, fine, yaws = list[float](), list[float](), list[tuple[float, float]]()
    for image, points in zip(data.images(), landmark_points(data), strict=True):
        detections = shipped.detector.look(image).faces
        centre = points.mean(0)
        near = [d for d in detections if d.box.x1 < centre[0] < d.box.x2 and d.box.y1 < centre[1] < d.box.y2]
        if near:
            face = max(near, key=lambda d: d.score)
            eyes = max(1.0, float(np.linalg.norm(points[1] - points[0])))
            refined = shipped.refiner.refine(image, face)
            for errors, seen in ((coarse, face), (fine, refined)):
                errors.append(float(np.linalg.norm(seen.landmarks - points, axis=1).mean()) / eyes)
            yaws.append((estimate_pose(points).yaw, estimate_pose(refined.landmarks).yaw))
    return {
        "n": len(data),
        "found": len(fine) / len(data),
        "nme": float(np.mean(fine)) if fine else None,
        "nme_median": float(np.median(fine)) if fine else None,
        "coarse_nme": float(np.mean(coarse)) if coarse else None,
        "coarse_nme_median": float(np.median(coarse)) if coarse else None,
        "turned": turned(yaws),
    }


def turned(yaws: Sequence[tuple[float, float]]) -> dict[str, dict[str, float]]:
    """Return the error of the yaw by ten degrees of the true one; ``yaws`` are (true, told) in degrees. ``mean_deg``
    has no sign; ``further_deg`` is positive where heads are told further turned than they are."""
    figures = {}
    for least in range(0, 90, 10):
        errors = [
            math.copysign(1, true) * (told - true) for true, told in yaws if least <= abs(true) < least + 10
        ]
        if errors:
            figures[f"{least} to {least + 10}"] = {
                "n": len(errors),
                "mean_deg": float(np.mean(np.abs(errors))),
                "further_deg": float(np.mean(errors)),
            }
    return figures


SETS = {
    "utkface": utkface,
    "fer": fer,
    "faces": faces,
    "faces2": faces,
    "person": person,
    "landmarks": landmarks,
}
EMPTY = "empty"


def show(result: Mapping[str, Any], indent: str = "") -> None:
    """Print a figure a line; those of a group stand under its name."""
    for key, value in result.items():
        name = f"{indent}{key:{32 - len(indent)}}"
        if isinstance(value, Mapping):
            print(f"{indent}{key}")
            show(value, indent + "  ")
        else:
            print(f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models_tflite.evaluation.evaluate", description=__doc__)
    parser.add_argument("--set", choices=(*SETS, EMPTY), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder with SET.zip and SET.csv")
    parser.add_argument("--split", default="val", help="ignored by sets without a split column")
    parser.add_argument("--models", type=Path, help="folder with a manifest; the shipped models by default")
    parser.add_argument("--runtime", default="auto", choices=("auto", "ai-edge-litert", "tflite-runtime"))
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    try:
        shipped = Shipped(arguments.models, runtime=arguments.runtime)
        if arguments.set == EMPTY:
            result = detection.false_finds(shipped.detector, arguments.data)
        else:
            data = DataSet(arguments.data, arguments.set, arguments.split)
            result = SETS[arguments.set](shipped, data)
    except UserError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
