"""Calibrate the probabilities: ``python -m models_tflite.evaluation.calibrate --data DIR``.

It fits the scores of the detector (``find_scores``) and one temperature for each head of the attributes (Guo et al.
2017), both on val, chooses the "unknown" thresholds of visits, and counts the wrong verdicts on visits. The counts go
into ``confusion.json``, which the cloud uses to correct shares, all else into the manifest. All is measured on the int8
files with the shipped code. ``--only detector`` keeps the values of the attributes and the name of the calibration,
since the counts depend on these alone; ``--only attributes`` keeps the values of the detector.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from common.errors import UserError
from common.vocabulary import AGE_BANDS, AGE_BINS, ATTRIBUTES, EXPRESSIONS, GENDERS
from edge.inference.manifest import FILE, packaged_models
from edge.vision.consensus import Consensus
from models_tflite.evaluation.evaluate import Shipped, bands, described, labelled
from models_tflite.evaluation.find_scores import LOWEST, calibrate_finds
from models_tflite.evaluation.scoring import expected_calibration_error
from models_tflite.evaluation.visits import CONFUSION, confusion, visited
from models_tflite.training.datasets import FER2013_LABELS, DataSet, majority_votes, select
from models_tflite.training.detector.items import need_empty_pictures

NEUTRAL: dict[str, dict[str, Any]] = {
    "detector": {kind: {"scale": 1.0, "shift": 0.0, "octave": 0.0} for kind in ("face", "person")},
    "attributes": {
        "temperatures": {"age": 1.0, "gender": 1.0, "expression": 1.0, "fer2013": 1.0},
        "thresholds": {"gender": 0.5, "age_band": 0.0, "expression": 0.0},
    },
}
"""The values of a new export: not calibrated."""

RISK = {"gender": 0.04, "age_band": 0.05, "expression": 0.25}
"""Allowed share of wrong verdicts on visits; for the age band, wrong means more than one band off."""


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (n, c) after dividing their logits by the temperature."""
    logits = np.log(np.maximum(probabilities, 1e-9)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature with the smallest negative log-likelihood, on a grid for three digits."""
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        return float(-np.log(np.maximum(tempered(probabilities, temperature)[rows, labels], 1e-9)).mean())

    grid = np.exp(np.linspace(np.log(0.2), np.log(5.0), 200))
    return float(min(grid, key=loss))


def threshold_at_risk(confidence: np.ndarray, right: np.ndarray, risk: float) -> float:
    """Return the smallest threshold above which at most a share ``risk`` of the verdicts is wrong."""
    order = np.argsort(-confidence)
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(wrong <= risk)
    return float(confidence[order[good[-1]]]) if len(good) else 1.0


def fit_temperatures(shipped: Shipped, data: Path) -> dict[str, float]:
    """Fit a temperature for each output of the attribute network, which must not be calibrated yet."""
    utk, fer = DataSet(data, "utkface", "val"), DataSet(data, "fer", "val")
    age, gender, _ = described(shipped, utk)
    _, _, expression = described(shipped, fer)
    years = np.clip(np.array([int(value) for value in utk.column("age")]), 0, AGE_BINS - 1)
    majority = majority_votes(fer)
    clear = (majority >= 0) & (majority < len(EXPRESSIONS))
    heads = {
        "age": (age, years),
        "gender": (gender, select(utk.column("gender"), GENDERS)),
        "expression": (expression[clear], majority[clear]),
        "fer2013": (labelled(shipped, fer)[:, 0], select(fer.column("fer2013"), FER2013_LABELS)),
    }
    temperatures = {name: fit_temperature(*head) for name, head in heads.items()}
    for name, (probabilities, truth) in heads.items():
        honest = tempered(probabilities, temperatures[name])
        before, after = (expected_calibration_error(p, truth) for p in (probabilities, honest))
        print(
            f"{name:10} temperature {temperatures[name]:.2f}, calibration error {before:.3f} -> {after:.3f}"
        )
    return temperatures


def choose_thresholds(shipped: Shipped, data: Path) -> dict[str, float]:
    """Choose, for each attribute, the least confidence of a verdict on a visit at the allowed :data:`RISK`."""
    utk, fer = DataSet(data, "utkface", "val"), DataSet(data, "fer", "val")
    everything = Consensus(dict.fromkeys(ATTRIBUTES, 0.0))
    people, faces = visited(shipped, utk, everything), visited(shipped, fer, everything)
    genders = np.array([GENDERS.index(visit["gender"].label) for visit in people])
    band = np.array([AGE_BANDS.index(visit["age_band"].label) for visit in people])
    shown = np.array([EXPRESSIONS.index(visit["expression"].label) for visit in faces])
    majority = majority_votes(fer)
    true_bands = bands(np.array([float(value) for value in utk.column("age")]))
    told = {
        "gender": (people, genders == select(utk.column("gender"), GENDERS), np.ones(len(utk), bool)),
        "age_band": (people, np.abs(band - true_bands) <= 1, np.ones(len(utk), bool)),
        "expression": (faces, shown == majority, majority >= 0),
    }
    thresholds = {}
    for name, (visits, right, known) in told.items():
        confidence = np.array([visit[name].confidence for visit in visits])[known]
        thresholds[name] = threshold_at_risk(confidence, right[known], RISK[name])
        kept = confidence >= thresholds[name]
        print(
            f"{name:10} threshold {thresholds[name]:.3f} keeps {kept.mean():.1%}, of these right "
            f"{right[known][kept].mean():.1%} (all: {right[known].mean():.1%})"
        )
    return thresholds


def calibrate(data: Path, path: Path, wanted: Collection[str], version: str) -> None:
    """Calibrate the networks ``wanted``, of :data:`NEUTRAL`, whose manifest is at ``path``. ``version`` names the
    calibration of the attributes. Raises ``UserError`` before anything is changed if ``data`` lacks what it needs."""
    if "detector" in wanted:
        need_empty_pictures(data)
    table = tomllib.loads(path.read_text())
    for name in wanted:
        table[name] |= NEUTRAL[name]
    if "attributes" in wanted:
        table["calibration"] = version

    def shipped() -> Shipped:
        """Return the models with the current values of the table."""
        path.write_text(tomli_w.dumps(table))
        return Shipped(path.parent, min_score=LOWEST)

    neutral_models = shipped()
    if "detector" in wanted:
        table["detector"] |= calibrate_finds(neutral_models.detector, data)
    if "attributes" in wanted:
        table["attributes"]["temperatures"] = fit_temperatures(neutral_models, data)
        table["attributes"]["thresholds"] = choose_thresholds(shipped(), data)
    calibrated = shipped()
    if "attributes" in wanted:
        matrices = path.with_name(CONFUSION)
        counts = json.loads(matrices.read_text()) if matrices.exists() else {}
        counts[version] = confusion(calibrated, data, "val")
        matrices.write_text(json.dumps(counts, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=packaged_models())
    parser.add_argument("--version", required=True, help="name of this calibration")
    parser.add_argument(
        "--only", choices=NEUTRAL, help="calibrate one network and keep the values of the other"
    )
    arguments = parser.parse_args()
    wanted = (arguments.only,) if arguments.only else tuple(NEUTRAL)
    try:
        calibrate(arguments.data, arguments.models / FILE, wanted, arguments.version)
    except UserError as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
