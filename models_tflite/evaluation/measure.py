"""Further figures of the cards, beyond those of ``evaluate``: groups, conditions, visits, reliability, latency."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import litert_torch
import numpy as np
import torch

from common.vocabulary import AGE_BANDS, EXPRESSIONS, GENDERS, UNKNOWN
from edge.inference import landmarks
from edge.inference.align import CROP_SIDE
from edge.inference.model import interpreter_class
from edge.scene.render import crowd
from edge.types import Image
from edge.vision.consensus import Consensus
from models_tflite.evaluation import detection
from models_tflite.evaluation.baselines import MiniXception
from models_tflite.evaluation.evaluate import (
    RACES,
    SMALLEST_GROUP,
    Shipped,
    bands,
    described,
    looks,
    nominal_crop,
)
from models_tflite.evaluation.scoring import matched, reliability, wilson_interval
from models_tflite.evaluation.visits import visited
from models_tflite.training import augment
from models_tflite.training.datasets import DataSet, majority_votes, scenes, select
from models_tflite.training.detector.networks import Student
from models_tflite.training.letterbox import HEIGHT, WIDTH
from models_tflite.training.networks import (
    AttributeNet,
    LandmarkNet,
    expression_tower,
    multiply_accumulates,
    people_tower,
)
from models_tflite.training.teacher import YUNET

Json = dict[str, Any]

ROUNDS = 60
RECALL_AT = 0.5
"""The calibrated score from which a detection counts in the table of masks."""


def groups(shipped: Shipped, data: DataSet) -> list[Json]:
    """Measure the share of right genders by race, gender and age band, one look each, with 95 % intervals (Wilson
    1927)."""
    _, gender, _ = described(shipped, data)
    truth = select(data.column("gender"), GENDERS)
    races = np.array([int(value) for value in data.column("race")])
    band = bands(np.array([float(value) for value in data.column("age")]))
    right = gender.argmax(1) == truth
    rows = []
    for race, race_name in enumerate(RACES):
        for label, label_name in enumerate(GENDERS):
            for index, band_name in enumerate(AGE_BANDS):
                group = (races == race) & (truth == label) & (band == index)
                if group.any():
                    rows.append(
                        {"race": race_name, "gender": label_name, "age_band": band_name}
                        | _share(right[group])
                    )
    return rows


def _share(right: np.ndarray) -> Json:
    low, high = wilson_interval(int(right.sum()), len(right))
    return {"n": len(right), "right": float(right.mean()), "low": low, "high": high}


def gaps(shipped: Shipped, data: DataSet) -> list[Json]:
    """Measure by how much the share of right genders of adults differs between groups of ``SMALLEST_GROUP`` answers and
    more: for one look, for the mean of a look and its mirror image, and for the verdicts on visits, without unknown."""
    adult = np.array([float(value) for value in data.column("age")]) >= 18
    genders = [GENDERS[at] for at in select(data.column("gender"), GENDERS)]
    races = [RACES[int(value)] for value in data.column("race")]
    groupings = {
        "gender": genders,
        "race": races,
        "race and gender": [" ".join(both) for both in zip(races, genders, strict=True)],
    }
    _, looked, _ = looks(shipped, data)
    one, two = (np.array(GENDERS)[told.argmax(1)] for told in (looked[:, 0], looked.mean(1)))
    fused = visited(shipped, data, Consensus(shipped.manifest.thresholds))
    verdicts = np.array([visit["gender"].label for visit in fused])
    rows = []
    for answer, told in (("one look", one), ("look and mirror image", two), ("verdict on a visit", verdicts)):
        counts = adult & (told != UNKNOWN)
        for grouping, names in groupings.items():
            shares = {
                name: float((told == genders)[group].mean())
                for name in sorted(set(names))
                if (group := counts & (np.array(names) == name)).sum() >= SMALLEST_GROUP
            }
            if shares:
                worst, best = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
                ends = {
                    "worst": worst,
                    "worst_right": shares[worst],
                    "best": best,
                    "best_right": shares[best],
                }
                rows.append({"answer": answer, "grouping": grouping} | ends)
    return rows


def conditions(shipped: Shipped, data: DataSet) -> dict[str, Json]:
    """Measure age and gender of the same adults under conditions of a shop; drawn, because no set has such labels."""
    torch.manual_seed(1)
    years = np.array([float(value) for value in data.column("age")])
    truth = select(data.column("gender"), GENDERS)
    adult = years >= 18
    changes: dict[str, Callable[[Image], Image]] = {
        "as they are": lambda face: face,
        "spectacles drawn": lambda face: _painted(face, augment.glasses),
        "mask drawn": lambda face: _painted(face, augment.masks),
        "20 px wide": _tiny,
        "a quarter of the light": lambda face: (face // 4).astype(np.uint8),
        "no colour": _grey,
    }
    out = {}
    for name, change in changes.items():
        scores = [
            shipped.classifier.describe(nominal_crop(change(face), data.name)) for face in data.images()
        ]
        gender = np.array([score.gender.argmax() for score in scores])
        age = np.array([score.age @ np.arange(len(score.age)) for score in scores])
        out[name] = _share((gender == truth)[adult]) | {"age_mae": float(np.abs(age - years)[adult].mean())}
    return out


def _tiny(face: Image) -> Image:
    small = cv2.resize(face, (20, 20), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape[1::-1]), np.uint8)


def _grey(face: Image) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def _painted(face: Image, paint: Callable[[torch.Tensor, float], torch.Tensor]) -> Image:
    pixels = torch.from_numpy(face).permute(2, 0, 1)[None].float()
    return paint(pixels, 1.0)[0].permute(1, 2, 0).clamp(0, 255).byte().numpy()


def masks(shipped: Shipped, data: DataSet) -> dict[str, Json]:
    """Measure the recall of faces of 24 px and more with a calibrated score of at least one half, by both looks, with
    and without masks."""
    seen: dict[str, list[bool]] = {}
    listed = scenes(data)
    for image, scene in zip(data.images(scene.name for scene in listed), listed, strict=True):
        boxes, scores = detection.found(detection.looks(shipped.detector, image)[1].faces)
        sure = scores >= RECALL_AT
        for face, worn in zip(scene.boxes, scene.masks, strict=True):
            if np.sqrt((face[2:] - face[:2]).prod()) >= 24:
                _, hits, _ = matched([(boxes[sure], scores[sure])], [face[None]], smallest=24)
                seen.setdefault(worn or "not told", []).append(bool(hits.any()))
    return {worn: _share(np.array(hits)) for worn, hits in sorted(seen.items())}


def visits(shipped: Shipped, folder: Path, split: str) -> dict[str, Json]:
    """Measure, after fusion, the share of visits with a verdict, and the share of right verdicts."""
    consensus = Consensus(shipped.manifest.thresholds)
    utk, fer = DataSet(folder, "utkface", split), DataSet(folder, "fer", split)
    people, faces = visited(shipped, utk, consensus), visited(shipped, fer, consensus)
    majority = majority_votes(fer)
    known = (majority >= 0) & (majority < len(EXPRESSIONS))
    band = bands(np.array([float(value) for value in utk.column("age")]))
    told = {
        "gender": (people, [GENDERS[i] for i in select(utk.column("gender"), GENDERS)]),
        "age_band": (people, [AGE_BANDS[i] for i in band]),
        "expression": (
            [face for face, keep in zip(faces, known, strict=True) if keep],
            [EXPRESSIONS[i] for i in majority[known]],
        ),
    }
    out = {}
    for name, (verdicts, truth) in told.items():
        labels = [verdict[name].label for verdict in verdicts]
        answered = [(label, true) for label, true in zip(labels, truth, strict=True) if label != "unknown"]
        out[name] = {
            "n": len(labels),
            "answered": len(answered) / len(labels),
            "right": float(np.mean([label == true for label, true in answered])),
        }
    return out


def reliabilities(shipped: Shipped, folder: Path, split: str) -> dict[str, list[Json]]:
    """Measure how often an answer of each confidence is right, one look each."""
    utk, fer = DataSet(folder, "utkface", split), DataSet(folder, "fer", split)
    _, gender, _ = described(shipped, utk)
    _, _, expression = described(shipped, fer)
    majority = majority_votes(fer)
    clear = majority >= 0
    return {
        "gender": reliability(gender, select(utk.column("gender"), GENDERS)),
        "expression": reliability(expression[clear], majority[clear]),
    }


def latency(shipped: Shipped, data: Path) -> Json:
    """Measure median milliseconds of CPU time on one thread, in turn in one process: each of our networks; a scene
    with one face, found and described by the product; and the same with ``YuNet and mini-Xception`` as float, if the
    data folder contains YuNet."""
    cv2.setNumThreads(1)
    scene = crowd(1, 640, 480, fps=1, seconds=1).render(0)
    draw = np.random.default_rng(1)
    contestants: dict[str, Callable[[], object]] = {
        name: partial(model.run, draw.integers(0, 256, (model.height, model.width, 3), np.uint8))
        for name, model in shipped.models.items()
    }
    contestants["one face"] = lambda: [
        shipped.classifier.classify(scene, shipped.refiner.refine(scene, face))
        for face in shipped.detector.look(scene).faces[:1]
    ]
    if (data / YUNET).is_file():
        contestants["YuNet and mini-Xception"] = _peers(data / YUNET, scene)
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, act in contestants.items():
            began = time.process_time()
            act()
            spent[name].append((time.process_time() - began) * 1000)
    return {
        "machine": platform.machine(),
        "runtime": f"ai-edge-litert {version('ai-edge-litert')}",
        "milliseconds": {name: round(median(times), 3) for name, times in spent.items()},
    }


def _peers(yunet: Path, scene: Image) -> Callable[[], object]:
    """Build YuNet through OpenCV at 320 pixels square, then a float mini-Xception network on its best face."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peer.tflite"
        litert_torch.convert(MiniXception().eval(), (torch.zeros(1, 1, 64, 64),)).export(str(path))
        interpreter = interpreter_class()(model_content=path.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    detector = cv2.FaceDetectorYN.create(str(yunet), "", (320, 320), 0.5)

    def act() -> object:
        small = cv2.copyMakeBorder(
            cv2.resize(scene, (320, 240), interpolation=cv2.INTER_AREA), 0, 80, 0, 0, cv2.BORDER_CONSTANT
        )
        _, found = detector.detect(small)
        assert found is not None, "YuNet saw no face in the scene"
        x, y, width, height = (max(0, int(value)) for value in found[0][:4])
        face = cv2.cvtColor(cv2.resize(small[y : y + height, x : x + width], (64, 64)), cv2.COLOR_BGR2GRAY)
        interpreter.set_tensor(entry, (face.astype(np.float32)[None, None] - 128) / 128)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return act


def work() -> dict[str, int]:
    """Count the multiply-accumulates of one pass of each network."""
    square = (CROP_SIDE, CROP_SIDE)
    return {
        "detector": multiply_accumulates(Student(), (HEIGHT, WIDTH)),
        "landmarks": multiply_accumulates(LandmarkNet(), (landmarks.CROP_SIDE, landmarks.CROP_SIDE)),
        "attributes": multiply_accumulates(AttributeNet(people_tower(), expression_tower()), square),
    }
