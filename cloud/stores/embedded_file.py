"""The file of the embedded store: open, repair and back it up, and copy missing rows from another file."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cloud.stores.sqlite_file import (
    OtherVersion,
    check_tables,
    column_names,
    connect,
    create_tables,
    transaction,
)
from common import salvage
from common.durable_file import put_in_place
from common.errors import UserError
from common.wire import WindowMessage, one_line

log = logging.getLogger(__name__)
_Kept = TypeVar("_Kept", bound=BaseModel)

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE windows (
    site TEXT NOT NULL, start INTEGER NOT NULL, device TEXT NOT NULL, camera TEXT NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (site, start, device, camera)
);
CREATE TABLE devices (
    site TEXT NOT NULL, device TEXT NOT NULL,
    heard REAL, status TEXT, status_at REAL, health TEXT, health_at REAL, software TEXT, model TEXT,
    PRIMARY KEY (site, device)
);
CREATE TABLE alerts (
    site TEXT NOT NULL, device TEXT NOT NULL, fault TEXT NOT NULL, at REAL NOT NULL, active INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (site, device, fault)
);
"""
# Tables that were added later; created if they are missing. An older version of Footlight can still use the file.
_LATER = """
CREATE TABLE IF NOT EXISTS probes (
    site TEXT NOT NULL, device TEXT NOT NULL, at REAL NOT NULL, nonce TEXT NOT NULL,
    PRIMARY KEY (site, device)
);
CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, site TEXT NOT NULL, device TEXT NOT NULL, topic TEXT NOT NULL,
    reason TEXT NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS notices (
    site TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL, at REAL NOT NULL, active INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (site, device, name)
);
CREATE TABLE IF NOT EXISTS duplicates (
    site TEXT NOT NULL, device TEXT NOT NULL, at REAL NOT NULL, windows INTEGER NOT NULL,
    PRIMARY KEY (site, device, at)
);
CREATE TABLE IF NOT EXISTS noise (
    site TEXT NOT NULL, start INTEGER NOT NULL, device TEXT NOT NULL, camera TEXT NOT NULL, since REAL NOT NULL,
    visits INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (site, start, device, camera)
);
CREATE TABLE IF NOT EXISTS acknowledgements (
    site TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL, began REAL NOT NULL, at REAL NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (site, device, name)
);
"""
OF_SITE = "FROM windows WHERE site = ? AND start >= ? AND start < ? ORDER BY start, device, camera"
"""The end of every query of the windows of a site."""
WITH_COHORT = OF_SITE.replace(" ORDER", """ AND json NOT LIKE '%"cohort":null%' ORDER""")
STAMP = f"SELECT count(*), ifnull(max(rowid), 0) {OF_SITE.partition(' ORDER')[0]}"
"""A window that is written again gets a new row."""
_PORTION = 1000
_TABLES = (
    "windows",
    "noise",
    "devices",
    "alerts",
    "notices",
    "acknowledgements",
    "duplicates",
    "dead_letters",
)


class RowReader:
    """Reads stored messages. Rows that are damaged or from another version are skipped; this is logged once."""

    def __init__(self) -> None:
        self._told = False

    def read(self, model: type[_Kept], json: str | None) -> _Kept | None:
        """Return the message in ``json``; None if it is missing or cannot be read."""
        try:
            return None if json is None else model.model_validate_json(json)
        except ValidationError as error:
            if not self._told:
                self._told = True
                log.warning("store: skipping rows that cannot be read: %s", one_line(str(error), 200))
            return None


def check_exists(path: Path) -> None:
    """Check that the file of a store is there: reading never creates one. Raises ``UserError``."""
    if not path.is_file():
        raise UserError(
            f"store.path: {path}: no such file; run this in the folder of the store, or write its full path"
        )


def open_file(path: Path, *, repair: bool) -> sqlite3.Connection:
    """Open the store for writing; create it if it is missing.

    With ``repair``, the whole file is checked first. A damaged file is renamed to ``*.damaged``, and its undamaged rows
    are copied to a new file; only the process that owns the file may do this. Raises ``UserError`` for a file of
    another version, or for a damaged one without ``repair``, and ``sqlite3.Error`` or ``OSError`` if it cannot be
    opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path, check=repair)
    except sqlite3.DatabaseError as error:
        if not salvage.is_damage(error):
            raise
        if not repair:
            raise UserError(
                f"store.path: {path}: damaged ({error}); restart the service that writes it, which repairs it"
            ) from None
        aside = salvage.set_aside(path)
        db = _open(path, check=False)
        try:
            saved = take_over(db, aside, path.parent)
        except sqlite3.DatabaseError:  # not even the file header can be read
            saved = 0
        log.error(  # noqa: TRY400 - no bug of ours
            "store: %s is damaged (%s); it was renamed to %s, and %d windows were recovered from it;"
            " 'footlight-cloud restore' adds those of the last backup",
            path,
            error,
            aside.name,
            saved,
        )
        return db


def _open(path: Path, *, check: bool) -> sqlite3.Connection:
    salvage.check_header(path)
    db = connect(path)
    try:
        # WAL: the page can read while the bridge writes. FULL: a commit survives a power cut, because committed
        # messages are acknowledged.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        create_tables(db, _SCHEMA, SCHEMA_VERSION)
        db.executescript(_LATER)
        check_tables(db, _LATER)
        if check:
            salvage.check(db)
    except OtherVersion as error:
        db.close()
        raise UserError(f"store.path: {path}: {error}") from None
    except BaseException:
        db.close()
        raise
    return db


def take_over(db: sqlite3.Connection, source: Path, folder: Path) -> int:
    """Add the rows of ``source``, which may be damaged, that ``db`` does not have; return the number of new windows.

    ``folder`` must have room for a copy. Raises ``sqlite3.Error`` if ``source`` is not a database.
    """
    before = _windows(db)
    with salvage.opened_copy(source, folder) as other:
        other.execute("PRAGMA user_version").fetchone()
        for table in _TABLES:
            columns = column_names(db, table)
            insert = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our own names
            rows: Iterator[Any] = salvage.whole_rows(
                other, table, _named_alike(column_names(other, table), columns)
            )
            whole = (row for row in rows if table != "windows" or _is_whole(row))
            while portion := list(
                islice(whole, _PORTION)
            ):  # small transactions, so that the service can write in between
                with transaction(db):
                    db.executemany(insert, portion)
    return _windows(db) - before


def _named_alike(found: Sequence[str], ours: Sequence[str]) -> Sequence[str]:
    """Return the names by which a file has our columns: where a name of them is damaged, those in the same places."""
    if set(ours) <= set(found) or len(ours) != len(found):
        return ours
    return ['"' + name.replace('"', '""') + '"' for name in found]


def _is_whole(row: Sequence[Any]) -> bool:
    """Check that a window matches the identity of its row: SQLite does not notice a flipped bit in a text."""
    site, start, device, camera, json = row
    try:
        window = WindowMessage.model_validate_json(json)
    except ValidationError:
        return False
    return (window.site, window.start.timestamp(), window.device, window.camera) == (
        site,
        start,
        device,
        camera,
    )


def back_up(path: Path, target: Path) -> None:
    """Write a consistent copy of the store to ``target`` while it is in use; on failure the previous copy is kept.

    Raises ``sqlite3.Error`` or ``OSError``; a copy of a damaged store never replaces a good backup.
    """
    draft = target.with_name(target.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        draft.touch(mode=0o600)
        with closing(connect(path)) as source, closing(connect(draft)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # a single file, easy to copy
            salvage.check(copy)
        put_in_place(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _windows(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM windows").fetchone()[0])
