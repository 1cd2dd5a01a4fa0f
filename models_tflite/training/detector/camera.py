"""What cheap cameras do to pictures, on whole batches (b, 3, HEIGHT, WIDTH) of blue, green, red in 0..255."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from models_tflite.training.letterbox import HEIGHT, WIDTH

BLOCK = 8
# The tables of ITU-T T.81, annex K, at quality 50.
LUMA_TABLE = """16 11 10 16 24 40 51 61  12 12 14 19 26 58 60 55  14 13 16 24 40 57 69 56  14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77  24 35 55 64 81 104 113 92  49 64 78 87 103 121 120 101  72 92 95 98 112 100 103 99"""
CHROMA_TABLE = """17 18 24 47 99 99 99 99  18 21 26 66 99 99 99 99  24 26 56 99 99 99 99 99  47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99"""


def _table(text: str) -> Tensor:
    return torch.tensor([float(value) for value in text.split()]).view(BLOCK, BLOCK)


def _cosines() -> Tensor:
    """Return the discrete cosine transform of eight values, orthonormal (8, 8)."""
    rows = [
        [math.sqrt((2 if k else 1) / BLOCK) * math.cos((2 * n + 1) * k * math.pi / 16) for n in range(BLOCK)]
        for k in range(BLOCK)
    ]
    return torch.tensor(rows)


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Compress as JPEG at ``quality`` (b,): round the coefficients as an encoder does."""
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[:, None, None, None, None]
    cosines = _cosines().to(images.device)

    def rounded(plane: Tensor, table: Tensor) -> Tensor:
        blocks = plane.reshape(-1, HEIGHT // BLOCK, BLOCK, WIDTH // BLOCK, BLOCK).permute(0, 1, 3, 2, 4)
        steps = (table.to(images.device) * scale).clamp(min=1)
        coefficients = (cosines @ blocks @ cosines.T / steps).round() * steps
        out = cosines.T @ coefficients @ cosines
        return out.permute(0, 1, 3, 2, 4).reshape(-1, HEIGHT, WIDTH)

    blue, green, red = images.unbind(1)
    luma = 0.114 * blue + 0.587 * green + 0.299 * red
    chroma = torch.stack([0.564 * (blue - luma), 0.713 * (red - luma)], 1)
    chroma = functional.interpolate(functional.avg_pool2d(chroma, 2), scale_factor=2.0)
    luma = rounded(luma - 128, _table(LUMA_TABLE)) + 128
    cb, cr = (rounded(chroma[:, plane], _table(CHROMA_TABLE)) for plane in range(2))
    red, blue = luma + 1.402 * cr, luma + 1.772 * cb
    return torch.stack([blue, (luma - 0.114 * blue - 0.299 * red) / 0.587, red], 1)


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of ``sigma`` (b,) pixels, by five taps along each axis."""
    taps = torch.exp(-(torch.arange(3, device=images.device) ** 2) / (2 * sigma[:, None] ** 2))
    taps = taps / (taps[:, :1] + 2 * taps[:, 1:].sum(1, keepdim=True))
    near, next_, far = taps.T[..., None, None, None]
    padded = functional.pad(images, (2, 2, 0, 0), mode="replicate")
    images = (
        near * images
        + next_ * (padded[..., 1:-3] + padded[..., 3:-1])
        + far * (padded[..., :-4] + padded[..., 4:])
    )
    padded = functional.pad(images, (0, 0, 2, 2), mode="replicate")
    sides = next_ * (padded[..., 1:-3, :] + padded[..., 3:-1, :])
    return near * images + sides + far * (padded[..., :-4, :] + padded[..., 4:, :])


def light(images: Tensor) -> Tensor:
    """Contrast, brightness, white balance, gamma, and for some no colour."""
    count, where = len(images), images.device

    def normal(spread: float, channels: int = 1) -> Tensor:
        return torch.randn(count, channels, 1, 1, device=where) * spread

    def share(part: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, device=where) < part

    changed = share(0.8)
    contrast = torch.where(changed, normal(0.25).exp(), 1.0)
    brightness = torch.where(changed, normal(22), 0.0)
    balance = torch.where(changed, normal(0.06, 3).exp(), 1.0)
    gamma = torch.where(share(0.3), normal(0.35).exp(), 1.0)
    images = ((images - 128) * contrast + 128 + brightness) * balance
    images = 255 * (images.clamp(0, 255) / 255 + 1e-6) ** gamma
    return torch.where(share(0.12), images.mean(1, keepdim=True), images)


def degrade(images: Tensor) -> Tensor:
    """Light for all; blur for a sixth, noise for a fifth, compression for a fifth. The batch is in random order, so a
    share of it is a run of its pictures, and rolling it between the steps makes the shares overlap by chance."""
    count, where = len(images), images.device
    images = light(images)
    turns = (count // 6, int(count * 0.37), int(count * 0.23))
    images = images.roll(turns[0], 0)
    some = count // 6
    images[:some] = blur(images[:some], 0.4 + 0.9 * torch.rand(some, device=where))
    images = images.roll(turns[1], 0)
    some = count // 5
    strength = 2 + 9 * torch.rand(some, 1, 1, 1, device=where)
    images[:some] += torch.randn_like(images[:some]) * strength
    images = images.clamp(0, 255).roll(turns[2], 0)
    images[:some] = jpeg(images[:some], 22 + 58 * torch.rand(some, device=where))
    return images.roll(-sum(turns), 0).clamp(0, 255).round()
