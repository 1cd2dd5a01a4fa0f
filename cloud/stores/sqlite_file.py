"""How every SQLite file of the server is opened: its tables, its version, and what happens to a damaged one."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from common import salvage

log = logging.getLogger(__name__)


class OtherVersion(Exception):
    """Another version of Footlight wrote the file; the text says so."""


def connect(path: Path, *, wait_s: float = 1.0) -> sqlite3.Connection:
    """Open ``path`` for several threads, without transactions of Python's own; a lock is waited for ``wait_s``."""
    return sqlite3.connect(
        path, timeout=wait_s, isolation_level=None, check_same_thread=False, factory=salvage.Connection
    )


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit everything in the block, or roll all of it back."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def create_private(path: Path) -> None:
    """Create a missing file, readable for its owner alone. Raises ``OSError``.

    If root runs the command, the owner of the folder gets the file: a service with another user needs it later.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def overwrite(path: Path, source: Path) -> None:
    """Give a file the content of another one, in one transaction: a service that has it open sees the old content or
    the new. Raises ``sqlite3.Error``."""
    with closing(connect(source)) as new, closing(connect(path)) as target:
        new.backup(target)


def create_tables(db: sqlite3.Connection, schema: str, version: int) -> None:
    """Create the tables in a new file. Raises ``OtherVersion`` for a file with tables of another version, and
    ``sqlite3.DatabaseError`` as ``check_tables`` does."""
    found = _version(db) or _created(db, schema, version)
    if found != version:
        raise OtherVersion(f"written by another version of Footlight (schema {found})")
    check_tables(db, schema)


def check_tables(db: sqlite3.Connection, schema: str) -> None:
    """Raise ``sqlite3.DatabaseError`` for a file in which a table of ``schema`` lacks a column. It may have more: those
    of a newer version."""
    for table, ours in _tables_of(schema).items():
        if not ours <= set(_columns(db, table)):
            raise salvage.damage(f"its table {table} does not have the columns that it should have")


def column_names(db: sqlite3.Connection, table: str) -> list[str]:
    """Return the names of the columns of a table; none if it is not there."""
    return [name for name, *_ in _columns(db, table)]


@cache
def _tables_of(schema: str) -> dict[str, set[tuple[Any, ...]]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(schema)
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: set(_columns(db, table)) for table in tables}


def _columns(db: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    """Return name, type and constraints of each column."""
    return [row[1:] for row in db.execute(f"PRAGMA table_info({table})")]


def _created(db: sqlite3.Connection, schema: str, version: int) -> int:
    """Create the tables, unless another process has just done so; return the version of the file."""
    with transaction(db):
        found = _version(db)
        if found == 0:
            if salvage.has_tables(db):
                raise salvage.damage("its version is lost")
            for statement in schema.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {version}")
    return found or version


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def open_history(path: Path, schema: str, version: int, *, area: str) -> sqlite3.Connection:
    """Open the file of a history of changes, which is a help and no record: a damaged one is renamed, and begins anew.

    ``area`` begins the line in the log. Raises ``OtherVersion``, ``OSError`` or ``sqlite3.Error``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _checked(path, schema, version)
    except sqlite3.DatabaseError as error:
        if not salvage.is_damage(error):
            raise
        aside = salvage.set_aside(path)
        log.error(  # noqa: TRY400 - no bug of ours
            "%s: %s is damaged (%s); it was renamed to %s, and the history of changes begins anew",
            area,
            path,
            error,
            aside.name,
        )
        return _checked(path, schema, version)


def _checked(path: Path, schema: str, version: int) -> sqlite3.Connection:
    salvage.check_header(path)
    db = connect(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        create_tables(db, schema, version)
        salvage.check(db)
    except BaseException:
        db.close()
        raise
    return db
