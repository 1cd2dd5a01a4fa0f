"""The only module that uses a TFLite runtime: ``ai-edge-litert`` or ``tflite-runtime``, whichever is installed."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from common.errors import UserError
from edge.inference.manifest import ModelEntry
from edge.types import Floats, Image

RUNTIMES = {"ai-edge-litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}

INPUT_SCALE = 1 / 64
"""The networks take (pixel - 128) / 64, so their int8 input is pixel - 128: a single exclusive-or."""

Int8 = npt.NDArray[np.int8]


def interpreter_class(runtime: str = "auto") -> Any:
    """Return the ``Interpreter`` class of the requested runtime, or with ``auto`` of the first one installed."""
    wanted = list(RUNTIMES) if runtime == "auto" else [runtime]
    for name in wanted:
        try:
            return importlib.import_module(RUNTIMES[name]).Interpreter
        except ImportError:
            continue
    raise UserError(f"models.runtime: {' or '.join(wanted)} is not installed; pip install ai-edge-litert")


@contextmanager
def _silent_runtime() -> Iterator[None]:
    """Discard what the runtime writes to file descriptor 2 while it loads. It announces its delegate there, but our
    users expect only one line for an error. Errors are still raised."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class Output:
    """One output tensor, and how its int8 values are converted to numbers."""

    def __init__(self, name: str, details: Mapping[str, Any]) -> None:
        scale, zero = details["quantization"]
        self.name, self.index = name, int(details["index"])
        self.shape = tuple(int(side) for side in details["shape"])
        self.scale, self.zero = float(scale), int(zero)

    def floats(self, raw: Int8) -> Floats:
        return (raw.astype(np.float32) - self.zero) * np.float32(self.scale)

    def quantised(self, value: float) -> int:
        """Return the smallest int8 value that stands for at least ``value``; 128 if there is none."""
        return min(128, max(-128, int(np.ceil(value / self.scale)) + self.zero))


class Model:
    """A loaded int8 network: ``run(image)`` takes uint8 (height, width, 3) and returns int8 tensors by name.

    Raises ``UserError`` when the file differs from the manifest or is not fully integer.
    """

    def __init__(self, entry: ModelEntry, *, threads: int = 1, runtime: str = "auto") -> None:
        content = entry.content()
        try:
            with _silent_runtime():
                self._interpreter = interpreter_class(runtime)(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"{entry.path}: this runtime cannot load the model: {str(error).splitlines()[0]}"
            ) from None
        (details,) = self._interpreter.get_input_details()
        scale, zero = details["quantization"]
        if details["dtype"] is not np.int8 or abs(scale - INPUT_SCALE) > 1e-6 or zero != 0:
            raise UserError(f"{entry.path}: input is not int8 at scale 1/64; export the models again")
        self._input = int(details["index"])
        self.height, self.width = entry.height, entry.width
        if tuple(details["shape"]) != (1, self.height, self.width, 3):
            raise UserError(
                f"{entry.path}: input is {tuple(details['shape'])}, not as in the manifest; export the models again"
            )
        found = {item["name"]: item for item in self._interpreter.get_output_details()}
        missing = [tensor for tensor in entry.outputs.values() if tensor not in found]
        if missing:
            raise UserError(f"{entry.path}: no output tensor {missing[0]!r}; export the models again")
        self.outputs = {name: Output(name, found[tensor]) for name, tensor in entry.outputs.items()}

    def run(self, image: Image) -> dict[str, Int8]:
        self._interpreter.set_tensor(self._input, (image ^ np.uint8(0x80)).view(np.int8)[None])
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(out.index)[0] for name, out in self.outputs.items()}
