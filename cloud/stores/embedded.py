"""The embedded store: one SQLite file, for a shop with one Pi and no server.

The wire JSON is kept as it came, beside the few columns that are asked for. Of health, status and probes only the
last is kept, of alerts the last word on each fault: the page shows no more, and every write wears the card.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cloud.stores.store import DeviceState, StoreUnavailable
from common.clock import Clock
from common.database_file import why_not_opened
from common.errors import UserError
from common.wire import AlertMessage, HealthMessage, Message, ProbeMessage, StatusMessage, WindowMessage

_SCHEMA_VERSION = 1
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
# Later than the rest, and made where it is missing: as it changes nothing else, a version from before it can still use
# the file, and so can be gone back to.
_PROBES = """
CREATE TABLE IF NOT EXISTS probes (
    site TEXT NOT NULL, device TEXT NOT NULL, at REAL NOT NULL, nonce TEXT NOT NULL,
    PRIMARY KEY (site, device)
);
"""
_PRUNE_EVERY = timedelta(hours=1)


class EmbeddedStore:
    """A ``Store`` and a ``Reader`` over one file; safe to use from several threads.

    Windows that start more than ``retention_days`` ago are removed, at most once an hour. Raises ``UserError``
    when the file cannot be opened or is not one of ours.
    """

    def __init__(self, path: Path, *, retention_days: int, clock: Clock) -> None:
        self._retention = timedelta(days=retention_days)
        self._clock = clock
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._pruned_at: datetime | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as opened:
                self._db = opened.enter_context(closing(_connect(path)))
                # WAL: the page reads while the bridge writes. FULL: a commit survives a power cut, and what is
                # committed will be acknowledged.
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._migrate(path)
                self._reading = _connect(path)
                opened.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"store.path: {path}: {why_not_opened(path, error)}") from None

    def _migrate(self, path: Path) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")
        elif version != _SCHEMA_VERSION:
            raise UserError(f"store.path: {path}: written by another version of Footlight (schema {version})")
        self._db.execute(_PROBES)

    def write(self, messages: Sequence[Message]) -> None:
        now = self._clock.now()
        try:
            with self._write_lock, self._transaction():
                for message in messages:
                    self._put(message, now)
                self._prune(now)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from None

    def holds(self, probe: ProbeMessage) -> bool:
        query = "SELECT 1 FROM probes WHERE site = ? AND device = ? AND nonce = ?"
        try:
            return bool(self._rows(query, probe.site, probe.device, probe.nonce))
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from None

    def bury(self, site: str, device: str, reason: str) -> None:
        """One box has its log for that."""

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
            alerts.setdefault(device, []).append(AlertMessage.model_validate_json(json))
        states = []
        for device, heard, status_json, status_at, health_json, software, model in self._rows(query, site):
            status = StatusMessage.model_validate_json(status_json) if status_json else None
            states.append(
                DeviceState(
                    site=site,
                    device=device,
                    online=status.online if status else None,
                    since=_moment(status_at) if status else None,
                    last_seen=_moment(heard) if heard is not None else None,
                    software=software,
                    model=model,
                    health=HealthMessage.model_validate_json(health_json) if health_json else None,
                    alerts=tuple(alerts.get(device, ())),
                )
            )
        return states

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        query = "SELECT json FROM windows WHERE site = ? AND start >= ? AND start < ? ORDER BY start, device, camera"
        rows = self._rows(query, site, start.timestamp(), end.timestamp())
        return [WindowMessage.model_validate_json(json) for (json,) in rows]

    def latest(self, site: str) -> WindowMessage | None:
        rows = self._rows("SELECT json FROM windows WHERE site = ? ORDER BY start DESC LIMIT 1", site)
        return WindowMessage.model_validate_json(rows[0][0]) if rows else None

    def _rows(self, query: str, *values: str | float) -> list[Any]:
        with self._read_lock:
            return self._reading.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _put(self, message: Message, now: datetime) -> None:
        identity = (message.site, message.device)
        if isinstance(
            message, ProbeMessage
        ):  # it tells nothing of the shop, not even that there is such a device
            self._db.execute(
                "INSERT OR REPLACE INTO probes (site, device, at, nonce) VALUES (?, ?, ?, ?)",
                (*identity, message.at.timestamp(), message.nonce),
            )
            return
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

    def _put_status(self, message: StatusMessage, json: str, now: datetime) -> None:
        """The last to arrive counts: the broker keeps the order, and the ``since`` of a last will is that of the
        connection it ends."""
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
        self._db.execute(
            "DELETE FROM windows WHERE site IN (SELECT DISTINCT site FROM devices) AND start < ?",
            ((now - self._retention).timestamp(),),
        )


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
