"""The takings of all sites, in an SQLite file beside the store. Both kinds of server use it: decision 0094.

A row is identified by its site and interval. What comes again replaces it, and the moment of the last change is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, Final

from cloud.domain.till import TOLD, Kept, Takings, TillError
from cloud.stores.sqlite_file import OtherVersion, connect, create_private, create_tables, transaction
from cloud.stores.store import StoreUnavailable
from common.database_file import why_not_opened

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE takings (
    site TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, transactions INTEGER NOT NULL,
    turnover INTEGER, items INTEGER, staff_hours INTEGER, received_at REAL NOT NULL, corrected_at REAL,
    PRIMARY KEY (site, start, "end")
);
"""
_HUNDREDTHS: Final = frozenset({"turnover", "staff_hours"})
"""Kept as whole hundredths, so that sums are exact."""
_COLUMNS = ", ".join(("start", '"end"', *TOLD))
_LONGEST: Final = timedelta(hours=25)
"""No interval is longer: the day on which clocks go back."""
_WAIT_S = 5.0
"""The page and a command may write at the same time."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of rows that came in."""

    new: int
    corrected: int
    unchanged: int


class TillFile:
    """The takings. Safe to use from several threads; methods raise ``StoreUnavailable`` if the file cannot be used.

    It is created by the first rows: a shop without a till has no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def take(self, rows: Iterable[tuple[str, Takings]], now: datetime) -> Taken:
        """Store all rows, each with its site, or none. Raises ``TillError`` for one that overlaps another."""
        with self._opened(create=True) as db:
            assert db is not None
            with transaction(db):
                done = [_put(db, place, *row, now) for place, row in enumerate(rows)]
        return Taken(done.count("new"), done.count("corrected"), done.count("unchanged"))

    def between(self, site: str, start: datetime, end: datetime) -> list[Kept]:
        """Return the takings of a site whose interval begins in [start, end), in order."""
        with self._opened() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS}, corrected_at FROM takings"  # noqa: S608 - our own names
                " WHERE site = ? AND start >= ? AND start < ? ORDER BY start",
                (site, start.timestamp(), end.timestamp()),
            ) if db else ()  # fmt: skip
            return [Kept(_takings(row[:-1]), _moment(row[-1])) for row in rows]

    def changed(self, site: str, since: datetime) -> list[datetime]:
        """Return the starts of the takings of a site that came in or were corrected since then, in order."""
        with self._opened() as db:
            rows = db.execute(
                "SELECT start FROM takings WHERE site = ? AND max(received_at, ifnull(corrected_at, 0)) >= ?"
                " ORDER BY start",
                (site, since.timestamp()),
            ) if db else ()  # fmt: skip
            return [datetime.fromtimestamp(start, UTC) for (start,) in rows]

    def remove(self, site: str, start: datetime, end: datetime) -> int:
        """Remove the takings whose interval begins in [start, end); return their number."""
        with self._opened() as db:
            if db is None:
                return 0
            return db.execute(
                "DELETE FROM takings WHERE site = ? AND start >= ? AND start < ?",
                (site, start.timestamp(), end.timestamp()),
            ).rowcount

    @contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[sqlite3.Connection | None]:
        """Yield the open file; None if it does not exist and is not to be created."""
        try:
            with self._lock:
                if self._db is None and (create or self.path.is_file()):
                    self._db = self._open()
                yield self._db
        except OtherVersion as error:
            raise StoreUnavailable(f"till: {self.path}: {error}") from None
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"till: {self.path}: {why_not_opened(self.path, error)}") from error

    def _open(self) -> sqlite3.Connection:
        create_private(self.path)
        db = connect(self.path, wait_s=_WAIT_S)
        try:
            create_tables(db, _SCHEMA, _SCHEMA_VERSION)
        except BaseException:
            db.close()
            raise
        return db


def _put(db: sqlite3.Connection, place: int, site: str, row: Takings, now: datetime) -> str:
    start, end = round(row.start.timestamp()), round(row.end.timestamp())
    near = db.execute(
        f"SELECT {_COLUMNS} FROM takings"  # noqa: S608 - our own names
        ' WHERE site = ? AND start > ? AND start < ? AND "end" > ?',
        (site, start - _LONGEST.total_seconds(), end, start),
    ).fetchall()
    for other in near:
        if (other[0], other[1]) != (start, end):
            raise TillError(_overlap(row, _takings(other)), place)
    told = [_written(name, getattr(row, name)) for name in TOLD]
    if not near:
        db.execute(
            f'INSERT INTO takings (site, start, "end", {", ".join(TOLD)}, received_at)'  # noqa: S608
            f" VALUES ({', '.join('?' * (len(TOLD) + 4))})",
            (site, start, end, *told, now.timestamp()),
        )
        return "new"
    if list(near[0][2:]) == told:
        return "unchanged"
    changes = ", ".join(f"{name} = ?" for name in TOLD)
    db.execute(
        f'UPDATE takings SET {changes}, corrected_at = ? WHERE site = ? AND start = ? AND "end" = ?',  # noqa: S608
        (*told, now.timestamp(), site, start, end),
    )
    return "corrected"


def _overlap(row: Takings, other: Takings) -> str:
    one, two = (f"{each.start:%Y-%m-%d %H:%M} to {each.end:%Y-%m-%d %H:%M} UTC" for each in (row, other))
    return (
        f"{one} overlaps {two}, which was counted already; send the same intervals again to correct them, or remove"
        " them first with 'footlight-cloud till remove'"
    )


def _written(name: str, value: Any) -> Any:
    return int(value * 100) if name in _HUNDREDTHS and value is not None else value


def _takings(row: Any) -> Takings:
    start, end, *told = row
    read: dict[str, Any] = {
        name: Decimal(value) / 100 if name in _HUNDREDTHS and value is not None else value
        for name, value in zip(TOLD, told, strict=True)
    }
    return Takings(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), **read)


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
