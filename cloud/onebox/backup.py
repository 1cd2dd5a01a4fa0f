"""A copy of the embedded store each night, and the way back: ``footlight-cloud restore``.

A shop may switch its box off at night: a copy that is a day old is made as soon as the box is on.
"""

from __future__ import annotations

import argparse
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud.config import EmbeddedSettings, load
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.embedded_file import back_up
from common.clock import Clock, SystemClock
from common.errors import UserError

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 600.0
_NIGHT_HOUR = 3


def due(last: datetime | None, now: datetime) -> bool:
    """Whether a copy is to be made ``now``, a local time, when the last one was made then."""
    age = timedelta.max if last is None else now - last
    return age >= timedelta(days=1) or (now.hour == _NIGHT_HOUR and age >= timedelta(hours=12))


@contextmanager
def nightly(store: EmbeddedSettings, clock: Clock, *, look_every_s: float = _LOOK_EVERY_S) -> Iterator[None]:
    """Make copies from a thread of its own while the store is in use."""
    target = store.backup_location()
    if target is None:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(
        target=_run,
        args=(store.location(), target, clock, stop, look_every_s),
        name="backup",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _run(path: Path, target: Path, clock: Clock, stop: threading.Event, look_every_s: float) -> None:
    fault = ""
    while not stop.wait(look_every_s):
        if not due(_made_at(target), clock.now().astimezone()):
            continue
        try:
            back_up(path, target)
        except (OSError, sqlite3.Error) as error:
            if str(error) != fault:
                log.warning("backup %s cannot be written: %s; the one before stays", target, error)
            fault = str(error)
        else:
            fault = ""
            log.info("backup %s is written", target)


def _made_at(target: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(target.stat().st_mtime, UTC)
    except OSError:
        return None


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``footlight-cloud restore``."""
    parser = commands.add_parser("restore", help="add to the embedded store what a backup has and it lacks")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("backup", type=Path, nargs="?", metavar="BACKUP", help="(default: store.backup)")
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """The command. Nothing that is stored is replaced, so that it may run while ``serve`` does, and twice."""
    store = load(args.config).store
    if not isinstance(store, EmbeddedSettings):
        raise UserError("store.kind: 'restore' is for the embedded store; InfluxDB has backups of its own")
    source = args.backup or store.backup_location()
    if source is None or not source.is_file():
        raise UserError(f"{source or 'store.backup'}: no such file; name the backup to restore from")
    opened = EmbeddedStore(store.location(), retention_days=store.retention_days, clock=SystemClock())
    try:
        added = opened.take_over(source)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{source}: cannot be restored ({error})") from None
    finally:
        opened.close()
    print(f"{added} windows restored from {source}; what was stored already stays as it is")
    return 0
