"""Painted patterns that look like a face and are none, laid into training pictures on the device that trains."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models_tflite.training.detector.patterns import pattern
from models_tflite.training.detector.views import Labels
from models_tflite.training.letterbox import HEIGHT, WIDTH

SIDE = 96
LEAST_RADIUS, LARGEST_RADIUS = 8.0, 85.0
"""Input pixels."""


class Decoys:
    """``count`` patterns (count, 4, SIDE, SIDE) with opacity as the fourth channel, and two smaller sizes of each."""

    def __init__(self, count: int, where: torch.device) -> None:
        patterns = np.stack([self._pattern() for _ in range(count)])
        largest = torch.from_numpy(patterns).to(where).permute(0, 3, 1, 2).float()
        half = functional.avg_pool2d(largest, 2)
        self.sizes = (largest, half, functional.avg_pool2d(half, 2))

    @staticmethod
    def _pattern() -> np.ndarray:
        canvas, mask = pattern()
        opacity = cv2.GaussianBlur(mask, (0, 0), 3).astype(np.float32) * np.random.uniform(0.75, 1.0)
        whole = np.dstack([canvas, opacity.astype(np.uint8)])
        return np.asarray(cv2.resize(whole, (SIDE, SIDE), interpolation=cv2.INTER_AREA))

    def paste(self, images: Tensor, labels: Labels, count: int) -> None:
        """Lay one into each of the first ``count`` pictures (b, 3, HEIGHT, WIDTH), unless it met a face, or hid two
        fifths of a person."""
        where = images.device
        octaves = math.log(LARGEST_RADIUS / LEAST_RADIUS)
        radius = LEAST_RADIUS * (octaves * torch.rand(count, device=where)).exp()
        whole = torch.tensor([WIDTH, HEIGHT], device=where)
        middle = radius[:, None] + (whole - 2 * radius[:, None]) * torch.rand(count, 2, device=where)
        free = self._free(labels, middle, radius, count)
        grid = functional.affine_grid(
            self._maps(middle, radius), [count, 4, HEIGHT, WIDTH], align_corners=False
        )
        chosen = torch.randint(0, len(self.sizes[0]), (count,), device=where)
        large, half, quarter = (
            functional.grid_sample(size[chosen], grid, align_corners=False) for size in self.sizes
        )
        shrunk = (2.5 * radius / SIDE)[:, None, None, None]
        drawn = torch.where(shrunk > 0.7, large, torch.where(shrunk > 0.35, half, quarter))
        opacity = drawn[:, 3:] / 255 * free[:, None, None, None]
        images[:count] = images[:count] * (1 - opacity) + drawn[:, :3] * opacity

    @staticmethod
    def _free(labels: Labels, middle: Tensor, radius: Tensor, count: int) -> Tensor:
        """Whether each place (n,) may be painted over."""
        low, high = middle - 1.4 * radius[:, None], middle + 1.4 * radius[:, None]

        def meets(boxes: Tensor) -> Tensor:
            return ((boxes[..., :2] < high[:, None]) & (boxes[..., 2:] > low[:, None])).all(-1)

        faces, people = labels.faces[:count], labels.people[:count]
        taken = (meets(faces) & (faces[..., 2] > faces[..., 0])).any(1)
        taken |= meets(labels.unsure_faces[:count]).any(1)
        hidden = (people[..., 2:].minimum(high[:, None]) - people[..., :2].maximum(low[:, None])).clamp(min=0)
        share = hidden.prod(-1) / (people[..., 2:] - people[..., :2]).prod(-1).clamp(min=1)
        return ~(taken | (share > 0.4).any(1))

    @staticmethod
    def _maps(middle: Tensor, radius: Tensor) -> Tensor:
        """Return maps (n, 2, 3) from picture to pattern, both in -1..1, turned by 10 degrees (sigma) and stretched."""
        turn = torch.randn_like(radius) * 0.17
        size = 1 / (radius * 1.25)
        wide = (torch.rand_like(radius) * 0.36 - 0.2).exp()
        cos, sin = size * turn.cos(), size * turn.sin()
        x, y = middle[:, 0] - WIDTH / 2, middle[:, 1] - HEIGHT / 2
        half_width, half_height = WIDTH / 2, HEIGHT / 2
        first = torch.stack([cos / wide * half_width, sin * half_height, -(cos / wide * x + sin * y)], 1)
        second = torch.stack([-sin / wide * half_width, cos * half_height, sin / wide * x - cos * y], 1)
        return torch.stack([first, second], 1)
