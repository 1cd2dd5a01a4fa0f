"""Calibrate the scores of the detector, so that a score is the share of such finds that are right (Platt 1999).

A find is right if it matches a label. A find of a person that matches none but lies mostly on a labelled or unsure
person is left out: it shows somebody, and the labels do not tell whether it is a second person of a crowd or a badly
placed box.

Of people, only sources in which everybody is labelled or unsure are used, and pictures known to be empty. In
``coco2017`` many people have no label, so right finds would count as wrong. It also shows crowds, where a find of a low
score is more often right than in a shop with few people or none in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.inference.detect import MIDDLE_SIDE, OCTAVES, PeopleDetector
from models_tflite.evaluation.detection import BODY_IOU, FACE_IOU, USED, calibration_error, found
from models_tflite.evaluation.scoring import Found, outcomes, side
from models_tflite.training.detector.items import Item, read_items
from models_tflite.training.letterbox import HEIGHT, WIDTH

LOWEST = 0.1
"""Uncalibrated score from which finds are used: below, nearly none is right, and one line does not describe both."""

INCOMPLETE = ("coco2017",)
"""Sources in which many people are neither labelled nor marked as unsure."""

Json = dict[str, Any]
Outcomes = tuple[np.ndarray, np.ndarray]
"""Logit, one and octaves (n, 3) of the finds that count, and whether each is right (n,)."""


def calibrate_finds(detector: PeopleDetector, data: Path) -> Json:
    """Compute the detector's part of the manifest, given the detector with neutral calibrations."""
    items = read_items(data, "val", hand_labels_only=True)
    faces, people = [], []
    for item in items:
        sight = detector.look(item.image())
        if item.set != "person" or item.without_faces:
            faces.append(_outcomes(item, found(sight.faces), item.faces, item.unsure_faces, FACE_IOU))
        if item.without_people or (item.source not in INCOMPLETE and len(item.people)):
            somebody = np.concatenate([item.unsure_people, item.people])
            people.append(_outcomes(item, found(sight.bodies), item.people, somebody, BODY_IOU))
    return {"face": _fitted("faces", faces), "person": _fitted("people", people)}


def _outcomes(item: Item, finds: Found, truth: np.ndarray, unsure: np.ndarray, iou: float) -> Outcomes:
    boxes, scores = finds
    all_of = (np.ones(len(truth), bool), np.ones(len(boxes), bool))
    outcome = outcomes(boxes, scores, truth, iou, *all_of, unsure)
    counted = outcome >= 0
    logits = np.log(scores / (1 - scores))
    zoom = min(WIDTH / item.size[0], HEIGHT / item.size[1])
    octaves = np.clip(np.log2(np.maximum(side(boxes) * zoom, 1e-3) / MIDDLE_SIDE), *OCTAVES)
    return np.stack([logits, np.ones(len(boxes)), octaves], 1)[counted], outcome[counted] == 1


def _fitted(name: str, parts: Sequence[Outcomes]) -> dict[str, float]:
    inputs, right = (np.concatenate([part[at] for part in parts] or [np.zeros(0)]) for at in range(2))
    if not len(right) or right.all() or not right.any():
        print(
            f"{name:10} {len(right)} finds, not both right and wrong ones: scores stay as the network has them"
        )
        return {"scale": 1.0, "shift": 0.0, "octave": 0.0}
    weights = fit_logistic(inputs, right)
    scores = 1 / (1 + np.exp(-inputs @ weights))
    used = scores >= USED
    scale, shift, octave = (float(weight) for weight in weights)
    print(
        f"{name:10} scale {scale:.2f}, shift {shift:.2f}, octave {octave:.2f}: {used.sum()} finds from {USED} on, "
        f"right {right[used].mean():.1%}, calibration error {calibration_error(scores, right):.3f}"
    )
    return {"scale": scale, "shift": shift, "octave": octave}


def fit_logistic(inputs: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the maximum-likelihood weights (c,) for inputs (n, c) and outcomes (n,), by Newton's method."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        told = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (right - told)
        curve = (inputs * (told * (1 - told))[:, None]).T @ inputs + 1e-6 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, slope)
    return weights
