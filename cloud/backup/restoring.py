"""Brings a whole machine back from an archive."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory

import urllib3

from cloud import config as server
from cloud.backup import machine, points
from cloud.backup.archive import Archive, points_member, reading
from cloud.backup.copies import restore_windows
from cloud.config import EmbeddedSettings, InfluxSettings, Settings
from cloud.domain.levels import LEVELS
from cloud.stores import layout
from cloud.stores.connect import as_admin, open_influx, open_influxql, set_up_influx
from cloud.stores.setup import engine_version
from cloud.stores.store import StoreRejected, StoreUnavailable
from common.clock import SystemClock
from common.errors import UserError


def restore(
    path: Path, *, config: Path | None, replace: bool, admin_token_file: Path | None
) -> Iterator[str]:
    """Bring back files, folders and counts; yield a line for each thing.

    ``config`` says where the store is, on a machine that has another one than the archive. Raises ``UserError``; of an
    archive that is not whole, of files in the way without ``replace``, and without the store, nothing is restored.
    """
    with reading(path) as archive, TemporaryDirectory(prefix="footlight-restore-") as folder:
        contents = archive.contents
        settings = _settings(archive, config, Path(folder))
        store = None if settings is None else settings.store
        # Windows are added to a store that is there: it may have begun to count.
        begun = contents.embedded if contents.embedded and Path(contents.embedded).exists() else None
        found = [entry for entry in contents.entries if entry.path != begun]
        if not replace and (others := machine.different(archive, found)):
            raise UserError(
                f"{others[0]}{f' and {len(others) - 1} more' if others[1:] else ''}: is there already, with other"
                " content; stop the services, then use --replace to take what the archive has"
            )
        if begun is not None and not isinstance(store, EmbeddedSettings):
            raise UserError(
                "--config: names InfluxDB, and the archive has an embedded store; name its configuration"
            )
        if contents.points:
            store = _influx(store, admin_token_file)
            _prepare(store)
        yield f"{machine.put_back(archive, found)} files, folders and links restored"
        if begun is not None:
            copy = Path(folder, "store.sqlite")
            with archive.open(f"files{begun}") as source, copy.open("wb") as file:
                shutil.copyfileobj(source, file)
            assert isinstance(store, EmbeddedSettings)  # as was checked above
            told = restore_windows(Path(begun), copy, retention_days=store.retention_days)
            yield f"{begun}: {told}"
        if contents.points and isinstance(store, InfluxSettings):
            yield from _put_points_back(archive, store)
        yield (
            f"this machine has what it had at {contents.began:%Y-%m-%d %H:%M} UTC; start the broker first, then the"
            " bridges: they ask the devices for the last two hours"
        )


def _settings(archive: Archive, config: Path | None, folder: Path) -> Settings | None:
    """Read the configuration of this machine, or else the one in the archive."""
    if config is None and archive.contents.config is not None:
        config = folder / Path(archive.contents.config).name
        config.write_bytes(archive.open(f"files{archive.contents.config}").read())
    return None if config is None else server.load(config)


def _influx(store: object, admin_token_file: Path | None) -> InfluxSettings:
    if not isinstance(store, InfluxSettings):
        raise UserError(
            "--config: names no InfluxDB, and the archive has points of one; name its configuration"
        )
    return as_admin(store, admin_token_file)


def _prepare(store: InfluxSettings) -> None:
    """Create the databases or buckets, if some are missing: so a store that is not there is known before anything is
    restored. Raises ``UserError``."""
    try:
        if _has_all_levels(store):
            return
        with urllib3.PoolManager(timeout=store.timeout_s, retries=False) as http:
            version = engine_version(http, store.url)
        if version.startswith(("1.", "2.")):  # later ones have a program of their own for it
            for _ in set_up_influx(store):
                pass
    except StoreUnavailable as error:
        raise UserError(
            f"store: {error}; nothing was restored. It needs a token that may create databases (--admin-token-file)"
        ) from None


def _has_all_levels(store: InfluxSettings) -> bool:
    """Tell whether every level answers. Who may read and write them needs no right to create them."""
    with closing(open_influxql(store)) as influxql:
        try:
            for level in LEVELS:
                influxql.ask(level, f"SELECT * FROM {layout.PROBE.name} LIMIT 1")  # noqa: S608 - a name of ours
        except StoreUnavailable:
            return False
    return True


def _put_points_back(archive: Archive, store: InfluxSettings) -> Iterator[str]:
    clock = SystemClock()
    with closing(open_influx(store, clock)) as influx:
        for level, count in archive.contents.points.items():
            try:
                with TextIOWrapper(archive.open(points_member(level)), "utf-8", newline="\n") as lines:
                    written, left = points.put_back(
                        influx,
                        level,
                        (line.rstrip("\n") for line in lines),
                        now=clock.now(),
                        kept_days=store.kept_days[level],
                    )
            except (StoreUnavailable, StoreRejected) as error:
                raise UserError(
                    f"store: {error}; files are restored, points in part: correct this, then run it again"
                ) from None
            if written + left != count:
                raise UserError(f"{points_member(level)}: has {written + left} points, {count} are listed")
            older = f", {left} are older than what is kept" if left else ""
            yield f"{written} points restored to {level}{older}"
