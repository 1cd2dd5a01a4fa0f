"""Train the attribute network: ``python -m models_tflite.train_attributes --data DIR --run DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.vocabulary import AGE_BINS, GENDERS
from models_tflite import augment, training
from models_tflite.datasets import FER2013_LABELS, SET_SHIFT, DataSet, expression_targets, select
from models_tflite.networks import AttributeNet

STORED_SIDE = 96
"""Pictures wait in memory at this side, so that a jittered crop still has detail to take."""

AGE_SIGMA = 2.5
VOTES_WEIGHT = 0.35
SMOOTHING = 0.05
EXPRESSION_WEIGHT = 1.5

HARD_SHARE = 0.7
GENTLE = 0.4
"""The last epochs see nearly clean faces: a small network that never does stays unsure of them."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Both sets as tensors: ``utk`` (n, 3, s, s) RGB-order-free BGR uint8, ``fer`` (m, 1, s, s) grey uint8."""

    utk: Tensor
    ages: Tensor
    genders: Tensor
    fer: Tensor
    expressions: Tensor
    fer_labels: Tensor


def load(data: Path, split: str, limit: int | None = None) -> Faces:
    utk, fer = DataSet(data, "utkface", split), DataSet(data, "fer", split)
    utk.rows, fer.rows = utk.rows[:limit], fer.rows[:limit]
    return Faces(
        torch.from_numpy(utk.stack(STORED_SIDE)).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([float(age) for age in utk.column("age")]),
        torch.from_numpy(select(utk.column("gender"), GENDERS)),
        torch.from_numpy(fer.stack(STORED_SIDE, grey=True)).unsqueeze(1),
        torch.from_numpy(expression_targets(fer, VOTES_WEIGHT)),
        torch.from_numpy(select(fer.column("fer2013"), FER2013_LABELS)),
    )


def age_distribution(ages: Tensor) -> Tensor:
    """Label distribution (n, AGE_BINS): a Gaussian about the labelled year (Gao et al. 2017, DLDL)."""
    years = torch.arange(AGE_BINS, dtype=torch.float32)
    weights = torch.exp(-((years - ages.clamp(0, AGE_BINS - 1)[:, None]) ** 2) / (2 * AGE_SIGMA**2))
    return weights / weights.sum(1, keepdim=True)


def batches(faces: Faces, size: int, steps: int, strength: float) -> Iterator[training.Batch]:
    """``size`` faces a batch, 40 % utkface and 60 % fer, each set walked in its own shuffled order.

    ``strength`` of the augmentation: 1 is as bad as a shop's camera.
    """
    n_utk = int(size * 0.4)

    def endless(count: int, take: int) -> Iterator[Tensor]:
        while True:
            yield from (part for part in torch.randperm(count).split(take) if len(part) == take)

    pick_utk, pick_fer = endless(len(faces.utk), n_utk), endless(len(faces.fer), size - n_utk)
    shift = torch.tensor([SET_SHIFT["utkface"]] * n_utk + [SET_SHIFT["fer"]] * (size - n_utk))
    for _ in range(steps):
        utk, fer = next(pick_utk), next(pick_fer)
        pixels = torch.cat(
            [augment.glasses(faces.utk[utk].float()), faces.fer[fer].float().expand(-1, 3, -1, -1)]
        )
        images = augment.crop_pixels(pixels, augment.random_theta(shift, strength))
        # age and gender must hold in any light, to the last epoch; fer has its own bad light already
        images[:n_utk] = augment.light(augment.surround(images[:n_utk]), 1.0)
        images[n_utk:] = augment.light(images[n_utk:], strength)
        images = augment.erase(images, 0.15 * strength)
        images = augment.camera(images, 0.2 * strength).clamp(0, 255)
        yield images, faces.ages[utk], faces.genders[utk], faces.expressions[fer]


def normalise(images: Tensor) -> Tensor:
    return ((images - 128) / 64).to(training.device(), memory_format=torch.channels_last)


def loss(network: nn.Module, batch: training.Batch) -> tuple[Tensor, dict[str, float]]:
    images, ages, genders, expressions = batch
    where, n = training.device(), len(ages)
    with torch.autocast(where.type, torch.bfloat16):
        age, gender, expression = network(normalise(images))
    age, gender, expression = age[:n].float(), gender[:n].float(), expression[n:].float()
    target = age_distribution(ages).to(where)
    kl = functional.kl_div(age.log_softmax(1), target, reduction="batchmean")
    years = torch.arange(AGE_BINS, dtype=torch.float32, device=where)
    l1 = (age.softmax(1) @ years - ages.to(where)).abs().mean()
    g = functional.cross_entropy(gender, genders.to(where), label_smoothing=SMOOTHING)
    soft = expressions.to(where) * (1 - SMOOTHING) + SMOOTHING / expressions.shape[1]
    e = functional.cross_entropy(expression, soft)
    total = kl + 0.1 * l1 + g + EXPRESSION_WEIGHT * e
    return total, {"age_l1": l1.item(), "gender": g.item(), "expression": e.item()}


@torch.no_grad()
def figures(network: nn.Module, faces: Faces) -> dict[str, float]:
    def forward(pixels: Tensor, name: str) -> list[np.ndarray]:
        outs = []
        for part in pixels.split(256):
            images = part.float().expand(-1, 3, -1, -1)
            images = augment.crop_pixels(images, augment.plain_theta(len(images), SET_SHIFT[name]))
            outs.append([head.float().cpu() for head in network(normalise(images))])
        return [torch.cat(heads) for heads in zip(*outs, strict=True)]  # type: ignore[misc]

    age, gender, _ = forward(faces.utk, "utkface")
    _, _, expression = forward(faces.fer, "fer")
    years = age.softmax(1) @ torch.arange(AGE_BINS, dtype=torch.float32)  # type: ignore[attr-defined]
    return {
        "val_age_mae": float((years - faces.ages).abs().mean()),
        "val_gender": float((gender.argmax(1) == faces.genders).float().mean()),  # type: ignore[call-overload]
        "val_expression": float((expression.argmax(1) == faces.fer_labels).float().mean()),  # type: ignore[call-overload]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--limit", type=int, help="faces of each set, for a smoke run")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    training.seed_everything(1)
    train, val = load(arguments.data, "train", arguments.limit), load(arguments.data, "val", arguments.limit)
    steps = max(1, (len(train.utk) + len(train.fer)) // arguments.batch)
    network = training.fit(
        AttributeNet(),
        lambda epoch: batches(
            train, arguments.batch, steps, 1.0 if epoch < HARD_SHARE * arguments.epochs else GENTLE
        ),
        loss,
        lambda net: figures(net, val),
        run=arguments.run,
        epochs=arguments.epochs,
        steps_per_epoch=steps,
        peak_rate=2e-3,
        weight_decay=0.05,
    )
    torch.save(network.state_dict(), arguments.run / "attributes.pt")


if __name__ == "__main__":
    main()
