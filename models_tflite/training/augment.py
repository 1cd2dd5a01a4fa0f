"""Augmentation: the effects of a shop camera on faces, on whole batches of tensors (n, c, h, w) in 0..255."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from edge.inference.align import CROP_SIDE, TEMPLATE


def crop_pixels(images: Tensor, theta: Tensor, side: int = CROP_SIDE) -> Tensor:
    """Sample (n, c, side, side) crops through affine maps theta (n, 2, 3), repeating the border."""
    grid = functional.affine_grid(theta, [len(images), images.shape[1], side, side], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def plain_theta(count: int, shift: float) -> Tensor:
    """Return the map of a pre-cropped set onto the template, without jitter."""
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1.0
    theta[:, 1, 2] = -2 * shift
    return theta


def random_theta(shift: Tensor, strength: float = 1.0) -> Tensor:
    """Return random maps with the errors of a detector's landmarks: flip, 10 degrees, 7 % size, 5 % place (sigma).

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


def glasses(images: Tensor, share: float = 0.2) -> Tensor:
    """Draw spectacles over the eyes of aligned faces of both genders: a network that has seen them mostly on older men
    takes them for a sign of age and gender."""
    chosen = torch.nonzero(torch.rand(len(images)) < share).flatten()
    if len(chosen) == 0:
        return images
    count, side = len(chosen), images.shape[-1]
    axis = (torch.arange(side) + 0.5) / side
    y, x = (grid[None] for grid in torch.meshgrid(axis, axis, indexing="ij"))

    def between(low: float, high: float) -> Tensor:
        return torch.empty(count, 1, 1).uniform_(low, high)

    half_width, half_height, power = between(0.11, 0.165), between(0.07, 0.125), between(2.0, 6.0)
    thick, drop = between(0.006, 0.026), between(-0.01, 0.03)
    soft = 0.5 / side
    frame, lens = torch.zeros(count, side, side), torch.zeros(count, side, side)
    eyes = torch.from_numpy(TEMPLATE[:2])
    for eye_x, eye_y in eyes.tolist():
        dx, dy = (x - eye_x).abs() / half_width, (y - eye_y - drop).abs() / half_height
        radius = (dx**power + dy**power) ** (1 / power)
        edge = (radius - 1).abs() * torch.minimum(half_width, half_height)
        frame = torch.maximum(frame, ((thick - edge) / soft).clamp(0, 1))
        lens = torch.maximum(lens, (radius < 1).float())
    (left, level), (right, _) = eyes.tolist()
    bar = ((thick - (y - level - drop).abs()) / soft).clamp(0, 1)
    inner = (x > left + half_width) & (x < right - half_width)
    outer = (x < left - half_width) | (x > right + half_width)
    frame = torch.maximum(frame, bar * (inner | outer))
    ink = torch.where(torch.rand(count, 1, 1, 1) < 0.75, 70.0, 255.0) * torch.rand(count, 3, 1, 1)
    tint = 255 * torch.rand(count, 3, 1, 1)
    shade = (lens * between(0.0, 0.3))[:, None]
    out = images[chosen] * (1 - shade) + tint * shade
    solid = (frame * between(0.6, 1.0))[:, None]
    images[chosen] = out * (1 - solid) + ink * solid
    return images


def masks(images: Tensor, share: float = 0.12) -> Tensor:
    """Draw a face mask from the bridge of the nose to the chin of aligned faces."""
    chosen = torch.nonzero(torch.rand(len(images)) < share).flatten()
    count, side = len(chosen), images.shape[-1]
    if count == 0:
        return images
    axis = (torch.arange(side) + 0.5) / side
    y, x = (grid[None] for grid in torch.meshgrid(axis, axis, indexing="ij"))

    def between(low: float, high: float) -> Tensor:
        return torch.empty(count, 1, 1).uniform_(low, high)

    off = (x - 0.5).abs()
    top = between(0.40, 0.52) + 0.35 * off  # highest on the nose
    chin = between(0.88, 1.02)
    width = between(0.30, 0.40) * (1 - ((y - 0.55) / (chin - 0.50)).clamp(0, 1) ** 2).sqrt()
    cloth = ((y - top) * side).clamp(0, 1) * ((width - off) * side).clamp(0, 1)
    folds = 1 - between(0.0, 0.25) * (0.5 + 0.5 * torch.sin(y * between(25.0, 60.0)))
    colour = torch.where(torch.rand(count, 1, 1, 1) < 0.7, 150.0, 0.0) + 105 * torch.rand(count, 3, 1, 1)
    solid = cloth[:, None]
    images[chosen] = images[chosen] * (1 - solid) + colour * folds[:, None] * solid
    return images


def surround(images: Tensor, share: float = 0.25) -> Tensor:
    """Paint over the surroundings of the face, including hair: a cap, a hood, hair tied back, another wall."""
    chosen = torch.nonzero(torch.rand(len(images)) < share).flatten()
    count, side = len(chosen), images.shape[-1]
    if count == 0:
        return images
    axis = (torch.arange(side) + 0.5) / side - 0.5
    y, x = (grid[None] for grid in torch.meshgrid(axis, axis, indexing="ij"))
    wide, tall = torch.empty(count, 1, 1).uniform_(0.36, 0.47), torch.empty(count, 1, 1).uniform_(0.46, 0.6)
    radius = ((x / wide) ** 2 + (y / tall) ** 2).sqrt()
    outside = ((radius - 1) * 12).clamp(0, 1)[:, None]
    colour = 255 * torch.rand(count, 3, 1, 1)
    slope = (x * torch.randn(count, 1, 1) + y * torch.randn(count, 1, 1))[:, None] * 60
    images[chosen] = images[chosen] * (1 - outside) + (colour + slope).clamp(0, 255) * outside
    return images


def light(images: Tensor, strength: float = 1.0) -> Tensor:
    """Change brightness, contrast, gamma and white balance; remove the colour of some faces."""
    count = len(images)
    mean = images.mean((1, 2, 3), keepdim=True)
    contrast = torch.exp((torch.randn(count, 1, 1, 1) * 0.4 - 0.2) * strength)
    images = (images - mean) * contrast + mean + torch.randn(count, 1, 1, 1) * 20 * strength
    balance = torch.exp(torch.randn(count, 3, 1, 1) * 0.13 * strength)
    grey = (torch.rand(count, 1, 1, 1) < 0.2 * strength).float()
    images = images * balance
    images = grey * images.mean(1, keepdim=True) + (1 - grey) * images
    gamma = torch.exp(torch.randn(count, 1, 1, 1) * 0.25 * strength)
    return 255 * (images.clamp(0, 255) / 255 + 1e-4) ** gamma


def camera(images: Tensor, share: float = 0.2) -> Tensor:
    """Make faces small: shrink to 18..48 px, sometimes add sensor noise, and enlarge again."""
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
    """Erase random parts (Zhong et al. 2020), as by a hand, a cup or a scarf."""
    count, channels, side, _ = images.shape
    height, width = (torch.randint(side // 8, side // 2, (count, 1, 1)) for _ in range(2))
    top, left = ((torch.rand(count, 1, 1) * (side - length)).long() for length in (height, width))
    axis = torch.arange(side)
    row, column = axis[None, :, None], axis[None, None]
    hidden = (row >= top) & (row < top + height) & (column >= left) & (column < left + width)
    hidden &= torch.rand(count, 1, 1) < share
    return torch.where(hidden[:, None], torch.rand(count, channels, 1, 1) * 255, images)
