"""``footlight-cloud till import`` takes a whole file or nothing, and tells a wrong row in one line with its number."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.config import load
from cloud.domain.till import Takings
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.till_file import TillFile
from tests.cloud.reports.weeks import AFTER, chain_data, five_weeks
from tests.support.clock import ManualClock

Capture = pytest.CaptureFixture[str]
HEAD = "start,minutes,transactions,turnover,items,staff_hours\n"
NINE = datetime(2026, 10, 26, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("till") / "s.sqlite"
    with closing(EmbeddedStore(path, retention_days=3650, clock=ManualClock(AFTER))) as opened:
        opened.write(five_weeks()[:500])
    return path


@pytest.fixture
def folder(tmp_path: Path, store: Path) -> Path:
    (tmp_path / "cloud.yaml").write_text(
        f"store: {{path: {store}}}\ntill: {{path: {tmp_path / 'till.sqlite'}}}\n"
    )
    (tmp_path / "chain.yaml").write_text(json.dumps(chain_data()))
    return tmp_path


def take(folder: Path, text: str | bytes, *more: str) -> int:
    file = folder / "rows.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return main(["till", "import", str(file), *files(folder), *more])


def files(folder: Path) -> list[str]:
    return ["--config", str(folder / "cloud.yaml"), "--chain", str(folder / "chain.yaml")]


def stored(folder: Path) -> list[Takings]:
    with closing(TillFile(load(folder / "cloud.yaml").till_file())) as till:
        kept = till.between("shop", NINE - timedelta(days=30), NINE + timedelta(days=30))
    return [one.takings for one in kept]


def test_rows_are_taken_once_and_corrected(folder: Path, capsys: Capture) -> None:
    rows = HEAD + "2026-10-26T09:00,60,12,340.50,30,2\n2026-10-26T10:00,60,0,,,\n"
    assert take(folder, rows) == 0
    assert capsys.readouterr().out == "2 rows are new, 0 corrected, 0 unchanged\n"
    assert take(folder, rows.replace("340.50", "340.55")) == 0
    assert capsys.readouterr().out == "0 rows are new, 1 corrected, 1 unchanged\n"
    hour = timedelta(hours=1)
    assert stored(folder) == [
        Takings(NINE, NINE + hour, 12, Decimal("340.55"), 30, Decimal(2)),
        Takings(NINE + hour, NINE + 2 * hour, 0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "start;minutes;transactions;turnover\r\n2026-10-26 09:00;60;12;340,5\r\n".encode("utf-8-sig"),
        b"Start\tMinutes\tTransactions\tTurnover\n\n2026-10-26T09:00\t60\t12\t340.50\n",
        b"site,start,minutes,transactions,turnover\nshop,2026-10-26T08:00Z,60,12,340.5\n",
        b'"start","minutes","transactions","turnover"\n"2026-10-26T09:00:00+01:00","60","12","340.50"\n',
    ],
)
def test_files_of_spreadsheets_are_read(folder: Path, text: bytes) -> None:
    assert take(folder, text) == 0
    assert stored(folder) == [Takings(NINE, NINE + timedelta(hours=1), 12, Decimal("340.5"))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            HEAD + "2026-10-26T09:00,60,1,,,\n2026-10-26T10:00,60,x,,,\n",
            "line 3: transactions: must be a whole number",
        ),
        (HEAD + "2026-10-26T09:00,60,-1,,,\n", "line 2: transactions: must be at least 0; found"),
        (HEAD + "2026-10-26T09:00,60,1.5,,,\n", "line 2: transactions: must be a whole number such as 1234"),
        (HEAD + '2026-10-26T09:00,60,1,"1,234",,\n', "line 2: turnover: must be a number such as 1234.50"),
        (HEAD + "2026-10-26T09:00,60,1,1.234,,\n", "line 2: turnover: must be a number such as 1234.50"),
        (HEAD + "2026-10-26T09:00,60,1,=1+1,,\n", "line 2: turnover: must be a number"),
        (HEAD + "2026-10-26T09:00,60,,,,\n", "line 2: transactions: is required"),
        (HEAD + "26.10.2026,60,1,,,\n", "line 2: start: "),
        (HEAD + "2026-10-26T09:00,60,1\n", "line 2: has 3 cells, but there are 6 columns"),
        (HEAD + "2026-10-26T09:00,,1,,,\n", "line 2: minutes: is needed"),
        (HEAD + "2026-10-25T02:30,60,1,,,\n", "line 2: start: 2026-10-25T02:30 happens twice at shop; write"),
        (HEAD + "2098-12-26T09:00,60,1,,,\n", "line 2: start: the interval from 2098-12-26T09:00 ends at"),
        (
            HEAD + "2026-10-26T09:00,60,1,,,\n2026-10-26T09:00,60,2,,,\n",
            "line 3: start: 2026-10-26T09:00 of shop is there twice; keep one row",
        ),
        (
            HEAD + "2026-10-26T09:00,60,1,,,\n2026-10-26T09:30,60,2,,,\n",
            "line 3: 2026-10-26 08:30 to 2026-10-26 09:30 UTC overlaps",
        ),
        ("start,minutes,transactions,customer\n", "line 1: 'customer' is no column of a till; remove it"),
        ("start,minutes,transactions,start\n", "line 1: start is there twice"),
        ("start,minutes\n", "line 1: there is no column transactions"),
        (
            "site,start,minutes,transactions\nmall,2026-10-26T09:00,60,1\n",
            "line 2: site: 'mall' is not a site; known are",
        ),
        ("", "line 1: there is no column start"),
        (HEAD.encode() + b"\xff\n", "is not UTF-8"),
        (HEAD + '"2026-10-26T09:00,60,1,,,\n', "line 2: is no CSV"),
    ],
)
def test_a_wrong_row_is_one_line_and_nothing_is_taken(
    folder: Path, capsys: Capture, text: str | bytes, said: str
) -> None:
    assert take(folder, text) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert stored(folder) == []


def test_other_intervals_need_a_removal_first(folder: Path, capsys: Capture) -> None:
    assert take(folder, HEAD + "2026-10-26,,100,,,\n") == 0
    assert take(folder, HEAD + "2026-10-26T09:00,60,12,,,\n") == 2
    assert "footlight-cloud till remove" in capsys.readouterr().err
    days = ["--from", "2026-10-26", "--to", "2026-10-26"]
    assert main(["till", "remove", *files(folder), "--site", "shop", *days]) == 0
    assert capsys.readouterr().out == "1 rows removed\n"
    assert take(folder, HEAD + "2026-10-26T09:00,60,12,,,\n") == 0


def test_a_file_that_is_not_there_is_one_line(folder: Path, capsys: Capture) -> None:
    assert main(["till", "import", str(folder / "absent.csv"), *files(folder)]) == 2
    assert "absent.csv: cannot be read (No such file or directory)" in capsys.readouterr().err
    assert take(folder, HEAD, "--site", "mall") == 2
    assert "--site mall: is not a site; known are" in capsys.readouterr().err
