"""The cards say what was measured, of the files that ship."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.inference.manifest import load_manifest, packaged_models
from models_tflite.evaluation.cards import FOLDER, NAMES, render
from models_tflite.evaluation.report import MEASURED, digest


def measured() -> dict[str, Any]:
    return dict(json.loads((FOLDER / MEASURED).read_text()))


def test_cards_are_rendered_from_the_measured_figures() -> None:
    for name, text in render(measured()).items():
        assert (FOLDER / name).read_text() == text, (
            f"{name} is out of date: make models or run models_tflite.evaluation.report"
        )


def test_every_card_has_its_file_and_every_file_its_card() -> None:
    assert {path.stem for path in FOLDER.parent.glob("*.tflite")} == set(NAMES)
    assert {path.stem for path in FOLDER.glob("*.md")} == set(NAMES)


def test_the_figures_are_those_of_the_shipped_files() -> None:
    figures, manifest = measured(), load_manifest(packaged_models())
    assert figures["sha256"] == {name: getattr(manifest, name).sha256 for name in NAMES}
    assert (figures["version"], figures["calibration"]) == (manifest.version, manifest.calibration)
    assert figures["digest"] == digest(figures)


def test_the_cloud_finds_the_confusion_of_the_calibration_that_ships() -> None:
    counts = json.loads((FOLDER.parent / "confusion.json").read_text())
    assert counts[load_manifest(packaged_models()).calibration] == measured()["confusion"]


def comments(png: Path) -> Iterator[str]:
    """The text chunks of a PNG file."""
    content, at = png.read_bytes(), 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, chunk = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + chunk) == struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0]
        if kind == b"tEXt":
            yield chunk.decode("latin-1").partition("\0")[2]
        at += 12 + length


def test_the_pictures_were_drawn_from_the_same_figures() -> None:
    shown = {
        name for card in FOLDER.glob("*.md") for name in re.findall(r"\]\((\w+\.png)\)", card.read_text())
    }
    assert shown == {path.name for path in FOLDER.glob("*.png")}
    for name in shown:
        assert measured()["digest"] in comments(FOLDER / name), (
            f"{name} is out of date: run models_tflite.evaluation.report"
        )


def test_every_card_tells_what_a_shop_may_not_do() -> None:
    assert "non-commercial research only" in (FOLDER / "attributes.md").read_text()
    detector = (FOLDER / "detector.md").read_text()
    assert "without a licence" in detector
    assert "AGPL-3.0" in detector
    assert "HAND_LABELS_ONLY=1" in detector
