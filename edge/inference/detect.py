"""Find faces: letterbox, one int8 pass, decode only the cells above the limit, suppress duplicates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from edge.inference.manifest import ScoreCalibration
from edge.inference.model import Model, Output
from edge.types import Box, Detection, Floats, Image

STRIDES = (8, 16, 32)
GREY = 128

MIDDLE_SIDE = 32.0
OCTAVES = (-2.5, 3.0)
"""Faces of 6 to 256 input pixels, in octaves from the middle size."""

NEUTRAL = ScoreCalibration()


class FaceDetector:
    """The anchor-free detector. ``detect`` returns faces of at least ``min_score``, best first.

    Its landmarks are rough because it sees each face small; a ``Refiner`` finds better ones.
    With its ``calibration``, a score is the share of such detections that really are faces (Platt 1999), so that
    thresholds have a meaning and stay valid after a new training.
    """

    def __init__(
        self,
        model: Model,
        *,
        calibration: ScoreCalibration = NEUTRAL,
        min_score: float = 0.25,
        overlap: float = 0.45,
        min_side_px: float = 0.0,
    ):
        self._model = model
        self._overlap = overlap
        self._min_side = min_side_px
        self._canvas: Image = np.full((model.height, model.width, 3), GREY, np.uint8)
        self._content = (0, 0)
        self._calibration, self._min_score = calibration, min_score
        # the lowest logit with which a face of any size can reach the minimum score
        favour = max(calibration.octave * octaves for octaves in OCTAVES)
        logit = (math.log(min_score / (1 - min_score)) - calibration.shift - favour) / calibration.scale
        self._levels = [
            (
                stride,
                model.outputs[f"score{stride}"],
                model.outputs[f"box{stride}"],
                model.outputs[f"landmarks{stride}"],
                model.outputs[f"score{stride}"].quantised(logit),
            )
            for stride in STRIDES
        ]

    def detect(self, image: Image) -> list[Detection]:
        scale = self._letterbox(image)
        raw = self._model.run(self._canvas)
        parts = [
            _decode(stride, raw, score, box, landmarks, limit)
            for stride, score, box, landmarks, limit in self._levels
        ]
        logits = np.concatenate([part[0] for part in parts])
        if not len(logits):
            return []
        boxes = np.concatenate([part[1] for part in parts])
        scores = self._scores(logits, boxes)
        sure = scores >= self._min_score
        scores, boxes = scores[sure], boxes[sure] * np.float32(1 / scale)
        points = np.concatenate([part[2] for part in parts])[sure] * np.float32(1 / scale)
        height, width = image.shape[:2]
        found = []
        for index in suppress(boxes, scores, self._overlap):
            x1, y1, x2, y2 = (float(v) for v in boxes[index])
            box = Box(max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))
            if box.width > 0 and box.height > 0 and box.side >= self._min_side:
                found.append(Detection(box, float(scores[index]), points[index]))
        return found

    def _scores(self, logits: Floats, boxes: Floats) -> Floats:
        """Return calibrated scores (n,) of logits (n,) and boxes (n, 4) in input pixels."""
        sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1))
        octaves = np.clip(np.log2(sides / MIDDLE_SIDE), *OCTAVES)
        right = self._calibration
        return np.asarray(
            1 / (1 + np.exp(-right.scale * logits - right.shift - right.octave * octaves)), np.float32
        )

    def _letterbox(self, image: Image) -> float:
        """Fit the picture into the canvas, top left; return the scale."""
        height, width = image.shape[:2]
        scale = float(min(self._canvas.shape[1] / width, self._canvas.shape[0] / height))
        content = (max(1, round(height * scale)), max(1, round(width * scale)))
        if content != self._content:
            self._canvas[:] = GREY
            self._content = content
        cv2.resize(
            _halved(image, scale),
            (content[1], content[0]),
            dst=self._canvas[: content[0], : content[1]],
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        return scale


def _halved(image: Image, scale: float) -> Image:
    """Halve a picture that will be shrunk by ``scale``, as often as it stays at least twice too large.

    The mean of four means of four pixels is the mean of sixteen, and halving is several times faster in OpenCV.
    """
    height, width = image.shape[:2]
    while scale <= 0.25 and height % 2 == 0 == width % 2:
        height, width, scale = height // 2, width // 2, scale * 2
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return image


def _decode(
    stride: int, raw: dict[str, np.ndarray], score: Output, box: Output, landmarks: Output, limit: int
) -> tuple[Floats, Floats, Floats]:
    """Return logits (n,), boxes (n, 4), landmarks (n, 5, 2) in input pixels, of the cells above the limit."""
    logits = raw[score.name][..., 0]
    rows, columns = np.nonzero(logits >= limit)
    cells = np.stack([columns, rows], 1).astype(np.float32) + 0.5
    offsets = box.floats(raw[box.name][rows, columns])
    centres = (cells + offsets[:, :2]) * stride
    halves = np.exp(offsets[:, 2:]) * (stride / 2)
    points = landmarks.floats(raw[landmarks.name][rows, columns]).reshape(-1, 5, 2)
    points = (points + cells[:, None]) * stride
    boxes = np.concatenate([centres - halves, centres + halves], 1)
    return score.floats(logits[rows, columns]), boxes.astype(np.float32), points.astype(np.float32)


def suppress(boxes: Floats, scores: Floats, overlap: float) -> Sequence[int]:
    """Apply greedy non-maximum suppression; return indices, best first. ``boxes`` (n, 4) as x1, y1, x2, y2."""
    sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    kept = cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), 0.0, overlap)
    return [int(index) for index in np.asarray(kept).reshape(-1)]
