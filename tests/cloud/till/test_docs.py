"""What docs/till.md shows works as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cloud.api.endpoints import TillRows
from cloud.domain.chain import Chain
from cloud.domain.formula import BUILT_IN, FIELDS
from cloud.domain.till import COLUMNS
from cloud.till.csv_file import till_rows
from tests.cloud.domain.test_chain import site
from tests.cloud.reports.weeks import chain_data
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "till.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def block(begin: str) -> str:
    found: str
    (found,) = [one for one in BLOCKS if one.startswith(begin)]
    return found


def test_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text(block("site,start"))
    rows = [row for _, _, row in till_rows(file, {"shop": site()}, None)]
    assert [row.transactions for row in rows] == [12, 17, 0]


def test_the_request_is_accepted() -> None:
    body = re.search(r"-d '(.*?)'", block("curl"))
    assert body
    assert TillRows.model_validate_json(body[1]).rows[0].transactions == 9


def test_the_metric_is_one_of_a_chain_file() -> None:
    chain = Chain.model_validate({**chain_data(), **yaml.safe_load(block("metrics:"))})
    assert [one.name for one in chain.formulas][-1] == "staff-minutes"


@pytest.mark.parametrize("name", [*FIELDS, *COLUMNS])
def test_every_field_and_column_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_formulas_of_every_chain_are_told_as_they_are() -> None:
    for one in BUILT_IN:
        assert f"| {str(one.title).lower()} | {one.text} |" in PAGE
