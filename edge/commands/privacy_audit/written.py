"""The files of the service: none may be a picture, a video or an array of pixels, whatever its name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.signatures import judge
from edge.commands.privacy_audit.subject import Subject, cannot_tell, open_files, start

_CODE_IN_MEMORY = "/memfd:libffi"
"""Python's C interface keeps a few instructions there."""
_CLOCK_TICK_S = 1.0
"""The start of a process is known to a hundredth of a second, times of files to the kernel's tick."""
_FIX = (
    "stop the service, find out what wrote it (footlight-edge privacy-audit: code, sandbox), then delete it"
)


def files(subject: Subject) -> Finding:
    """Look at every file in the folders of the service, and at every file that its process has open for writing, also
    a deleted one. Files elsewhere that are closed again cannot be found: the sandbox forbids them."""
    camera = subject.settings.camera
    pictures = ((camera.width, camera.height), (camera.height, camera.width))
    seen: set[tuple[int, int]] = set()
    since_boot, found = 0, []
    for one in (*_in_state(subject), *_temporary(subject), *_open(subject)):
        try:
            about = one.path.stat()
            if not stat.S_ISREG(about.st_mode) or (about.st_dev, about.st_ino) in seen:
                continue
            seen.add((about.st_dev, about.st_ino))
            since_boot += about.st_mtime >= psutil.boot_time()
            with one.path.open("rb") as file:
                what = judge(file, pictures, any_kind=one.any_kind)
        except FileNotFoundError:  # it was deleted meanwhile
            continue
        if what is not None:
            found.append(f"{one.shown} is {what}")
    if found:
        return red("; ".join(found), _FIX)
    value = f"{len(seen)} files, {since_boot} written since boot, none holds a picture"
    if subject.process is None:
        return cannot_tell(
            f"{value}; but no running service is known, which may have others open", start(subject)
        )
    return green(value)


@dataclass(frozen=True)
class _Written:
    """A file: the name to show, and the path by which it can be read. ``any_kind``: see ``judge``."""

    shown: str
    path: Path
    any_kind: bool = False


def _in_state(subject: Subject) -> Iterator[_Written]:
    """Yield the outbox with what belongs to it, and the files in the folder of the service. Without systemd this is the
    folder of the outbox, unless that is the current one, in which anything may lie."""
    outbox, given = subject.outbox, subject.environ.get("STATE_DIRECTORY", "").split(":")[0]
    for path in outbox.parent.glob(f"{outbox.name}*"):
        yield _Written(str(path), path, any_kind=path.name.startswith(f"{outbox.name}.damaged"))
    if given or outbox.parent.resolve() != Path.cwd():
        for path in _below(Path(given) if given else outbox.parent):
            yield _Written(str(path), path)


def _temporary(subject: Subject) -> Iterator[_Written]:
    """Yield the files of the process in its folders for temporary files, since it was started."""
    process = subject.process
    if process is None:
        return
    root, uid, began = subject.about("root"), process.uids().effective, process.create_time()
    view = subject.about("ns") / "mnt"
    is_shared = view.readlink() == (subject.proc / "self" / "ns" / "mnt").readlink()
    chosen = process.environ().get("TMPDIR")
    for folder in (chosen,) if chosen else ("/tmp", "/var/tmp"):  # noqa: S108 - those of the process, to look into
        for path in _below(root / folder.lstrip("/")):
            with suppress(FileNotFoundError):
                about = path.stat()
                if about.st_uid == uid and about.st_mtime >= began - _CLOCK_TICK_S:
                    # In a folder of everybody, other programs of this user write, too.
                    yield _Written(f"/{path.relative_to(root)}", path, any_kind=is_shared and not chosen)


def _below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # a folder that nobody may look into is not an empty one
            raise error

    for parent, _, names in os.walk(folder, onerror=refuse):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                yield path


def _open(subject: Subject) -> Iterator[_Written]:
    """Yield the regular files that the process may write to now."""
    if subject.process is None:
        return
    for path, shown in open_files(subject.about("fd")):
        try:
            flags = _flags(subject.about("fdinfo") / path.name)
        except FileNotFoundError:
            continue
        if flags & os.O_ACCMODE != os.O_RDONLY and not shown.startswith(_CODE_IN_MEMORY):
            yield _Written(shown, path)


def _flags(info: Path) -> int:
    lines = info.read_text().splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))
