"""Labelled faces as the visits of a shop: several looks at each, fused as on the device.

The sets have one picture of each person, so the looks at one visit are variants of that picture: landmarks a little
different, another light, more or less noise, every second one mirrored. Looks at a moving face differ more than these,
so the real gain by fusion is at least as large as measured here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from edge.inference.align import aligned_crop
from edge.types import FaceObservation, Image, Pose, Verdict
from edge.vision.consensus import Consensus
from models_tflite.evaluation.evaluate import Shipped, bands, nominal_landmarks
from models_tflite.training.datasets import DataSet, majority_votes, select

CONFUSION = "confusion.json"
"""A file beside the manifest: matrices by calibration version. Old ones stay, for windows counted with them."""

LOOKS = 3
"""Looks at a visit: the device takes more of a long visit and fewer of a short one."""

LANDMARK_ERROR = 0.06
"""Error of a landmark along each axis, in distances between the eyes; about the value in the cards."""

_FRONT = Pose(0.0, 0.0, 0.0)

Verdicts = Mapping[str, Verdict]
Json = dict[str, Any]


def looks(image: Image, landmarks: np.ndarray, draw: np.random.Generator) -> Iterator[Image]:
    """Yield ``LOOKS`` crops of one face whose ``landmarks`` (5, 2) are approximate."""
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    for index in range(LOOKS):
        points = landmarks + draw.normal(0, LANDMARK_ERROR * eyes, landmarks.shape)
        crop = aligned_crop(image, points.astype(np.float32)).astype(np.float32)
        gain, lift = np.exp(draw.normal(0, 0.12)), draw.normal(0, 6)
        seen = crop * gain + lift + draw.normal(0, draw.uniform(0, 5), crop.shape)
        pixels = np.clip(seen, 0, 255).astype(np.uint8)
        yield np.ascontiguousarray(pixels[:, ::-1]) if index % 2 else pixels


def visited(shipped: Shipped, data: DataSet, consensus: Consensus) -> list[Verdicts]:
    """Simulate one visit for each picture of a pre-cropped set, in its order. The same files give the same result."""
    draw = np.random.default_rng(1)
    out = []
    for image in data.images():
        scores = [
            shipped.classifier.describe(crop)
            for crop in looks(image, nominal_landmarks(image, data.name), draw)
        ]
        observations = [FaceObservation(0, float(at), score, _FRONT, 1.0) for at, score in enumerate(scores)]
        out.append(consensus.verdicts(observations))
    return out


def confusion(shipped: Shipped, folder: Path, split: str) -> Json:
    """Count, by attribute, how many visits of each true label (rows) got each verdict (columns, the last is unknown).

    The true expression is the majority of the FER+ annotators; contempt, which the device does not know, is left out.
    """
    consensus = Consensus(shipped.manifest.thresholds)
    utk, fer = DataSet(folder, "utkface", split), DataSet(folder, "fer", split)
    people = visited(shipped, utk, consensus)
    years = np.array([float(age) for age in utk.column("age")])
    majority = majority_votes(fer)
    known = (majority >= 0) & (majority < len(EXPRESSIONS))
    faces = [verdict for verdict, keep in zip(visited(shipped, fer, consensus), known, strict=True) if keep]
    return {
        "gender": _counted("gender", GENDERS, select(utk.column("gender"), GENDERS), people),
        "age_band": _counted("age_band", AGE_BANDS, bands(years), people),
        "expression": _counted("expression", EXPRESSIONS, majority[known], faces),
    }


def _counted(attribute: str, labels: Sequence[str], truth: np.ndarray, verdicts: Sequence[Verdicts]) -> Json:
    columns = [*labels, UNKNOWN]
    counts = np.zeros((len(labels), len(columns)), int)
    for row, verdict in zip(truth, verdicts, strict=True):
        counts[row, columns.index(verdict[attribute].label)] += 1
    return {"labels": list(labels), "verdicts": columns, "counts": counts.tolist()}
