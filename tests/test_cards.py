"""The cards say what was measured, of the files that ship."""

from __future__ import annotations

import json

from edge.inference.manifest import load_manifest, packaged_models
from models_tflite.report import CARDS, MEASURED, render


def test_cards_are_rendered_from_the_measured_figures() -> None:
    for name, text in render(json.loads(MEASURED.read_text())).items():
        assert (CARDS / name).read_text() == text, (
            f"{name} is out of date: make models or run models_tflite.report"
        )


def test_the_figures_are_those_of_the_shipped_files() -> None:
    measured, manifest = json.loads(MEASURED.read_text()), load_manifest(packaged_models())
    assert measured["sha256"] == {
        "detector": manifest.detector.sha256,
        "attributes": manifest.attributes.sha256,
    }
    assert (measured["version"], measured["calibration"]) == (manifest.version, manifest.calibration)


def test_every_card_tells_what_a_shop_may_not_do() -> None:
    assert "non-commercial research only" in (CARDS / "attributes.md").read_text()
    assert "without a licence" in (CARDS / "detector.md").read_text()
