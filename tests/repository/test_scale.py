"""docs/scale.md is what docs/scale.py makes of the last measurement, and the measurement keeps what was promised."""

from __future__ import annotations

import json
import runpy
from typing import Any

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
MEASURED: dict[str, Any] = json.loads((DOCS / "scale-measured.json").read_text())


def test_the_page_is_up_to_date() -> None:
    made: str = runpy.run_path(str(DOCS / "scale.py"))["page"]()
    assert (DOCS / "scale.md").read_text(encoding="utf-8") == made, "run make docs"


def test_a_chain_of_300_stores_and_four_weeks_was_measured() -> None:
    simulated = MEASURED["simulate"]
    assert (simulated["sites"], simulated["days"]) == (300, 28)
    assert simulated["windows"] >= 2_000_000


def test_the_page_names_the_slowest_of_all_queries() -> None:
    assert len(MEASURED["queries"]) > 50
    slowest = max(MEASURED["queries"], key=lambda query: float(query["s"]))
    assert slowest["what"] in (DOCS / "scale.md").read_text(encoding="utf-8")
