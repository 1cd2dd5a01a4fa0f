"""The archive: one zip file with the files of a machine and the points of its InfluxDB, and a list of both.

A zip file has a checksum of each member and its table at the end, so damage and a part that is missing are found before
anything is restored. Everybody can look into it without Footlight.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from cloud.domain.levels import Level
from common.durable_file import put_in_place
from common.errors import UserError

_LIST = "footlight-backup.json"
_FORMAT: Literal["footlight-backup/1"] = "footlight-backup/1"
_LARGEST_LIST = 64 * 1024 * 1024
SUFFIX = ".zip"


def _absolute(path: str) -> str:
    pure = PurePosixPath(path)
    if not pure.is_absolute() or ".." in pure.parts or str(pure) != path or "\0" in path:
        raise ValueError("is not an absolute path")
    return path


class Entry(BaseModel):
    """One file, folder or link of the machine. ``owner`` and ``group`` are names, because numbers differ elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["file", "folder", "link"]
    path: Annotated[str, AfterValidator(_absolute)]
    mode: Annotated[int, Field(ge=0, le=0o7777)]
    owner: str
    group: str
    target: str = ""
    """Where a link leads."""

    @property
    def member(self) -> str:
        """Its name in the archive."""
        return f"files{self.path}"


class Contents(BaseModel):
    """The list in an archive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["footlight-backup/1"] = _FORMAT
    began: AwareDatetime
    """What arrived later may be missing."""
    config: str | None
    """The configuration that names the store; None if the machine has none."""
    embedded: str | None
    """The file of the embedded store, if there is one."""
    points: dict[Level, int]
    """How many points of InfluxDB each level has; empty without InfluxDB."""
    entries: list[Entry]

    def entry(self, path: str) -> Entry | None:
        """Return the entry of a path, if it is in the archive."""
        return next((one for one in self.entries if one.path == path), None)


def points_member(level: Level) -> str:
    """Return the name of the member with the points of a level, in line protocol."""
    return f"points/{level}.lp"


class Draft:
    """An archive that is being written."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zip = zipped

    def add_file(self, entry: Entry, source: Path) -> None:
        """Add the content of ``source`` for a file. Raises ``OSError``."""
        with source.open("rb") as file, self.member(entry.member) as target:
            while block := file.read(1 << 20):
                target.write(block)

    def member(self, name: str) -> IO[bytes]:
        """Open a new member; only one can be open."""
        return self._zip.open(name, "w", force_zip64=True)

    def finish(self, contents: Contents) -> None:
        """Write the list, as the last."""
        self._zip.writestr(_LIST, contents.model_dump_json(indent=1))


@contextmanager
def writing(path: Path) -> Iterator[Draft]:
    """Write an archive that only its owner can read. It gets its name when it is complete and on the disk.

    Raises ``OSError``; then there is no archive, and one that was there before stays.
    """
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with (
            os.fdopen(handle, "w+b") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped,
        ):
            yield Draft(zipped)
        put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)


class Archive:
    """An archive that was read to its end and found whole."""

    def __init__(self, zipped: zipfile.ZipFile, contents: Contents) -> None:
        self._zip, self.contents = zipped, contents

    def open(self, name: str) -> IO[bytes]:
        """Open a member."""
        return self._zip.open(name)

    def size(self, entry: Entry) -> int:
        """Return the size of a file in bytes."""
        return self._zip.getinfo(entry.member).file_size


@contextmanager
def reading(path: Path) -> Iterator[Archive]:
    """Open an archive. Reads all of it first. Raises ``UserError`` if it is damaged, incomplete, or something else."""
    try:
        zipped = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give the path of an archive") from None
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UserError(
            f"{path}: is incomplete or damaged, or no archive of footlight-cloud backup ({error}); take another one"
        ) from None
    with zipped:
        yield Archive(zipped, _checked(path, zipped))


def _checked(path: Path, zipped: zipfile.ZipFile) -> Contents:
    try:
        names = zipped.namelist()
        if _LIST not in names or zipped.getinfo(_LIST).file_size > _LARGEST_LIST:
            raise UserError(f"{path}: is no archive of footlight-cloud backup; it has no {_LIST}")
        damaged = zipped.testzip()
        if damaged is None:
            contents = Contents.model_validate_json(zipped.read(_LIST))
            listed = [entry.member for entry in contents.entries if entry.kind == "file"]
            listed += [points_member(level) for level in contents.points]
            if sorted([*listed, _LIST]) == sorted(names):
                return contents
            damaged = _LIST
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path}: {_LIST}: {where}: {first['msg']}; another version of Footlight may have written it"
        ) from None
    except (OSError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: is damaged ({error}); take another archive") from None
    raise UserError(f"{path}: is damaged in {damaged}; take another archive")
