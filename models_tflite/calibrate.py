"""Make the probabilities mean what they say: ``python -m models_tflite.calibrate --data DIR``.

Fits one temperature a head on val (Guo et al. 2017) and chooses the "unknown" thresholds, then writes both into
the manifest. Measured on the int8 files through ``edge.inference``.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from edge.inference.detect import MIDDLE_SIDE, OCTAVES
from edge.inference.manifest import FILE, packaged_models
from edge.types import FaceObservation, FaceScores, Pose, Verdict
from edge.vision.consensus import Consensus
from edge.vocabulary import AGE_BANDS, AGE_BINS, ATTRIBUTES, EXPRESSIONS, GENDERS
from models_tflite.datasets import FER2013_LABELS, DataSet, scenes, select
from models_tflite.evaluate import Shipped, bands, described, detected
from models_tflite.scenes import HEIGHT, WIDTH
from models_tflite.scoring import expected_calibration_error, matched

NEUTRAL: dict[str, dict[str, Any]] = {
    "detector": {"score_scale": 1.0, "score_shift": 0.0, "score_octave": 0.0},
    "attributes": {
        "temperatures": {"age": 1.0, "gender": 1.0, "expression": 1.0},
        "thresholds": {"gender": 0.5, "age_band": 0.0, "expression": 0.0},
    },
}
"""What an export starts with: nothing calibrated."""

RISK = {"gender": 0.04, "age_band": 0.05, "expression": 0.25}
"""Share of wrong verdicts that a single look may keep; for the age band, wrong means more than one band off."""


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, c) after dividing their logits by the temperature."""
    logits = np.log(np.maximum(probabilities, 1e-9)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of least negative log-likelihood, on a grid fine enough for three digits."""
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        return float(-np.log(np.maximum(tempered(probabilities, temperature)[rows, labels], 1e-9)).mean())

    grid = np.exp(np.linspace(np.log(0.2), np.log(5.0), 200))
    return float(min(grid, key=loss))


def threshold_at_risk(confidence: np.ndarray, right: np.ndarray, risk: float) -> float:
    """The smallest threshold above which at most a share ``risk`` of the verdicts is wrong."""
    order = np.argsort(-confidence)
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(wrong <= risk)
    return float(confidence[order[good[-1]]]) if len(good) else 1.0


def verdicts(age: np.ndarray, gender: np.ndarray, expression: np.ndarray) -> list[Mapping[str, Verdict]]:
    """What the device's consensus says of each single look, nothing held back."""
    consensus = Consensus(dict.fromkeys(ATTRIBUTES, 0.0))
    front = Pose(0.0, 0.0, 0.0)
    return [
        consensus.verdicts([FaceObservation(0, 0.0, FaceScores(*scores), front, 1.0)])
        for scores in zip(*(head.astype(np.float32) for head in (age, gender, expression)), strict=True)
    ]


def fit_logistic(inputs: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Weights (c,) of most likelihood for inputs (n, c) and outcomes (n,), by Newton's method."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        told = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (right - told)
        curve = (inputs * (told * (1 - told))[:, None]).T @ inputs + 1e-6 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, slope)
    return weights


def calibrate_detector(shipped: Shipped, data: Path) -> dict[str, Any]:
    """The detector's part of the manifest."""
    val = DataSet(data, "faces", "val")
    found, truth = detected(shipped, val)
    zooms = [min(WIDTH / scene.width, HEIGHT / scene.height) for scene in scenes(val)]
    logits, octaves, right = [], [], []
    for (boxes, scores), faces, zoom in zip(found, truth, zooms, strict=True):
        order = np.argsort(-scores)
        sides = np.sqrt((boxes[order, 2:] - boxes[order, :2]).prod(1)) * zoom
        logits.append(np.log(scores[order] / (1 - scores[order])))
        octaves.append(np.clip(np.log2(np.maximum(sides, 1e-3) / MIDDLE_SIDE), *OCTAVES))
        right.append(matched([(boxes, scores)], [faces], smallest=0.0)[1])
    inputs = np.stack([np.concatenate(logits), np.ones(sum(map(len, logits))), np.concatenate(octaves)], 1)
    outcomes = np.concatenate(right)
    weights = fit_logistic(inputs, outcomes)
    sure = inputs @ weights >= 0
    scale, shift, octave = (float(weight) for weight in weights)
    print(
        f"detector   scale {scale:.2f}, shift {shift:.2f}, octave {octave:.2f}: {sure.sum()} findings at 0.5 and "
        f"more, right {outcomes[sure].mean():.1%}"
    )
    return {"score_scale": scale, "score_shift": shift, "score_octave": octave}


def calibrate_attributes(shipped: Shipped, data: Path) -> dict[str, Any]:
    """The attributes' part of the manifest: temperatures and thresholds."""
    utk, fer = DataSet(data, "utkface", "val"), DataSet(data, "fer", "val")
    age, gender, _ = described(shipped, utk)
    _, _, expression = described(shipped, fer)
    years = np.clip(np.array([int(value) for value in utk.column("age")]), 0, AGE_BINS - 1)
    genders = select(utk.column("gender"), GENDERS)
    labels = select(fer.column("fer2013"), FER2013_LABELS)
    heads = {"age": (age, years), "gender": (gender, genders), "expression": (expression, labels)}
    temperatures = {name: fit_temperature(*head) for name, head in heads.items()}
    honest = {name: tempered(head[0], temperatures[name]) for name, head in heads.items()}
    for name, (probabilities, truth) in heads.items():
        before, after = (expected_calibration_error(p, truth) for p in (probabilities, honest[name]))
        print(
            f"{name:10} temperature {temperatures[name]:.2f}, calibration error {before:.3f} -> {after:.3f}"
        )

    blank = np.full((len(utk), len(EXPRESSIONS)), 1 / len(EXPRESSIONS))
    nobody = np.full((len(fer), AGE_BINS), 1 / AGE_BINS), np.full((len(fer), 2), 0.5)
    described_utk = verdicts(honest["age"], honest["gender"], blank)
    band = np.array([AGE_BANDS.index(look["age_band"].label) for look in described_utk])
    told = {
        "gender": (described_utk, honest["gender"].argmax(1) == genders),
        "age_band": (described_utk, np.abs(band - bands(years)) <= 1),
        "expression": (verdicts(*nobody, honest["expression"]), honest["expression"].argmax(1) == labels),
    }
    thresholds = {}
    for name, (looks, right) in told.items():
        confidence = np.array([look[name].confidence for look in looks])
        thresholds[name] = threshold_at_risk(confidence, right, RISK[name])
        kept = confidence >= thresholds[name]
        print(
            f"{name:10} threshold {thresholds[name]:.3f} keeps {kept.mean():.1%}, of these right "
            f"{right[kept].mean():.1%} (all: {right.mean():.1%})"
        )
    return {"temperatures": temperatures, "thresholds": thresholds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=packaged_models())
    parser.add_argument("--version", required=True, help="name of this calibration")
    arguments = parser.parse_args()
    path = arguments.models / FILE
    table = tomllib.loads(path.read_text())
    for name, neutral in NEUTRAL.items():
        table[name] |= neutral
    path.write_text(tomli_w.dumps(table))
    shipped = Shipped(arguments.models)
    table["detector"] |= calibrate_detector(shipped, arguments.data)
    table["attributes"] |= calibrate_attributes(shipped, arguments.data)
    table["calibration"] = arguments.version
    path.write_text(tomli_w.dumps(table))


if __name__ == "__main__":
    main()
