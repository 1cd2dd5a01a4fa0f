"""Train the face detector: ``python -m models_tflite.training.detector --data DIR --run DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.inference.detect import suppress
from models_tflite.evaluation.scoring import average_precision
from models_tflite.training import loop
from models_tflite.training.datasets import HELD_OUT, DataSet, landmark_points, scenes
from models_tflite.training.networks import DetectorNet
from models_tflite.training.scenes import HEIGHT, WIDTH, Sample, letterbox, random_sample
from models_tflite.training.teacher import Labelled, label_patch, label_scene, teacher

TOP = 9
"""Maximum number of cells assigned to one face (task-aligned assignment)."""


def cells(height: int = HEIGHT, width: int = WIDTH) -> tuple[Tensor, Tensor]:
    """Return centres (a, 2) and strides (a,) of all cells, finest level first, row by row."""
    centres, strides = [], []
    for stride in DetectorNet.STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def decode(heads: list[Tensor], centres: Tensor, strides: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Decode score logits (n, a), boxes (n, a, 4), landmarks (n, a, 5, 2) in input pixels."""
    flat = [head.float().permute(0, 2, 3, 1).flatten(1, 2) for head in heads]
    scores = torch.cat(flat[0::3], 1).squeeze(2)
    points = torch.cat(flat[2::3], 1)
    landmarks = points.unflatten(2, (5, 2)) * strides[:, None, None] + centres[:, None]
    return scores, decode_boxes(torch.cat(flat[1::3], 1), centres, strides), landmarks


def decode_boxes(raw: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Decode boxes (n, a, 4) in input pixels from the cells' values (n, a, 4) in strides."""
    centre = centres + raw[..., :2] * strides[:, None]
    half = raw[..., 2:].clamp(-6, 6).exp() * strides[:, None] / 2
    return torch.cat([centre - half, centre + half], 2)


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return IoU and complete IoU (Zheng et al. 2020) of broadcast boxes (..., 4)."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    iou = inter / (size_a.prod(-1) + size_b.prod(-1) - inter + 1e-6)
    span = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    apart = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2).pow(2).sum(-1)
    distance = apart / (span.pow(2).sum(-1) + 1e-6)
    angle = torch.atan(size_a[..., 0] / (size_a[..., 1] + 1e-6)) - torch.atan(
        size_b[..., 0] / (size_b[..., 1] + 1e-6)
    )
    shape = 0.4053 * angle.pow(2)  # 4 / pi^2
    with torch.no_grad():
        trade = shape / (1 - iou + shape + 1e-6)
    return iou, iou - distance - trade * shape


@torch.no_grad()
def assign(
    scores: Tensor,
    boxes: Tensor,
    truth: Tensor,
    valid: Tensor,
    centres: Tensor,
    strides: Tensor,
    largest: float = 12.0,
) -> tuple[Tensor, Tensor]:
    """Assign faces to cells (task-aligned, Feng et al. 2021): the face of each cell (n, a), -1 for none, and its
    weight (n, a) in 0..1. ``truth`` (n, g, 4) padded, ``valid`` (n, g). A level handles faces of up to ``largest``
    strides."""
    iou, _ = overlap(boxes[:, None], truth[:, :, None])  # n, g, a
    middle = (truth[..., :2] + truth[..., 2:]) / 2
    reach = torch.maximum(
        (truth[..., 2:] - truth[..., :2])[:, :, None] / 2, strides[None, None, :, None] * 1.0
    )
    near = ((centres[None, None] - middle[:, :, None]).abs() < reach).all(-1) & valid[..., None]
    side = (truth[..., 2:] - truth[..., :2]).clamp(min=1).prod(-1).sqrt()
    ratio = side[..., None] / strides
    near &= (ratio > 0.7) & (ratio < largest)
    metric = scores.sigmoid()[:, None] * iou.clamp(min=1e-3).pow(4) * near
    kth = metric.topk(TOP, dim=2).values[..., -1:]
    metric = metric * ((metric >= kth) & (metric > 0))
    best = metric.max(2, keepdim=True).values
    strength = metric / (best + 1e-9) * (iou * (metric > 0)).max(2, keepdim=True).values.clamp(min=0.1)
    power, owner = strength.max(1)
    return torch.where(power > 0, owner, -1), power


class Loss:
    """Quality focal score loss, complete-IoU box loss, landmark loss in units of the face."""

    def __init__(self) -> None:
        centres, strides = cells()
        self.centres, self.strides = centres.to(loop.device()), strides.to(loop.device())

    def __call__(self, network: nn.Module, batch: loop.Batch) -> tuple[Tensor, dict[str, float]]:
        where = loop.device()
        images, truth, valid, points, ignored = (part.to(where) for part in batch)
        images = ((images.permute(0, 3, 1, 2).float() - 128) / 64).contiguous(
            memory_format=torch.channels_last
        )
        with torch.autocast(where.type, torch.bfloat16):
            heads = network(images)
        scores, boxes, landmarks = decode(heads, self.centres, self.strides)
        owner, power = assign(scores, boxes, truth, valid, self.centres, self.strides)
        positive = owner >= 0
        weight = power[positive]
        norm = weight.sum().clamp(min=1.0)
        probability = scores.sigmoid()
        blind = (
            (self.centres[None, None] > ignored[:, :, None, :2])
            & (self.centres[None, None] < ignored[:, :, None, 2:])
        ).all(-1).any(1) & ~positive
        target = power * positive
        focus = torch.where(
            positive, (target - probability).abs().detach(), 0.75 * probability.detach().pow(2)
        )
        raw = functional.binary_cross_entropy_with_logits(scores, target, reduction="none")
        score_loss = (raw * torch.where(positive, focus.clamp(min=0.2), focus) * ~blind).sum() / norm
        image_index = positive.nonzero()[:, 0]
        mine = truth[image_index, owner[positive]]
        _, ciou = overlap(boxes[positive], mine)
        box_loss = ((1 - ciou) * weight).sum() / norm
        wanted = points[image_index, owner[positive]]
        known = ~wanted.isnan().any(-1).any(-1)
        size = (mine[:, 2:] - mine[:, :2]).clamp(min=1).prod(-1).sqrt()[:, None, None]
        error = (landmarks[positive] - wanted.nan_to_num()) / size
        point_loss = (
            functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=0.05).sum((1, 2))
            * weight
            * known
        ).sum() / norm
        total = score_loss * 2 + box_loss * 2 + point_loss * 2.5
        return total, {"score": score_loss.item(), "box": box_loss.item(), "points": point_loss.item()}


def collate(samples: list[Sample]) -> loop.Batch:
    faces = max(1, *(len(s.boxes) for s in samples))
    blind = max(1, *(len(s.ignored) for s in samples))
    n = len(samples)
    truth, points = torch.zeros(n, faces, 4), torch.zeros(n, faces, 5, 2)
    valid, ignored = torch.zeros(n, faces, dtype=torch.bool), torch.full((n, blind, 4), -1e4)
    for index, sample in enumerate(samples):
        count = len(sample.boxes)
        truth[index, :count] = torch.from_numpy(sample.boxes)
        points[index, :count] = torch.from_numpy(sample.landmarks)
        valid[index, :count] = True
        ignored[index, : len(sample.ignored)] = torch.from_numpy(sample.ignored)
    images = torch.from_numpy(np.stack([sample.image for sample in samples]))
    return images, truth, valid, points, ignored


class Validation:
    """AP at IoU 0.4 on whole val scenes, faces of 24 px and more at the stored size."""

    def __init__(self, data: Path) -> None:
        val = DataSet(data, "faces", "val")
        self.scenes = scenes(val)
        boxed = [letterbox(image) for image in val.images(scene.name for scene in self.scenes)]
        self.images = torch.from_numpy(np.stack([image for image, _ in boxed]))
        self.scales = [scale for _, scale in boxed]
        self.centres, self.strides = cells()

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> dict[str, float]:
        results = []
        for part in self.images.split(32):
            images = ((part.permute(0, 3, 1, 2).float() - 128) / 64).to(loop.device())
            heads = [head.cpu() for head in network(images)]
            scores, boxes, _ = decode(heads, self.centres, self.strides)
            results += list(zip(scores.sigmoid().numpy(), boxes.numpy(), strict=True))
        found = []
        for (score, box), scale in zip(results, self.scales, strict=True):
            keep = score > 0.02
            boxes, sure = box[keep] / scale, score[keep]
            best = suppress(boxes, sure, 0.45)
            found.append((boxes[best], sure[best]))
        truth = [scene.boxes for scene in self.scenes]
        return {f"ap40_{px}": average_precision(found, truth, px) for px in (16, 24, 40)}


def load(data: Path, split: str, limit: int | None = None) -> tuple[list[Labelled], list[Labelled]]:
    """Load scenes and patches of one part, ``train`` or ``val``, with missing labels added by the teacher."""
    labeller = teacher(data)
    faces = DataSet(data, "faces", split)
    listed = scenes(faces)[:limit]
    images = faces.images(scene.name for scene in listed)
    wide = [label_scene(labeller, image, scene.boxes) for scene, image in zip(listed, images, strict=True)]
    single = DataSet(data, "landmarks")
    chosen = [index for index in range(len(single)) if bool(index % HELD_OUT) == (split == "train")][:limit]
    points = landmark_points(single)[chosen]
    pictures = single.images(single.rows[index]["name"] for index in chosen)
    patches = [label_patch(labeller, image, p) for image, p in zip(pictures, points, strict=True)]
    return wide, [patch for patch in patches if patch is not None]


def prepare(args: argparse.Namespace) -> loop.Training:
    """Load the scenes and patches, and describe how the detector is trained on them."""
    wide, patches = load(args.data, "train", args.limit)
    print(f"{len(wide)} scenes, {len(patches)} patches", flush=True)
    steps = max(1, len(wide) // args.batch)

    def batches(_epoch: int) -> Iterator[loop.Batch]:
        for _ in range(steps):
            yield collate([random_sample(wide, patches) for _ in range(args.batch)])

    return loop.Training(
        DetectorNet(),
        batches,
        Loss(),
        Validation(args.data),
        file="detector.pt",
        epochs=args.epochs,
        steps_per_epoch=steps,
        peak_rate=2e-3,
        weight_decay=0.01,
    )


if __name__ == "__main__":
    loop.run_training(loop.arguments(__doc__, epochs=72, epochs_text="(%(default)s)", batch=16), prepare)
