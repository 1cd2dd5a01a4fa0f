"""What is exported from the command line is what the API answers, from the same store."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cloud.__main__ import main
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.window_tallies import WindowTallies
from tests.cloud.reports.weeks import AFTER, WEEK, a_chain, chain_data, five_weeks
from tests.support.clock import ManualClock

PERIOD = ["--from", WEEK.first.isoformat(), "--to", WEEK.last.isoformat()]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports")
    with closing(EmbeddedStore(path / "s.sqlite", retention_days=3650, clock=ManualClock(AFTER))) as store:
        store.write(five_weeks())
    (path / "cloud.yaml").write_text(f"store: {{path: {path / 's.sqlite'}}}\n")
    (path / "chain.yaml").write_text(json.dumps(chain_data()))
    return path


@pytest.fixture
def files(folder: Path) -> list[str]:
    return ["--config", str(folder / "cloud.yaml"), "--chain", str(folder / "chain.yaml")]


def read(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def test_days_are_the_tallies_of_the_store(folder: Path, files: list[str], capsys: Capture) -> None:
    assert main(["export", "days", *files, *PERIOD]) == 0
    rows = read(capsys.readouterr().out)
    assert [row["date"] for row in rows] == [f"2026-{d}" for d in (
        "10-26", "10-27", "10-28", "10-29", "10-30", "10-31", "11-01",
    )]  # fmt: skip
    assert [row["state"] for row in rows] == ["full", "full", "no_data", "partial", "full", "full", "closed"]
    with closing(EmbeddedStore(folder / "s.sqlite", retention_days=3650, clock=ManualClock(AFTER))) as store:
        found = WindowTallies(store, a_chain()).tallies(["shop"], WEEK.first, WEEK.last, "unassigned")
    visits = {one.day.isoformat(): str(one.visits) for one in found}
    assert {row["date"]: row["visits"] for row in rows if row["visits"]} == visits
    assert rows[2]["visits"] == "", "nobody was watching: no 0"


def test_hours_of_a_week_add_up_to_its_days(files: list[str], capsys: Capture) -> None:
    assert main(["export", "days", *files, *PERIOD]) == 0
    days = read(capsys.readouterr().out)
    assert main(["export", "hours", *files, *PERIOD]) == 0
    hours = read(capsys.readouterr().out)
    assert sum(int(row["visits"] or 0) for row in hours) == sum(int(row["visits"] or 0) for row in days)
    assert hours[0]["start"] == "2026-10-26T10:00:00+01:00"


def test_the_cells_of_a_breakdown_add_up(files: list[str], capsys: Capture) -> None:
    assert main(["export", "cohorts", *files, *PERIOD]) == 0
    rows = read(capsys.readouterr().out)
    of_gender = [row for row in rows if row["date"] == "2026-10-26" and row["breakdown"] == "gender"]
    counted = sum(int(row["visits"] or 0) for row in of_gender)
    assert {int(row["of"]) - int(row["withheld"]) for row in of_gender} == {counted}


def test_the_suffix_of_the_file_decides_its_format(files: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert main(["export", "places", *files, *PERIOD, "--out", str(tmp_path / "p.parquet")]) == 0
    assert main(["export", "days", *files, *PERIOD, "--out", str(tmp_path / "d.parquet")]) == 0
    assert main(["export", "days", *files, *PERIOD, "--out", str(tmp_path / "d.csv")]) == 0
    rows = read((tmp_path / "d.csv").read_text(encoding="utf-8"))
    found = pq.read_table(tmp_path / "d.parquet").to_pylist()
    assert [row["visits"] for row in found] == [int(row["visits"]) if row["visits"] else None for row in rows]
    assert "waiting_300" in pq.read_table(tmp_path / "p.parquet").column_names
    assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.parametrize("chart", ["weeks", "hours", "coverage"])
def test_a_chart_is_a_picture(files: list[str], tmp_path: Path, chart: str) -> None:
    path = tmp_path / "new" / "chart.png"
    assert main(["export", "chart", chart, *files, "--week", WEEK.name, "--out", str(path)]) == 0
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    assert 500 < width < 2000
    assert 200 < height < 1000


def test_a_shop_without_a_display_has_a_table_of_clips_without_rows(
    files: list[str], capsys: Capture
) -> None:
    assert main(["export", "clips", *files, *PERIOD]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("site,role,device,clip,shows,")
    assert "entries_verdict" in header.split(",")
    assert rows == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["days", "--from", "yesterday"], "--from: must be a date such as 2026-03-31; found 'yesterday'"),
        (["days", "--to", "2099-01-01"], "last: 2099-01-01 is not over at shop"),
        (["days", "--to", "2026-10-01", "--from", "2026-10-02"], "first: 2026-10-02 is after the last day"),
        (["days", "--site", "nowhere"], "No data has been received from a shop named nowhere."),
        (["days", "--role", "entrance"], "role: no camera of shop has the role entrance; it has unassigned"),
        (["chart", "weeks", "--week", "46"], "week: must be a week such as 2026-W46; found '46'"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_one_line(
    files: list[str], arguments: list[str], said: str, capsys: Capture
) -> None:
    assert main(["export", *arguments, *files]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
