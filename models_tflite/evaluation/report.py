"""Measure the shipped files and write their cards:
``python -m models_tflite.evaluation.report --data DIR --runs RUNS``.

``cards/measured.json`` contains the figures, with the files and data that they belong to. The cards and their pictures
are made only from it, so that no figure is typed by hand. ``--only attributes`` keeps the figures of the sets that
measure the other networks, if these are still the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.errors import UserError
from edge.inference.manifest import load_manifest, packaged_models
from models_tflite.evaluation.cards import NAMES, render
from models_tflite.evaluation.detection import USED, false_finds
from models_tflite.evaluation.evaluate import SETS, Shipped
from models_tflite.evaluation.visits import CONFUSION
from models_tflite.training.datasets import HELD_OUT, DataSet

Json = dict[str, Any]

MEASURED = "measured.json"


SETS_OF = {
    "detector": ("faces", "faces2", "person", "landmarks"),
    "landmarks": ("landmarks",),
    "attributes": ("utkface", "fer"),
}
"""The sets whose figures depend on each network."""


def measure_again(models: Path, data: Path, floats: Path, only: str | None) -> Json:
    """Measure all networks, or ``only`` one, of which the folder ``floats`` must have the float files."""
    for name in (only,) if only else NAMES:
        if not (floats / f"{name}.tflite").is_file():
            raise UserError(f"{floats / name}.tflite: no such file; export the models into it first")
    if only is None:
        return measure(models, data, floats, stored={}, kept=())
    stored = json.loads((models / "cards" / MEASURED).read_text())
    return measure(models, data, floats, stored=stored, kept=still_true(stored, models, only))


def still_true(stored: Json, models: Path, only: str) -> tuple[str, ...]:
    """Return the sets whose stored figures do not depend on the network ``only``.

    Raises ``UserError`` if another network has changed since they were measured.
    """
    manifest = load_manifest(models)
    for name in NAMES:
        if name != only and stored["sha256"][name] != getattr(manifest, name).sha256:
            raise UserError(f"{name} has changed since its figures were measured: leave out --only")
    return tuple(name for name in SETS if name not in SETS_OF[only])


def measure(models: Path, data: Path, floats: Path, *, stored: Json, kept: tuple[str, ...]) -> Json:
    """Measure every set on its val split, int8 and float, but take those in ``kept`` from the ``stored`` figures.
    ``landmarks`` has no split: use the part kept from training."""
    from models_tflite.evaluation import (
        measure,
    )  # imports the training libraries, which the cards do not need

    shipped, original = Shipped(models), Shipped(models, floats=floats)
    figures: dict[str, Json] = {"int8": {}, "float": {}}
    digests = {}
    for name, evaluate in SETS.items():
        if name in kept:
            digests[name] = stored["data_csv_sha256"][name]
            figures = {kind: rows | {name: stored["figures"][kind][name]} for kind, rows in figures.items()}
            continue
        part = DataSet(data, name, "val")
        digests[name] = part.digest()
        if name == "landmarks":
            part.rows = part.rows[::HELD_OUT]
        for kind, networks in (("int8", shipped), ("float", original)):
            figures[kind][name] = evaluate(networks, part)
            print(f"{name:10} {kind}", flush=True)
    manifest = shipped.manifest
    entries = {name: getattr(manifest, name) for name in NAMES}
    utk, faces = DataSet(data, "utkface", "val"), DataSet(data, "faces", "val")

    def further(name: str, of_set: str, compute: Callable[[], Any]) -> Any:
        """Return a further figure, the stored one where that of its set is kept."""
        return stored[name] if of_set in kept else compute()

    measured = {
        "version": manifest.version,
        "calibration": manifest.calibration,
        "sha256": {name: entry.sha256 for name, entry in entries.items()},
        "bytes": {name: entry.path.stat().st_size for name, entry in entries.items()},
        "multiply_accumulates": measure.work(),
        "data_csv_sha256": digests,
        "figures": figures,
        "groups": further("groups", "utkface", lambda: measure.groups(shipped, utk)),
        "gaps": further("gaps", "utkface", lambda: measure.gaps(shipped, utk)),
        "conditions": further("conditions", "utkface", lambda: measure.conditions(shipped, utk)),
        "masks": further("masks", "faces", lambda: measure.masks(shipped, faces)),
        "false_finds": further("false_finds", "faces", lambda: false_finds(shipped.detector, data)),
        "visits": further("visits", "utkface", lambda: measure.visits(shipped, data, "val")),
        "reliability": further("reliability", "utkface", lambda: measure.reliabilities(shipped, data, "val")),
        "confusion": json.loads((models / CONFUSION).read_text())[manifest.calibration],
        "latency": measure.latency(Shipped(models, min_score=USED), data),
    }
    return measured | {"digest": digest(measured)}


def digest(measured: Json) -> str:
    """Return the SHA-256 of all measured values."""
    rest = {key: value for key, value in measured.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="measure again; without it the cards use the stored figures"
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder with the float files of the export"
    )
    parser.add_argument("--models", type=Path, default=packaged_models())
    parser.add_argument(
        "--only", choices=NAMES, help="measure the sets of one network, keep those of the others"
    )
    arguments = parser.parse_args()
    from models_tflite.evaluation.pictures import draw  # matplotlib, which the cards do not need

    cards = arguments.models / "cards"
    cards.mkdir(exist_ok=True)
    path = cards / MEASURED
    if arguments.data:
        try:
            measured = measure_again(
                arguments.models, arguments.data, arguments.runs / "float", arguments.only
            )
        except UserError as error:
            print(f"report: {error}", file=sys.stderr)
            return 2
        path.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    measured = json.loads(path.read_text())
    for picture in draw(measured, cards):
        print(picture)
    for name, text in render(measured).items():
        (cards / name).write_text(text)
        print(cards / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
