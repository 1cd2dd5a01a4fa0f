"""A nightly backup of the embedded store, and ``footlight-cloud restore``.

A shop may switch its box off at night: if the last backup is a day old, a new one is made as soon as the box is on.
"""

from __future__ import annotations

import argparse
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud.account_settings import beside
from cloud.config import EmbeddedSettings, load
from cloud.ingest.background import in_background
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.embedded_file import back_up
from common.clock import Clock, SystemClock
from common.errors import UserError

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 600.0
_NIGHT_HOUR = 3


def due(last: datetime | None, now: datetime) -> bool:
    """Tell whether a backup is due ``now``, a local time; ``last`` is the time of the last one."""
    age = timedelta.max if last is None else now - last
    return age >= timedelta(days=1) or (now.hour == _NIGHT_HOUR and age >= timedelta(hours=12))


@contextmanager
def nightly(
    store: EmbeddedSettings,
    clock: Clock,
    *,
    accounts: Path | None = None,
    checks: Path | None = None,
    look_every_s: float = _LOOK_EVERY_S,
) -> Iterator[None]:
    """Make backups of the store, and of the files of the ``accounts`` and the count ``checks``, in a separate thread
    while they are in use."""
    target = store.backup_location()
    if target is None:
        yield
        return

    others = {
        file: made
        for file, made in ((accounts, beside(target)), (checks, target.with_suffix(".checks.sqlite")))
        if file
    }

    def work(stop: threading.Event) -> None:
        _run(store.location(), others, target, clock, stop, look_every_s)

    with in_background("backup", work):
        yield


def _run(
    path: Path,
    others: Mapping[Path, Path],
    target: Path,
    clock: Clock,
    stop: threading.Event,
    look_every_s: float,
) -> None:
    fault = ""
    while not stop.wait(look_every_s):
        if not due(_made_at(target), clock.now().astimezone()):
            continue
        try:
            for file, made in others.items():
                if file.is_file():
                    back_up(file, made)
            back_up(path, target)  # last: its age tells when the next backup is due
        except (OSError, sqlite3.Error) as error:
            if str(error) != fault:
                log.warning("backup %s cannot be written: %s; the previous backup is kept", target, error)
            fault = str(error)
        else:
            fault = ""
            log.info("backup written to %s", target)


def _made_at(target: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(target.stat().st_mtime, UTC)
    except OSError:
        return None


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``footlight-cloud restore``."""
    parser = commands.add_parser("restore", help="add the missing data from a backup to the embedded store")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("backup", type=Path, nargs="?", metavar="BACKUP", help="(default: store.backup)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. It replaces no stored data, so it can run more than once and while ``serve`` is running."""
    store = load(args.config).store
    if not isinstance(store, EmbeddedSettings):
        raise UserError("store.kind: 'restore' is for the embedded store; use InfluxDB's own backup tools")
    source = args.backup or store.backup_location()
    if source is None or not source.is_file():
        raise UserError(f"{source or 'store.backup'}: no such file; give the path of the backup to restore")
    opened = EmbeddedStore(store.location(), retention_days=store.retention_days, clock=SystemClock())
    try:
        added = opened.take_over(source)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{source}: cannot be restored ({error})") from None
    finally:
        opened.close()
    print(f"{added} windows restored from {source}; windows that were already stored are unchanged")
    return 0
