"""``footlight-cloud loyalty``: a key that only its owner reads, and codes that a camera reads."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import cv2
import pytest

from cloud.__main__ import main
from common.loyalty import last_day_of, parse_key

TOMORROW = date.today() + timedelta(days=1)  # noqa: DTZ011 - as the command reads the calendar


def made(folder: Path) -> Path:
    key = folder / "loyalty.key"
    assert main(["loyalty", "key", "--output", str(key)]) == 0
    return key


def test_a_code_is_read_by_opencv_and_was_made_with_the_key(tmp_path: Path) -> None:
    key, codes = made(tmp_path), tmp_path / "codes"
    arguments = ["--until", TOMORROW.isoformat(), "--output", str(codes), "--count", "3", "--format", "png"]
    assert main(["loyalty", "codes", "--key", str(key), *arguments]) == 0
    read = {cv2.QRCodeDetector().detectAndDecode(cv2.imread(str(path)))[0] for path in codes.glob("*.png")}
    assert len(read) == 3
    assert {last_day_of([parse_key(key.read_text(), "key")], text) for text in read} == {TOMORROW}


def test_codes_are_drawings_if_nothing_else_is_asked(tmp_path: Path) -> None:
    key, codes = made(tmp_path), tmp_path / "codes"
    assert (
        main(["loyalty", "codes", "--key", str(key), "--until", TOMORROW.isoformat(), "--output", str(codes)])
        == 0
    )
    assert [path.name for path in codes.iterdir()] == ["000001.svg"]


def test_a_key_is_for_its_owner_and_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = made(tmp_path)
    assert key.stat().st_mode & 0o077 == 0
    assert main(["loyalty", "key", "--output", str(key)]) == 2
    assert "exists; without its key, all codes made with it end" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("until", "line"),
    [
        ("2020-01-01", "--until: 2020-01-01 must be a day from today"),
        ("2300-01-01", "--until: 2300-01-01 must be"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], until: str, line: str
) -> None:
    assert main(["loyalty", "codes", "--key", str(made(tmp_path)), "--until", until]) == 2
    assert line in capsys.readouterr().err


def test_a_file_that_is_no_key_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("secret\n")
    assert main(["loyalty", "codes", "--key", str(wrong), "--until", TOMORROW.isoformat()]) == 2
    assert "is not a key; make one with" in capsys.readouterr().err
