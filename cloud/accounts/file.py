"""The SQLite file of the accounts, beside the store. Only its owner can read it.

It keeps the secrets of people as hashes. For web push it has the server's own key and the addresses of browsers.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from cloud.stores.sqlite_file import OtherVersion, connect, create_private, create_tables
from cloud.stores.store import StoreUnavailable
from common.database_file import why_not_opened
from common.errors import UserError

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE users (
    name TEXT PRIMARY KEY, title TEXT NOT NULL, role TEXT NOT NULL, sites TEXT NOT NULL,
    password TEXT, initial_until REAL, disabled INTEGER NOT NULL DEFAULT 0, added_at REAL NOT NULL,
    language TEXT NOT NULL DEFAULT ''
);
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    started_at REAL NOT NULL, seen_at REAL NOT NULL, address TEXT NOT NULL, browser TEXT NOT NULL
);
CREATE INDEX sessions_of ON sessions (user);
CREATE TABLE tokens (
    name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, owner TEXT REFERENCES users (name) ON DELETE CASCADE,
    role TEXT NOT NULL, sites TEXT NOT NULL, added_at REAL NOT NULL, expires_at REAL NOT NULL, used_at REAL
);
CREATE TABLE push (
    session TEXT NOT NULL REFERENCES sessions (hash) ON DELETE CASCADE, site TEXT NOT NULL, endpoint TEXT NOT NULL,
    key BLOB NOT NULL, secret BLOB NOT NULL, language TEXT NOT NULL, origin TEXT NOT NULL,
    PRIMARY KEY (session, site)
);
CREATE INDEX push_at ON push (endpoint);
CREATE TABLE push_key (id INTEGER PRIMARY KEY CHECK (id = 1), pem TEXT NOT NULL);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, who TEXT NOT NULL, act TEXT NOT NULL,
    about TEXT NOT NULL, address TEXT NOT NULL
);
"""
_WAIT_S = 5.0
"""The page and a command may write at the same time."""


class AccountFile:
    """The open file. Safe to use from several threads. Methods raise ``StoreUnavailable`` if it cannot be used."""

    def __init__(self, path: Path) -> None:
        """Open the file; create it if it is missing. Raises ``UserError``."""
        self.path = path
        self._lock = RLock()
        try:
            create_private(path)
            self._db = connect(path, wait_s=_WAIT_S)
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"accounts.path: {path}: {why_not_opened(path, error)}") from None
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        try:
            self._db.execute("PRAGMA foreign_keys = ON")
            create_tables(self._db, _SCHEMA, SCHEMA_VERSION)
        except OtherVersion as error:
            raise UserError(f"accounts.path: {self.path}: {error}") from None
        except sqlite3.Error as error:
            raise UserError(
                f"accounts.path: {self.path}: cannot be used ({error}); replace it by its backup, or move it away"
            ) from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def rows(self, sql: str, *values: Any) -> list[Sequence[Any]]:
        """Run one statement and return its rows."""
        with self._lock, self._reported():
            return self._db.execute(sql, values).fetchall()

    def change(self, sql: str, *values: Any) -> int:
        """Run one statement and return the number of changed rows."""
        with self._lock, self._reported():
            return self._db.execute(sql, values).rowcount

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise StoreUnavailable(f"accounts: {self.path}: {error}") from error


def hash_of(secret: str) -> str:
    """Return what the file has instead of a secret that we made at random: a fast hash is enough, and no list of
    guesses exists."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def exists_with_users(path: Path) -> bool:
    """Tell whether there is a file with at least one user, without creating it. Raises ``UserError``."""
    if not path.is_file():
        return False
    with closing(AccountFile(path)) as file:
        return bool(file.rows("SELECT 1 FROM users LIMIT 1"))
