"""Measure the detector: precision and recall of faces and people by size, and what it finds where nobody is.

Faces by IoU 0.4 and side in pixels of the stored picture, people with hand labels by IoU 0.5 and height as a share of
the picture's. What is unsure, and people whom a network labelled, count neither way.

A picture is measured by the whole view alone, and by both looks as on a device: the whole view, and near looks at
native resolution, here as many as cover the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.inference.detect import PeopleDetector
from edge.types import Body, Box, Face, Image, Sight
from edge.vision.scheduler import WHOLE_IN_NEAR
from edge.vision.sightings import joined
from models_tflite.evaluation.boxes import pairwise_iou
from models_tflite.evaluation.scoring import (
    Found,
    Size,
    area_under,
    expected_calibration_error,
    largest_recall,
    matched,
    precision_recall,
    side,
)
from models_tflite.training.detector.items import SHELVES, Item, read_items

LOWEST = 0.02
"""Scores under it are not measured: below is only noise."""

USED = 0.25
"""A device uses finds from this score on; the calibration error is that of these."""

THRESHOLDS = (USED, 0.5, 0.7)
"""Scores at which the device decides: to use a find, to begin a track, to be sure."""

FACE_IOU, BODY_IOU = 0.4, 0.5
FACE_SIDES, BODY_SHARES = (16, 24, 40), (0.1, 0.2, 0.4)
MIDDLE_SIDE, MIDDLE_SHARE = 24, 0.2
"""Sizes from which recall and calibration error are measured."""

OVERLAP = 64
"""Near looks of a measurement overlap by at least this many pixels, so that a small face is whole in one of them."""

MOST = 200
"""Finds of a class in one look that are measured, the best ones: a network that has learned little finds thousands."""

Json = dict[str, Any]
Curve = tuple[np.ndarray, np.ndarray]


def looks(detector: PeopleDetector, image: Image) -> tuple[Sight, Sight]:
    """Return what the whole view shows, and what it shows together with near looks at all parts."""
    wide = _best(detector.look(image))
    height, width = image.shape[:2]
    near = [_best(detector.look_near(image, corner)) for corner in corners(width, height, detector.near_size)]
    return wide, joined((wide, *near), small_px=WHOLE_IN_NEAR * detector.near_size[1])


def _best(sight: Sight) -> Sight:
    return Sight(sight.faces[:MOST], sight.bodies[:MOST])


def corners(width: int, height: int, near: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the upper left corners of the near looks that cover a picture."""

    def starts(length: int, part: int) -> list[int]:
        count = max(1, math.ceil((length - OVERLAP) / (part - OVERLAP)))
        return [round(at * (length - part) / (count - 1)) for at in range(count)] if count > 1 else [0]

    for y in starts(height, near[1]):
        for x in starts(width, near[0]):
            yield x, y


def found(finds: Sequence[Face] | Sequence[Body]) -> Found:
    """Return boxes (n, 4) and scores (n,) of finds."""
    boxes = np.array([corners_of(find.box) for find in finds], np.float32).reshape(-1, 4)
    return boxes, np.array([find.score for find in finds], np.float32)


def corners_of(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def measurable(items: Sequence[Item]) -> list[Item]:
    """Return those that are measured: all with face labels by hand, and of ``person`` those with people by hand."""
    return [item for item in items if item.set != "person" or len(item.people)]


def faces(detector: PeopleDetector, folder: Path, name: str, split: str) -> Json:
    """Measure faces of ``faces`` or ``faces2``: the whole view, and under ``both_looks`` both."""
    items = read_items(folder, split, sets=(name,))
    pairs = [looks(detector, item.image()) for item in items]
    wide, both = (
        face_figures(items, [found(sight.faces) for sight in part]) for part in zip(*pairs, strict=True)
    )
    total = sum(len(item.faces) for item in items)
    return {"n": len(items), "n_faces": total, **wide, "both_looks": both}


def people(detector: PeopleDetector, folder: Path, split: str) -> Json:
    """Measure the people of ``person`` that were labelled by hand, as :func:`faces` does."""
    items = measurable(read_items(folder, split, sets=("person",), hand_labels_only=True))
    pairs = [looks(detector, item.image()) for item in items]
    wide, both = (
        body_figures(items, [found(sight.bodies) for sight in part]) for part in zip(*pairs, strict=True)
    )
    total = sum(len(item.people) for item in items)
    return {"n": len(items), "n_people": total, **wide, "both_looks": both}


def face_figures(items: Sequence[Item], finds: Sequence[Found]) -> dict[str, float]:
    """Compute average precision by size, and recall and calibration error from the middle size on."""
    out = {f"ap40_{px}px": area_under(*_curve(*_of_faces(items, finds, px))) for px in FACE_SIDES}
    middle = _of_faces(items, finds, MIDDLE_SIDE)
    for wanted in (90, 95):
        out[f"recall_p{wanted}_{MIDDLE_SIDE}px"] = largest_recall(*_curve(*middle), wanted / 100)
    return out | {"ece": calibration_error(*matched(*middle[:4], size=middle[4], unsure=middle[5])[:2])}


def body_figures(items: Sequence[Item], finds: Sequence[Found]) -> Json:
    """Compute the same for people, and average precision by source."""
    out: Json = {
        f"ap50_{share}h": area_under(*_curve(*_of_bodies(items, finds, share))) for share in BODY_SHARES
    }
    for share in BODY_SHARES[:2]:
        curve = _curve(*_of_bodies(items, finds, share))
        out |= {f"recall_p{wanted}_{share}h": largest_recall(*curve, wanted / 100) for wanted in (90, 95)}
    out |= placing(items, finds)
    middle = _of_bodies(items, finds, MIDDLE_SHARE)
    out["ece"] = calibration_error(*matched(*middle[:4], size=middle[4], unsure=middle[5])[:2])
    for source in sorted({item.source for item in items}):
        chosen = [(item, find) for item, find in zip(items, finds, strict=True) if item.source == source]
        mine, theirs = [item for item, _ in chosen], [find for _, find in chosen]
        out[source] = {"n": len(mine), "n_people": sum(len(item.people) for item in mine)} | {
            f"ap50_{share}h": area_under(*_curve(*_of_bodies(mine, theirs, share))) for share in BODY_SHARES
        }
    return out


def placing(items: Sequence[Item], finds: Sequence[Found]) -> dict[str, float]:
    """Compute how well the boxes of people of the middle size and more fit, where a find of at least ``USED`` is one:
    the mean ``iou``, and how far the ``upper_edge`` is off, in heights of the person, on average."""
    fits, edges = [np.zeros(0)], [np.zeros(0)]
    for item, (boxes, scores) in zip(items, finds, strict=True):
        used = boxes[scores >= USED]
        people = item.people[tallness(item.people) >= MIDDLE_SHARE * item.size[1]]
        if not len(used) or not len(people):
            continue
        overlap = pairwise_iou(people, used)
        matches = overlap.max(1) >= BODY_IOU
        nearest = used[overlap.argmax(1)]
        fits.append(overlap.max(1)[matches])
        edges.append((np.abs(nearest[:, 1] - people[:, 1]) / tallness(people))[matches])
    fit, edge = np.concatenate(fits), np.concatenate(edges)
    return {"iou": float(fit.mean()), "upper_edge": float(edge.mean())} if len(fit) else {}


def sizes(items: Sequence[Item], finds: Sequence[tuple[Found, Found]]) -> dict[str, float]:
    """Compute average precision of a mixture of all sets, given faces and people found, for a line in a log."""
    out: dict[str, float] = {}
    for name in ("faces", "faces2", "person"):
        some = [(item, pair) for item, pair in zip(items, finds, strict=True) if item.set == name]
        mine = [item for item, _ in some]
        if name == "person":
            out |= {
                f"{name}_{share}h": area_under(
                    *_curve(*_of_bodies(mine, [pair[1] for _, pair in some], share))
                )
                for share in BODY_SHARES
            }
            out |= {
                f"{name}_{key}": value for key, value in placing(mine, [pair[1] for _, pair in some]).items()
            }
        else:
            out |= {
                f"{name}_{px}px": area_under(*_curve(*_of_faces(mine, [pair[0] for _, pair in some], px)))
                for px in FACE_SIDES
            }
    return out


Case = tuple[Sequence[Found], Sequence[np.ndarray], float, float, Size, Sequence[np.ndarray]]
"""Finds, truth, smallest size, IoU, measure of size, and unsure boxes."""


def _of_faces(items: Sequence[Item], finds: Sequence[Found], px: float) -> Case:
    return finds, [item.faces for item in items], px, FACE_IOU, side, [item.unsure_faces for item in items]


def _of_bodies(items: Sequence[Item], finds: Sequence[Found], share: float) -> Case:
    """In units of the picture's height, so that one size means the same share of every picture."""
    heights = [item.size[1] for item in items]
    return (
        [(boxes / height, scores) for height, (boxes, scores) in zip(heights, finds, strict=True)],
        [item.people / height for height, item in zip(heights, items, strict=True)],
        share,
        BODY_IOU,
        tallness,
        [item.unsure_people / height for height, item in zip(heights, items, strict=True)],
    )


def tallness(boxes: np.ndarray) -> np.ndarray:
    """Return the heights (n,) of boxes (n, 4)."""
    return np.asarray(boxes[:, 3] - boxes[:, 1])


def _curve(
    finds: Sequence[Found],
    truth: Sequence[np.ndarray],
    smallest: float,
    iou: float,
    size: Size,
    unsure: Sequence[np.ndarray],
) -> Curve:
    precision, recall, _ = precision_recall(finds, truth, smallest, iou, size=size, unsure=unsure)
    return precision, recall


def calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Return how far scores (n,) that a device uses are from the share of finds that are right (n,), on average."""
    used = scores >= USED
    if not used.any():
        return 0.0
    return expected_calibration_error(scores[used, None], (~right[used]).astype(int))


def false_finds(detector: PeopleDetector, folder: Path) -> Json:
    """Count what is found in pictures known to be empty, by score. Of both splits, as most are in train."""
    parts: dict[str, tuple[Callable[[Item], bool], tuple[str, ...]]] = {
        "shelves": (lambda item: item.source == SHELVES, ("faces", "people")),
        "without_people": (lambda item: item.looked_at, ("people",)),
        "without_faces": (lambda item: item.set == "faces2" and item.without_faces, ("faces",)),
    }
    out: Json = {}
    for split in ("train", "val"):
        items = read_items(folder, split, sets=("faces2", "person"))
        empty = [item for item in items if any(test(item) for test, _ in parts.values())]
        sights = [looks(detector, item.image()) for item in empty]
        for name, (test, classes) in parts.items():
            mine = [sight for item, sight in zip(empty, sights, strict=True) if test(item)]
            if mine:
                out[f"{name}_{split}"] = {"n": len(mine)} | {
                    look: {kind: _by_score([_finds(pair[which], kind) for pair in mine]) for kind in classes}
                    for which, look in enumerate(("whole_view", "both_looks"))
                }
    return out


def _finds(sight: Sight, kind: str) -> Sequence[Face] | Sequence[Body]:
    return sight.faces if kind == "faces" else sight.bodies


def _by_score(pictures: Sequence[Sequence[Face] | Sequence[Body]]) -> dict[str, int]:
    scores = [find.score for finds in pictures for find in finds]
    return {f"{least}": sum(score >= least for score in scores) for least in THRESHOLDS}
