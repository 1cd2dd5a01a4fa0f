"""Accept a release or refuse it in one line, on the machine that is about to install it.

    python3 verify_release.py --running 0.1.0 --signers /etc/footlight/release-signers FOLDER

``FOLDER`` has ``manifest.json``, its signature ``manifest.json.sig``, and the folders of the release that this machine
installs. Nothing of it has been run yet. Debian's own Python runs this file, so it needs the standard library alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMESPACE = "footlight-release"
"""What the signature is for, and whose it is: one made by the same key for anything else does not count."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)((?:a|b|rc|\.dev)\d+)?")


class Refused(Exception):
    """One line for a person: why, and the way out."""


def verify(folder: Path, *, signers: Path, running: str, downgrade: bool, machine: str) -> str:
    """Return the version in ``folder``. ``running`` is the version that is here now, empty without one; a file
    ``signers`` that does not exist asks for no signature. Raises ``Refused``."""
    manifest_file = folder / "manifest.json"
    if signers.exists():
        signed(manifest_file, signers)
    try:
        manifest = json.loads(manifest_file.read_bytes())
        version, arch, files = manifest["version"], manifest["arch"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"the release has no readable manifest.json ({error}); make wheelhouse again") from None
    if arch != machine:
        raise Refused(f"the release is for {arch}, this machine is {machine}; make wheelhouse ARCH={machine}")
    if running and not downgrade and order(version) < order(running):
        raise Refused(
            f"version {version} is older than {running}, which runs here; -e edge_downgrade=true allows it"
        )
    unchanged(folder, files)
    return str(version)


def signed(manifest: Path, signers: Path) -> None:
    """Raise ``Refused`` unless one of ``signers`` has signed ``manifest``."""
    signature = manifest.with_name(f"{manifest.name}.sig")
    if not signature.exists():
        raise Refused(
            f"the release is not signed, and {signers} says that it must be; docs/release.md tells how"
        )
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", NAMESPACE, "-n", NAMESPACE]
    with manifest.open("rb") as content:
        done = subprocess.run(
            [*command, "-s", str(signature)], stdin=content, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise Refused(
            f"nobody in {signers} has signed this release; get it again from who made it"
            f" ({' '.join((done.stderr or done.stdout).split())})"
        )


def unchanged(folder: Path, files: dict[str, Any]) -> None:
    """Compare what was brought here, and only that, with ``files``, the hash of each file of the release."""
    here = {path.relative_to(folder).as_posix() for path in folder.glob("*/**/*") if not path.is_dir()}
    parts = {path.name for path in folder.iterdir() if path.is_dir()}
    for name, sha256 in sorted(files.items()):
        if name.partition("/")[0] not in parts:
            continue
        if name not in here:
            raise Refused(f"{name} is missing from the release; copy it again")
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            raise Refused(f"{name} was changed after the release was made; get it again from who made it")
    if strange := sorted(here - set(files)):
        raise Refused(f"{strange[0]} is no part of the release; get it again from who made it")


def order(version: str) -> tuple[int, int, int, bool, str]:
    """Return what sorts versions; one before a release, such as 1.2.0rc1, comes before it."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Refused(f"version {version!r} is none that can be compared; it must be like 1.2.3")
    major, minor, patch, before = found.groups()
    return int(major), int(minor), int(patch), before is None, before or ""


def main() -> int:
    """0 accepted, 2 refused (one line on standard error)."""
    parser = argparse.ArgumentParser(description="Accept a release, or refuse it.")
    parser.add_argument("--signers", type=Path, required=True, metavar="FILE", help="whose signature counts")
    parser.add_argument("--running", default="", metavar="VERSION", help="the version that is here now")
    parser.add_argument("--downgrade", action="store_true", help="accept an older version than that")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    try:
        version = verify(
            asked.folder,
            signers=asked.signers,
            running=asked.running,
            downgrade=asked.downgrade,
            machine=platform.machine(),
        )
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    print(f"version {version} is accepted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
