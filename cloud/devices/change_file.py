"""What was asked of each device, by whom, and what it answered: a small SQLite file beside the store.

A change is kept as the message that was sent, so that it can be sent again unchanged. The last :data:`KEPT` changes of
a device are kept, and the places in its own file: the editor starts from them. Drafts of offers are
in the same file (``offers``).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from cloud.stores.sqlite_file import OtherVersion, open_history
from common.database_file import why_not_opened
from common.errors import UserError
from common.wire import ConfigMessage, short_hash

KEPT = 200

AnswerKind = Literal["none", "checked", "accepted", "refused"]
"""``checked``: the device has found the change valid; its places wait for closing time."""

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, device TEXT NOT NULL, who TEXT NOT NULL,
    payload BLOB NOT NULL, before TEXT, answer TEXT NOT NULL DEFAULT 'none', answered REAL, reason TEXT NOT NULL
    DEFAULT '', config TEXT
);
CREATE INDEX of_device ON changes (site, device, number);
CREATE TABLE own_places (
    site TEXT NOT NULL, device TEXT NOT NULL, at REAL NOT NULL, places TEXT NOT NULL, PRIMARY KEY (site, device)
);
"""
_DRAFTS = """
CREATE TABLE IF NOT EXISTS drafts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, device TEXT NOT NULL, at REAL NOT NULL,
    who TEXT NOT NULL, programme TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'drafted', decided REAL, decided_by TEXT
)
"""
"""A table that files of earlier versions lack."""
_COLUMNS = "number, who, payload, before, answer, answered, reason, config"


class ChangesUnavailable(Exception):
    """The file of changes cannot be read or written now; the text says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``before`` and ``config`` are the hashes of the settings that the device used when the change was
    sent, and with it; None if it has not told them. ``reason`` is why it was refused."""

    number: int
    who: str
    payload: bytes
    asked: ConfigMessage
    before: str | None
    answer: AnswerKind
    answered: datetime | None
    reason: str
    config: str | None

    @property
    def message(self) -> str:
        """The hash by which the device names this change."""
        return short_hash(self.payload)

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        return self.asked.settings


class ChangeFile:
    """The file of changes. Safe to use from several threads; every method raises ``ChangesUnavailable``.

    A damaged file is renamed, and a new one begins. Raises ``UserError`` if the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._db = open_history(path, _SCHEMA, _SCHEMA_VERSION, area="changes")
            self._db.execute(_DRAFTS)
        except OtherVersion as error:
            raise UserError(f"store.path: {path}: {error}") from None
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"store.path: {path}: {why_not_opened(path, error)}") from None

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, asked: ConfigMessage, payload: bytes, *, who: str, before: str | None) -> Change:
        """Keep a new change and return it."""
        of = (asked.site, asked.device)
        row = self.run(
            f"INSERT INTO changes (site, device, who, payload, before) VALUES (?, ?, ?, ?, ?) RETURNING {_COLUMNS}",  # noqa: S608 - our own names
            (*of, who, payload, before),
        )[0]
        self.run(
            "DELETE FROM changes WHERE site = ? AND device = ? AND number NOT IN"
            " (SELECT number FROM changes WHERE site = ? AND device = ? ORDER BY number DESC LIMIT ?)",
            (*of, *of, KEPT),
        )
        return _change(row)

    def forget(self, change: Change) -> None:
        """Delete a change that could not be sent."""
        self.run("DELETE FROM changes WHERE number = ?", (change.number,))

    def answer(
        self, change: Change, answer: AnswerKind, at: datetime, *, reason: str = "", config: str | None = None
    ) -> None:
        """Keep what the device answered."""
        self.run(
            "UPDATE changes SET answer = ?, answered = ?, reason = ?, config = ? WHERE number = ?",
            (answer, at.timestamp(), reason, config, change.number),
        )

    def of(self, site: str, device: str, *, most: int = KEPT) -> list[Change]:
        """Return the changes of a device, newest first."""
        rows = self.run(
            f"SELECT {_COLUMNS} FROM changes WHERE site = ? AND device = ? ORDER BY number DESC LIMIT ?",  # noqa: S608
            (site, device, most),
        )
        return _changes(rows)

    def latest(self) -> list[Change]:
        """Return the newest change of every device."""
        rows = self.run(
            f"SELECT {_COLUMNS} FROM changes WHERE number IN"  # noqa: S608
            " (SELECT max(number) FROM changes GROUP BY site, device)",
            (),
        )
        return _changes(rows)

    def keep_own(self, site: str, device: str, places: Mapping[str, JsonValue], at: datetime) -> None:
        """Keep the places in a device's own file, as it told them ``at`` this time."""
        self.run(
            "INSERT OR REPLACE INTO own_places (site, device, at, places) VALUES (?, ?, ?, ?)",
            (site, device, at.timestamp(), json.dumps(places)),
        )

    def own(self, site: str, device: str) -> dict[str, JsonValue] | None:
        """Return the places in a device's own file; None if it has not told them."""
        rows = self.run("SELECT places FROM own_places WHERE site = ? AND device = ?", (site, device))
        return None if not rows else json.loads(rows[0][0])

    def run(self, query: str, values: tuple[object, ...]) -> list[Any]:
        """Run a query on the tables of this file."""
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise ChangesUnavailable(f"{self._path}: {error}") from None


def _changes(rows: Iterable[tuple[Any, ...]]) -> list[Change]:
    """Return the changes in ``rows``, without those that another version wrote in a way that cannot be read."""
    found = []
    for row in rows:
        with contextlib.suppress(ValidationError):
            found.append(_change(row))
    return found


def _change(row: tuple[Any, ...]) -> Change:
    number, who, payload, before, answer, answered, reason, config = row
    return Change(
        number=number,
        who=who,
        payload=payload,
        asked=ConfigMessage.model_validate_json(payload),
        before=before,
        answer=answer,
        answered=None if answered is None else datetime.fromtimestamp(answered, UTC),
        reason=reason,
        config=config,
    )
