"""Find faces and people: one int8 pass, decode only the cells above the limit, suppress duplicates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from edge.inference.manifest import ScoreCalibration
from edge.inference.model import Int8, Model
from edge.types import Body, Box, Face, Floats, Image, Sight

STRIDES = (8, 16, 32)
GREY = 128

MIDDLE_SIDE = 32.0
OCTAVES = (-2.5, 3.0)
"""Boxes of 6 to 256 input pixels, in octaves from the middle size."""

FACE_OVERLAP, BODY_OVERLAP = 0.45, 0.6
"""Of two boxes that overlap more than this, the better one is kept: people stand closer together than faces."""

CUT_PX = 2.0
"""A box that ends this close to the edge of a near look is cut off there."""

NEUTRAL = ScoreCalibration()


class _Class:
    """One of the two classes of the network: its outputs, and which of its cells are worth decoding."""

    def __init__(
        self,
        model: Model,
        prefix: str,
        *,
        calibration: ScoreCalibration,
        min_score: float,
        overlap: float,
        with_landmarks: bool,
    ) -> None:
        self._calibration, self._min_score, self._overlap = calibration, min_score, overlap
        # the lowest logit with which a box of any size can reach the minimum score
        favour = max(calibration.octave * octaves for octaves in OCTAVES)
        logit = (math.log(min_score / (1 - min_score)) - calibration.shift - favour) / calibration.scale
        self._levels = []
        for stride in STRIDES:
            score, box = model.outputs[f"{prefix}score{stride}"], model.outputs[f"{prefix}box{stride}"]
            landmarks = model.outputs[f"landmarks{stride}"] if with_landmarks else None
            self._levels.append((stride, score, box, landmarks, score.quantised(logit)))

    def found(self, raw: dict[str, Int8], scale: float) -> Iterator[tuple[Floats, float, Floats | None]]:
        """Yield box (4,), score and landmarks (5, 2), best first, in pixels of the picture, which the network saw
        enlarged by ``scale``."""
        all_logits, all_boxes, all_points = [], [], []
        for stride, score, box, landmarks, limit in self._levels:
            quantised = raw[score.name][..., 0]
            rows, columns = np.nonzero(quantised >= limit)
            cells = np.stack([columns, rows], 1).astype(np.float32) + 0.5
            offsets = box.floats(raw[box.name][rows, columns])
            centres = (cells + offsets[:, :2]) * stride
            halves = np.exp(offsets[:, 2:]) * (stride / 2)
            all_logits.append(score.floats(quantised[rows, columns]))
            all_boxes.append(np.concatenate([centres - halves, centres + halves], 1).astype(np.float32))
            if landmarks is not None:
                points = landmarks.floats(raw[landmarks.name][rows, columns]).reshape(-1, 5, 2)
                all_points.append(((points + cells[:, None]) * stride).astype(np.float32))
        logits, boxes = np.concatenate(all_logits), np.concatenate(all_boxes)
        if not len(logits):
            return
        scores = self._scores(logits, boxes)
        sure = np.flatnonzero(scores >= self._min_score)
        marks = np.concatenate(all_points)[sure] / np.float32(scale) if all_points else None
        scores, boxes = scores[sure], boxes[sure] / np.float32(scale)
        for index in suppress(boxes, scores, self._overlap):
            yield boxes[index], float(scores[index]), None if marks is None else marks[index]

    def _scores(self, logits: Floats, boxes: Floats) -> Floats:
        """Return calibrated scores (n,) of logits (n,) and boxes (n, 4) in input pixels."""
        sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1))
        octaves = np.clip(np.log2(sides / MIDDLE_SIDE), *OCTAVES)
        right = self._calibration
        return np.asarray(
            1 / (1 + np.exp(-right.scale * logits - right.shift - right.octave * octaves)), np.float32
        )


class PeopleDetector:
    """The anchor-free detector of faces and people. A look returns what scores at least ``min_score``, best first.

    Its landmarks are rough because it sees each face small; a ``Refiner`` finds better ones.
    With its calibrations, a score is the share of such finds that are right (Platt 1999), so that thresholds have a
    meaning and stay valid after a new training. Faces with a side below ``min_side_px`` are left out.
    """

    def __init__(
        self,
        model: Model,
        *,
        faces: ScoreCalibration = NEUTRAL,
        bodies: ScoreCalibration = NEUTRAL,
        min_score: float = 0.25,
        min_side_px: float = 0.0,
    ) -> None:
        self._model = model
        self._min_side = min_side_px
        self._canvas: Image = np.full((model.height, model.width, 3), GREY, np.uint8)
        self._content = (0, 0)
        self._faces = _Class(
            model, "", calibration=faces, min_score=min_score, overlap=FACE_OVERLAP, with_landmarks=True
        )
        self._bodies = _Class(
            model,
            "person_",
            calibration=bodies,
            min_score=min_score,
            overlap=BODY_OVERLAP,
            with_landmarks=False,
        )

    @property
    def near_size(self) -> tuple[int, int]:
        return self._model.width, self._model.height

    def look(self, image: Image) -> Sight:
        height, width = image.shape[:2]
        scale = self._letterbox(image)
        return self._sight(scale, (0, 0), Box(0, 0, width, height), (False,) * 4)

    def look_near(self, image: Image, corner: tuple[int, int]) -> Sight:
        """Look at one part. Boxes that its edge cuts off are left out, unless the picture ends there too."""
        height, width = image.shape[:2]
        x, y = corner
        part = image[y : y + self._model.height, x : x + self._model.width]
        rows, columns = part.shape[:2]
        self._surface(rows, columns)[:] = part
        ends = (x > 0, y > 0, x + columns < width, y + rows < height)
        return self._sight(1.0, corner, Box(x, y, x + columns, y + rows), ends)

    def _sight(self, scale: float, corner: tuple[int, int], view: Box, cutting: tuple[bool, ...]) -> Sight:
        """Run the network on the canvas. ``view`` is what it sees, in pixels of the frame; ``cutting`` says for each
        side of it whether the picture goes on there."""
        raw = self._model.run(self._canvas)
        moved = np.array(corner * 2, np.float32)
        faces, bodies = [], []
        for found, score, points in self._faces.found(raw, scale):
            box = _inside(found + moved, view, cutting)
            if box is not None and box.side >= self._min_side:
                assert points is not None
                faces.append(Face(box, score, points + moved[:2]))
        for found, score, _ in self._bodies.found(raw, scale):
            box = _inside(found + moved, view, cutting)
            if box is not None:
                bodies.append(Body(box, score))
        return Sight(tuple(faces), tuple(bodies))

    def _letterbox(self, image: Image) -> float:
        """Fit the picture into the canvas, top left; return the scale."""
        height, width = image.shape[:2]
        scale = float(min(self._canvas.shape[1] / width, self._canvas.shape[0] / height))
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        cv2.resize(
            _halved(image, scale),
            (columns, rows),
            dst=self._surface(rows, columns),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        return scale

    def _surface(self, rows: int, columns: int) -> Image:
        """Return the part of the canvas that is written now, upper left; the rest is grey."""
        if self._content != (rows, columns):
            self._canvas[:] = GREY
            self._content = (rows, columns)
        return self._canvas[:rows, :columns]


def _inside(found: Floats, view: Box, cutting: tuple[bool, ...]) -> Box | None:
    """Return the part of a box inside the view, or None if the view cuts it off or nothing is left."""
    x1, y1, x2, y2 = (float(value) for value in found)
    beyond = (x1 < view.x1 + CUT_PX, y1 < view.y1 + CUT_PX, x2 > view.x2 - CUT_PX, y2 > view.y2 - CUT_PX)
    if any(cut and over for cut, over in zip(cutting, beyond, strict=True)):
        return None
    box = Box(max(view.x1, x1), max(view.y1, y1), min(view.x2, x2), min(view.y2, y2))
    return box if box.width > 0 and box.height > 0 else None


def _halved(image: Image, scale: float) -> Image:
    """Halve a picture that will be shrunk by ``scale``, as often as it stays at least twice too large.

    The mean of four means of four pixels is the mean of sixteen, and halving is several times faster in OpenCV.
    """
    height, width = image.shape[:2]
    while scale <= 0.25 and height % 2 == 0 == width % 2:
        height, width, scale = height // 2, width // 2, scale * 2
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return image


def suppress(boxes: Floats, scores: Floats, overlap: float) -> Sequence[int]:
    """Apply greedy non-maximum suppression; return indices, best first. ``boxes`` (n, 4) as x1, y1, x2, y2."""
    sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    kept = cv2.dnn.NMSBoxes(sized.tolist(), scores.tolist(), 0.0, overlap)
    return [int(index) for index in np.asarray(kept).reshape(-1)]
