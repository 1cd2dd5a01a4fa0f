"""Reads the rows of a till from a CSV file, as spreadsheets and tills write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cloud.domain.chain import Site
from cloud.domain.till import COLUMNS, TillRow
from common.errors import UserError
from common.mistakes import explain, one_line

_MOST_BYTES: Final = 64 * 1024 * 1024
_SITE: Final = "site"
_WHOLE = re.compile(r"-?\d+")
_PARTS = re.compile(r"(-?\d+)[.,](\d{1,2})")
_NUMBERS: Final = {
    "minutes": False,
    "transactions": False,
    "turnover": True,
    "items": False,
    "staff_hours": True,
}
"""The columns with numbers, and whether they may have decimals."""


def till_rows(path: Path, sites: Mapping[str, Site], site: str | None) -> Iterator[tuple[int, Site, TillRow]]:
    """Yield the rows of a file, each with its line and its site; ``site`` is that of a file without such a column.

    Raises ``UserError``, which names the line.
    """
    lines = csv.reader(_text(path).splitlines(), delimiter=(delimiter := _delimiter(path)), strict=True)
    try:
        header = [name.strip().lower() for name in next(lines, [])]
        _check_header(path, header, site)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                line = lines.line_num
                try:
                    yield line, *_row(dict(_named(header, cells)), sites, site, delimiter)
                except ValueError as error:
                    raise UserError(f"{path}: line {line}: {error}") from None
    except csv.Error as error:
        raise UserError(f"{path}: line {lines.line_num}: is no CSV ({error}); write it again") from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UserError(f"{path}: is larger than {_MOST_BYTES // 2**20} MiB; import it in parts")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 (byte {error.start}); save it as CSV UTF-8") from None


def _delimiter(path: Path) -> str:
    first = _text(path).partition("\n")[0]
    return max(",;\t", key=first.count)


def _check_header(path: Path, header: list[str], site: str | None) -> None:
    known = (_SITE, *COLUMNS)
    for name in header:
        if name not in known:
            raise UserError(
                f"{path}: line 1: {one_line(name)[:40]!r} is no column of a till; remove it and keep to"
                f" {', '.join(known)}"
            )
        if header.count(name) > 1:
            raise UserError(f"{path}: line 1: {name} is there twice; keep one")
    needed = ["start", "transactions", *([] if site else [_SITE])]
    if missing := [name for name in needed if name not in header]:
        way = "; name the site with --site, or add the column" if missing == [_SITE] else ""
        raise UserError(f"{path}: line 1: there is no column {missing[0]}{way}")


def _named(header: list[str], cells: list[str]) -> Iterator[tuple[str, str]]:
    if len(cells) != len(header):
        raise ValueError(f"has {len(cells)} cells, but there are {len(header)} columns")
    return zip(header, (cell.strip() for cell in cells), strict=True)


def _row(
    cells: dict[str, str], sites: Mapping[str, Site], site: str | None, delimiter: str
) -> tuple[Site, TillRow]:
    name = cells.pop(_SITE, None) or site or ""
    if name not in sites:
        raise ValueError(
            f"site: {one_line(name)[:60]!r} is not a site; known are {', '.join(sorted(sites)[:10])}"
        )
    given = {column: _value(column, text, delimiter) for column, text in cells.items() if text}
    try:
        return sites[name], TillRow.model_validate(given, strict=False)
    except ValidationError as error:
        raise ValueError(explain(error.errors(), TillRow, given)) from None


def _value(column: str, text: str, delimiter: str) -> str:
    """Return a number with a point, as a program reads it. A comma is one for thousands in a file with commas."""
    if column not in _NUMBERS or _WHOLE.fullmatch(text):
        return text
    parts = _PARTS.fullmatch(text)
    if parts is None or not _NUMBERS[column] or (delimiter == "," and "," in text):
        kind = "a number such as 1234.50" if _NUMBERS[column] else "a whole number such as 1234"
        raise ValueError(f"{column}: must be {kind}, without spaces or signs; found {one_line(text)[:40]!r}")
    return ".".join(parts.groups())
