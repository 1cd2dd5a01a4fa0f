"""What the export of the detector needs: the trained network, the names of its maps, pictures to take ranges from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from edge.inference.detect import STRIDES
from models_tflite.training.detector.items import read_items
from models_tflite.training.detector.networks import KINDS, Student
from models_tflite.training.detector.quantised import FILE, exported
from models_tflite.training.letterbox import letterbox

RUN = "detector-int8"
"""The last of the three runs, beside the runs of the other networks."""

ROLES = [f"{kind}{stride}" for stride in STRIDES for kind in KINDS]
SHARES = {"faces": 0.4, "faces2": 0.2, "person": 0.4}
"""Of the pictures that the ranges are taken from."""


def network(runs: Path) -> Student:
    """Load the detector as its last training left it."""
    return exported(torch.load(runs / RUN / FILE, map_location="cpu", weights_only=True))


def pictures(data: Path, count: int) -> Iterator[np.ndarray]:
    """Yield pictures of all sets as the network sees them, spread over each set."""
    for name, some in groupby(read_items(data, "train"), key=lambda item: item.set):
        items, wanted = list(some), round(count * SHARES[name])
        for item in items[:: max(1, len(items) // wanted)][:wanted]:
            yield letterbox(item.image())[0]
