"""The tables and statements of the outbox file, and the checksum of each row."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from common import salvage
from common.vocabulary import EARLIEST, LATEST
from common.wire import channel_of

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
# Tables added later. Older versions of Footlight ignore them, so they can still use the file.
_CHECKSUM = "ALTER TABLE message ADD COLUMN crc INTEGER"
_COUNTED_FROM = "ALTER TABLE progress ADD COLUMN counted_from REAL"
_LATER = """
CREATE TABLE IF NOT EXISTS delivered (
    id INTEGER PRIMARY KEY, topic TEXT, payload BLOB, created_at REAL, crc INTEGER, delivered_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY CHECK (id = 1), state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS counted (counted_from REAL NOT NULL, counted_until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS damaged (id INTEGER PRIMARY KEY, topic BLOB, payload BLOB, created_at REAL, crc INTEGER);
"""
DAMAGED_KEPT = 100

Row = tuple[Any, ...]
"""The :data:`COLUMNS` of one message."""
COLUMNS = ("id", "CAST(topic AS BLOB)", "CAST(payload AS BLOB)", "created_at", "crc")
"""Read as bytes: damaged text is not valid Unicode and would stop reading all other rows."""
COLUMNS_BEFORE = (*COLUMNS[:4], "NULL")
"""Columns of a version without checksums."""

_PENDING = f"SELECT {', '.join(COLUMNS)} FROM message WHERE id > :after"  # noqa: S608 - names of ours
_LIMIT = "ORDER BY id LIMIT :limit"
_IS_LATE = "(id <= :late_up_to AND topic LIKE '%/window')"
LATE = f"{_PENDING} AND {_IS_LATE} {_LIMIT}"
LIVE = f"{_PENDING} AND {_IS_LATE} IS NOT TRUE {_LIMIT}"
PUT = "INSERT INTO message (id, topic, payload, created_at, crc) VALUES (?, ?, ?, ?, ?)"
TAKE_OVER = (
    "INSERT OR IGNORE INTO message (id, topic, payload, created_at, crc) VALUES (?, CAST(? AS TEXT), ?, ?, ?)"
)
STRETCHES_KEPT = 400
"""A device that is switched off at night begins a stretch of windows each day."""
_BEGAN = "ifnull(counted_from, counted_until - 3600)"
"""Older versions keep no beginning of the newest stretch."""
END_STRETCH = f"INSERT INTO counted SELECT {_BEGAN}, counted_until FROM progress WHERE counted_until <> ?"  # noqa: S608 - names of ours
"""Does nothing for a window that continues the newest stretch, so that it costs no further write."""
COUNTED = (
    "INSERT OR REPLACE INTO progress (id, counted_from, counted_until)"  # noqa: S608 - names of ours
    f" SELECT 1, ifnull((SELECT {_BEGAN} FROM progress WHERE counted_until = ?), ?), ?"
)
BOUND_STRETCHES = "DELETE FROM counted WHERE rowid <= (SELECT max(rowid) FROM counted) - ?"
STRETCHES = "SELECT counted_from, counted_until FROM counted ORDER BY rowid"
NEWEST_STRETCH = f"SELECT {_BEGAN}, counted_until FROM progress"  # noqa: S608 - names of ours
WAIT = "INSERT OR REPLACE INTO waiting (id, state) VALUES (1, ?)"
WAITING = "SELECT state FROM waiting"
HOLD = """
INSERT OR REPLACE INTO delivered (id, topic, payload, created_at, crc, delivered_at)
SELECT id, topic, payload, created_at, crc, ? FROM message WHERE id = ?
"""
DELETE = "DELETE FROM message WHERE id = ?"
FORGET = "DELETE FROM delivered WHERE delivered_at < ? OR delivered_at > ?"
AGAIN = """
INSERT OR IGNORE INTO message (id, topic, payload, created_at, crc)
SELECT id, topic, payload, created_at, crc FROM delivered WHERE delivered_at >= ?
"""
FORGET_SINCE = "DELETE FROM delivered WHERE delivered_at >= ?"
SET_ASIDE = "INSERT OR REPLACE INTO damaged (id, topic, payload, created_at, crc) VALUES (?, ?, ?, ?, ?)"
BOUND_DAMAGED = "DELETE FROM damaged WHERE id NOT IN (SELECT id FROM damaged ORDER BY id DESC LIMIT ?)"
_ENDS = """
SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM (SELECT id FROM message UNION ALL SELECT id FROM delivered)
"""
_GIVEN = range(1, 2**53)


@dataclass(frozen=True, slots=True)
class Item:
    """One message that waits; ``id`` grows in the order of ``put``."""

    id: int
    topic: str
    payload: bytes
    created_at: datetime

    @property
    def channel(self) -> str:
        return channel_of(self.topic)


def crc(topic: bytes, payload: bytes, created_at: float) -> int:
    """Return the checksum of a row."""
    return zlib.crc32(struct.pack("<dI", created_at, len(topic)) + topic + payload)


def item(row: Row) -> Item | None:
    """Return the message of a row, or None if the row is damaged. A row without checksum is from an older version."""
    number, topic, payload, created_at, checksum = row
    if not (isinstance(topic, bytes) and isinstance(payload, bytes) and isinstance(created_at, float)):
        return None
    if checksum is not None and checksum != crc(topic, payload, created_at):
        return None
    try:
        return Item(number, topic.decode(), payload, datetime.fromtimestamp(created_at, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def stretch(row: Row) -> tuple[datetime, datetime] | None:
    """Return the stretch of time of a row, or None if the row is damaged."""
    if not all(isinstance(edge, float) and EARLIEST.timestamp() <= edge < LATEST.timestamp() for edge in row):
        return None
    start, end = (datetime.fromtimestamp(edge, UTC) for edge in row)
    return (start, end) if start < end else None


def is_given(number: object) -> bool:
    """Return whether an outbox gives this id. Others come of damage: one below 1 is never sent, SQLite has no number
    after its largest, and where the kind of the column is damaged, too, an id is no number at all."""
    return isinstance(number, int) and number in _GIVEN


def prepare(db: sqlite3.Connection) -> tuple[int, int]:
    """Create or complete the tables and check the file; return how many messages wait, and the last id in use.

    Raises ``sqlite3.DatabaseError`` for a file that is damaged, or of another schema.
    """
    try:
        _complete(db)
    except sqlite3.OperationalError as error:
        # Statements of ours are right, and so is what they read: a table has lost its columns, or the text of them.
        if salvage.code(error) in (None, sqlite3.SQLITE_ERROR):
            raise salvage.damage(str(error)) from None
        raise
    (depth,) = db.execute("SELECT count(*) FROM message").fetchone()
    first, last = db.execute(_ENDS).fetchone()
    if not is_given(first) or (last and not is_given(last)):
        raise salvage.damage("it has ids that no outbox gives")
    return int(depth), int(last)


def _complete(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA secure_delete=ON")  # overwrite deleted data: it held visits that waited for a cohort
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and not salvage.has_tables(db):
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    elif version != SCHEMA_VERSION:
        raise salvage.damage(f"schema version {version}, this Footlight knows {SCHEMA_VERSION}")
    salvage.check(db)
    _add_later(db)
    if _tables(db) != _tables_of_ours():
        raise salvage.damage("its tables are not those of an outbox")


def _add_later(db: sqlite3.Connection) -> None:
    if "crc" not in {row[1] for row in db.execute("PRAGMA table_info(message)")}:
        db.execute(_CHECKSUM)
    if "counted_from" not in {row[1] for row in db.execute("PRAGMA table_info(progress)")}:
        db.execute(_COUNTED_FROM)
    db.executescript(_LATER)


def _tables(db: sqlite3.Connection) -> dict[str, list[Row]]:
    """Return the columns of each of our tables."""
    names = ("message", "progress", "delivered", "waiting", "counted", "damaged")
    return {name: db.execute(f"PRAGMA table_info({name})").fetchall() for name in names}


@cache
def _tables_of_ours() -> dict[str, list[Row]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(_SCHEMA)
        _add_later(db)
        return _tables(db)
