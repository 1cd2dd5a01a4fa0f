"""The faces of ``fer``, from which expression is learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from models_tflite.training import augment
from models_tflite.training.datasets import FER2013_LABELS, DataSet, majority_votes, select, vote_shares
from models_tflite.training.faces import Faces

STORED_SIDE = 72
"""Pictures are stored in memory at this side: they are 48 wide, and a jittered crop needs no more."""

VOTES_SMOOTHING, LABEL_SMOOTHING = 0.05, 0.08
"""The one label of fer2013 is wrong more often than the votes of ten annotators."""


class Expressions(Faces):
    """Grey faces. Labels: shares of the votes (n, 7) and their weight (n,); label of fer2013 (n,); class of most votes
    (n,), -1 without one."""

    SET = "fer"
    LISTENING = (1.0, 1.0)

    @classmethod
    def load(cls, data: Path, split: str, limit: int | None = None) -> Expressions:
        fer = DataSet(data, cls.SET, split)
        fer.rows = fer.rows[:limit]
        votes, weight = vote_shares(fer)
        labels = (votes, weight, select(fer.column("fer2013"), FER2013_LABELS), majority_votes(fer))
        images = torch.from_numpy(fer.stack(STORED_SIDE, grey=True)).unsqueeze(1)
        return cls(images, [torch.from_numpy(label) for label in labels])

    def distorted(self, pixels: Tensor, shift: Tensor, strength: float) -> Tensor:
        images = augment.crop_pixels(pixels, augment.random_theta(shift, strength))
        images = augment.light(images.expand(-1, 3, -1, -1), 0.7 * strength)[:, :1]
        images = augment.erase(images, 0.2 * strength)
        return augment.camera(images, 0.15 * strength).clamp(0, 255)

    def errors(self, heads: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
        (voted, labelled), (votes, weight, label, _) = heads, labels
        soft = votes * (1 - VOTES_SMOOTHING) + VOTES_SMOOTHING / votes.shape[1]
        v = functional.cross_entropy(voted, soft, reduction="none") * weight / weight.mean().clamp(min=0.1)
        return v + functional.cross_entropy(
            labelled, label, label_smoothing=LABEL_SMOOTHING, reduction="none"
        )

    def figures(self, told: Sequence[Tensor]) -> dict[str, float]:
        *_, label, majority = self.labels
        voted, labelled = (head.argmax(1) for head in told)
        clear = majority >= 0
        return {
            "val_fer2013": float((labelled == label).float().mean()),
            "val_ferplus": float((voted == majority)[clear].float().mean()),
        }
