"""Who changed which settings of a shop in the chain file, and when: a small SQLite file beside the store."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.stores.sqlite_file import OtherVersion, open_history
from common.database_file import why_not_opened

log = logging.getLogger(__name__)

KEPT = 200
"""Versions of one shop."""

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE versions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, at REAL NOT NULL, who TEXT, settings TEXT NOT NULL
);
CREATE INDEX of_site ON versions (site, number);
"""


class HistoryUnavailable(Exception):
    """The file of the history cannot be read or written now; the text says why."""


@dataclass(frozen=True, slots=True)
class Version:
    """The settings of a shop since ``at``. ``who`` is None for what somebody wrote into the chain file by hand."""

    number: int
    at: datetime
    who: str | None
    settings: Mapping[str, Any]


class History:
    """The versions of all shops. Safe to use from several threads; every method raises ``HistoryUnavailable``.

    The file is opened when it is used first, because a page that changes nothing needs none. A damaged one is renamed,
    and a new one begins.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()

    def add(self, site: str, at: datetime, who: str | None, settings: Mapping[str, Any]) -> Version:
        """Keep a new version and return it."""
        values = (site, at.timestamp(), who, json.dumps(settings))
        (number,) = self._run(
            "INSERT INTO versions (site, at, who, settings) VALUES (?, ?, ?, ?) RETURNING number", values
        )[0]
        self._run(
            "DELETE FROM versions WHERE site = ? AND number NOT IN"
            " (SELECT number FROM versions WHERE site = ? ORDER BY number DESC LIMIT ?)",
            (site, site, KEPT),
        )
        return Version(number, at, who, settings)

    def forget(self, version: Version) -> None:
        """Delete a version that was not written."""
        self._run("DELETE FROM versions WHERE number = ?", (version.number,))

    def of(self, site: str) -> list[Version]:
        """Return the versions of a shop, newest first."""
        rows = self._run(
            "SELECT number, at, who, settings FROM versions WHERE site = ? ORDER BY number DESC", (site,)
        )
        return [
            Version(number, datetime.fromtimestamp(at, UTC), who, json.loads(settings))
            for number, at, who, settings in rows
        ]

    def _run(self, query: str, values: tuple[object, ...]) -> list[Any]:
        try:
            with self._lock:
                if self._db is None:
                    self._db = open_history(self._path, _SCHEMA, _SCHEMA_VERSION, area="chain")
                return self._db.execute(query, values).fetchall()
        except OtherVersion as error:
            raise HistoryUnavailable(f"{self._path}: {error}") from None
        except (OSError, sqlite3.Error) as error:
            log.warning("chain: %s: %s", self._path, why_not_opened(self._path, error))
            raise HistoryUnavailable(f"{self._path}: {error}") from None
