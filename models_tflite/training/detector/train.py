"""Train the teacher of the detector, then the detector itself:
``python -m models_tflite.training.detector.train --data DIR --run DIR --teacher``, then the same with another run and
``--learn-from RUN/detector.pt``.

The first run took 12 minutes on a large GPU; on a CPU, expect days. All pictures are kept in memory, 1 MB each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from edge.inference.detect import BODY_OVERLAP, FACE_OVERLAP, suppress
from models_tflite.evaluation.detection import LOWEST, measurable, sizes
from models_tflite.evaluation.scoring import Found
from models_tflite.training import loop
from models_tflite.training.detector.atlas import Atlas
from models_tflite.training.detector.batches import Batches
from models_tflite.training.detector.cells import cells
from models_tflite.training.detector.items import UNSURE, Item, read_items
from models_tflite.training.detector.loss import Lesson, decode
from models_tflite.training.detector.networks import Student, Teacher, start_from, told_by
from models_tflite.training.letterbox import letterbox
from models_tflite.training.teacher import teacher

FILE = "detector.pt"
STEPS = 200
"""Steps of an epoch, after which a stopped run goes on. ``--limit`` cuts them to a tenth of itself."""

MOSAICS, LAST_MOSAICS, LAST = 0.3, 0.08, 0.85
"""Share of mosaics; few from this share of the training on, since no camera shows one."""


class Validation:
    """Figures on val, whole view, with what people said only."""

    def __init__(self, data: Path, limit: int | None) -> None:
        self.items = measurable(read_items(data, "val", hand_labels_only=True, limit=limit))
        boxed = [letterbox(item.image()) for item in self.items]
        self.images = torch.from_numpy(np.stack([image for image, _ in boxed])).permute(0, 3, 1, 2)
        self.scales = [scale for _, scale in boxed]
        self.centres, self.strides = cells()

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> dict[str, float]:
        found: list[tuple[Found, Found]] = []
        for some in self.images.split(32):
            maps = [value.cpu() for value in network(loop.normalise(some.float()))]
            said = decode(maps, self.centres, self.strides)
            for at in range(len(some)):
                scale = self.scales[len(found)]
                found.append(
                    (
                        _best(said.face_boxes[at], said.faces[at], scale, FACE_OVERLAP),
                        _best(said.person_boxes[at], said.people[at], scale, BODY_OVERLAP),
                    )
                )
        return sizes(self.items, found)


def _best(boxes: torch.Tensor, logits: torch.Tensor, scale: float, overlap: float) -> Found:
    """Boxes in pixels of the stored picture and scores of the cells (a,) that speak, without duplicates."""
    scores = logits.sigmoid()
    speaks = scores > LOWEST
    likely, sure = (boxes[speaks] / scale).numpy(), scores[speaks].numpy()
    best = list(suppress(likely, sure, overlap))
    return likely[best], sure[best]


def arguments(description: str | None, *, epochs_text: str, batch: int) -> argparse.ArgumentParser:
    """Make the arguments of the trainings of this folder."""
    parser = loop.arguments(description, epochs=None, epochs_text=epochs_text, batch=batch)
    parser.add_argument(
        "--hand-labels-only", action="store_true", help="nothing that a network said of people"
    )
    return parser


def steps_of(args: argparse.Namespace, usual: int) -> int:
    """Return the steps of an epoch; a smoke run makes few."""
    return usual if args.limit is None else max(1, args.limit // 10)


def train_items(args: argparse.Namespace) -> list[Item]:
    """Read the pictures to train on, and print a line about them."""
    labeller = teacher(args.data, UNSURE)
    items = read_items(args.data, "train", labeller, hand_labels_only=args.hand_labels_only, limit=args.limit)
    known = [item for item in items if item.weight]
    faces, people = (
        sum(len(part) for part in parts) for parts in zip(*((i.faces, i.people) for i in known), strict=True)
    )
    print(f"{len(known)} pictures, {faces} faces, {people} people", flush=True)
    return known


def prepare(args: argparse.Namespace) -> loop.Training:
    """Load the pictures, and say how the detector, or its teacher, is trained on them."""
    network: nn.Module = Teacher() if args.teacher else Student()
    if args.start_from:
        weights = torch.load(args.start_from, map_location="cpu", weights_only=True)
        print(f"starts from {start_from(network, weights)} tensors of {args.start_from}", flush=True)
    batches = Batches(Atlas(train_items(args), loop.device()))
    epochs = args.epochs or (35 if args.teacher else 45)
    steps = steps_of(args, STEPS)

    def drawn(epoch: int) -> Iterator[loop.Batch]:
        return batches.draw(steps, args.batch, MOSAICS if epoch < LAST * epochs else LAST_MOSAICS)

    if torch.cuda.is_available():
        network.compile(dynamic=False)
    return loop.Training(
        network,
        drawn,
        Lesson(told_by(args.learn_from) if args.learn_from else None),
        Validation(args.data, args.limit),
        file=FILE,
        epochs=epochs,
        steps_per_epoch=steps,
        peak_rate=2e-3 if args.teacher else 3e-3,
        weight_decay=0.05 if args.teacher else 0.02,
    )


def main() -> None:
    parser = arguments(__doc__, epochs_text="35 for the teacher, 45 for the detector", batch=192)
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--teacher", action="store_true", help="train the large network")
    role.add_argument("--learn-from", type=Path, metavar="FILE", help="detector.pt of the large network")
    parser.add_argument(
        "--start-from", type=Path, metavar="FILE", help="weights of a like network, to begin with"
    )
    loop.run_training(parser, prepare)


if __name__ == "__main__":
    main()
