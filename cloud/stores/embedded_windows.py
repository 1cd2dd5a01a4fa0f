"""Reads the windows of an embedded store for an analysis, while ``serve`` writes it."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.stores.embedded_file import OF_SITE, SCHEMA_VERSION, RowReader, check_exists
from cloud.stores.store import StoreUnavailable
from common.errors import UserError
from common.wire import WindowMessage


class EmbeddedWindows:
    """The windows of an embedded store, read-only: the file is neither created nor changed.

    Raises ``UserError`` if the file is missing or is not a Footlight store.
    """

    def __init__(self, path: Path) -> None:
        check_exists(path)
        self._row_reader = RowReader()
        with ExitStack() as opened:
            try:
                self._db = opened.enter_context(
                    closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1))
                )
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
            except sqlite3.Error as error:
                raise UserError(f"store.path: {path}: cannot be read: {error}") from None
            if version != SCHEMA_VERSION:
                raise UserError(f"store.path: {path}: is not a store of this version of Footlight")
            opened.pop_all()

    def sites(self) -> list[str]:
        """Return every site that has windows, sorted by name. All methods raise ``StoreUnavailable``."""
        return [site for (site,) in self._rows("SELECT DISTINCT site FROM windows ORDER BY site")]

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Return the windows of all cameras of a site that start in [start, end), by start, device, camera."""
        rows = self._rows(f"SELECT json {OF_SITE}", site, start.timestamp(), end.timestamp())
        return [window for (json,) in rows if (window := self._row_reader.read(WindowMessage, json))]

    def starts(self, site: str, start: datetime, end: datetime) -> list[datetime]:
        """Return the start times of these windows."""
        rows = self._rows(f"SELECT start {OF_SITE}", site, start.timestamp(), end.timestamp())
        return [datetime.fromtimestamp(at, UTC) for (at,) in rows]

    def close(self) -> None:
        self._db.close()

    def _rows(self, query: str, *values: str | float) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"store.path: {error}") from None
