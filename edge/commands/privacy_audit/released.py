"""The release that this version came from: its manifest, which somebody has signed and nobody on this device can."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SIGNERS = Path("/etc/footlight/release-signers")
"""Whose signature counts on this device; the playbook writes it."""
NAMESPACE = "footlight-release"


@dataclass(frozen=True, slots=True)
class Release:
    """What is known of the code of a release: the SHA-256 of each file, by its path within the installation. ``fault``
    says why that is not to be believed, and is empty otherwise; ``is_signed`` is false where there is no signature at
    all, as of a version that was installed before the device asked for one."""

    code: Mapping[str, str]
    fault: str = ""
    is_signed: bool = True

    def differing(self, found: Mapping[str, Path]) -> Iterator[str]:
        """Say of each file in ``found``, by its path in the release, and each that is lacking, how it differs."""
        for name in sorted(found.keys() | self.code.keys()):
            if name not in self.code:
                yield f"{name} is not in the signed release"
            elif name not in found:
                yield f"{name} of the signed release is missing"
            elif hashlib.sha256(found[name].read_bytes()).hexdigest() != self.code[name]:
                yield f"{name} is not that of the signed release"


def installed_release(folder: Path = Path(sys.prefix), signers: Path = SIGNERS) -> Release | None:
    """Return the signed release in ``folder``, or None on a device that asks for no signature."""
    if not signers.exists():
        return None
    manifest = folder / "manifest.json"
    if not manifest.with_name(f"{manifest.name}.sig").exists():
        return Release({}, is_signed=False)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", NAMESPACE, "-n", NAMESPACE]
    try:
        content = manifest.read_bytes()
        done = subprocess.run(
            [*command, "-s", f"{manifest}.sig"], input=content, capture_output=True, check=False
        )
        if done.returncode:
            return Release({}, f"nobody in {signers} has signed {manifest}")
        return Release(dict(json.loads(content)["code"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Release({}, f"{manifest} cannot be read ({error})")
