"""Labelled faces in memory, and what every training on them needs: distorted batches, plain pictures, and errors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from models_tflite.training import augment, loop
from models_tflite.training.datasets import SET_SHIFT


class Faces(ABC):
    """``images`` (n, c, s, s) uint8 and their ``labels``, each (n, ...), on the device that trains."""

    SET: str
    """The set, which also tells how its pictures lie on the device's template."""

    LISTENING: tuple[float, float]
    """How much of what teachers say counts, for each of the two heads."""

    def __init__(self, images: Tensor, labels: Sequence[Tensor]) -> None:
        self.images = images.to(loop.device())
        self.labels = tuple(label.to(loop.device()) for label in labels)

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, size: int, strength: float) -> Iterator[loop.Batch]:
        """Yield one epoch: pictures (size, c, 64, 64) in 0..255 and their labels. ``strength`` of the augmentation: 1
        is as bad as a shop's camera."""
        shift = torch.full((size,), SET_SHIFT[self.SET])
        for chosen in torch.randperm(len(self)).split(size):
            if len(chosen) < size:
                return
            pictures = self.distorted(self.images[chosen].float(), shift, strength)
            yield pictures, *(label[chosen] for label in self.labels)

    def plain(self, size: int = 256) -> Iterator[Tensor]:
        """Yield all pictures in order, in parts of ``size``, cut as the device does."""
        for part in self.images.split(size):
            yield augment.crop_pixels(part.float(), augment.plain_theta(len(part), SET_SHIFT[self.SET]))

    @abstractmethod
    def distorted(self, pixels: Tensor, shift: Tensor, strength: float) -> Tensor:
        """Return crops (n, c, 64, 64) of the pictures (n, c, s, s), as a camera might show them."""

    @abstractmethod
    def errors(self, heads: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
        """Return how wrong the two heads' logits (n, k) are about each face (n,)."""

    @abstractmethod
    def figures(self, told: Sequence[Tensor]) -> dict[str, float]:
        """Return what the two heads' probabilities (n, k) for all plain pictures are worth."""
