"""The embedded store: one SQLite file, for a shop with one Pi and no server.

The wire JSON is stored unchanged, beside the few columns that queries need; only verdicts with noise have a table of
their own. Of health, status and probe messages only
the last is kept, of alerts the last one for each fault, of notices and acknowledgements the last one for each name: the
page shows no more, and every write wears out the SD card.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cloud.domain.noise import ToldNoise
from cloud.domain.notices import Acknowledgement
from cloud.stores import embedded_noise
from cloud.stores.embedded_file import (
    OF_SITE,
    STAMP,
    WITH_COHORT,
    RowReader,
    open_file,
    take_over,
)
from cloud.stores.sqlite_file import connect, transaction
from cloud.stores.store import DeadLetter, DeviceState, StoreUnavailable, by_device
from common.clock import Clock
from common.database_file import why_not_opened
from common.errors import UserError
from common.wire import (
    AlertMessage,
    HealthMessage,
    Message,
    NoticeMessage,
    ProbeMessage,
    StatusMessage,
    WindowMessage,
)

log = logging.getLogger(__name__)

_PRUNE_EVERY = timedelta(hours=1)
_DEAD_LETTERS_KEPT = 1000


class EmbeddedStore:
    """A ``Store`` and a ``Reader`` over one file; safe to use from several threads.

    Windows that start more than ``retention_days`` ago are removed, at most once an hour. Raises ``UserError`` if the
    file cannot be opened or is not a Footlight store. ``repair`` is for the process that owns the file: a damaged file
    is renamed, and its undamaged rows are kept.
    """

    def __init__(self, path: Path, *, retention_days: int, clock: Clock, repair: bool = False) -> None:
        self._path = path
        self._retention = timedelta(days=retention_days)
        self._clock = clock
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._pruned_at: datetime | None = None
        self._row_reader = RowReader()
        try:
            self._db = open_file(path, repair=repair)
            self._reading = connect(path)
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"store.path: {path}: {why_not_opened(path, error)}") from None

    def write(self, messages: Sequence[Message]) -> None:
        now = self._clock.now()
        try:
            with self._write_lock, transaction(self._db):
                for message in messages:
                    self._put(message, now)
                self._prune(now)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from None

    def contains(self, probe: ProbeMessage) -> bool:
        query = "SELECT 1 FROM probes WHERE site = ? AND device = ? AND nonce = ?"
        return bool(self._rows(query, probe.site, probe.device, probe.nonce))

    def record_duplicates(self, windows: Mapping[tuple[str, str], int], at: datetime) -> None:
        insert = (
            "INSERT INTO duplicates (site, device, at, windows) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET windows = windows + excluded.windows"
        )
        self._execute(*((insert, (*device, at.timestamp(), count)) for device, count in windows.items()))

    def duplicates(self, site: str, start: datetime, end: datetime) -> dict[str, int]:
        query = "SELECT device, sum(windows) FROM duplicates WHERE site = ? AND at >= ? AND at < ? GROUP BY device"
        return dict(self._rows(query, site, start.timestamp(), end.timestamp()))

    def record_dead_letter(self, letter: DeadLetter) -> None:
        row = (letter.at.timestamp(), letter.site, letter.device, letter.topic, letter.reason, letter.payload)
        self._execute(
            (
                "INSERT INTO dead_letters (at, site, device, topic, reason, payload) VALUES (?, ?, ?, ?, ?, ?)",
                row,
            ),
            (
                "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?",
                (_DEAD_LETTERS_KEPT,),
            ),
        )

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        query = "SELECT at, site, device, topic, reason, payload FROM dead_letters ORDER BY id DESC LIMIT ?"
        return [DeadLetter(_moment(row[0]), *row[1:]) for row in self._rows(query, limit)]

    def take_over(self, source: Path) -> int:
        """Add what another store's file has and this one does not; return the number of new windows.

        Raises ``sqlite3.Error`` or ``OSError``.
        """
        with self._write_lock:
            return take_over(self._db, source, self._path.parent)

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            self._reading.close()
            self._db.close()

    def sites(self) -> list[str]:
        return [site for (site,) in self._rows("SELECT DISTINCT site FROM devices ORDER BY site")]

    def devices(self, site: str) -> list[DeviceState]:
        query = (
            "SELECT device, heard, status, status_at, health, software, model FROM devices WHERE site = ?"
            " ORDER BY device"
        )
        alerts: dict[str, list[AlertMessage]] = {}
        for device, json in self._rows(
            "SELECT device, json FROM alerts WHERE site = ? AND active ORDER BY at", site
        ):
            if alert := self._row_reader.read(AlertMessage, json):
                alerts.setdefault(device, []).append(alert)
        states = []
        for device, heard, status_json, status_at, health_json, software, model in self._rows(query, site):
            status = self._row_reader.read(StatusMessage, status_json)
            states.append(
                DeviceState(
                    site=site,
                    device=device,
                    online=status.online if status else None,
                    since=_moment(status_at) if status else None,
                    last_seen=_moment(heard) if heard is not None else None,
                    software=software,
                    model=model,
                    health=self._row_reader.read(HealthMessage, health_json),
                    alerts=tuple(alerts.get(device, ())),
                )
            )
        return states

    def fleet(self) -> list[DeviceState]:
        return [state for site in self.sites() for state in self.devices(site)]

    def watched_s(self, start: datetime, end: datetime) -> dict[tuple[str, str], float]:
        return by_device(
            ((w.site, w.device, w.camera), w.coverage.share * w.duration_s)
            for site in self.sites()
            for w in self.windows(site, start, end)
        )

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        rows = self._rows(f"SELECT json {OF_SITE}", site, start.timestamp(), end.timestamp())
        return [window for (json,) in rows if (window := self._row_reader.read(WindowMessage, json))]

    def cohorts(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Return the windows that start in [start, end) and have a cohort, in the same order."""
        rows = self._rows(f"SELECT json {WITH_COHORT}", site, start.timestamp(), end.timestamp())
        return [window for (json,) in rows if (window := self._row_reader.read(WindowMessage, json))]

    def noise(self, site: str, start: datetime, end: datetime) -> list[ToldNoise]:
        rows = self._rows(embedded_noise.OF_SITE, site, start.timestamp(), end.timestamp())
        return embedded_noise.told(rows, self._row_reader)

    def stamp(self, site: str, start: datetime, end: datetime) -> tuple[int, int]:
        """Return a value that changes when a window that starts in [start, end) is written or removed."""
        ((count, newest),) = self._rows(STAMP, site, start.timestamp(), end.timestamp())
        return count, newest

    def starts(self, site: str, start: datetime, end: datetime) -> list[datetime]:
        """Return the start times of the windows in [start, end)."""
        rows = self._rows(f"SELECT start {OF_SITE}", site, start.timestamp(), end.timestamp())
        return [_moment(at) for (at,) in rows]

    def notices(self, site: str | None = None) -> list[NoticeMessage]:
        query = "SELECT json FROM notices WHERE site = ifnull(?, site) AND active ORDER BY at DESC"
        rows = self._rows(query, site)
        return [notice for (json,) in rows if (notice := self._row_reader.read(NoticeMessage, json))]

    def acknowledgements(self, site: str | None = None) -> list[Acknowledgement]:
        query = (
            "SELECT site, device, name, began, who, at FROM acknowledgements WHERE site = ifnull(?, site)"
            " ORDER BY at DESC"
        )
        rows = self._rows(query, site)
        return [
            Acknowledgement(shop, device, name, began=_moment(began), who=who, at=_moment(at))
            for shop, device, name, began, who, at in rows
        ]

    def record_acknowledgement(self, acknowledgement: Acknowledgement) -> None:
        one = acknowledgement
        insert = (
            "INSERT OR REPLACE INTO acknowledgements (site, device, name, began, who, at)"
            " VALUES (?, ?, ?, ?, ?, ?)"
        )
        self._execute(
            (insert, (one.site, one.device, one.name, one.began.timestamp(), one.who, one.at.timestamp()))
        )

    def latest(self, site: str) -> WindowMessage | None:
        rows = self._rows("SELECT json FROM windows WHERE site = ? ORDER BY start DESC LIMIT 1", site)
        return self._row_reader.read(WindowMessage, rows[0][0]) if rows else None

    def _execute(self, *statements: tuple[str, Sequence[Any]]) -> None:
        """Run all statements in one transaction. Raises ``StoreUnavailable``."""
        try:
            with self._write_lock, transaction(self._db):
                for statement, values in statements:
                    self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from None

    def _rows(self, query: str, *values: str | float | None) -> list[Any]:
        try:
            with self._read_lock:
                return self._reading.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise StoreUnavailable(
                f"store.path: {self._path}: {error}; if it is damaged, restart the service that writes it"
            ) from None

    def _put(self, message: Message, now: datetime) -> None:
        identity = (message.site, message.device)
        if isinstance(
            message, ProbeMessage
        ):  # it says nothing about the shop, not even that the device exists
            self._db.execute(
                "INSERT OR REPLACE INTO probes (site, device, at, nonce) VALUES (?, ?, ?, ?)",
                (*identity, message.at.timestamp(), message.nonce),
            )
            return
        if isinstance(message, WindowMessage):
            message = embedded_noise.set_apart(self._db, message)
        json = message.model_dump_json(by_alias=True)
        self._db.execute("INSERT OR IGNORE INTO devices (site, device) VALUES (?, ?)", identity)
        if not isinstance(message, StatusMessage):
            self._db.execute(
                "UPDATE devices SET heard = ? WHERE site = ? AND device = ?", (now.timestamp(), *identity)
            )
        match message:
            case WindowMessage():
                self._db.execute(
                    "INSERT OR REPLACE INTO windows (site, start, device, camera, json) VALUES (?, ?, ?, ?, ?)",
                    (message.site, message.start.timestamp(), message.device, message.camera, json),
                )
            case HealthMessage():
                at = message.at.timestamp()
                self._db.execute(
                    "UPDATE devices SET health = ?, health_at = ?, software = ?, model = ?"
                    " WHERE site = ? AND device = ? AND ifnull(health_at, 0) <= ?",
                    (json, at, message.software, message.model, *identity, at),
                )
            case StatusMessage():
                self._put_status(message, json, now)
            case AlertMessage():
                self._db.execute(
                    "INSERT INTO alerts (site, device, fault, at, active, json) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET at = excluded.at, active = excluded.active, json = excluded.json"
                    " WHERE excluded.at >= at",
                    (*identity, message.fault, message.at.timestamp(), message.active, json),
                )
            case NoticeMessage():
                self._db.execute(
                    "INSERT INTO notices (site, device, name, at, active, json) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET at = excluded.at, active = excluded.active, json = excluded.json"
                    " WHERE excluded.at >= at",
                    (*identity, message.name, message.at.timestamp(), message.active, json),
                )

    def _put_status(self, message: StatusMessage, json: str, now: datetime) -> None:
        """Store a status; the last one to arrive counts.

        The broker keeps the order, and the ``since`` of a last will is that of the connection it ends.
        """
        identity = (message.site, message.device)
        query = "SELECT status FROM devices WHERE site = ? AND device = ?"
        known = self._db.execute(query, identity).fetchone()[0]
        if known == json:
            return
        at = message.since if message.online else now
        self._db.execute(
            "UPDATE devices SET status = ?, status_at = ?, software = ? WHERE site = ? AND device = ?",
            (json, at.timestamp(), message.software, *identity),
        )

    def _prune(self, now: datetime) -> None:
        if self._pruned_at is not None and now - self._pruned_at < _PRUNE_EVERY:
            return
        self._pruned_at = now
        oldest = (now - self._retention).timestamp()
        self._db.execute("DELETE FROM duplicates WHERE at < ?", (oldest,))
        self._db.execute(embedded_noise.PRUNE, (oldest,))
        self._db.execute(
            "DELETE FROM windows WHERE site IN (SELECT DISTINCT site FROM devices) AND start < ?",
            (oldest,),
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
