"""The float networks, run by the shipped code: the difference to int8 is the loss by quantisation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from edge.inference.manifest import Manifest, ModelEntry
from edge.inference.model import Model, interpreter_class
from edge.types import Floats, Image


class FloatOutput:
    """One output tensor of float numbers, which needs no conversion from int8."""

    def __init__(self, name: str) -> None:
        self.name = name

    def floats(self, raw: Floats) -> Floats:
        return raw

    def quantised(self, value: float) -> float:
        return value


class FloatModel:
    """Replaces :class:`edge.inference.model.Model` with the float ``.tflite`` file of an export."""

    def __init__(self, entry: ModelEntry, folder: Path) -> None:
        interpreter = interpreter_class()(model_path=str(folder / entry.path.name), num_threads=1)
        self._run = interpreter.get_signature_runner("serving_default")
        self._input = next(iter(self._run.get_input_details()))
        self.height, self.width = entry.height, entry.width
        # the manifest lists the outputs in the network's order, as the signature does
        self._roles = {f"output_{index}": role for index, role in enumerate(entry.outputs)}
        self.outputs: Mapping[str, FloatOutput] = {role: FloatOutput(role) for role in entry.outputs}

    def run(self, image: Image) -> dict[str, Floats]:
        pixels = (image.astype(np.float32) - 128) / 64
        return {
            self._roles[name]: values[0] for name, values in self._run(**{self._input: pixels[None]}).items()
        }


def models(manifest: Manifest, *, runtime: str = "auto", floats: Path | None = None) -> dict[str, Model]:
    """Load ``detector``, ``landmarks`` and ``attributes`` as shipped. Those with a float file in the folder ``floats``,
    which has one file only after an export of one network, are loaded from there."""
    entries = {
        "detector": manifest.detector,
        "landmarks": manifest.landmarks,
        "attributes": manifest.attributes,
    }
    return {
        name: cast(Model, FloatModel(entry, floats))
        if floats and (floats / entry.path.name).is_file()
        else Model(entry, runtime=runtime)
        for name, entry in entries.items()
    }
