"""Make the probabilities mean what they say: ``python -m models_tflite.calibrate --data DIR``.

Fits one temperature a head on val (Guo et al. 2017) and chooses the "unknown" thresholds, then writes both into
the manifest. Measured on the int8 files through ``edge.inference``.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tomli_w

from edge.inference.manifest import FILE, packaged_models
from edge.types import FaceObservation, FaceScores, Pose, Verdict
from edge.vision.consensus import Consensus
from edge.vocabulary import AGE_BANDS, AGE_BINS, ATTRIBUTES, EXPRESSIONS, GENDERS
from models_tflite.datasets import FER2013_LABELS, DataSet, select
from models_tflite.evaluate import Shipped, bands, described
from models_tflite.scoring import expected_calibration_error

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=packaged_models())
    parser.add_argument("--version", required=True, help="name of this calibration")
    arguments = parser.parse_args()
    path = arguments.models / FILE
    table = tomllib.loads(path.read_text())
    table["attributes"]["temperatures"] = {"age": 1.0, "gender": 1.0, "expression": 1.0}
    path.write_text(tomli_w.dumps(table))

    shipped = Shipped(arguments.models)
    utk, fer = DataSet(arguments.data, "utkface", "val"), DataSet(arguments.data, "fer", "val")
    age, gender, _ = described(shipped, utk)
    _, _, expression = described(shipped, fer)
    years = np.clip(np.array([int(value) for value in utk.column("age")]), 0, AGE_BINS - 1)
    genders = select(utk.column("gender"), GENDERS)
    labels = select(fer.column("fer2013"), FER2013_LABELS)
    heads = {"age": (age, years), "gender": (gender, genders), "expression": (expression, labels)}
    temperatures = {name: fit_temperature(*head) for name, head in heads.items()}
    honest = {name: tempered(head[0], temperatures[name]) for name, head in heads.items()}

    looks = {
        "utkface": verdicts(honest["age"], honest["gender"], np.full((len(utk), len(EXPRESSIONS)), 1 / 7)),
        "fer": verdicts(
            np.full((len(fer), AGE_BINS), 1 / AGE_BINS), np.full((len(fer), 2), 0.5), honest["expression"]
        ),
    }
    band = np.array([AGE_BANDS.index(look["age_band"].label) for look in looks["utkface"]])
    thresholds = {
        "gender": (looks["utkface"], honest["gender"].argmax(1) == genders),
        "age_band": (looks["utkface"], np.abs(band - bands(years)) <= 1),
        "expression": (looks["fer"], honest["expression"].argmax(1) == labels),
    }
    table["calibration"] = arguments.version
    table["attributes"]["temperatures"] = temperatures
    table["attributes"]["thresholds"] = {}
    for name, (told, right) in thresholds.items():
        confidence = np.array([look[name].confidence for look in told])
        threshold = threshold_at_risk(confidence, right, RISK[name])
        kept = confidence >= threshold
        table["attributes"]["thresholds"][name] = threshold
        print(
            f"{name:10} threshold {threshold:.3f} keeps {kept.mean():.1%}, of these right {right[kept].mean():.1%} "
            f"(all: {right.mean():.1%})"
        )
    for name, (probabilities, truth) in heads.items():
        before, after = (expected_calibration_error(p, truth) for p in (probabilities, honest[name]))
        print(
            f"{name:10} temperature {temperatures[name]:.2f}, calibration error {before:.3f} -> {after:.3f}"
        )
    path.write_text(tomli_w.dumps(table))


if __name__ == "__main__":
    main()
