"""A close look at one picture: every face, described and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.errors import UserError
from common.vocabulary import EXPRESSIONS, GENDERS, age_band
from edge.capture.pictures import read_picture
from edge.config import Settings
from edge.service.build import Models
from edge.types import Face, FaceScores, Floats, Image
from edge.vision.pose import estimate_pose
from edge.vision.quality import QualityGate

Json = dict[str, Any]


def inspect_picture(path: Path, settings: Settings, models: Models) -> tuple[Image, list[Json]]:
    """Describe every face of one picture, best first; the picture is returned for drawing."""
    image = read_picture(path)
    gate = QualityGate(
        min_side_px=settings.attributes.min_face_px,
        max_yaw=settings.attributes.max_yaw_deg,
        max_pitch=settings.attributes.max_pitch_deg,
    )
    found = [
        models.refiner.refine(image, face)
        for face in models.detector.look(image).faces
        if face.score >= settings.detection.min_score
    ]
    faces = [_face(image, face, models.classifier.classify(image, face), gate) for face in found]
    return image, faces


def _face(image: Image, found: Face, scores: FaceScores, gate: QualityGate) -> Json:
    pose = estimate_pose(found.landmarks)
    quality = gate.assess(image, found, pose)
    box = found.box
    return {
        "box": [round(value, 1) for value in (box.x1, box.y1, box.x2, box.y2)],
        "score": round(found.score, 3),
        "landmarks": np.round(found.landmarks.astype(float), 1).tolist(),
        "pose": {"yaw": round(pose.yaw, 1), "pitch": round(pose.pitch, 1), "roll": round(pose.roll, 1)},
        "quality": None if quality is None else round(quality, 3),
        "age": round(scores.age_years, 1),
        "age_band": age_band(scores.age_years),
        "gender": _top(scores.gender, GENDERS),
        "expression": _top(scores.expression, EXPRESSIONS),
    }


def _top(probabilities: Floats, labels: Sequence[str]) -> Json:
    return {
        "label": labels[int(probabilities.argmax())],
        "probabilities": {label: round(float(p), 3) for label, p in zip(labels, probabilities, strict=True)},
    }


def draw(image: Image, faces: Sequence[Json]) -> Image:
    """Draw boxes, landmarks and text into the picture. The line width depends on the picture's size."""
    canvas = image.copy()
    unit = max(1, round(max(canvas.shape[:2]) / 640))
    green, yellow, black = (80, 220, 80), (0, 230, 255), (0, 0, 0)
    for face in faces:
        x1, y1, x2, y2 = (round(value) for value in face["box"])
        cv2.rectangle(canvas, (x1, y1), (x2, y2), green, 2 * unit)
        for x, y in face["landmarks"]:
            cv2.circle(canvas, (round(x), round(y)), 2 * unit, yellow, -1, cv2.LINE_AA)
        gender, expression = face["gender"], face["expression"]
        lines = [
            f"{gender['label']} {gender['probabilities'][gender['label']]:.0%}, {face['age']:.0f} y",
            f"{expression['label']} {expression['probabilities'][expression['label']]:.0%}",
        ]
        for row, text in enumerate(lines):
            size, base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * unit, unit)
            below = y2 + (row + 1) * (size[1] + base + unit)
            top = below if below + base < canvas.shape[0] else y1 - (len(lines) - row) * (size[1] + base)
            left = min(x1, canvas.shape[1] - size[0])
            cv2.rectangle(canvas, (left, top - size[1] - unit), (left + size[0], top + base), black, -1)
            cv2.putText(
                canvas, text, (left, top), cv2.FONT_HERSHEY_SIMPLEX, 0.45 * unit, green, unit, cv2.LINE_AA
            )
    return canvas


def save_picture(path: Path, image: Image) -> None:
    """Save the picture. Raises ``UserError`` when the folder or the kind of file cannot be written."""
    try:
        written = cv2.imwrite(str(path), image)
    except cv2.error:
        written = False
    if not written:
        raise UserError(f"--annotate {path}: cannot write there; give a .png or .jpg in a folder that exists")
