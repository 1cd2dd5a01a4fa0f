"""Describe one face: aligned crop, one int8 pass, calibrated probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge.inference.align import aligned_crop
from edge.inference.model import Model
from edge.types import Face, FaceScores, Floats, Image


def softmax(logits: Floats) -> Floats:
    """Return probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True), np.float32)


class AttributeClassifier:
    """Age, gender and expression in one pass; ``temperatures`` (per head) calibrate the probabilities (temperature
    scaling, Guo et al. 2017)."""

    def __init__(self, model: Model, temperatures: Mapping[str, float]) -> None:
        self._model = model
        self._temperatures = temperatures

    def classify(self, image: Image, face: Face, *, mirrored: bool = False) -> FaceScores:
        crop = aligned_crop(image, face.landmarks, self._model.width)
        return self.describe(np.ascontiguousarray(crop[:, ::-1]) if mirrored else crop)

    def describe(self, crop: Image) -> FaceScores:
        """Return the scores of an aligned crop (side, side, 3) BGR uint8."""
        raw = self._model.run(crop)
        heads = {
            name: softmax(self._model.outputs[name].floats(raw[name].reshape(-1)) / self._temperatures[name])
            for name in ("age", "gender", "expression")
        }
        return FaceScores(heads["age"], heads["gender"], heads["expression"])
