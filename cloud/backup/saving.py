"""Saves a whole machine in one archive: its files, its databases, and all points of its InfluxDB."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from cloud import config
from cloud.backup import machine, points
from cloud.backup.archive import SUFFIX, Contents, Draft, Entry, points_member, writing
from cloud.backup.plan import Plan
from cloud.config import EmbeddedSettings, InfluxSettings
from cloud.domain.levels import LEVELS, Level
from cloud.stores.connect import open_influxql
from cloud.stores.store import StoreUnavailable
from common.clock import SystemClock
from common.errors import UserError


def save(plan: Plan, archive: Path | None) -> Iterator[str]:
    """Write one archive, by default a new one in the plan's folder, and then delete the oldest there beyond ``keep``.

    Yields a line for each thing. Raises ``UserError``; then there is no new archive, and none was deleted.
    """
    began = SystemClock().now()
    target = archive or plan.folder / _name(began)
    if target.suffix != SUFFIX:
        raise UserError(f"{target}: the name of an archive ends with {SUFFIX}")
    settings = None if plan.config is None else config.load(plan.config)
    store = None if settings is None else settings.store
    embedded = store.location(plan.environ()).resolve() if isinstance(store, EmbeddedSettings) else None
    beside = [] if settings is None else settings.files_beside_store(plan.environ()).values()
    own = [file for file in beside if file.exists()]
    found = machine.entries([*plan.files, *own, *filter(None, (plan.config, embedded))])
    if not any(entry.kind == "file" for entry in found):
        raise UserError("the plan names no file to save; see backup.example.yaml")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_room(target.parent, found)
        counted: dict[Level, int] = {}
        with writing(target) as draft:
            # Messages that wait in the broker come before the points: what leaves the one meanwhile is in the other.
            machine.save(draft, found, target.parent)
            if isinstance(store, InfluxSettings):
                counted = _save_points(draft, store)
            draft.finish(
                Contents(
                    began=began,
                    config=None if plan.config is None else str(plan.config.resolve()),
                    embedded=None if embedded is None else str(embedded),
                    points=counted,
                    entries=found,
                )
            )
    except (OSError, sqlite3.Error) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise UserError(f"{target}: cannot be written ({why}); earlier archives are kept") from None
    except StoreUnavailable as error:
        raise UserError(f"store: {error}; no archive was written, earlier ones are kept") from None
    files = sum(entry.kind == "file" for entry in found)
    told = f", {sum(counted.values())} points of InfluxDB" if counted else ""
    yield f"{target}: {files} files{told}, {target.stat().st_size / 1e6:.1f} MB"
    if archive is None:
        for old in _archives(plan.folder)[: -plan.keep]:
            old.unlink()
            yield f"{old}: deleted, {plan.keep} are kept"


def _name(began: datetime) -> str:
    return f"footlight-{socket.gethostname()}-{began:%Y%m%dT%H%M%SZ}{SUFFIX}"


def _archives(folder: Path) -> list[Path]:
    """Return the archives of this machine, oldest first."""
    return sorted(folder.glob(f"footlight-{socket.gethostname()}-????????T??????Z{SUFFIX}"))


def _require_room(folder: Path, found: list[Entry]) -> None:
    """Raise ``UserError`` if the disk has no room for the files as they are and for one more like the last archive."""
    last = [path.stat().st_size for path in _archives(folder)[-1:]]
    needed, free = machine.size(found) + sum(last), shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder}: {free / 1e6:.0f} MB are free, and an archive may need {needed / 1e6:.0f} MB; delete old"
            " archives, keep fewer, or use another folder"
        )


def _save_points(draft: Draft, store: InfluxSettings) -> dict[Level, int]:
    counted: dict[Level, int] = {}
    with closing(open_influxql(store)) as influxql:
        for level in LEVELS:
            counted[level] = 0
            with draft.member(points_member(level)) as member:
                for text in points.lines(influxql, level):
                    member.write(f"{text}\n".encode())
                    counted[level] += 1
    return counted
