"""Nightly copies of what the server keeps in files, and how they come back.

A shop may switch its box off at night: if the last backup is a day old, a new one is made as soon as the box is on.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud.config import EmbeddedSettings, Settings, load
from cloud.ingest.background import in_background
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.embedded_file import back_up
from cloud.stores.sqlite_file import connect, create_private, overwrite
from common import salvage
from common.clock import Clock, SystemClock
from common.durable_file import put_in_place
from common.errors import UserError

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 600.0
_NIGHT_HOUR = 3


def due(last: datetime | None, now: datetime) -> bool:
    """Tell whether a backup is due ``now``, a local time; ``last`` is the time of the last one."""
    age = timedelta.max if last is None else now - last
    return age >= timedelta(days=1) or (now.hour == _NIGHT_HOUR and age >= timedelta(hours=12))


def copies(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[tuple[Path, Path]]:
    """Return each file of the server with the path of its backup; empty if no backup is wanted."""
    backup = settings.backup_file(environ)
    if backup is None:
        return []
    found = [
        (file, backup.with_suffix(suffix)) for suffix, file in settings.files_beside_store(environ).items()
    ]
    if isinstance(settings.store, EmbeddedSettings):
        found.append((settings.store.location(environ), backup))
    return found


@contextmanager
def nightly(
    files: Sequence[tuple[Path, Path]], clock: Clock, *, look_every_s: float = _LOOK_EVERY_S
) -> Iterator[None]:
    """Make backups of ``files``, see :func:`copies`, in a separate thread while they are in use."""
    if not files:
        yield
        return
    with in_background("backup", lambda stop: _run(files, clock, stop, look_every_s)):
        yield


def _run(
    files: Sequence[tuple[Path, Path]], clock: Clock, stop: threading.Event, look_every_s: float
) -> None:
    faults: dict[Path, str] = {}
    while not stop.wait(look_every_s):
        made = []
        now = clock.now().astimezone()
        for file, copy in files:
            if not file.is_file() or not due(_made_at(copy), now):
                continue
            try:
                _copy(file, copy)
            except (OSError, sqlite3.Error) as error:
                fault = (isinstance(error, OSError) and error.strerror) or str(error)
                if fault not in faults.values():
                    log.warning("backup %s cannot be written: %s; the previous backup is kept", copy, fault)
                faults[copy] = fault
            else:
                faults.pop(copy, None)
                made.append(str(copy))
        if made:
            log.info("backup written to %s", ", ".join(made))


def _copy(file: Path, copy: Path) -> None:
    if file.suffix == ".sqlite":
        back_up(file, copy)
    else:
        _write(file, copy)


def _write(file: Path, target: Path) -> None:
    """Replace ``target`` by a copy of ``file``, as a whole; only its owner may read it."""
    draft = target.with_name(target.name + ".new")
    try:
        draft.touch(mode=0o600)
        shutil.copyfile(file, draft)
        put_in_place(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _made_at(target: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(target.stat().st_mtime, UTC)
    except OSError:
        return None


def restore_copies(config: Path, backup: Path | None, *, replace: bool) -> Iterator[str]:
    """Bring back what is missing, and with ``replace`` also the files that are there; yield a line for each thing.

    It replaces no stored window, so it can run more than once and while a service is running. Raises ``UserError``.
    """
    settings = load(config)
    backup = backup or settings.backup_file()
    embedded = isinstance(settings.store, EmbeddedSettings)
    beside = {} if backup is None else _existing(settings, backup)
    if backup is None or not (backup.is_file() if embedded else beside):
        raise UserError(f"{backup or 'store.backup'}: no such file; give the path of the backup to restore")
    if isinstance(settings.store, EmbeddedSettings):
        yield restore_windows(settings.store.location(), backup, retention_days=settings.store.retention_days)
    else:
        yield "the counts are in InfluxDB, which is in archives only: docs/backup.md"
    for copy, file in beside.items():
        if file.exists() and not replace:
            yield f"{file} is there already and was left as it is; --replace takes the one of the backup"
        else:
            _restore_file(copy, file)
            yield f"{file} restored from {copy}; restart the service"


def _existing(settings: Settings, backup: Path) -> dict[Path, Path]:
    """Return the copies that lie beside ``backup``, each with the file that it is a copy of."""
    pairs = {backup.with_suffix(suffix): file for suffix, file in settings.files_beside_store().items()}
    return {copy: file for copy, file in pairs.items() if copy.is_file()}


def restore_windows(path: Path, backup: Path, *, retention_days: int) -> str:
    """Add the windows of ``backup`` that the store at ``path`` lacks; say how many. Raises ``UserError``."""
    opened = EmbeddedStore(path, retention_days=retention_days, clock=SystemClock())
    try:
        added = opened.take_over(backup)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{backup}: cannot be restored ({error})") from None
    finally:
        opened.close()
    return f"{added} windows restored; windows that were already stored are unchanged"


def _restore_file(copy: Path, file: Path) -> None:
    """Give ``file`` the content of ``copy`` and the owner of its folder, which is the service. Raises ``UserError``."""
    try:
        if file.suffix == ".sqlite":
            with closing(connect(copy)) as source:
                salvage.check(source)
            create_private(file)
            overwrite(file, copy)
        else:
            _write(copy, file)
        owner = file.parent.stat()
        os.chown(file, owner.st_uid, owner.st_gid)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{copy}: cannot be restored to {file} ({error})") from None
