"""The files of a machine: which ones an archive gets, and how they come back, with owner and mode."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cloud.backup.archive import Archive, Draft, Entry
from cloud.stores.embedded_file import back_up
from cloud.stores.sqlite_file import overwrite
from common.durable_file import put_in_place
from common.errors import UserError

_SQLITE = b"SQLite format 3\0"
_BESIDE_SQLITE = ("-wal", "-shm", "-journal")
_AUTHORITY = "ca.key"
"""What the key of the authority is called, by the playbook and by ``secrets.sh``."""


def entries(files: Iterable[Path]) -> list[Entry]:
    """Return an entry for each file, for each folder with all that is in it, and for the folders above them.

    Links on the way to a file are followed; those in a folder are kept as links. Raises ``UserError`` for what is
    missing or cannot be read, and for an authority's key that is not encrypted.
    """
    found: dict[Path, Entry] = {}
    for named in files:
        if not (file := named.resolve()).exists():
            raise UserError(f"{named}: is not there, so it cannot be saved; correct the plan")
        try:
            for path in (*reversed(file.parents), *_below(file)):
                if path not in found and (entry := _entry(path)) is not None:
                    found[path] = entry
        except OSError as error:
            raise UserError(
                f"{error.filename or file}: cannot be saved ({error.strerror}); run this as root, or correct the plan"
            ) from None
    return list(found.values())


def _below(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for inner in sorted(path.iterdir()):
            if not _is_part_of_a_database(inner):
                yield from _below(inner)


def _is_part_of_a_database(path: Path) -> bool:
    """Tell whether SQLite keeps the file beside another one; a copy of that one has all that is in it."""
    return any(
        path.name.endswith(suffix) and path.with_name(path.name.removesuffix(suffix)).exists()
        for suffix in _BESIDE_SQLITE
    )


def _entry(path: Path) -> Entry | None:
    """Return the entry of a path, or None for a socket and the like, which have no content."""
    about = path.lstat()
    if stat.S_ISLNK(about.st_mode):
        kind, target = "link", str(path.readlink())
    elif stat.S_ISDIR(about.st_mode):
        kind, target = "folder", ""
    elif stat.S_ISREG(about.st_mode):
        kind, target = "file", ""
        _refuse_open_authority(path)
    else:
        return None
    return Entry(
        kind=kind,  # type: ignore[arg-type]
        path=str(path),
        mode=stat.S_IMODE(about.st_mode),
        owner=_name(about.st_uid, pwd.getpwuid),
        group=_name(about.st_gid, grp.getgrgid),
        target=target,
    )


def _name(number: int, lookup: Callable[[int], Sequence[Any]]) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def _refuse_open_authority(path: Path) -> None:
    """Whoever has this key can pretend to be any device; an archive travels further than the key should."""
    if path.name == _AUTHORITY and b"ENCRYPTED" not in path.read_bytes():
        raise UserError(
            f"{path}: this key of the authority has no passphrase, so it goes into no archive; give it one with"
            f" 'openssl pkcs8 -topk8 -in {_AUTHORITY} -out {_AUTHORITY}.new', or keep it on another machine"
        )


def size(found: Iterable[Entry]) -> int:
    """Return how many bytes the files have together."""
    return sum(Path(entry.path).stat().st_size for entry in found if entry.kind == "file")


def save(draft: Draft, found: Iterable[Entry], beside: Path) -> None:
    """Add the files to the archive; ``beside`` is a folder with room for a copy of the largest database.

    Raises ``OSError`` or ``sqlite3.Error``.
    """
    for entry in found:
        if entry.kind != "file":
            continue
        path = Path(entry.path)
        if _is_sqlite(path):
            with TemporaryDirectory(dir=beside, prefix=".backup-") as folder:
                copy = Path(folder, "copy")
                back_up(path, copy)
                draft.add_file(entry, copy)
        else:
            draft.add_file(entry, path)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def different(archive: Archive, found: Iterable[Entry]) -> list[str]:
    """Return the paths where something else is than in the archive, or than the archive needs there."""
    return [entry.path for entry in found if os.path.lexists(entry.path) and not _is_same(archive, entry)]


def _is_same(archive: Archive, entry: Entry) -> bool:
    path = Path(entry.path)
    if entry.kind == "folder":
        return path.is_dir()
    if entry.kind == "link":
        return path.is_symlink() and str(path.readlink()) == entry.target
    if path.is_symlink() or not path.is_file() or path.stat().st_size != archive.size(entry):
        return False
    with archive.open(entry.member) as saved, path.open("rb") as here:
        while block := saved.read(1 << 20):
            if here.read(len(block)) != block:
                return False
    return True


def put_back(archive: Archive, found: Iterable[Entry]) -> int:
    """Bring files, folders and links back; return how many were not there like this. Folders that are there stay as
    they are. Raises ``UserError``; what came before is then in place, and a second run goes on."""
    restored = 0
    for entry in found:
        path = Path(entry.path)
        try:
            if os.path.lexists(path) and _is_same(archive, entry):
                continue
            if entry.kind == "folder":
                path.mkdir(mode=0o700)
                _give(path, entry)
            elif entry.kind == "link":
                path.unlink(missing_ok=True)
                path.symlink_to(entry.target)
            else:
                _put_file(archive, entry, path)
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"{path}: cannot be restored ({error}); correct this, then run it again"
            ) from None
        restored += 1
    return restored


def _put_file(archive: Archive, entry: Entry, path: Path) -> None:
    draft = path.with_name(path.name + ".restored")
    draft.unlink(missing_ok=True)
    try:
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with archive.open(entry.member) as source, os.fdopen(handle, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        _give(draft, entry)
        if path.is_file() and _is_sqlite(path) and _is_sqlite(draft):
            overwrite(path, draft)  # the log beside the old file would not fit the new one
        else:
            put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _give(path: Path, entry: Entry) -> None:
    """Give the path its mode and, as root, its owner. Who is unknown here was the user of a service that systemd makes
    up: such a file belongs to the owner of its folder."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        owner, group = folder.st_uid, folder.st_gid
        with suppress(KeyError):
            owner, group = pwd.getpwnam(entry.owner).pw_uid, grp.getgrnam(entry.group).gr_gid
        os.chown(path, owner, group)
    path.chmod(entry.mode)
