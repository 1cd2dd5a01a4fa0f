"""The cells of the detector's three maps: where they are, what box each means, and which one learns what."""

from __future__ import annotations

import torch
from torch import Tensor

from edge.inference.detect import STRIDES
from models_tflite.training.letterbox import HEIGHT, WIDTH

TOP = 9
"""Maximum number of cells assigned to one face or person (task-aligned assignment)."""


def cells(height: int = HEIGHT, width: int = WIDTH) -> tuple[Tensor, Tensor]:
    """Return centres (a, 2) and strides (a,) of all cells, finest level first, row by row."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


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
    """Assign boxes of a class to cells (task-aligned, Feng et al. 2021): the box of each cell (n, a), -1 for none,
    and its weight (n, a) in 0..1. ``truth`` (n, g, 4) padded, ``valid`` (n, g). A level handles boxes of up to
    ``largest`` strides."""
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
