"""The models: whether the files are the exported ones, and whether this machine is fast enough for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from common.clock import Clock
from edge.commands.doctor.camera import LEAST_FPS
from edge.commands.doctor.checks import Finding, amber, green, red
from edge.inference.manifest import Manifest
from edge.inference.model import RUNTIMES
from edge.types import Classifier, Detector, Image, Refiner

WARM_UP, ROUNDS = 3, 20
"""Passes before the measurement, because the first ones include the set-up, and passes that are measured."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds: median and 95th percentile of one frame with one face described, and the 95th percentile of
    describing alone, or None if it was not measured separately."""

    step_ms: float
    slow_ms: float
    classify_ms: float | None = None


def hashes(manifest: Manifest) -> Finding:
    """Check the model files. Raises ``UserError`` for a file that is missing or differs from the manifest."""
    files = {
        "detector": manifest.detector,
        "landmarks": manifest.landmarks,
        "attributes": manifest.attributes,
    }
    for entry in files.values():
        entry.content()
    said = ", ".join(f"{name} {entry.sha256[:8]}" for name, entry in files.items())
    return green(
        f"version {manifest.version}, calibration {manifest.calibration} ({said}), {_runtime() or 'no runtime'}"
    )


def _runtime() -> str | None:
    for name in RUNTIMES:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return None


def measure(
    detector: Detector,
    refiner: Refiner,
    classifier: Classifier,
    clock: Clock,
    pictures: Sequence[Image],
    *,
    rounds: int = ROUNDS,
) -> Speed:
    """Measure the speed on ``pictures``, one after the other; the detector must find a face in each."""
    steps, classifying = [], []
    for index in range(-WARM_UP, rounds):
        picture = pictures[index % len(pictures)]
        began_s = clock.monotonic()
        faces = detector.look(picture).faces
        found_s = clock.monotonic()
        classifier.classify(picture, refiner.refine(picture, faces[0]))
        done_s = clock.monotonic()
        if index >= 0:
            steps.append(1000 * (done_s - began_s))
            classifying.append(1000 * (done_s - found_s))
    median_ms, slow_ms = np.percentile(steps, (50, 95))
    return Speed(float(median_ms), float(slow_ms), float(np.percentile(classifying, 95)))


def speed(measured: Speed, *, asked_fps: float, budget_ms: float, beside: str = "") -> Finding:
    """Compare the speed with the interval of the requested frames, and with the time budget for describing faces.
    ``beside`` names what else was running."""
    interval_ms = 1000 / asked_fps
    value = (
        f"{measured.step_ms:.0f} ms a frame, 95 % under {measured.slow_ms:.0f} ms, of {interval_ms:.0f} ms"
    )
    if measured.classify_ms is not None:
        value += f"; a face {measured.classify_ms:.0f} of {budget_ms:g} ms"
    value += f" ({beside})" if beside else ""
    possible_fps = 1000 / max(measured.step_ms, 1e-3)
    slower = "use a lower camera.fps, a faster Pi, or fewer cameras on this one"
    if possible_fps < LEAST_FPS:
        return red(value, f"{possible_fps:.1f} frames/s are too few, people who walk by are missed: {slower}")
    if measured.slow_ms > interval_ms:
        skipped = "frames are skipped" if measured.step_ms > interval_ms else "some frames are skipped"
        return amber(value, f"{skipped}: {slower}")
    if measured.classify_ms is not None and measured.classify_ms > budget_ms:
        return amber(
            value, "only one face at a time is described: use a higher attributes.budget_ms, or a faster Pi"
        )
    return green(value)
