"""A damaged SQLite file: recognise it, set it aside, and read the rows of it that are whole."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SUFFIXES = ("", "-wal", "-shm")
_FORMATS = {1, 2}
"""The two bytes at 18 in the header of a file, for writing and reading: 1 for a journal, 2 for a write-ahead log."""
_LONGEST_HOLE = 10_000
"""Rows tried in vain before the rest is taken as gone: an inner page that is damaged hides some thousands."""
_NO_TEXT = "a name in it is no text"


class Connection(sqlite3.Connection):
    """Tells of damage where the words of SQLite quote a name in the file that is no text any more.

    Python cannot read such words, and would tell of them instead.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        try:
            return super().execute(sql, parameters)
        except UnicodeDecodeError:
            raise damage(_NO_TEXT) from None

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        try:
            return super().executemany(sql, parameters)
        except UnicodeDecodeError:
            raise damage(_NO_TEXT) from None

    def executescript(self, sql: str, /) -> sqlite3.Cursor:
        try:
            return super().executescript(sql)
        except UnicodeDecodeError:
            raise damage(_NO_TEXT) from None


def code(error: BaseException) -> int | None:
    """Return SQLite's primary result code; the extended ones carry more in the upper bytes."""
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether the file is damaged, rather than locked, full or not readable."""
    # A damaged header can also look like a newer format, or hide the tables.
    text = str(error)
    lost = code(error) == sqlite3.SQLITE_ERROR and text.startswith(
        ("unsupported file format", "no such table")
    )
    return code(error) in _DAMAGE or lost


def damage(text: str) -> sqlite3.DatabaseError:
    """Make an error for damage that SQLite reports without one."""
    error = sqlite3.DatabaseError(text)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def check(db: sqlite3.Connection) -> None:
    """Raise ``sqlite3.DatabaseError`` when the file behind ``db`` is damaged. Reads all of it."""
    # Read as bytes: it quotes names in the file, which may be no text any more. No number of errors in brackets: here
    # SQLite 3.46, that of Debian trixie, takes it for the name of a table.
    found = db.execute("SELECT CAST(quick_check AS BLOB) FROM pragma_quick_check LIMIT 1").fetchone()
    verdict = found[0].decode("utf-8", "replace")
    if verdict != "ok":
        raise damage(" ".join(verdict.split()))


def check_header(path: Path) -> None:
    """Raise ``sqlite3.DatabaseError`` if the header of the file names a format that SQLite does not write.

    SQLite would open such a file only for reading, and not say so.
    """
    if path.is_file() and not _format_is_known(path):
        raise damage("its header names an unknown format")


def _format_is_known(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            header = file.read(20)
    except OSError:
        return True  # whoever opens it says why that is not possible
    return len(header) < 20 or {*header[18:]} <= _FORMATS


def has_tables(db: sqlite3.Connection) -> bool:
    """Tell whether anything is in the file: one without a version that has tables has lost its version."""
    return db.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def set_aside(path: Path) -> Path:
    """Rename a database that nobody has open to ``*.damaged``. One is kept, so that they never fill the disk."""
    aside = path.with_name(path.name + ".damaged")
    for suffix in _SUFFIXES:
        source, target = (file.with_name(file.name + suffix) for file in (path, aside))
        target.unlink(missing_ok=True)
        if source.exists():
            source.replace(target)
    return aside


@contextmanager
def opened_copy(path: Path, beside: Path | None = None) -> Iterator[sqlite3.Connection]:
    """Open a copy of a database, in the folder ``beside`` or else in that of the system for temporary files: opening
    the file itself would change it, and with it the evidence."""
    with TemporaryDirectory(dir=beside, prefix=path.name, ignore_cleanup_errors=True) as folder:
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, Path(folder, "copy" + suffix))
        if not _format_is_known(Path(folder, "copy")):
            with Path(folder, "copy").open("r+b") as file:
                file.seek(18)
                file.write(b"\2\2")
        with closing(sqlite3.connect(Path(folder, "copy"), factory=Connection)) as db:
            db.execute("PRAGMA writable_schema = ON")  # a file that was cut short is read as far as it goes
            yield db


def whole_rows(db: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Rows of ``table`` as far as they can be read, in no certain order; a table that is not there has none."""
    select = f"SELECT rowid, {', '.join(columns)} FROM {table} NOT INDEXED"  # noqa: S608 - names of ours
    below, above = 0, None
    try:
        db.execute(f"{select} LIMIT 0")
    except sqlite3.DatabaseError:
        return  # no row can be asked for
    try:
        for row in db.execute(f"{select} ORDER BY rowid"):
            below = row[0]
            yield row[1:]
    except sqlite3.DatabaseError:
        pass
    else:
        return
    try:
        for row in db.execute(f"{select} WHERE rowid > ? ORDER BY rowid DESC", (below,)):
            above = row[0]
            yield row[1:]
    except sqlite3.DatabaseError:
        yield from _between(db, select, below, above)


def _between(
    db: sqlite3.Connection, select: str, below: int, above: int | None
) -> Iterator[tuple[object, ...]]:
    """Try the rows between the two ends that could be read, one by one."""
    rowid, missing = below + 1, 0
    while missing < _LONGEST_HOLE and (above is None or rowid < above):
        try:
            row = db.execute(f"{select} WHERE rowid = ?", (rowid,)).fetchone()
        except sqlite3.DatabaseError:
            row = None
        missing = 0 if row else missing + 1
        if row:
            yield row[1:]
        rowid += 1
