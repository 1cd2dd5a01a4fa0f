"""Score detections and classifications; numpy only, shared by training and evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models_tflite.evaluation.boxes import pairwise_iou

Found = tuple[np.ndarray, np.ndarray]
"""Boxes (n, 4) x1, y1, x2, y2 and scores (n,) of one picture."""


Size = Callable[[np.ndarray], np.ndarray]
"""Sizes (n,) of boxes (n, 4)."""


def side(boxes: np.ndarray) -> np.ndarray:
    """Return the geometric mean of the sides."""
    return np.asarray(np.sqrt(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)))


def matched(
    found: Sequence[Found],
    truth: Sequence[np.ndarray],
    smallest: float,
    iou: float = 0.4,
    *,
    size: Size = side,
    unsure: Sequence[np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the scores (n,) of the detections, highest first, whether each is a face (n,), and the true faces' number.

    Detections are matched greedily by score to boxes at the given IoU. Matches to faces of less than the ``smallest``
    ``size`` and unmatched detections smaller than it are ignored; so are unmatched detections that lie with more than
    half of their area in one of the ``unsure`` boxes of their picture.
    """
    scores, hits, total = [], [], 0
    masks = [np.zeros((0, 4))] * len(found) if unsure is None else unsure
    for (boxes, confidence), faces, mask in zip(found, truth, masks, strict=True):
        large = size(faces) >= smallest
        outcome = outcomes(boxes, confidence, faces, iou, large, size(boxes) >= smallest, mask)
        total += int(large.sum())
        scores.append(confidence[outcome >= 0])
        hits.append(outcome[outcome >= 0] == 1)
    together = np.concatenate(scores).astype(np.float64) if scores else np.zeros(0)
    order = np.argsort(-together, kind="stable")
    return together[order], (np.concatenate(hits) if hits else np.zeros(0, bool))[order], total


def outcomes(
    boxes: np.ndarray,
    confidence: np.ndarray,
    truth: np.ndarray,
    iou: float,
    counted: np.ndarray,
    counts: np.ndarray,
    unsure: np.ndarray,
) -> np.ndarray:
    """Return for each detection (n,) of one picture 1 if it is right, 0 if it is wrong, -1 if it is ignored.

    ``counted`` (m,): which of the ``truth`` count; ``counts`` (n,): which unmatched detections do, if not ``unsure``.
    """
    out = np.where(counts & ~_mostly_inside(boxes, unsure), 0, -1)
    if not len(boxes) or not len(truth):
        return out
    overlap = pairwise_iou(boxes, truth)
    free = np.ones(len(truth), bool)
    for index in np.argsort(-confidence):
        candidates = np.where(free, overlap[index], 0.0)
        best = int(candidates.argmax())
        if candidates[best] >= iou:
            free[best] = False
            out[index] = 1 if counted[best] else -1
    return out


def _mostly_inside(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Tell whether more than half of each box (n, 4) lies in one region (m, 4)."""
    low = np.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    inside = np.clip(high - low, 0, None).prod(2)
    return np.asarray((inside > 0.5 * np.maximum(side(boxes) ** 2, 1e-9)[:, None]).any(1))


def precision_recall(
    found: Sequence[Found],
    truth: Sequence[np.ndarray],
    smallest: float,
    iou: float = 0.4,
    *,
    size: Size = side,
    unsure: Sequence[np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return precision (n,) and recall (n,) by falling score, and the number of true faces."""
    _, right, total = matched(found, truth, smallest, iou, size=size, unsure=unsure)
    true = np.cumsum(right)
    ranks = np.arange(1, len(right) + 1)
    return true / np.maximum(ranks, 1), true / max(total, 1), total


def area_under(precision: np.ndarray, recall: np.ndarray) -> float:
    """Return the area under a curve of precision (n,) and recall (n,), precision made monotone."""
    if not len(precision):
        return 0.0
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float((precision * steps).sum())


def largest_recall(precision: np.ndarray, recall: np.ndarray, wanted: float) -> float:
    """Return the largest recall of a curve at which precision is still at least ``wanted``."""
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
