"""Train the expression tower: ``python -m models_tflite.training.expression --data DIR --run DIR``.

``--teacher`` trains the large network, from which the small one then learns (``--learn-from RUN/expression.pt``).
``--finish RUN/expression.pt`` continues from either of them, on nearly clean faces only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from models_tflite.training import augment, loop
from models_tflite.training.datasets import (
    FER2013_LABELS,
    SET_SHIFT,
    DataSet,
    majority_votes,
    select,
    vote_shares,
)
from models_tflite.training.networks import Tower, expression_teacher, expression_tower

STORED_SIDE = 72
"""Pictures are stored in memory at this side: they are 48 wide, and a jittered crop needs no more."""

SMOOTHING = 0.05
SOFTNESS = 2.0
"""Temperature at which the small network learns from the large one (Hinton et al. 2015)."""

LISTENING = 0.7
"""Share of the loss that comes from the teacher, which sees the same distorted face (Beyer et al. 2022)."""

HARD_SHARE = {"teacher": 0.7, "pupil": 0.4}
GENTLE = 0.35
"""The last epochs use nearly clean faces: a small network that never sees them stays unsure of them."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces with labels: ``images`` (n, 1, s, s) grey uint8; ``votes`` (n, 7) and their ``weight`` (n,); ``labels``
    (n,) of fer2013; ``majority`` (n,), -1 without one."""

    images: Tensor
    votes: Tensor
    weight: Tensor
    labels: Tensor
    majority: Tensor


def load(data: Path, split: str, limit: int | None = None) -> Faces:
    fer = DataSet(data, "fer", split)
    fer.rows = fer.rows[:limit]
    votes, weight = vote_shares(fer)
    return Faces(
        torch.from_numpy(fer.stack(STORED_SIDE, grey=True)).unsqueeze(1),
        torch.from_numpy(votes),
        torch.from_numpy(weight),
        torch.from_numpy(select(fer.column("fer2013"), FER2013_LABELS)),
        torch.from_numpy(majority_votes(fer)),
    )


def batches(faces: Faces, size: int, strength: float) -> Iterator[loop.Batch]:
    """Yield one epoch of batches. ``strength`` of the augmentation: 1 is as bad as a shop's camera."""
    shift = torch.full((size,), SET_SHIFT["fer"])
    for chosen in torch.randperm(len(faces.images)).split(size):
        if len(chosen) < size:
            return
        pixels = faces.images[chosen].float()
        images = augment.crop_pixels(pixels, augment.random_theta(shift, strength))
        images = augment.light(images.expand(-1, 3, -1, -1), 0.7 * strength)[:, :1]
        images = augment.erase(images, 0.2 * strength)
        images = augment.camera(images, 0.15 * strength).clamp(0, 255)
        yield images, faces.votes[chosen], faces.weight[chosen], faces.labels[chosen]


def lesson(
    teacher: nn.Module | None,
) -> Callable[[nn.Module, loop.Batch], tuple[Tensor, dict[str, float]]]:
    """Compute the loss of one batch: votes, labels, and the teacher's answers for the same pictures."""

    def loss(network: nn.Module, batch: loop.Batch) -> tuple[Tensor, dict[str, float]]:
        images, votes, weight, labels = (part.to(loop.device()) for part in batch)
        pictures = loop.normalise(images)
        with torch.autocast(loop.device().type, torch.bfloat16):
            voted, labelled = (head.float() for head in network(pictures))
        soft = votes * (1 - SMOOTHING) + SMOOTHING / votes.shape[1]
        each = functional.cross_entropy(voted, soft, reduction="none") * weight
        v = each.sum() / weight.sum().clamp(min=1)
        f = functional.cross_entropy(labelled, labels, label_smoothing=SMOOTHING)
        total, parts = v + f, {"votes": v.item(), "fer2013": f.item()}
        if teacher is not None:
            with torch.no_grad(), torch.autocast(loop.device().type, torch.bfloat16):
                told = teacher(pictures)
            k = sum(
                functional.kl_div(
                    (mine / SOFTNESS).log_softmax(1),
                    (theirs.float() / SOFTNESS).softmax(1),
                    reduction="batchmean",
                )
                for mine, theirs in zip((voted, labelled), told, strict=True)
            )
            assert isinstance(k, Tensor)
            total = (1 - LISTENING) * total + LISTENING * SOFTNESS**2 * k
            parts["teacher"] = k.item()
        return total, parts

    return loss


@torch.no_grad()
def figures(network: nn.Module, faces: Faces) -> dict[str, float]:
    heads = []
    for part in faces.images.split(256):
        images = augment.crop_pixels(part.float(), augment.plain_theta(len(part), SET_SHIFT["fer"]))
        heads.append([head.float().cpu() for head in network(loop.normalise(images))])
    voted, labelled = (torch.cat(parts) for parts in zip(*heads, strict=True))
    clear = faces.majority >= 0
    return {
        "val_fer2013": float((labelled.argmax(1) == faces.labels).float().mean()),
        "val_ferplus": float((voted.argmax(1) == faces.majority)[clear].float().mean()),
        "val_voted_fer2013": float((voted.argmax(1) == faces.labels).float().mean()),
    }


def arguments() -> argparse.ArgumentParser:
    text = "22 for the teacher, 56 for the small network, 14 to finish"
    parser = loop.arguments(__doc__, epochs=None, epochs_text=text, batch=128)
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--teacher", action="store_true", help="train the large network")
    role.add_argument("--learn-from", type=Path, help="expression.pt of the large network")
    parser.add_argument("--finish", type=Path, metavar="FILE", help="expression.pt of the same network")
    return parser


def prepare(args: argparse.Namespace) -> loop.Training:
    """Load the faces, and describe how the tower, or its teacher, is trained on them."""
    train, val = load(args.data, "train", args.limit), load(args.data, "val", args.limit)
    epochs = args.epochs or (14 if args.finish else 22 if args.teacher else 56)
    hard = 0.0 if args.finish else HARD_SHARE["teacher" if args.teacher else "pupil"]
    teacher: Tower | None = None
    if args.learn_from:
        teacher = expression_teacher()
        teacher.load_state_dict(torch.load(args.learn_from, map_location="cpu", weights_only=True))
        teacher.eval().to(loop.device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    pupil = expression_teacher() if args.teacher else expression_tower()
    if args.finish:
        pupil.load_state_dict(torch.load(args.finish, map_location="cpu", weights_only=True))
    return loop.Training(
        pupil,
        lambda epoch: batches(train, args.batch, 1.0 if epoch < hard * epochs else GENTLE),
        lesson(teacher),
        lambda net: figures(net, val),
        file="expression.pt",
        epochs=epochs,
        steps_per_epoch=max(1, len(train.images) // args.batch),
        peak_rate=1e-3 if args.finish else 2e-3,
        weight_decay=0.05,
    )


if __name__ == "__main__":
    loop.run_training(arguments(), prepare)
