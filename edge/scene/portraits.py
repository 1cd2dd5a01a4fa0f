"""Composite portraits of invented people, with labels. Made by ``models_tflite/training/portraits.py``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import cv2
import numpy as np

from edge.types import Floats, Image


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face: ``picture`` BGRA uint8 (side, side, 4), ``landmarks`` (5, 2) float32 in its pixels.

    The labels describe the picture only; no real person has this face.
    """

    name: str
    gender: str
    age_band: str
    expression: str
    picture: Image
    landmarks: Floats

    @property
    def side(self) -> int:
        return int(self.picture.shape[0])


@cache
def load_portraits() -> tuple[Portrait, ...]:
    """Return all portraits, in the order of ``portraits.toml``."""
    folder = files("edge.scene")
    described = tomllib.loads((folder / "portraits.toml").read_text(encoding="utf-8"))
    portraits = []
    for entry in described["portrait"]:
        content = np.frombuffer((folder / entry["file"]).read_bytes(), np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
        landmarks = np.array(entry["landmarks"], np.float32)
        portraits.append(
            Portrait(
                entry["name"],
                entry["gender"],
                entry["age_band"],
                entry["expression"],
                picture,  # type: ignore[arg-type]
                landmarks,
            )
        )
    return tuple(portraits)
