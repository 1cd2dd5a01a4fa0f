"""Export trained weights to the shipped int8 files:
``python -m models_tflite.training.export --data DIR --runs RUNS --version V``.

``--only NAME`` replaces that file and its part of the manifest, and leaves the other networks as they are.
"""

from __future__ import annotations

import argparse
import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import tomli_w
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import calibrator, quantizer, recipe, recipe_manager
from ai_edge_quantizer.utils import qsv_utils
from torch import Tensor, nn

from edge.inference import landmarks
from edge.inference.align import CROP_SIDE, sampled
from edge.inference.manifest import FILE
from models_tflite.evaluation.calibrate import NEUTRAL
from models_tflite.evaluation.cards import NAMES
from models_tflite.training import augment
from models_tflite.training.datasets import SET_SHIFT, DataSet, landmark_points
from models_tflite.training.detector import export as detector
from models_tflite.training.letterbox import HEIGHT, WIDTH
from models_tflite.training.networks import (
    AttributeNet,
    LandmarkNet,
    expression_tower,
    fuse,
    people_tower,
)

HERE = Path(__file__).parents[1]
CALIBRATION_PICTURES = 300


class Flat(nn.Module):
    """A network as the device calls it: channels last in and out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(image.permute(0, 3, 1, 2))
        return tuple(out.permute(0, 2, 3, 1) if out.ndim == 4 else out for out in outputs)


def pixels_to_input(image: np.ndarray) -> np.ndarray:
    return ((image.astype(np.float32) - 128) / 64)[None]


def full_range(image: np.ndarray) -> np.ndarray:
    """Two pixels at the ends of the range, so that the input's scale becomes exactly 1/64."""
    image = image.copy()
    image[0, 0], image[0, 1] = 0, 255
    return image


def attribute_pictures(data: Path) -> Iterable[np.ndarray]:
    for name in ("utkface", "fer"):
        train = DataSet(data, name, "train")
        train.rows = train.rows[:: max(1, len(train) // CALIBRATION_PICTURES)][: CALIBRATION_PICTURES // 2]
        for image in train.images():
            batch = torch.from_numpy(image).permute(2, 0, 1)[None].float()
            crop = augment.crop_pixels(batch, augment.plain_theta(1, SET_SHIFT[name]))
            yield full_range(crop[0].permute(1, 2, 0).round().numpy().astype(np.uint8))


def landmark_pictures(data: Path) -> Iterable[np.ndarray]:
    train = DataSet(data, "landmarks")
    train.rows = train.rows[:: max(1, len(train) // CALIBRATION_PICTURES)]
    side = landmarks.CROP_SIDE
    for image, points in zip(train.images(), landmark_points(train), strict=True):
        # a tight box of a face is about twice as high as the distance from the eyes to the mouth
        scale = side / (landmarks.CROP_REACH * 2 * float(np.ptp(points, 0).max()))
        shift = side / 2 - scale * points.mean(0)
        yield full_range(
            sampled(image, np.hstack([np.eye(2) * scale, shift[:, None]]).astype(np.float32), side)
        )


def to_int8(
    network: nn.Module,
    side: tuple[int, int],
    pictures: Iterable[np.ndarray],
    target: Path,
    *,
    floats: Path,
    forget_outliers: bool,
) -> list[str]:
    """Export to a float file in the folder ``floats``, calibrate on real pictures, quantise weights and activations
    to int8 in ``target``; returns tensor names of the outputs in the network's order."""
    flat = Flat(fuse(network.eval())).eval()
    path = floats / target.name
    litert_torch.convert(flat, (torch.zeros(1, *side, 3),)).export(str(path))
    original = Interpreter(model_path=str(path))
    original.allocate_tensors()
    signature = original.get_signature_list()["serving_default"]
    quantiser = quantizer.Quantizer(str(path))
    quantiser.load_quantization_recipe(recipe.static_wi8_ai8())
    samples = [{signature["inputs"][0]: pixels_to_input(picture)} for picture in pictures]
    recipes = recipe_manager.RecipeManager()
    recipes.load_quantization_recipe(recipe.static_wi8_ai8())

    def ranges(update: Any) -> dict[str, Any]:
        measured = calibrator.Calibrator(str(path), qsv_update_func=update)
        measured.calibrate({"serving_default": samples}, recipes)
        return dict(measured.get_model_qsvs())

    # Inside the detector the moving average, which ignores outliers, loses less accuracy than the whole range
    # (measured: 0.7 points of AP instead of 1.8). In the attribute network it makes age worse (by 0.3 years). At the
    # outputs the whole range is better for both: a face's score is a rare peak, which the average would cut in half.
    whole = ranges(qsv_utils.min_max_update)
    inside = ranges(qsv_utils.moving_average_update) if forget_outliers else whole
    ends = {detail["name"] for detail in (*original.get_input_details(), *original.get_output_details())}
    quantiser.quantize({name: (whole if name in ends else inside)[name] for name in whole}).export_model(
        str(target), overwrite=True
    )
    # the order of the signature's outputs is the network's; tensor names come from the int8 file
    runner = Interpreter(model_path=str(target)).get_signature_runner("serving_default")
    details = runner.get_output_details()
    return [details[name]["name"] for name in sorted(details, key=lambda n: int(n.rsplit("_", 1)[1]))]


def entry(path: Path, side: tuple[int, int], outputs: dict[str, str]) -> dict[str, Any]:
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "height": side[0],
        "width": side[1],
        "outputs": outputs,
    }


def trained(network: nn.Module, path: Path) -> nn.Module:
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--runs", type=Path, required=True, help="folder that contains the run folders of the trainings"
    )
    parser.add_argument("--version", required=True)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--only", choices=NAMES, help="export one network into a folder that has the others")
    arguments = parser.parse_args()
    data, runs, out = arguments.data, arguments.runs, arguments.out
    floats = runs / "float"
    floats.mkdir(parents=True, exist_ok=True)
    table: dict[str, Any] = tomllib.loads((out / FILE).read_text()) if arguments.only else {}
    wanted = (arguments.only,) if arguments.only else NAMES
    table["version"] = arguments.version
    if "attributes" in wanted:
        table["calibration"] = "none"

    def add(
        name: str,
        network: nn.Module,
        side: tuple[int, int],
        pictures: Iterable[np.ndarray],
        roles: Sequence[str],
        *,
        forget_outliers: bool = False,
    ) -> None:
        path = out / f"{name}.tflite"
        names = to_int8(network, side, pictures, path, floats=floats, forget_outliers=forget_outliers)
        table[name] = entry(path, side, dict(zip(roles, names, strict=True))) | NEUTRAL.get(name, {})

    if "detector" in wanted:
        add(
            "detector",
            detector.network(runs),
            (HEIGHT, WIDTH),
            map(full_range, detector.pictures(data, CALIBRATION_PICTURES)),
            detector.ROLES,
            forget_outliers=True,
        )
    if "landmarks" in wanted:
        add(
            "landmarks",
            trained(LandmarkNet(), runs / "landmarks" / "landmarks.pt"),
            (landmarks.CROP_SIDE, landmarks.CROP_SIDE),
            landmark_pictures(data),
            ["points"],
        )
    if "attributes" in wanted:
        people, expression = people_tower(), expression_tower()
        trained(people, runs / "people" / "people.pt")
        trained(expression, runs / "expression" / "expression.pt")
        add(
            "attributes",
            AttributeNet(people, expression),
            (CROP_SIDE, CROP_SIDE),
            attribute_pictures(data),
            AttributeNet.OUTPUTS,
        )
    (out / FILE).write_text(tomli_w.dumps(table))


if __name__ == "__main__":
    main()
