"""The count checks and what the devices counted with: a small SQLite file beside the store.

The windows of a check are forgotten one day, so what came of the comparison is kept. Taps are kept as they were sent: a
phone may send them again, and each is kept once.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.domain.count_check import (
    Basis,
    BasisPeriod,
    CountCheck,
    Door,
    Part,
    Sums,
    Tap,
)
from cloud.stores.sqlite_file import OtherVersion, column_names, connect, create_tables, transaction
from cloud.stores.store import StoreUnavailable
from common import salvage
from common.database_file import why_not_opened

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE checks (
    id TEXT PRIMARY KEY, site TEXT NOT NULL, device TEXT NOT NULL, camera TEXT NOT NULL, door TEXT NOT NULL,
    light TEXT NOT NULL, who TEXT NOT NULL, started REAL NOT NULL, ended REAL, parts TEXT
);
CREATE INDEX of_site ON checks (site, started);
CREATE TABLE taps (
    id TEXT NOT NULL, number INTEGER NOT NULL, after_s REAL NOT NULL, what TEXT NOT NULL, PRIMARY KEY (id, number)
);
CREATE TABLE bases (
    site TEXT NOT NULL, device TEXT NOT NULL, since REAL NOT NULL, software TEXT, model TEXT, config TEXT,
    moved INTEGER NOT NULL, PRIMARY KEY (site, device, since)
);
CREATE TABLE doors (
    site TEXT NOT NULL, device TEXT NOT NULL, camera TEXT NOT NULL, door TEXT NOT NULL,
    PRIMARY KEY (site, device, camera, door)
);
"""
_TABLES = ("checks", "taps", "bases", "doors")
_COLUMNS = "id, site, device, camera, door, light, who, started, ended, parts"


class CheckFile:
    """The file. Safe to use from several threads; every method raises ``StoreUnavailable``.

    It is opened when it is used first, and a question alone does not make it. A damaged one is renamed, and its
    undamaged rows are kept.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.RLock()
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()

    def start(self, check: CountCheck) -> CountCheck:
        """Keep a new check. If there is one of that id already, it stays as it is and is returned."""
        of = check.door
        self._run(
            f"INSERT OR IGNORE INTO checks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",  # noqa: S608 - our own names
            check.id, check.site, of.device, of.camera, of.name, check.light, check.who, check.started.timestamp(),
        )  # fmt: skip
        kept = self.find(check.id)
        assert kept is not None
        return kept

    def find(self, id_: str) -> CountCheck | None:
        """Return a check; None if there is no such one."""
        rows = self._run(f"SELECT {_COLUMNS} FROM checks WHERE id = ?", id_)  # noqa: S608
        return _check(rows[0]) if rows else None

    def of(self, site: str | None = None) -> list[CountCheck]:
        """Return the checks of a site, or of all, newest first."""
        query = f"SELECT {_COLUMNS} FROM checks WHERE site = ifnull(?, site) ORDER BY started DESC"  # noqa: S608
        return [_check(row) for row in self._run(query, site)]

    def waiting(self) -> list[CountCheck]:
        """Return the checks that have ended and are not compared yet."""
        query = f"SELECT {_COLUMNS} FROM checks WHERE ended IS NOT NULL AND parts IS NULL"  # noqa: S608
        return [_check(row) for row in self._run(query)]

    def add(self, id_: str, taps: Iterable[Tap]) -> int:
        """Keep taps; those that are kept already stay as they are. Return how many are kept now."""
        insert = "INSERT OR IGNORE INTO taps VALUES (?, ?, ?, ?)"
        self._change(*((insert, (id_, tap.number, tap.after_s, tap.what)) for tap in taps))
        return int(self._run("SELECT count(*) FROM taps WHERE id = ?", id_)[0][0])

    def taps(self, id_: str) -> list[Tap]:
        """Return the taps of a check in their order."""
        rows = self._run("SELECT number, after_s, what FROM taps WHERE id = ? ORDER BY number", id_)
        return [Tap(*row) for row in rows]

    def end(self, id_: str, at: datetime) -> None:
        """Keep when a check ended; a second end changes nothing."""
        self._run("UPDATE checks SET ended = ? WHERE id = ? AND ended IS NULL", at.timestamp(), id_)

    def keep(self, id_: str, parts: Sequence[Part]) -> None:
        """Keep what came of the comparison."""
        told = [{**asdict(part), "start": part.start.timestamp()} for part in parts]
        self._run("UPDATE checks SET parts = ? WHERE id = ?", json.dumps(told), id_)

    def delete(self, id_: str) -> None:
        """Delete a check with its taps."""
        self._change(("DELETE FROM checks WHERE id = ?", (id_,)), ("DELETE FROM taps WHERE id = ?", (id_,)))

    def sites(self) -> list[str]:
        """Return the sites that have checks."""
        return [site for (site,) in self._run("SELECT DISTINCT site FROM checks")]

    def doors(self, site: str) -> list[Door]:
        """Return the doors of a site, as they were seen last."""
        rows = self._run(
            "SELECT device, camera, door FROM doors WHERE site = ? ORDER BY device, camera, door", site
        )
        return [Door(*row) for row in rows]

    def see(self, site: str, doors: Sequence[Door]) -> None:
        """Keep the doors of a site in place of those before."""
        with self._lock:
            if set(self.doors(site)) == set(doors):
                return
            insert = "INSERT INTO doors VALUES (?, ?, ?, ?)"
            self._change(
                ("DELETE FROM doors WHERE site = ?", (site,)),
                *((insert, (site, door.device, door.camera, door.name)) for door in doors),
            )

    def observe(self, site: str, device: str, basis: Basis, at: datetime) -> None:
        """Keep what a device counts with since ``at``, if that is news."""
        with self._lock:
            known = self._bases(site, device)
            if known and (known[-1][1] == basis or known[-1][0] >= at):
                return
            self._run(
                "INSERT INTO bases (site, device, since, software, model, config, moved) VALUES (?, ?, ?, ?, ?, ?, ?)",
                site, device, at.timestamp(), basis.software, basis.model, basis.config, basis.moved,
            )  # fmt: skip

    def periods(self, site: str, device: str) -> list[BasisPeriod]:
        """Return what a device has counted with, oldest first."""
        known = self._bases(site, device)
        later: list[tuple[datetime, Basis] | None] = [*known[1:], None][: len(known)]
        return [
            BasisPeriod(since, after[0] if after else None, basis, basis.changes(after[1]) if after else ())
            for (since, basis), after in zip(known, later, strict=True)
        ]

    def _bases(self, site: str, device: str) -> list[tuple[datetime, Basis]]:
        query = "SELECT since, software, model, config, moved FROM bases WHERE site = ? AND device = ? ORDER BY since"
        return [
            (datetime.fromtimestamp(since, UTC), Basis(software, model, config, bool(moved)))
            for since, software, model, config, moved in self._run(query, site, device)
        ]

    def _run(self, query: str, *values: object) -> list[Any]:
        with self._opened(query) as db:
            return [] if db is None else db.execute(query, values).fetchall()

    def _change(self, *statements: tuple[str, Sequence[object]]) -> None:
        """Run all statements in one transaction."""
        with self._opened() as db:
            assert db is not None
            with transaction(db):
                for query, values in statements:
                    db.execute(query, values)

    @contextmanager
    def _opened(self, query: str = "") -> Iterator[sqlite3.Connection | None]:
        """Yield the open file; None if there is none and ``query`` only asks."""
        try:
            with self._lock:
                if self._db is None and (self._path.is_file() or not query.startswith("SELECT")):
                    self._db = _open(self._path)
                yield self._db
        except (OtherVersion, OSError) as error:
            raise StoreUnavailable(f"count checks: {self._path}: {error}") from None
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"count checks: {self._path}: {why_not_opened(self._path, error)}"
            ) from None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _checked(path)
    except sqlite3.DatabaseError as error:
        if not salvage.is_damage(error):
            raise
        aside = salvage.set_aside(path)
        db = _checked(path)
        saved = 0
        for table in _TABLES:
            saved += _take_over(db, aside, table)
        log.error(  # noqa: TRY400 - no bug of ours
            "count checks: %s is damaged (%s); it was renamed to %s, and %d rows were recovered from it",
            path,
            error,
            aside.name,
            saved,
        )
        return db


def _take_over(db: sqlite3.Connection, aside: Path, table: str) -> int:
    columns = column_names(db, table)
    insert = f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    try:
        with salvage.opened_copy(aside, aside.parent) as damaged:
            return sum(
                db.execute(insert, row).rowcount for row in salvage.whole_rows(damaged, table, columns)
            )
    except sqlite3.DatabaseError:  # not even the header can be read
        return 0


def _checked(path: Path) -> sqlite3.Connection:
    db = connect(path, wait_s=5.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        create_tables(db, _SCHEMA, SCHEMA_VERSION)
        salvage.check(db)
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def opened_checks(path: Path) -> Iterator[CheckFile | None]:
    """Yield the file if there is one: a report or a comparison creates none."""
    if not path.is_file():
        yield None
        return
    with closing(CheckFile(path)) as file:
        yield file


def _check(row: Sequence[Any]) -> CountCheck:
    id_, site, device, camera, door, light, who, started, ended, parts = row
    return CountCheck(
        id=id_,
        site=site,
        door=Door(device, camera, door),
        light=light,
        who=who,
        started=datetime.fromtimestamp(started, UTC),
        ended=None if ended is None else datetime.fromtimestamp(ended, UTC),
        parts=None if parts is None else tuple(_part(one) for one in json.loads(parts)),
    )


def _part(told: dict[str, Any]) -> Part:
    start = datetime.fromtimestamp(told["start"], UTC)
    return Part(start, told["seconds"], Sums(**told["entries"]), Sums(**told["exits"]))
