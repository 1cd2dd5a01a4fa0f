"""The faces of ``utkface``, from which age and gender are learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from common.vocabulary import AGE_BINS, GENDERS
from models_tflite.training import augment
from models_tflite.training.datasets import DataSet, select
from models_tflite.training.faces import Faces

STORED_SIDE = 112
"""Pictures are stored in memory at their own side, so that a jittered crop has enough detail."""

AGE_SIGMA = 2.5
SMOOTHING = 0.05


class People(Faces):
    """Faces in colour. Labels: age in years (n,), gender (n,) as an index of GENDERS."""

    SET = "utkface"
    LISTENING = (1.0, 3.0)

    @classmethod
    def load(cls, data: Path, split: str, limit: int | None = None) -> People:
        utk = DataSet(data, cls.SET, split)
        utk.rows = utk.rows[:limit]
        ages = torch.tensor([float(age) for age in utk.column("age")])
        genders = torch.from_numpy(select(utk.column("gender"), GENDERS))
        images = torch.from_numpy(utk.stack(STORED_SIDE)).permute(0, 3, 1, 2).contiguous()
        return cls(images, (ages, genders))

    def distorted(self, pixels: Tensor, shift: Tensor, strength: float) -> Tensor:
        pixels = augment.masks(augment.glasses(pixels))
        images = augment.crop_pixels(pixels, augment.random_theta(shift, strength))
        # age and gender must not depend on light, also in the last epoch
        images = augment.light(augment.surround(images), 1.0)
        images = augment.erase(images, 0.15 * strength)
        return augment.camera(images, 0.25 * strength).clamp(0, 255)

    def errors(self, heads: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
        (age, gender), (ages, genders) = heads, labels
        kl = functional.kl_div(age.log_softmax(1), age_distribution(ages), reduction="none").sum(1)
        l1 = (expected_years(age.softmax(1)) - ages).abs()
        g = functional.cross_entropy(gender, genders, label_smoothing=SMOOTHING, reduction="none")
        return kl + 0.1 * l1 + 1.5 * g

    def figures(self, told: Sequence[Tensor]) -> dict[str, float]:
        ages, genders = self.labels
        right = told[1].argmax(1) == genders
        return {
            "val_age_mae": float((expected_years(told[0]) - ages).abs().mean()),
            "val_gender": float(right.float().mean()),
            "val_gender_18plus": float(right[ages >= 18].float().mean()),
        }


def expected_years(probabilities: Tensor) -> Tensor:
    """Return the expected age (n,) of distributions (n, AGE_BINS)."""
    return probabilities @ torch.arange(AGE_BINS, dtype=torch.float32, device=probabilities.device)


def age_distribution(ages: Tensor) -> Tensor:
    """Return the label distribution (n, AGE_BINS): a Gaussian about the labelled year (Gao et al. 2017, DLDL)."""
    years = torch.arange(AGE_BINS, dtype=torch.float32, device=ages.device)
    weights = torch.exp(-((years - ages.clamp(0, AGE_BINS - 1)[:, None]) ** 2) / (2 * AGE_SIGMA**2))
    return weights / weights.sum(1, keepdim=True)
