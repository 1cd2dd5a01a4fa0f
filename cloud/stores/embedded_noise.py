"""Verdicts with noise in the embedded store: a table of their own, so that nothing that reads windows can meet them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from cloud.domain.noise import ToldNoise
from cloud.stores.embedded_file import RowReader
from common.wire import Noise, WindowMessage

OF_SITE = (
    "SELECT device, camera, since, visits, json FROM noise WHERE site = ? AND start >= ? AND start < ?"
    " ORDER BY start, device, camera"
)
PRUNE = "DELETE FROM noise WHERE site IN (SELECT DISTINCT site FROM devices) AND start < ?"
_PUT = (
    "INSERT OR REPLACE INTO noise (site, start, device, camera, since, visits, json)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def set_apart(db: sqlite3.Connection, window: WindowMessage) -> WindowMessage:
    """Write the noise of a window to its table, in the open transaction; return the window without it."""
    if window.cohort is None or window.cohort.noise is None:
        return window
    cohort, noise = window.cohort, window.cohort.noise
    identity = (window.site, window.start.timestamp(), window.device, window.camera)
    db.execute(_PUT, (*identity, cohort.since.timestamp(), cohort.visits, noise.model_dump_json()))
    return window.model_copy(update={"cohort": cohort.model_copy(update={"noise": None})})


def told(rows: Iterable[Any], reader: RowReader) -> list[ToldNoise]:
    """Return what the rows of ``OF_SITE`` tell; damaged ones are left out."""
    return [
        ToldNoise(f"{device}/{camera}", datetime.fromtimestamp(since, UTC), visits, noise)
        for device, camera, since, visits, json in rows
        if (noise := reader.read(Noise, json)) is not None
    ]
