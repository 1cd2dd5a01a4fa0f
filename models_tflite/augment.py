"""What a shop camera does to a face, on whole batches of tensors (n, c, h, w) in 0..255."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from edge.inference.align import CROP_SIDE


def crop_pixels(images: Tensor, theta: Tensor, side: int = CROP_SIDE) -> Tensor:
    """Sample (n, c, side, side) crops through affine maps theta (n, 2, 3), repeating the border."""
    grid = functional.affine_grid(theta, [len(images), images.shape[1], side, side], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def plain_theta(count: int, shift: float) -> Tensor:
    """The map of a pre-cropped set onto the template, without jitter."""
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1.0
    theta[:, 1, 2] = -2 * shift
    return theta


def random_theta(shift: Tensor, strength: float = 1.0) -> Tensor:
    """Jitter as wide as a detector's landmarks are wrong: flip, 10 degrees, 7 % size, 5 % place (sigma).

    ``shift`` (n,) is the set's own vertical shift in crop sides.
    """
    count = len(shift)
    angle = torch.randn(count).clamp(-2.5, 2.5) * math.radians(10.0) * strength
    scale = torch.exp(torch.randn(count).clamp(-2.5, 2.5) * 0.07 * strength)
    stretch = torch.exp(torch.randn(count) * 0.03 * strength)
    flip = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = flip * scale * stretch * angle.cos()
    theta[:, 0, 1] = -scale * angle.sin()
    theta[:, 1, 0] = flip * scale * angle.sin()
    theta[:, 1, 1] = scale / stretch * angle.cos()
    theta[:, 0, 2] = torch.randn(count).clamp(-2, 2) * 0.05 * strength
    theta[:, 1, 2] = torch.randn(count).clamp(-2, 2) * 0.05 * strength - 2 * shift
    return theta


def light(images: Tensor, strength: float = 1.0) -> Tensor:
    """Brightness, contrast, gamma, white balance, and for some no colour at all."""
    count = len(images)
    mean = images.mean((1, 2, 3), keepdim=True)
    contrast = torch.exp(torch.randn(count, 1, 1, 1) * 0.25 * strength)
    images = (images - mean) * contrast + mean + torch.randn(count, 1, 1, 1) * 20 * strength
    balance = torch.exp(torch.randn(count, 3, 1, 1) * 0.08 * strength)
    grey = (torch.rand(count, 1, 1, 1) < 0.2 * strength).float()
    images = images * balance
    images = grey * images.mean(1, keepdim=True) + (1 - grey) * images
    gamma = torch.exp(torch.randn(count, 1, 1, 1) * 0.25 * strength)
    return 255 * (images.clamp(0, 255) / 255 + 1e-4) ** gamma


def camera(images: Tensor, share: float = 0.2) -> Tensor:
    """Small faces: shrink to 18..48 px, sometimes add sensor noise, and enlarge again."""
    side = images.shape[-1]
    out = images.clone()
    order = torch.randperm(len(images))
    for part in order[: int(len(images) * share)].chunk(4):
        if len(part) == 0:
            continue
        small = int(torch.randint(18, 48, (1,)))
        low = functional.interpolate(images[part], (small, small), mode="bilinear", antialias=True)
        low = low + torch.randn_like(low) * float(torch.rand(1)) * 8
        out[part] = functional.interpolate(low, (side, side), mode="bilinear")
    return out


def erase(images: Tensor, share: float = 0.15) -> Tensor:
    """Random erasing (Zhong et al. 2020): a hand, a cup, a scarf."""
    side = images.shape[-1]
    for index in torch.nonzero(torch.rand(len(images)) < share).flatten().tolist():
        height, width = (int(v) for v in torch.randint(side // 8, side // 2, (2,)))
        top, left = int(torch.randint(0, side - height, (1,))), int(torch.randint(0, side - width, (1,)))
        images[index, :, top : top + height, left : left + width] = torch.rand(3, 1, 1) * 255
    return images
