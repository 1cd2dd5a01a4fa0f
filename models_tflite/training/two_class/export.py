"""From the weights trained with simulated rounding to an int8 file and its description:
``python -m models_tflite.training.two_class.export --data DIR --weights RUN/rounded.pt --out DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import tomli_w
import torch

from models_tflite.training.export import CALIBRATION_PICTURES, entry, full_range, to_int8
from models_tflite.training.scenes import HEIGHT, WIDTH, letterbox
from models_tflite.training.two_class.items import read_items
from models_tflite.training.two_class.networks import KINDS, STRIDES
from models_tflite.training.two_class.quantised import exported

NAME = "people_and_faces"
SHARES = {"faces": 0.4, "faces2": 0.2, "person": 0.4}
"""Of the pictures that the ranges are taken from."""


def pictures(data: Path, limit: int | None) -> Iterator[np.ndarray]:
    """Pictures of all sets as the network sees them, spread over each set."""
    for name, some in groupby(read_items(data, "train", limit=limit), key=lambda item: item.set):
        items, count = list(some), round(CALIBRATION_PICTURES * SHARES[name])
        for item in items[:: max(1, len(items) // count)][:count]:
            yield full_range(letterbox(item.image())[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="pictures of each set, for a smoke run")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    network = exported(torch.load(args.weights, map_location="cpu", weights_only=True))
    path = args.out / f"{NAME}.tflite"
    floats = args.weights.with_name("float")
    floats.mkdir(exist_ok=True)
    shown = list(pictures(args.data, args.limit))
    names = to_int8(network, (HEIGHT, WIDTH), shown, path, floats=floats, forget_outliers=True)
    roles = [f"{kind}{stride}" for stride in STRIDES for kind in KINDS]
    table = entry(path, (HEIGHT, WIDTH), dict(zip(roles, names, strict=True)))
    path.with_suffix(".toml").write_text(tomli_w.dumps(table | {"input": {"mean": 128, "scale": 64}}))


if __name__ == "__main__":
    main()
