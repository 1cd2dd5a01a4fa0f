"""Run every model of a manifest in the runtime that this Python has, and print what it says as JSON.

It imports nothing but what a device has, so that it also runs where there is no test environment: in a virtual
environment with tflite-runtime, or in an emulated aarch64. The inputs come from a file: rendering rounds
differently between builds of OpenCV, and a runtime is to be asked about the same pixels as the others.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.vocabulary import ATTRIBUTES
from edge.inference.classify import AttributeClassifier
from edge.inference.detect import PeopleDetector
from edge.inference.landmarks import LandmarkRefiner
from edge.inference.manifest import Manifest, ModelEntry, load_manifest
from edge.inference.model import Model, interpreter_class
from edge.types import Body, Box, Face, FaceObservation, Image, Sight
from edge.vision.consensus import Consensus
from edge.vision.pose import estimate_pose

Json = dict[str, Any]

IN_VIEW = 9
"""People in one picture, half of the cast; a shop's camera seldom sees more at once."""

SAME_FACE = 0.4
"""Overlap from which a finding is the person's face."""


class Watched(Model):
    """A model that keeps what it was asked."""

    def __init__(self, entry: ModelEntry) -> None:
        super().__init__(entry)
        self.asked: list[Image] = []

    def run(self, image: Image) -> dict[str, np.ndarray]:
        self.asked.append(image.copy())
        return super().run(image)


class Networks:
    """Every model of the manifest, and detector and classifier put together as the device does it."""

    def __init__(self, folder: Path) -> None:
        self.manifest = load_manifest(folder)
        self.models = {name: Watched(entry) for name, entry in _entries(self.manifest)}
        self.detector = PeopleDetector(
            self.models["detector"],
            faces=self.manifest.face_calibration,
            bodies=self.manifest.person_calibration,
        )
        self.refiner = LandmarkRefiner(self.models["landmarks"])
        self.classifier = AttributeClassifier(self.models["attributes"], self.manifest.temperatures)


def _entries(manifest: Manifest) -> Iterator[tuple[str, ModelEntry]]:
    for field in fields(manifest):
        value = getattr(manifest, field.name)
        if isinstance(value, ModelEntry):
            yield field.name, value


def prepare(folder: Path, inputs: Path) -> None:
    """Write ``inputs`` (.npz): pictures and who is where in them, and what each model of ``folder`` is asked on the
    way through them, so that its own difference shows apart from those before it."""
    # here and not above: what only a preparation needs has no place on a device
    from edge.scene.portraits import load_portraits
    from edge.scene.render import Scene
    from edge.scene.trajectories import stand_still
    from edge.scene.walk import LINES

    content: dict[str, np.ndarray] = {}
    for half, (width, height) in product((0, 1), ((1280, 720), (640, 360))):
        walks = stand_still(load_portraits()[half::2], IN_VIEW, half, width * LINES / height, 4.0)
        scene = Scene(half, width, height, 15, 4.0, walks=walks, pillars=())
        for index in (0, 30):
            number = sum(name.startswith("picture-") for name in content)
            content[f"picture-{number}"] = scene.render(index)
            content[f"people-{number}"] = np.array(
                [
                    (half * IN_VIEW + face.person, face.box.x1, face.box.y1, face.box.x2, face.box.y2)
                    for face in scene.truth.faces[index]
                ],
                np.float32,
            )
    networks = Networks(folder)
    _look(networks, content)
    for name, model in networks.models.items():
        content[f"asked-{name}"] = np.stack(model.asked)
    np.savez(inputs, **content)  # type: ignore[arg-type]


def probe(folder: Path, inputs: Path) -> Json:
    """``tensors``: int8 values by model and output. ``sights``: what each picture shows in the whole view and in one
    near look. ``pictures``: the faces of each, best first. ``visits``: what all looks at one person come to."""
    with np.load(inputs) as file:
        content = {name: file[name] for name in file.files}
    networks = Networks(folder)
    tensors: Json = {}
    for name, model in networks.models.items():
        answers = [model.run(image) for image in content[f"asked-{name}"]]
        tensors[name] = {out: np.stack([one[out] for one in answers]).tolist() for out in model.outputs}
    return {
        "runtime": interpreter_class().__module__.split(".")[0],
        "machine": platform.machine(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__},
        "models": networks.manifest.version,
        "tensors": tensors,
        **_look(networks, content),
    }


def _look(networks: Networks, content: Mapping[str, np.ndarray]) -> Json:
    pictures: list[list[Json]] = []
    sights: list[Json] = []
    looks: dict[int, list[FaceObservation]] = {}
    numbers = range(sum(name.startswith("picture-") for name in content))
    for number in numbers:
        picture, faces = content[f"picture-{number}"], []
        people = {int(one[0]): Box(*(float(side) for side in one[1:])) for one in content[f"people-{number}"]}
        wide = networks.detector.look(picture)
        corner = (picture.shape[1] // 3, picture.shape[0] // 4)
        near = networks.detector.look_near(picture, corner)
        edges = (*corner, *(sum(pair) for pair in zip(corner, networks.detector.near_size, strict=True)))
        sights += [_sight(wide, ()), _sight(near, edges)]
        for found in wide.faces:
            face = networks.refiner.refine(picture, found)
            # every second look sees the mirror image, as on the device
            scores = networks.classifier.classify(picture, face, mirrored=number % 2 == 1)
            person = _person(face, people)
            faces.append(
                {
                    "person": person,
                    "box": [face.box.x1, face.box.y1, face.box.x2, face.box.y2],
                    "score": face.score,
                    "landmarks": face.landmarks.tolist(),
                    "years": scores.age_years,
                    "gender": scores.gender.tolist(),
                    "expression": scores.expression.tolist(),
                }
            )
            if person is not None:
                pose = estimate_pose(face.landmarks)
                looks.setdefault(person, []).append(FaceObservation(person, number, scores, pose, 1.0))
        pictures.append(faces)
    consensus = Consensus(dict.fromkeys(ATTRIBUTES, 0.0))
    visits = []
    for person in sorted(looks):
        verdicts = consensus.verdicts(looks[person])
        visits.append(
            {
                "person": person,
                "looks": len(looks[person]),
                "years": float(np.mean([look.scores.age_years for look in looks[person]])),
                "verdicts": {name: [said.label, said.confidence] for name, said in verdicts.items()},
            }
        )
    return {"sights": sights, "pictures": pictures, "visits": visits}


def _sight(sight: Sight, edges: tuple[int, ...]) -> Json:
    """Box and score of each face and each person, and the ``edges`` at which boxes were cut off: x1, y1, x2, y2."""

    def told(finds: Sequence[Face] | Sequence[Body]) -> list[list[float]]:
        return [[find.box.x1, find.box.y1, find.box.x2, find.box.y2, find.score] for find in finds]

    return {"faces": told(sight.faces), "bodies": told(sight.bodies), "edges": edges}


def _person(face: Face, people: Mapping[int, Box]) -> int | None:
    person = max(people, key=lambda one: face.box.iou(people[one]))
    return person if face.box.iou(people[person]) >= SAME_FACE else None


if __name__ == "__main__":
    json.dump(probe(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout)
