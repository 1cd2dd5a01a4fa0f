"""Add missing labels to the sets with a teacher: landmarks on ``faces``, boxes on ``landmarks``.

The teacher is YuNet if the data folder contains it (its weights are only read and never shipped), otherwise the last
release.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from edge.inference.detect import PeopleDetector
from edge.inference.manifest import load_manifest, packaged_models
from edge.inference.model import Model
from models_tflite.evaluation.boxes import pairwise_iou

YUNET = Path("teacher") / "yunet_n_320_320.onnx"


class Teacher(Protocol):
    def faces(self, image: np.ndarray, enlarge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes (n, 4) x1, y1, x2, y2 that hug the face, landmarks (n, 5, 2), scores (n,) in pixels of ``image``."""
        ...


def teacher(data: Path, threshold: float = 0.5) -> Teacher:
    """Take YuNet where the data folder has it, else the last release; faces scored under ``threshold`` are left out."""
    path = data / YUNET
    if path.is_file():
        return YuNet(path, threshold)
    print(f"{path}: no such file; using the detector of the last release for missing labels", flush=True)
    return LastRelease(threshold)


class LastRelease:
    """The detector that ships; it finds faces of every size without enlarging them."""

    def __init__(self, threshold: float = 0.5) -> None:
        manifest = load_manifest(packaged_models())
        self._detector = PeopleDetector(
            Model(manifest.detector), faces=manifest.face_calibration, min_score=threshold
        )

    def faces(self, image: np.ndarray, enlarge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = self._detector.look(image).faces
        boxes = np.array([[d.box.x1, d.box.y1, d.box.x2, d.box.y2] for d in found], np.float32)
        points = np.array([d.landmarks for d in found], np.float32)
        return boxes.reshape(-1, 4), points.reshape(-1, 5, 2), np.array([d.score for d in found], np.float32)


BOX_SHIFT = np.array([0.0, 0.132, 0.0, 0.047], np.float32)
"""Share of the box's height by which y1 and y2 of YuNet's lie above those drawn by hand on ``faces`` (medians over
535 matched faces of val): it includes the forehead."""


class YuNet:
    """YuNet through OpenCV on an enlarged picture, so that it finds faces smaller than in its training."""

    def __init__(self, path: Path, threshold: float = 0.5) -> None:
        self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), threshold)

    def faces(self, image: np.ndarray, enlarge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes (n, 4) x1, y1, x2, y2, landmarks (n, 5, 2), scores (n,) in pixels of ``image``."""
        # sides must be multiples of 32, otherwise YuNet ignores the rest of the picture
        height, width = (max(32, round(side * enlarge / 32) * 32) for side in image.shape[:2])
        large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
        self._net.setInputSize((width, height))
        _, found = self._net.detect(large)
        if found is None:
            found = np.zeros((0, 15), np.float32)
        back = np.array([image.shape[1] / width, image.shape[0] / height], np.float32)
        corner, size = found[:, 0:2] * back, found[:, 2:4] * back
        points = found[:, 4:14].reshape(-1, 5, 2) * back
        boxes = np.hstack([corner, corner + size]) + BOX_SHIFT * size[:, 1:2]
        return boxes, points, found[:, 14]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One training picture: boxes (n, 4), landmarks (n, 5, 2) with NaN where unknown, ignored regions (m, 4)."""

    image: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray
    ignored: np.ndarray


def label_scene(teacher: Teacher, image: np.ndarray, boxes: np.ndarray) -> Labelled:
    """Combine the set's boxes with the teacher's landmarks; faces that only the teacher sees are ignored."""
    found, points, _ = teacher.faces(image, 2.0 if max(image.shape) < 700 else 1.0)
    landmarks, extra = complement(boxes, found, points)
    return Labelled(image, boxes.astype(np.float32), landmarks, extra)


def complement(boxes: np.ndarray, found: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find landmarks (n, 5, 2) for the set's boxes (n, 4), NaN where the teacher has none, and the faces (k, 4) that
    only the teacher found, from what it found (m, 4) with points (m, 5, 2)."""
    landmarks = np.full((len(boxes), 5, 2), np.nan, np.float32)
    extra = np.ones(len(found), bool)
    if len(boxes) and len(found):
        overlap = pairwise_iou(boxes, found)
        best = overlap.argmax(1)
        for index, match in enumerate(best):
            if overlap[index, match] > 0.4:
                landmarks[index] = points[match]
        extra = np.asarray(overlap.max(0) < 0.3)
    return landmarks, found[extra].astype(np.float32)


def label_patch(teacher: Teacher, image: np.ndarray, landmarks: np.ndarray) -> Labelled | None:
    """Combine the set's landmarks with the teacher's box; None if the teacher does not agree."""
    found, points, _ = teacher.faces(image, 4.0)
    if not len(found):
        return None
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    apart = np.linalg.norm(points - landmarks, axis=2).mean(1)
    best = int(apart.argmin())
    if apart[best] > 0.25 * max(eyes, 6.0):
        return None
    others = np.delete(found, best, 0)
    return Labelled(
        image, found[best : best + 1].astype(np.float32), landmarks[None], others.astype(np.float32)
    )
