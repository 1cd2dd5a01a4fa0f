"""The durable hand-off between the pipeline and the broker: what is in here is not lost with the power.

Wear and safety. A window a minute is one transaction a minute, so ``put`` may afford the one fsync that makes
it survive a pulled plug (``synchronous=FULL``). ``delete`` does without (``NORMAL``): a deletion that is lost
only delivers a message twice, and delivery is idempotent. Deletions come in batches, one transaction each.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.database_file import why_not_opened
from common.errors import UserError

log = logging.getLogger(__name__)
_FAULT = {"FOOTLIGHT_FAULT": "outbox"}

SCHEMA_VERSION = 1
_SCHEMA = f"""
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE progress (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    counted_until REAL NOT NULL
);
PRAGMA user_version = {SCHEMA_VERSION};
"""
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DISK_FAULTS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_READONLY: "the disk is read-only",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
}


_Change = tuple[str, list[tuple[object, ...]]]
"""A statement and the rows it runs for."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message that waits; ``id`` grows in the order of ``put``."""

    id: int
    topic: str
    payload: bytes
    created_at: datetime


class Outbox:
    """A bounded queue of messages in one SQLite file, first in, first out.

    When ``max_messages`` wait, the oldest are kept and new ones refused. One process owns the file; within it
    any thread may call. A damaged file, or one of another schema, is set aside as ``*.damaged`` and an empty one
    begun. Raises ``UserError`` when the file cannot be had at all.
    """

    def __init__(self, path: Path, *, max_messages: int) -> None:
        self._path = path
        self._max = max_messages
        self._lock = threading.Lock()
        self._lost = 0
        self._fault: str | None = None
        self._depth = 0
        self._last_id = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise UserError(f"outbox.path: {path}: {why_not_opened(path, error)}") from None

    def put(self, topic: str, payload: bytes, at: datetime, *, counted_until: datetime | None = None) -> bool:
        """Keep one message; False, and counted in :attr:`lost`, when the outbox or the disk is full.

        ``counted_until``: the end of the window it carries, remembered in the same transaction.
        """
        with self._lock:
            if self._depth >= self._max:
                return self._refuse(f"full, {self._max} messages wait")
            row = (self._last_id + 1, topic, payload, at.timestamp())
            changes: list[_Change] = [
                ("INSERT INTO message (id, topic, payload, created_at) VALUES (?, ?, ?, ?)", [row])
            ]
            if counted_until is not None:
                statement = "INSERT OR REPLACE INTO progress (id, counted_until) VALUES (1, ?)"
                changes.append((statement, [(counted_until.timestamp(),)]))
            try:
                self._write("FULL", changes)
            except sqlite3.DatabaseError as error:
                return self._refuse(_disk_fault(error))
            self._last_id += 1
            self._depth += 1
            if self._fault:
                log.warning("outbox: works again, %d messages were lost so far", self._lost, extra=_FAULT)
                self._fault = None
            return True

    def pending(self, limit: int, *, after: int = 0) -> list[Item]:
        """The oldest messages with an id above ``after``, at most ``limit``."""
        query = "SELECT id, topic, payload, created_at FROM message WHERE id > ? ORDER BY id LIMIT ?"
        with self._lock:
            try:
                rows = self._db.execute(query, (after, limit)).fetchall()
            except sqlite3.DatabaseError as error:
                if _code(error) in _DAMAGE:
                    self._begin_anew(str(error))
                else:
                    self._note(_disk_fault(error))
                return []
        return [Item(row[0], row[1], row[2], datetime.fromtimestamp(row[3], UTC)) for row in rows]

    def delete(self, ids: Iterable[int]) -> bool:
        """Forget messages that the broker has acknowledged; False when the disk would not have it (try again)."""
        with self._lock:
            try:
                statement = "DELETE FROM message WHERE id = ?"
                self._depth -= self._write("NORMAL", [(statement, [(i,) for i in ids])])
            except sqlite3.DatabaseError as error:
                self._note(_disk_fault(error))
                return False
        return True

    @property
    def counted_until(self) -> datetime | None:
        """The end of the last window that was kept, by this run of the service or an earlier one."""
        with self._lock:
            row = self._db.execute("SELECT counted_until FROM progress").fetchone()
        return None if row is None else datetime.fromtimestamp(row[0], UTC)

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return self._depth

    @property
    def lost(self) -> int:
        """Messages refused since this outbox was opened."""
        return self._lost

    @property
    def fault(self) -> str | None:
        """Why messages are refused at present, in words, or None."""
        return self._fault

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _write(self, synchronous: str, changes: list[_Change]) -> int:
        """Run one transaction and tell how many rows it changed; a damaged file is replaced on the way."""
        try:
            return self._transact(synchronous, changes)
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGE:
                raise
            self._begin_anew(str(error))
            return self._transact(synchronous, changes)

    def _transact(self, synchronous: str, changes: list[_Change]) -> int:
        self._db.execute(f"PRAGMA synchronous={synchronous}")
        with self._db:
            return sum(self._db.executemany(statement, rows).rowcount for statement, rows in changes)

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_file()
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGE:
                raise
            self._set_aside(str(error))
            return self._open_file()

    def _open_file(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=2.0, check_same_thread=False)
        try:
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
            db.execute("PRAGMA journal_mode=WAL")
            if (version := db.execute("PRAGMA user_version").fetchone()[0]) == 0:
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            elif version != SCHEMA_VERSION:
                raise _damage(f"schema version {version}, this Footlight knows {SCHEMA_VERSION}")
            if (verdict := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise _damage(str(verdict))
            self._depth, last = db.execute("SELECT count(*), coalesce(max(id), 0) FROM message").fetchone()
        except BaseException:
            db.close()
            raise
        # Ids never start over within a process: the publisher may still hold those of a file set aside.
        self._last_id = max(self._last_id, last)
        return db

    def _begin_anew(self, why: str) -> None:
        self._db.close()
        self._set_aside(why)
        self._db = self._open_file()

    def _set_aside(self, why: str) -> None:
        # One damaged file is kept, not one per accident: they must not fill the disk.
        aside = self._path.with_name(self._path.name + ".damaged")
        for suffix in ("", "-wal", "-shm"):
            source = self._path.with_name(self._path.name + suffix)
            if source.exists():
                source.replace(aside.with_name(aside.name + suffix))
        log.error("outbox: %s is damaged (%s); kept as %s, an empty one begins", self._path, why, aside.name)

    def _refuse(self, why: str) -> bool:
        self._lost += 1
        self._note(why)
        return False

    def _note(self, fault: str) -> None:
        if self._fault is None:
            log.error("outbox: %s; what it cannot keep is lost", fault, extra=_FAULT)
        self._fault = fault


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code; the extended ones carry more in the upper bytes."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _disk_fault(error: sqlite3.DatabaseError) -> str:
    """The fault in words; an error that is not one of the disk's is raised again: it is a bug."""
    code = _code(error)
    if code not in _DISK_FAULTS:
        raise error
    return f"{_DISK_FAULTS[code]} ({error})"


def _damage(text: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(text)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
