"""Score detections and classifications; numpy only, shared by training and evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models_tflite.evaluation.boxes import pairwise_iou

Found = tuple[np.ndarray, np.ndarray]
"""Boxes (n, 4) x1, y1, x2, y2 and scores (n,) of one picture."""


def matched(
    found: Sequence[Found], truth: Sequence[np.ndarray], smallest: float, iou: float = 0.4
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the scores (n,) of the detections, highest first, whether each is a face (n,), and the true faces' number.

    Detections are matched greedily by score to boxes at the given IoU. Matches to faces smaller than
    ``smallest`` pixels (geometric mean of the sides) and unmatched detections smaller than it are ignored.
    """
    scores: list[float] = []
    hits: list[bool] = []
    total = 0
    for (boxes, confidence), faces in zip(found, truth, strict=True):
        large = np.sqrt((faces[:, 2:] - faces[:, :2]).prod(1)) >= smallest
        total += int(large.sum())
        overlap = (
            pairwise_iou(boxes, faces) if len(boxes) and len(faces) else np.zeros((len(boxes), len(faces)))
        )
        free = np.ones(len(faces), bool)
        for index in np.argsort(-confidence):
            candidates = np.where(free, overlap[index], 0.0)
            best = int(candidates.argmax()) if len(faces) else -1
            if best >= 0 and candidates[best] >= iou:
                free[best] = False
                if large[best]:
                    scores.append(float(confidence[index]))
                    hits.append(True)
            elif np.sqrt(np.clip(boxes[index, 2:] - boxes[index, :2], 0, None).prod()) >= smallest:
                scores.append(float(confidence[index]))
                hits.append(False)
    order = np.argsort(-np.array(scores, np.float64), kind="stable")
    return np.array(scores, np.float64)[order], np.array(hits, bool)[order], total


def precision_recall(
    found: Sequence[Found], truth: Sequence[np.ndarray], smallest: float, iou: float = 0.4
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return precision (n,) and recall (n,) by falling score, and the number of true faces."""
    _, right, total = matched(found, truth, smallest, iou)
    true = np.cumsum(right)
    ranks = np.arange(1, len(right) + 1)
    return true / np.maximum(ranks, 1), true / max(total, 1), total


def average_precision(
    found: Sequence[Found], truth: Sequence[np.ndarray], smallest: float, iou: float = 0.4
) -> float:
    """Return the area under the precision-recall curve with precision made monotone (VOC 2010 and later)."""
    precision, recall, _ = precision_recall(found, truth, smallest, iou)
    if not len(precision):
        return 0.0
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float((precision * steps).sum())


def recall_at_precision(
    found: Sequence[Found], truth: Sequence[np.ndarray], smallest: float, wanted: float = 0.9
) -> float:
    """Return the largest recall at which precision is still at least ``wanted``."""
    precision, recall, _ = precision_recall(found, truth, smallest)
    good = precision >= wanted
    return float(recall[good].max()) if good.any() else 0.0


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> list[dict[str, float]]:
    """Return, by confidence of the top class: ``n``, mean ``confidence`` and share ``right``, without empty bins.
    Probabilities (n, c), labels (n,)."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    where = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "n": int((where == b).sum()),
            "confidence": float(confidence[where == b].mean()),
            "right": float(right[where == b].mean()),
        }
        for b in range(bins)
        if (where == b).any()
    ]


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error of the top class (Guo et al. 2017): probabilities (n, c), labels (n,)."""
    parts = reliability(probabilities, labels, bins)
    return sum(abs(part["confidence"] - part["right"]) * part["n"] for part in parts) / len(labels)


def wilson_interval(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), which is also good for few samples and for shares near 1."""
    middle = (right + z**2 / 2) / (total + z**2)
    half = z / (total + z**2) * (right * (total - right) / total + z**2 / 4) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
