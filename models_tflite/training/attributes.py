"""Train the towers of the attribute network, for ``people`` (age and gender) or ``expression``:
``python -m models_tflite.training.attributes people --data DIR --run DIR --teachers``, then the same with another run
and ``--learn-from RUN/people.pt``.

Four large teachers are trained on the same batches. Then one small tower learns from what they say together of the same
distorted faces. Every network starts from random weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_tflite.training import loop
from models_tflite.training.age_gender import People
from models_tflite.training.expression import Expressions
from models_tflite.training.faces import Faces
from models_tflite.training.networks import (
    Tower,
    expression_teacher,
    expression_tower,
    people_teacher,
    people_tower,
)

TEACHERS = 4
SOFTNESS = 1.5
"""Temperature at which a tower learns from its teachers (Hinton et al. 2015)."""

LISTENING = 0.7
"""Share of the loss that comes from the teachers, who see the same distorted face (Beyer et al. 2022)."""

HARD = {"teachers": 0.65, "tower": 0.45}
GENTLE = 0.37
"""From this share of the epochs on, the faces are nearly clean: a network that never sees them stays unsure of them."""

MIXED, MIXED_UNTIL = 0.5, 0.8
MIX = 0.4
"""Teachers see half of the batches mixed, until this share of the epochs; the parameter of the Beta distribution."""

PEAK_RATE = {"teachers": 2.5e-3, "tower": 3e-3}


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of tower learns from; ``epochs`` of its teachers and of itself."""

    load: Callable[[Path, str, int | None], Faces]
    tower: Callable[[], Tower]
    teacher: Callable[[], Tower]
    epochs: tuple[int, int]


KINDS = {
    "people": Kind(People.load, people_tower, people_teacher, (70, 146)),
    "expression": Kind(Expressions.load, expression_tower, expression_teacher, (57, 122)),
}


class Towers(nn.ModuleList):
    """Several towers of one kind that see the same pictures."""

    def forward(self, pictures: Tensor) -> list[tuple[Tensor, ...]]:
        return [tower(pictures) for tower in self]


def answers(network: nn.Module, pictures: Tensor) -> list[list[Tensor]]:
    """Return the logits of a tower, or of each of several, by head."""
    with torch.autocast(loop.device().type, torch.bfloat16):
        said = network(pictures)
    return [[head.float() for head in heads] for heads in (said if isinstance(network, Towers) else [said])]


@torch.no_grad()
def told(network: nn.Module, pictures: Tensor, softness: float = 1.0) -> list[Tensor]:
    """Return for each head the mean probabilities (n, k) of all towers, their logits divided by ``softness``."""
    heads = zip(*answers(network, pictures), strict=True)
    return [torch.stack([(logits / softness).softmax(1) for logits in each]).mean(0) for each in heads]


def mixed(batches: Iterable[loop.Batch], share: float) -> Iterator[loop.Batch]:
    """Mix a share of the batches with themselves in another order (Zhang et al. 2018). Adds to every batch that order
    (n,) and the part () that is left of each picture."""
    beta = torch.distributions.Beta(torch.tensor(MIX), torch.tensor(MIX))
    for images, *labels in batches:
        if float(torch.rand(())) < share:
            order, part = torch.randperm(len(images)), beta.sample()
            yield part * images + (1 - part) * images[order], *labels, order, part
        else:
            yield images, *labels, torch.arange(len(images)), torch.tensor(1.0)


class Lesson:
    """The loss of one batch: how wrong the answers are about the labels, and how far they are from the teachers'."""

    def __init__(self, faces: Faces, teachers: nn.Module | None) -> None:
        self._faces = faces
        self._teachers = teachers

    def __call__(self, network: nn.Module, batch: loop.Batch) -> tuple[Tensor, dict[str, float]]:
        images, *labels, order, part = batch
        pictures = loop.normalise(images)
        said = answers(network, pictures)
        others = [label[order] for label in labels]
        wrong = [
            part * self._faces.errors(heads, labels) + (1 - part) * self._faces.errors(heads, others)
            for heads in said
        ]
        total = torch.stack([each.mean() for each in wrong]).sum()
        parts = {"labels": total.item() / len(said)}
        if self._teachers is not None:
            apart = self._apart(said, told(self._teachers, pictures, SOFTNESS))
            total = (1 - LISTENING) * total + LISTENING * apart
            parts["teachers"] = apart.item()
        return total, parts

    def _apart(self, said: Sequence[Sequence[Tensor]], teachers: Sequence[Tensor]) -> Tensor:
        parts = [
            weight * functional.kl_div((mine / SOFTNESS).log_softmax(1), theirs, reduction="batchmean")
            for heads in said
            for weight, mine, theirs in zip(self._faces.LISTENING, heads, teachers, strict=True)
        ]
        return SOFTNESS**2 * torch.stack(parts).sum()


def figures(network: nn.Module, faces: Faces) -> dict[str, float]:
    """Return what the network, or several together, say of plain faces, one look each."""
    parts = [told(network, loop.normalise(pictures)) for pictures in faces.plain()]
    return faces.figures([torch.cat(head) for head in zip(*parts, strict=True)])


def arguments() -> argparse.ArgumentParser:
    text = "; ".join(
        f"{name}: {kind.epochs[0]} for the teachers, {kind.epochs[1]} for the tower"
        for name, kind in KINDS.items()
    )
    parser = loop.arguments(__doc__, epochs=None, epochs_text=text, batch=512)
    parser.add_argument("kind", choices=KINDS)
    role = parser.add_mutually_exclusive_group(required=True)
    role.add_argument("--teachers", action="store_true", help="train the four large networks")
    role.add_argument("--learn-from", type=Path, metavar="FILE", help="weights of the four large networks")
    return parser


def prepare(args: argparse.Namespace) -> loop.Training:
    """Load the faces, and describe how the tower, or its teachers, are trained on them."""
    torch.set_default_device(loop.device())  # the faces are distorted there
    kind, role = KINDS[args.kind], "teachers" if args.teachers else "tower"
    train, val = (kind.load(args.data, split, args.limit) for split in ("train", "val"))
    epochs = args.epochs or kind.epochs[0 if args.teachers else 1]

    def batches(epoch: int) -> Iterator[loop.Batch]:
        drawn = train.batches(args.batch, 1.0 if epoch < HARD[role] * epochs else GENTLE)
        return mixed(drawn, MIXED if args.teachers and epoch < MIXED_UNTIL * epochs else 0.0)

    return loop.Training(
        new_teachers(kind) if args.teachers else kind.tower(),
        batches,
        Lesson(train, known_teachers(kind, args.learn_from) if args.learn_from else None),
        lambda network: figures(network, val),
        file=f"{args.kind}.pt",
        epochs=epochs,
        steps_per_epoch=max(1, len(train) // args.batch),
        peak_rate=PEAK_RATE[role],
        weight_decay=0.05,
        average_decay=0.998,
        gradient_norm=5.0 * (TEACHERS**0.5 if args.teachers else 1),
    )


def new_teachers(kind: Kind) -> Towers:
    return Towers(kind.teacher() for _ in range(TEACHERS))


def known_teachers(kind: Kind, path: Path) -> Towers:
    """Load teachers, ready to be asked."""
    teachers = new_teachers(kind)
    teachers.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return teachers.eval().to(loop.device(), memory_format=torch.channels_last)  # type: ignore[call-overload]


if __name__ == "__main__":
    loop.run_training(arguments(), prepare)
