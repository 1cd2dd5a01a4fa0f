"""Train the tower for age and gender: ``python -m models_tflite.training.age_gender --data DIR --run DIR``.

``--finish RUN/people.pt --learn-from MODELS`` continues from it, on nearly clean faces, and learns from the attributes
of the release in the folder MODELS.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from common.vocabulary import AGE_BINS, GENDERS
from edge.inference.classify import AttributeClassifier
from models_tflite.evaluation.evaluate import Shipped
from models_tflite.training import augment, loop
from models_tflite.training.datasets import SET_SHIFT, DataSet, select
from models_tflite.training.networks import people_tower

STORED_SIDE = 96
"""Pictures are stored in memory at this side, so that a jittered crop has enough detail."""

AGE_SIGMA = 2.5
SMOOTHING = 0.05

HARD_SHARE = 0.7
GENTLE = 0.4
"""The last epochs use nearly clean faces: a small network that never sees them stays unsure of them."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces with labels: ``images`` (n, 3, s, s) BGR uint8, ``ages`` (n,) in years, ``genders`` (n,) as indices of
    GENDERS."""

    images: Tensor
    ages: Tensor
    genders: Tensor


def load(data: Path, split: str, limit: int | None = None) -> Faces:
    utk = DataSet(data, "utkface", split)
    utk.rows = utk.rows[:limit]
    return Faces(
        torch.from_numpy(utk.stack(STORED_SIDE)).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([float(age) for age in utk.column("age")]),
        torch.from_numpy(select(utk.column("gender"), GENDERS)),
    )


def age_distribution(ages: Tensor) -> Tensor:
    """Return the label distribution (n, AGE_BINS): a Gaussian about the labelled year (Gao et al. 2017, DLDL)."""
    years = torch.arange(AGE_BINS, dtype=torch.float32)
    weights = torch.exp(-((years - ages.clamp(0, AGE_BINS - 1)[:, None]) ** 2) / (2 * AGE_SIGMA**2))
    return weights / weights.sum(1, keepdim=True)


def batches(faces: Faces, size: int, strength: float) -> Iterator[loop.Batch]:
    """Yield one epoch of batches. ``strength`` of the augmentation: 1 is as bad as a shop's camera."""
    shift = torch.full((size,), SET_SHIFT["utkface"])
    for chosen in torch.randperm(len(faces.images)).split(size):
        if len(chosen) < size:
            return
        pixels = augment.masks(augment.glasses(faces.images[chosen].float()))
        images = augment.crop_pixels(pixels, augment.random_theta(shift, strength))
        # age and gender must not depend on light, also in the last epoch
        images = augment.light(augment.surround(images), 1.0)
        images = augment.erase(images, 0.15 * strength)
        images = augment.camera(images, 0.2 * strength).clamp(0, 255)
        yield images, faces.ages[chosen], faces.genders[chosen]


def taught(batches: Iterable[loop.Batch], teacher: AttributeClassifier) -> Iterator[loop.Batch]:
    """Add the teacher's answers for the same pictures to the batches: years (n, AGE_BINS) and genders (n, 2)."""
    for images, *labels in batches:
        crops = images.round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        told = [teacher.describe(crop) for crop in crops]
        years, genders = (np.stack(head) for head in zip(*((t.age, t.gender) for t in told), strict=True))
        yield images, *labels, torch.from_numpy(years), torch.from_numpy(genders)


def loss(network: nn.Module, batch: loop.Batch) -> tuple[Tensor, dict[str, float]]:
    images, ages, genders, *told = (part.to(loop.device()) for part in batch)
    with torch.autocast(loop.device().type, torch.bfloat16):
        age, gender = (head.float() for head in network(loop.normalise(images)))
    target = age_distribution(ages.cpu()).to(age.device)
    kl = functional.kl_div(age.log_softmax(1), target, reduction="batchmean")
    years = torch.arange(AGE_BINS, dtype=torch.float32, device=age.device)
    l1 = (age.softmax(1) @ years - ages).abs().mean()
    g = functional.cross_entropy(gender, genders, label_smoothing=SMOOTHING)
    total, parts = kl + 0.1 * l1 + 1.5 * g, {"age_l1": l1.item(), "gender": g.item()}
    if told:
        k = sum(
            weight * functional.kl_div(mine.log_softmax(1), theirs, reduction="batchmean")
            for weight, mine, theirs in zip((1.0, 3.0), (age, gender), told, strict=True)
        )
        assert isinstance(k, Tensor)
        total, parts["teacher"] = total + k, k.item()
    return total, parts


@torch.no_grad()
def figures(network: nn.Module, faces: Faces) -> dict[str, float]:
    heads = []
    for part in faces.images.split(256):
        images = augment.crop_pixels(part.float(), augment.plain_theta(len(part), SET_SHIFT["utkface"]))
        heads.append([head.float().cpu() for head in network(loop.normalise(images))])
    age, gender = (torch.cat(parts) for parts in zip(*heads, strict=True))
    years = age.softmax(1) @ torch.arange(AGE_BINS, dtype=torch.float32)
    right = gender.argmax(1) == faces.genders
    return {
        "val_age_mae": float((years - faces.ages).abs().mean()),
        "val_gender": float(right.float().mean()),
        "val_gender_18plus": float(right[faces.ages >= 18].float().mean()),
    }


def arguments() -> argparse.ArgumentParser:
    parser = loop.arguments(__doc__, epochs=None, epochs_text="84, and 24 to finish", batch=128)
    parser.add_argument("--finish", type=Path, metavar="FILE", help="people.pt to continue from")
    parser.add_argument("--learn-from", type=Path, metavar="MODELS", help="folder of a release to learn from")
    return parser


def prepare(args: argparse.Namespace) -> loop.Training:
    """Load the faces, and describe how the tower is trained on them."""
    train, val = load(args.data, "train", args.limit), load(args.data, "val", args.limit)
    epochs = args.epochs or (24 if args.finish else 84)
    hard = 0.0 if args.finish else HARD_SHARE
    pupil = people_tower()
    if args.finish:
        pupil.load_state_dict(torch.load(args.finish, map_location="cpu", weights_only=True))
    teacher = Shipped(args.learn_from).classifier if args.learn_from else None

    def lessons(epoch: int) -> Iterator[loop.Batch]:
        faces = batches(train, args.batch, 1.0 if epoch < hard * epochs else GENTLE)
        return taught(faces, teacher) if teacher else faces

    return loop.Training(
        pupil,
        lessons,
        loss,
        lambda net: figures(net, val),
        file="people.pt",
        epochs=epochs,
        steps_per_epoch=max(1, len(train.images) // args.batch),
        peak_rate=1e-3 if args.finish else 2e-3,
        weight_decay=0.05,
    )


if __name__ == "__main__":
    loop.run_training(arguments(), prepare)
