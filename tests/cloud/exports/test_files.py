"""Files that a spreadsheet and a data frame read as what was counted, and never as a formula."""

from __future__ import annotations

import csv
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.exports.files import csv_lines, parquet
from cloud.exports.tables import Kind, TableOf

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
"""The second time that the clock shows it."""


def table(*rows: tuple[Any, ...], **columns: Kind) -> TableOf:
    return TableOf("days", "shop", BERLIN, date(2026, 3, 2), date(2026, 3, 3), columns, rows)


def text(of: TableOf) -> str:
    return "".join(csv_lines(of))


def test_a_csv_has_a_header_iso_times_and_empty_cells_for_what_is_not_known() -> None:
    found = text(
        table((AT, date(2026, 10, 25), 3, 0.5, None), start=datetime, day=date, n=int, share=float, text=str)
    )
    assert found == "start,day,n,share,text\r\n2026-10-25T02:30:00+01:00,2026-10-25,3,0.5,\r\n"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_text_is_a_formula(begin: str) -> None:
    _, (cell, number) = csv.reader(
        StringIO(text(table((f"{begin}1+1|cmd", -4), text=str, n=int)), newline="")
    )
    assert cell == f"'{begin}1+1|cmd"
    assert number == "-4", "a number stays one"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_comes_back_from_a_csv(said: str) -> None:
    _, (cell, _) = csv.reader(StringIO(text(table((said, "end"), text=str, other=str)), newline=""))
    assert cell in (said, f"'{said}")
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_parquet_keeps_kinds_nulls_and_the_time_zone() -> None:
    of = table(
        (AT, date(2026, 10, 25), 3, None, "=x"), start=datetime, day=date, n=int, share=float, text=str
    )
    found = pq.read_table(BytesIO(parquet(of)))
    assert found.schema.types == [
        pa.timestamp("us", tz="Europe/Berlin"), pa.date32(), pa.int64(), pa.float64(), pa.string(),
    ]  # fmt: skip
    (row,) = found.to_pylist()
    assert row == {"start": AT, "day": date(2026, 10, 25), "n": 3, "share": None, "text": "=x"}
    assert row["start"].timestamp() == AT.timestamp()


def test_a_table_without_rows_has_its_columns() -> None:
    assert text(table(n=int)) == "n\r\n"
    assert pq.read_table(BytesIO(parquet(table(n=int)))).column_names == ["n"]
