"""The description of the models: ``manifest.toml`` beside the ``.tflite`` files, written by the export."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from common.errors import UserError

FILE = "manifest.toml"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model file. ``outputs`` maps our name of an output to the tensor's name in the file, because the
    order of outputs is not stable between runtimes."""

    path: Path
    sha256: str
    height: int
    width: int
    outputs: Mapping[str, str]

    def content(self) -> bytes:
        """Read the file's bytes; raises ``UserError`` unless they are exactly those that were exported."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise UserError(
                f"{self.path}: cannot read the model: {error.strerror}; install Footlight again"
            ) from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise UserError(
                f"{self.path}: truncated or tampered with (sha256 {digest[:12]}..., the manifest says "
                f"{self.sha256[:12]}...); install Footlight again or export the models again"
            )
        return content


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """Turns a logit of the detector into the logit of being right: ``scale * logit + shift``, plus ``octave`` for each
    doubling of the box's side above 32 input pixels, because large faces and people should be easy to recognise."""

    scale: float = 1.0
    shift: float = 0.0
    octave: float = 0.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """Versions and entries of the models. ``thresholds`` and ``temperatures`` are keyed by attribute."""

    version: str
    calibration: str
    detector: ModelEntry
    landmarks: ModelEntry
    attributes: ModelEntry
    face_calibration: ScoreCalibration
    person_calibration: ScoreCalibration
    thresholds: Mapping[str, float]
    temperatures: Mapping[str, float]


def packaged_models() -> Path:
    """Return the folder of the models that came with this installation."""
    return Path(str(resources.files("models_tflite")))


def load_manifest(folder: Path) -> Manifest:
    """Read ``folder/manifest.toml``; raises ``UserError`` with the file and the key that is wrong."""
    path = folder / FILE
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise UserError(
            f"{path}: cannot read the manifest: {error.strerror}; check models.directory"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a manifest: {error}; install Footlight again") from None

    def entry(name: str) -> ModelEntry:
        part = table[name]
        return ModelEntry(
            folder / str(part["file"]),
            str(part["sha256"]),
            int(part["height"]),
            int(part["width"]),
            {str(key): str(value) for key, value in part["outputs"].items()},
        )

    def calibration(name: str) -> ScoreCalibration:
        part = table["detector"][name]
        return ScoreCalibration(float(part["scale"]), float(part["shift"]), float(part["octave"]))

    try:
        return Manifest(
            str(table["version"]),
            str(table["calibration"]),
            entry("detector"),
            entry("landmarks"),
            entry("attributes"),
            calibration("face"),
            calibration("person"),
            {str(key): float(value) for key, value in table["attributes"]["thresholds"].items()},
            {str(key): float(value) for key, value in table["attributes"]["temperatures"].items()},
        )
    except KeyError as error:
        raise UserError(f"{path}: key {error} is missing; export the models again") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: {error}; export the models again") from None
