"""The code: every file as it was installed, and no other beside it."""

from __future__ import annotations

import base64
import hashlib
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from common.wire import short_hash
from edge.commands.doctor.checks import Finding, green, red
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
        return judge(distribution(NAME))
    except PackageNotFoundError:
        return cannot_tell("Footlight is not installed as a package", "install it (systemd/README.md)")


def _other_installation(subject: Subject) -> str | None:
    """Return where the service was installed, if that is not where this program was."""
    command = subject.running.cmdline()
    folder = Path(command[0]).parent.parent if command and Path(command[0]).is_absolute() else None
    if folder is None or folder.resolve() == Path(sys.prefix).resolve():
        return None
    return str(folder)


def judge(installed: Distribution) -> Finding:
    """Compare each file with its hash in RECORD, which pip wrote when it installed the wheel."""
    recorded = {Path(str(installed.locate_file(file))): file.hash for file in installed.files or ()}
    packages = {
        Path(str(installed.locate_file(file.parts[0])))
        for file in installed.files or ()
        if len(file.parts) > 1 and file.suffix == ".py" and file.parts[0] != ".."
    }
    if not packages:
        return cannot_tell("this is a working copy, whose files nobody recorded", "audit an installed device")
    wrong, sums = [], []
    for path, said in sorted(recorded.items()):
        if said is None:  # RECORD itself, and what Python compiled
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            wrong.append(f"{path} is missing")
            continue
        digest = base64.urlsafe_b64encode(hashlib.new(said.mode, content).digest()).rstrip(b"=").decode()
        if digest != said.value:
            wrong.append(f"{path} was changed")
        if packages & set(path.parents):
            sums.append(f"{path.name} {said.value}")
    wrong += [
        f"{path} was added"
        for package in sorted(packages)
        for path in sorted(package.rglob("*"))
        if path.is_file() and path not in recorded and path.suffix != ".pyc"
    ]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return red(
            f"{', '.join(wrong[:_SHOWN])}{more}", "install this version again; find out who changed it"
        )
    sum_of_all = short_hash("\n".join(sorted(sums)).encode())
    return green(f"version {installed.version}, {len(sums)} files as installed, sum {sum_of_all}")
