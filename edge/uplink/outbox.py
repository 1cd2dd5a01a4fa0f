"""The durable queue between the pipeline and the broker: its messages survive a power cut.

A delivered message stays for a while, in case the broker loses it on the way to the store (see ``Outbox.resend``). Each
row has a checksum: SQLite detects damage to its own structure, but not a flipped bit in a payload.

Wear and safety. One window a minute is one transaction a minute, so ``put`` can use one fsync to survive a power cut
(``synchronous=FULL``). ``delivered`` uses no fsync (``NORMAL``): if it is lost, a message is only delivered twice, and
delivery is idempotent. Deliveries come in batches, with one transaction each.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from common import salvage
from common.database_file import why_not_opened
from common.errors import UserError
from common.wire import HELD_S
from edge.uplink import rows
from edge.uplink.rows import Item

log = logging.getLogger(__name__)
_FAULT = {"FOOTLIGHT_FAULT": "outbox"}
_LONGEST_HOLD = timedelta(days=2)
"""What was delivered is never kept for longer, so that a connection that always breaks fills no disk."""

_DISK_FAULTS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_READONLY: "the disk is read-only",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
}


_Change = tuple[str, list[tuple[object, ...]]]
"""A statement and the rows it runs for."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of the device after one window: its start and end, and the data that waits on the device."""

    counted_from: datetime
    counted_until: datetime
    waiting: bytes

    def changes(self) -> list[_Change]:
        """Return the statements that store this progress."""
        start, end = self.counted_from.timestamp(), self.counted_until.timestamp()
        return [
            (rows.END_STRETCH, [(start,)]),
            (rows.BOUND_STRETCHES, [(rows.STRETCHES_KEPT,)]),
            (rows.COUNTED, [(start, start, end)]),
            (rows.WAIT, [(self.waiting,)]),
        ]


class Outbox:
    """A bounded queue of messages in one SQLite file, first in, first out.

    When ``max_messages`` wait, the oldest are kept and new ones refused. What was delivered is kept for ``hold_s``
    longer. Only one process may use the file; within it any thread may call. A damaged file, or one of another schema,
    is renamed to ``*.damaged``, and its undamaged messages are copied to a new file. A damaged row is moved to another
    table and never sent. Raises ``UserError`` when the file cannot be opened at all.
    """

    def __init__(self, path: Path, *, max_messages: int, hold_s: float = HELD_S) -> None:
        self._path = path
        self._max = max_messages
        self._hold = timedelta(seconds=hold_s)
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

    def put(self, topic: str, payload: bytes, at: datetime, *, progress: Progress | None = None) -> bool:
        """Store one message; if the outbox or the disk is full, return False and count it in :attr:`lost`.

        ``progress`` is that of the window in the message. It is stored in the same transaction, also when the outbox is
        full: a window is counted once, even if its message is lost.
        """
        changes: list[_Change] = [] if progress is None else progress.changes()
        with self._lock:
            full = self._depth >= self._max
            if not full:
                created_at = at.timestamp()
                checksum = rows.crc(topic.encode(), payload, created_at)
                changes.append((rows.PUT, [(self._last_id + 1, topic, payload, created_at, checksum)]))
            try:
                if changes:
                    self._write("FULL", changes)
            except sqlite3.DatabaseError as error:
                return self._refuse(_disk_fault(error))
            if full:
                return self._refuse(f"full, {self._max} messages wait")
            self._last_id += 1
            self._depth += 1
            if self._fault:
                log.warning("outbox: works again, %d messages were lost so far", self._lost, extra=_FAULT)
                self._fault = None
            return True

    def remember(self, waiting: bytes) -> None:
        """Store the data that waits on the device while a window is open; see ``Progress``."""
        with self._lock:
            try:
                self._write("FULL", [(rows.WAIT, [(waiting,)])])
            except sqlite3.DatabaseError as error:
                self._note(_disk_fault(error))

    def forget_history(self) -> None:
        """Empty SQLite's write-ahead log, which may still contain earlier states of the waiting data."""
        with self._lock:
            try:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.DatabaseError as error:
                self._note(_disk_fault(error))

    def live(self, limit: int, *, after: int, late_up_to: int) -> tuple[list[Item], bool]:
        """Return the oldest waiting messages with an id above ``after`` that are not late, at most ``limit``, and
        whether these are all. Late are windows with an id up to ``late_up_to``."""
        items, sound = self._read(rows.LIVE, {"after": after, "limit": limit, "late_up_to": late_up_to})
        return items, sound and len(items) < limit

    def late(self, limit: int, *, after: int, late_up_to: int) -> list[Item]:
        """Return those that are late."""
        return self._read(rows.LATE, {"after": after, "limit": limit, "late_up_to": late_up_to})[0]

    def _read(self, question: str, values: Mapping[str, int]) -> tuple[list[Item], bool]:
        """Return the messages that were found, and whether no row was damaged and the disk did not fail."""
        with self._lock:
            try:
                found = self._db.execute(question, values).fetchall()
                items = [(row, rows.item(row)) for row in found]
                if damaged := [row for row, item in items if item is None]:
                    self._set_rows_aside(damaged)
            except sqlite3.DatabaseError as error:
                if salvage.is_damage(error):
                    self._start_new_file(str(error))
                else:
                    self._note(_disk_fault(error))
                return [], False
        return [item for _, item in items if item is not None], not damaged

    def delivered(self, ids: Iterable[int], at: datetime, *, forget: bool = True) -> bool:
        """Record what the broker has acknowledged, and ``forget`` what it acknowledged long ago, or else only what it
        acknowledged days ago; False if the disk fails (try again)."""
        now = at.timestamp()
        hold = (self._hold if forget else max(self._hold, _LONGEST_HOLD)).total_seconds()
        forgotten = (now - hold, now + hold)  # a row from the far future was dated by a clock that was wrong
        with self._lock:
            try:
                numbers = list(ids)
                changes: list[_Change] = [
                    (rows.HOLD, [(now, number) for number in numbers]),
                    (rows.DELETE, [(number,) for number in numbers]),
                    (rows.FORGET, [forgotten]),
                ]
                self._depth -= self._write("NORMAL", changes)[1]
            except sqlite3.DatabaseError as error:
                self._note(_disk_fault(error))
                return False
        return True

    def resend(self, since: datetime | None = None) -> int:
        """Queue delivered messages again, all that are still stored or those delivered ``since``; return their
        number."""
        begin: list[tuple[object, ...]] = [(0.0 if since is None else since.timestamp(),)]
        with self._lock:
            try:
                again = self._write("NORMAL", [(rows.AGAIN, begin), (rows.FORGET_SINCE, begin)])[0]
            except sqlite3.DatabaseError as error:
                self._note(_disk_fault(error))
                return 0
            self._depth += again
        return again

    @property
    def counted(self) -> list[tuple[datetime, datetime]]:
        """The stretches of time whose windows were stored, by this run of the service and earlier ones. The last one
        ends with the newest window."""
        with self._lock:
            found = [*self._db.execute(rows.STRETCHES), *self._db.execute(rows.NEWEST_STRETCH)]
        return [stretch for row in found if (stretch := rows.stretch(row)) is not None]

    @property
    def waiting(self) -> bytes | None:
        """The waiting data of the device when it was last stored."""
        with self._lock:
            row = self._db.execute(rows.WAITING).fetchone()
        return None if row is None else row[0]

    @property
    def depth(self) -> int:
        """Number of waiting messages."""
        return self._depth

    @property
    def last_id(self) -> int:
        """The id of the newest message that was ever put."""
        return self._last_id

    @property
    def lost(self) -> int:
        """Number of messages that were refused, or found damaged, since this outbox was opened."""
        return self._lost

    @property
    def fault(self) -> str | None:
        """The reason why messages are refused now, or None."""
        return self._fault

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _write(self, synchronous: str, changes: list[_Change]) -> list[int]:
        """Run one transaction and return how many rows each change affected; replace the file if it is damaged."""
        try:
            return self._transact(synchronous, changes)
        except sqlite3.DatabaseError as error:
            if not salvage.is_damage(error):
                raise
            self._start_new_file(str(error))
            return self._transact(synchronous, changes)

    def _transact(self, synchronous: str, changes: list[_Change]) -> list[int]:
        self._db.execute(f"PRAGMA synchronous={synchronous}")
        with self._db:
            return [self._db.executemany(statement, rows).rowcount for statement, rows in changes]

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_file()
        except sqlite3.DatabaseError as error:
            if not salvage.is_damage(error):
                raise
            return self._replace_file(str(error))

    def _open_file(self) -> sqlite3.Connection:
        salvage.check_header(self._path)
        db = sqlite3.connect(self._path, timeout=2.0, check_same_thread=False, factory=salvage.Connection)
        try:
            self._depth, last = rows.prepare(db)
        except BaseException:
            db.close()
            raise
        # Ids never start again within a process: the publisher may still use those of a replaced file.
        self._last_id = max(self._last_id, last)
        return db

    def _start_new_file(self, why: str) -> None:
        self._db.close()
        self._db = self._replace_file(why)

    def _replace_file(self, why: str) -> sqlite3.Connection:
        """Rename the damaged file, and create a new one with the undamaged messages."""
        aside = salvage.set_aside(self._path)
        db = self._open_file()
        with salvage.opened_copy(aside, aside.parent) as damaged:
            # The query finds nothing if the file has no checksum column, because it is from an older version.
            found = [*salvage.whole_rows(damaged, "message", rows.COLUMNS)]
            found = found or [*salvage.whole_rows(damaged, "message", rows.COLUMNS_BEFORE)]
            saved = self._with_ids([row for row in found if rows.item(row) is not None])
            progress = [*salvage.whole_rows(damaged, "progress", ("id", "counted_from", "counted_until"))]
            progress = progress or [*salvage.whole_rows(damaged, "progress", ("id", "NULL", "counted_until"))]
            counted = [*salvage.whole_rows(damaged, "counted", ("counted_from", "counted_until"))]
            counted = [row for row in counted if rows.stretch(row) is not None]
        with db:
            db.executemany(rows.TAKE_OVER, saved)
            db.executemany(
                "INSERT OR IGNORE INTO progress (id, counted_from, counted_until) VALUES (?, ?, ?)", progress
            )
            db.executemany("INSERT INTO counted (counted_from, counted_until) VALUES (?, ?)", counted)
        db.close()
        db = self._open_file()
        log.error(
            "outbox: %s is damaged (%s); renamed to %s, %d messages of it were saved",
            self._path,
            why,
            aside.name,
            len(saved),
            extra=_FAULT,
        )
        return db

    def _with_ids(self, saved: list[rows.Row]) -> list[rows.Row]:
        """Give the rows whose id is damaged new ones."""
        last = max((row[0] for row in saved if rows.is_given(row[0])), default=0)
        free = count(max(self._last_id, last) + 1)
        return [row if rows.is_given(row[0]) else (next(free), *row[1:]) for row in saved]

    def _set_rows_aside(self, damaged: list[rows.Row]) -> None:
        changes: list[_Change] = [
            (rows.SET_ASIDE, damaged),
            (rows.BOUND_DAMAGED, [(rows.DAMAGED_KEPT,)]),
            (rows.DELETE, [(row[0],) for row in damaged]),
        ]
        self._depth -= self._write("NORMAL", changes)[2]
        self._lost += len(damaged)
        log.error(
            "outbox: %d messages are damaged on the disk; they are not sent", len(damaged), extra=_FAULT
        )

    def _refuse(self, why: str) -> bool:
        self._lost += 1
        self._note(why)
        return False

    def _note(self, fault: str) -> None:
        if self._fault is None:
            log.error("outbox: %s; new messages are lost", fault, extra=_FAULT)
        self._fault = fault


def _disk_fault(error: sqlite3.DatabaseError) -> str:
    """Return a text for a disk fault; any other error is raised again, because it is a bug."""
    code = salvage.code(error)
    if code not in _DISK_FAULTS:
        raise error
    return f"{_DISK_FAULTS[code]} ({error})"
