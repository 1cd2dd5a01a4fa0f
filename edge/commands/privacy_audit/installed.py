"""The code: every file as it was installed, and no other beside it."""

from __future__ import annotations

import base64
import csv
import hashlib
import marshal
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, FileHash, PackageNotFoundError, distribution
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path, PurePosixPath

from common.wire import short_hash
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.released import Release, installed_release
from edge.commands.privacy_audit.subject import Subject, cannot_tell

NAME = "footlight"
_SHOWN = 5


def code(subject: Subject) -> Finding:
    """Check this installation, which is also that of the service."""
    if subject.process is not None and (other := _other_installation(subject)):
        return cannot_tell(
            f"the service runs from {other}, this from {sys.prefix}", "run the audit of that one"
        )
    try:
        return judge(distribution(NAME), installed_release())
    except PackageNotFoundError:
        return cannot_tell("Footlight is not installed as a package", "install it (systemd/README.md)")


def _other_installation(subject: Subject) -> str | None:
    """Return where the service was installed, if that is not where this program was."""
    command = subject.running.cmdline()
    folder = Path(command[0]).parent.parent if command and Path(command[0]).is_absolute() else None
    if folder is None or folder.resolve() == Path(sys.prefix).resolve():
        return None
    return str(folder)


def judge(installed: Distribution, release: Release | None = None) -> Finding:
    """Compare each file with its hash in RECORD, which pip wrote when it installed the wheel, and what Python compiled
    with its source. Whoever can write RECORD too can hide a change there, but not from the signed ``release``; on a
    device without one, the sum differs from that of other devices."""
    root = Path(str(installed.locate_file("")))
    files = dict(_recorded(installed))
    recorded = {Path(str(installed.locate_file(file))): said for file, said in files.items()}
    packages = {
        Path(str(installed.locate_file(file.parts[0])))
        for file in files
        if len(file.parts) > 1 and file.suffix == ".py" and file.parts[0] != ".."
    }
    if not packages:
        return cannot_tell("this is a working copy, whose files nobody recorded", "audit an installed device")
    wrong = [fault for path, said in sorted(recorded.items()) if said and (fault := _fault(path, said))]
    wrong += [f"{path} was added" for package in sorted(packages) for path in _added(package, recorded)]
    ours = {path: said for path, said in recorded.items() if said and packages & set(path.parents)}
    if release is not None and release.is_signed:
        found = {path.relative_to(root).as_posix(): path for path in ours if path.exists()}
        wrong += [release.fault] if release.fault else release.differing(found)
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return red(
            f"{', '.join(wrong[:_SHOWN])}{more}", "install this version again; find out who changed it"
        )
    if release is not None and not release.is_signed:
        return cannot_tell(
            f"version {installed.version} was installed without a signature, which this device asks for now",
            "upgrade it to a signed release",
        )
    like = "as installed" if release is None else "as in the signed release"
    sum_of_all = short_hash(
        "\n".join(sorted(f"{path.name} {said.value}" for path, said in ours.items())).encode()
    )
    return green(f"version {installed.version}, {len(ours)} files {like}, sum {sum_of_all}")


def _recorded(installed: Distribution) -> Iterator[tuple[PurePosixPath, FileHash | None]]:
    """Yield each line of RECORD. ``Distribution.files`` leaves out files that are missing, from Python 3.12 on."""
    lines = csv.reader((installed.read_text("RECORD") or "").splitlines())
    for name, *further in filter(None, lines):  # whoever wrote in it may have left the hash out
        yield PurePosixPath(name), FileHash(further[0]) if further and further[0] else None


def _fault(path: Path, said: FileHash) -> str | None:
    """Say what is wrong with an installed file, whose hash was ``said``."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return f"{path} is missing"
    digest = base64.urlsafe_b64encode(hashlib.new(said.mode, content).digest()).rstrip(b"=").decode()
    if digest != said.value:
        return f"{path} was changed"
    if path.suffix == ".py" and not _compiled_from(path, content):
        return f"{path} is not what Python runs: its compiled file was changed"
    return None


def _added(package: Path, recorded: Mapping[Path, FileHash | None]) -> Iterator[Path]:
    """Yield the files of a package that have no hash in RECORD, besides what Python compiled."""
    for path in sorted(package.rglob("*")):
        is_compiled = path.suffix == ".pyc" and path.parent.name == "__pycache__"
        if path.is_file() and recorded.get(path) is None and not is_compiled:
            yield path


def _compiled_from(source: Path, content: bytes) -> bool:
    """Return whether the compiled file that Python runs instead of ``source`` has the same code; it may be missing."""
    try:
        compiled = Path(cache_from_source(source)).read_bytes()
    except FileNotFoundError:
        return True
    flags = int.from_bytes(compiled[4:8], "little")
    stands_for_source = compiled[:4] == MAGIC_NUMBER and (
        flags != 0 or compiled[12:16] == (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    )
    if not stands_for_source:  # Python compiles it again
        return True
    try:
        # Python itself would load this file; the audit only looks at what is in it.
        return bool(marshal.loads(compiled[16:]) == compile(content, source, "exec", dont_inherit=True))  # noqa: S302
    except (ValueError, EOFError, TypeError):
        return False
