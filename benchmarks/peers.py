"""The other systems that the benchmark compares, each as its authors and many users run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import cv2
import cv2.data
import numpy as np

from benchmarks.contestants import Contestant, Watch
from common.errors import UserError
from edge.inference.align import TEMPLATE
from edge.types import Body, Box, Classifier, Face, Floats, Frame, Image, Sight

YUNET_SIDE = 640
"""The longest side of the picture that YuNet sees, pixels."""

BODY_SIDE = 320
BODY_SCORE, BODY_OVERLAP = 0.3, 0.45
"""Input of Yolo-Fastest, its least score, and the overlap from which on the better box is kept."""


class Looks(Protocol):
    """Finds faces, people or both in a picture."""

    def look(self, image: Image) -> Sight: ...


class EveryFace(Contestant):
    """A detector, and the classifier on every face of every frame, as published systems do it."""

    share = 0.1

    def __init__(self, name: str, detector: Looks, classifier: Classifier) -> None:
        self.name = name
        self._detector, self._classifier = detector, classifier

    def play(self, frames: Iterable[Frame], watch: Watch) -> None:
        for frame in frames:
            for face in watch.look("wide", partial(self._detector.look, frame.image)).faces:
                with watch.stage("classify"):
                    self._classifier.classify(frame.image, face)
                watch.done["classified"] += 1


class HaarDetector:
    """Viola and Jones (2001) as published systems use it: grey, full resolution, OpenCV's own cascade.

    It gives no landmarks; they are placed as in the classifier's template.
    """

    def __init__(self) -> None:
        path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))

    def look(self, image: Image) -> Sight:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(24, 24))
        return Sight(tuple(_upright(*(float(value) for value in box)) for box in boxes))


def _upright(x: float, y: float, width: float, height: float) -> Face:
    landmarks = TEMPLATE * np.array([width, height], np.float32) + np.array([x, y], np.float32)
    return Face(Box(x, y, x + width, y + height), 1.0, landmarks)


class YuNetDetector:
    """YuNet (Wu et al. 2023) through OpenCV, the picture's longest side made ``YUNET_SIDE`` pixels. Raises
    ``UserError`` if the file is not YuNet."""

    def __init__(self, path: Path, min_score: float) -> None:
        side = (YUNET_SIDE, YUNET_SIDE)
        try:
            self._network = cv2.FaceDetectorYN.create(str(path), "", side, score_threshold=min_score)
        except cv2.error:
            raise UserError(f"{path}: not YuNet as ONNX; give face_detection_yunet as --yunet") from None

    def look(self, image: Image) -> Sight:
        height, width = image.shape[:2]
        scale = YUNET_SIDE / max(height, width)
        size = (round(width * scale), round(height * scale))
        if size != (width, height):
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        self._network.setInputSize(size)
        # its type does not mention that the result may be None
        found = cast("Floats | None", self._network.detect(image)[1])
        return Sight() if found is None else Sight(tuple(_face(row / scale, float(row[14])) for row in found))


def _face(row: Floats, score: float) -> Face:
    """Convert x, y, width, height and five points: eyes, nose, mouth corners, left meaning left in the picture."""
    x, y, width, height = (float(value) for value in row[:4])
    return Face(Box(x, y, x + width, y + height), score, row[4:14].reshape(5, 2).astype(np.float32))


class BodyDetector:
    """Yolo-Fastest 1.1 for people (dog-qiuqiu 2021) through OpenCV, which decodes its boxes and suppresses duplicates.
    Raises ``UserError`` if the files are not such a network."""

    def __init__(self, shape: Path, weights: Path) -> None:
        try:
            self._network = cv2.dnn.DetectionModel(cv2.dnn.readNetFromDarknet(str(shape), str(weights)))
        except cv2.error:
            raise UserError(f"{shape}: not a Darknet network with {weights.name}") from None
        self._network.setInputParams(scale=1 / 255, size=(BODY_SIDE, BODY_SIDE), swapRB=True)

    def look(self, image: Image) -> Sight:
        _, scores, boxes = self._network.detect(image, BODY_SCORE, BODY_OVERLAP)
        return Sight(
            bodies=tuple(
                Body(Box(float(x), float(y), float(x + width), float(y + height)), float(score))
                for score, (x, y, width, height) in zip(scores, boxes, strict=True)
            )
        )


class Both:
    """A detector of people and one of faces, both on every picture."""

    def __init__(self, bodies: Looks, faces: Looks) -> None:
        self._bodies, self._faces = bodies, faces

    def look(self, image: Image) -> Sight:
        return Sight(self._faces.look(image).faces, self._bodies.look(image).bodies)


@dataclass(frozen=True, slots=True)
class PeerFiles:
    """Networks of other systems that are not part of the project; a system whose file is None is left out."""

    yunet: Path | None = None
    bodies: tuple[Path, Path] | None = None


def peer_files(data: Path | None, yunet: Path | None, say: Callable[[str], None]) -> PeerFiles:
    """Return the networks of other systems that exist; ``say`` is called for each system that is left out."""
    teacher = None if data is None else data / "teacher"
    if yunet is None and teacher is not None:
        yunet = teacher / "yunet_n_320_320.onnx"
    if yunet is None or not yunet.is_file():
        where = "make bench DATA=folder of the data sets" if yunet is None else f"no such file: {yunet}"
        say(f"YuNet, alone and with Yolo-Fastest, is skipped ({where})")
        return PeerFiles()
    if teacher is None:
        say("Yolo-Fastest is skipped (make bench DATA=folder of the data sets)")
        return PeerFiles(yunet)
    bodies = teacher / "yolo-fastest-1.1_body.cfg", teacher / "yolo-fastest-1.1_body.weights"
    absent = next((path for path in bodies if not path.is_file()), None)
    if absent is not None:
        say(f"Yolo-Fastest is skipped (no such file: {absent})")
        return PeerFiles(yunet)
    return PeerFiles(yunet, bodies)
