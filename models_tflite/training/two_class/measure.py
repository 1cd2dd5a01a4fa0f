"""Measure an int8 two-class detector through the code of the device, on the whole view of each val picture:
``python -m models_tflite.training.two_class.measure --data DIR --model FILE.toml [--false-finds]``.

Faces by IoU 0.4 and side in pixels of the stored picture, people with hand labels by IoU 0.5 and height as a share of
the picture's. What is unsure, and people whom a network labelled, count neither way.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from common.errors import UserError
from edge.inference.detect import PeopleDetector
from edge.inference.manifest import ModelEntry
from edge.inference.model import Model
from edge.types import Body, Face, Image
from models_tflite.evaluation.scoring import Found, Size, area_under, largest_recall, precision_recall, side
from models_tflite.training.two_class.items import SHELVES, Item, read_items

LEAST = 0.02
"""Scores under it are not measured."""

Finder = Callable[[Image], tuple[Found, Found]]
"""Faces and people of a picture."""


class Candidate:
    """An int8 file with its description ``path``; scores as the network has them."""

    def __init__(self, path: Path, *, min_score: float = LEAST) -> None:
        try:
            table = tomllib.loads(path.read_text())
        except OSError as error:
            raise UserError(f"{path}: cannot read the description: {error.strerror}") from None
        entry = ModelEntry(
            path.with_name(table["file"]), table["sha256"], table["height"], table["width"], table["outputs"]
        )
        self.detector = PeopleDetector(Model(entry), min_score=min_score)

    def __call__(self, image: Image) -> tuple[Found, Found]:
        sight = self.detector.look(image)
        return _found(sight.faces), _found(sight.bodies)


def _found(finds: Sequence[Face] | Sequence[Body]) -> Found:
    boxes = np.array([[find.box.x1, find.box.y1, find.box.x2, find.box.y2] for find in finds], np.float32)
    return boxes.reshape(-1, 4), np.array([find.score for find in finds], np.float32)


def measurable(items: Sequence[Item]) -> list[Item]:
    """Those that are measured: all with face labels by hand, and of ``person`` those with people by hand."""
    return [item for item in items if item.set != "person" or len(item.people)]


def figures(items: Sequence[Item], found: Sequence[tuple[Found, Found]]) -> dict[str, float]:
    """AP and recall of ``measurable`` items, given what was found in each."""
    out: dict[str, float] = {}
    for name in ("faces", "faces2"):
        some = [(item, faces) for item, (faces, _) in zip(items, found, strict=True) if item.set == name]
        masks = [item.unsure_faces if name == "faces2" else item.unsure_faces[:0] for item, _ in some]
        for px in (16, 24, 40):
            curve = _curve([f for _, f in some], [i.faces for i, _ in some], px, 0.4, side, masks)
            out[f"{name}_ap40_{px}"] = area_under(*curve)
            if px == 24:
                out |= {f"{name}_r{wanted}_{px}": largest_recall(*curve, wanted / 100) for wanted in (90, 95)}
    people = [(item, seen) for item, (_, seen) in zip(items, found, strict=True) if item.set == "person"]
    for name in ("all", *sorted({item.source for item, _ in people})):
        some = [(item, seen) for item, seen in people if name in {"all", item.source}]
        for share in (0.1, 0.2, 0.4):
            curve = _people_curve(some, share)
            out[f"people_{name}_ap50_{share}"] = area_under(*curve)
            if name == "all":
                out[f"people_r90_{share}"] = largest_recall(*curve, 0.9)
    return out


def _people_curve(some: Sequence[tuple[Item, Found]], share: float) -> tuple[np.ndarray, np.ndarray]:
    """In units of the picture's height, so that one size means the same share of every picture."""
    found = [(boxes / item.size[1], scores) for item, (boxes, scores) in some]
    truth = [item.people / item.size[1] for item, _ in some]
    masks = [item.unsure_people / item.size[1] for item, _ in some]
    return _curve(found, truth, share, 0.5, lambda boxes: boxes[:, 3] - boxes[:, 1], masks)


def _curve(
    found: Sequence[Found],
    truth: Sequence[np.ndarray],
    smallest: float,
    iou: float,
    size: Size,
    unsure: Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    precision, recall, _ = precision_recall(found, truth, smallest, iou, size=size, unsure=unsure)
    return precision, recall


def false_finds(items: Sequence[Item], find: Finder) -> dict[str, dict[str, int]]:
    """Count what is found in pictures known to be empty, by score."""
    parts: tuple[tuple[str, int, Callable[[Item], bool]], ...] = (
        ("shelves_faces", 0, lambda item: item.source == SHELVES),
        ("shelves_people", 1, lambda item: item.source == SHELVES),
        ("looked_at_people", 1, lambda item: item.looked_at),
        ("faces2_without_faces", 0, lambda item: item.set == "faces2" and not len(item.faces)),
    )
    out: dict[str, dict[str, int]] = {}
    empty = [item for item in items if any(test(item) for _, _, test in parts)]
    finds = [find(item.image()) for item in empty]
    for name, which, test in parts:
        scores = [found[which][1] for item, found in zip(empty, finds, strict=True) if test(item)]
        counts = {f">={least}": sum(int((s >= least).sum()) for s in scores) for least in (0.3, 0.4, 0.5)}
        out[name] = {"pictures": len(scores), **counts}
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the .toml beside the .tflite")
    parser.add_argument("--limit", type=int, help="pictures of each set")
    parser.add_argument(
        "--false-finds", action="store_true", help="also in the empty pictures of both splits"
    )
    args = parser.parse_args()
    try:
        find = Candidate(args.model)
        val = read_items(args.data, "val", hand_labels_only=True, limit=args.limit)
        items = measurable(val)
        result: dict[str, object] = dict(figures(items, [find(item.image()) for item in items]))
        if args.false_finds:
            result |= false_finds(val + read_items(args.data, "train", limit=args.limit), find)
    except UserError as error:
        print(f"measure: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
