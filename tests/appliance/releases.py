"""Versions of Footlight that were never released: a wheelhouse whose own wheel has another number, or a fault."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from tests.support.paths import ROOT

WHEELHOUSE = ROOT / "dist" / "wheelhouse" / "x86_64"

DIES = {
    "edge/commands/run.py": ("    from edge.service.supervisor import serve\n", "    raise SystemExit(1)\n")
}
"""The service ends as soon as it begins."""

KEEPS_QUIET = {
    "edge/uplink/publisher.py": (
        "        topic = wire.topic(message)\n",
        "        if isinstance(message, wire.WindowMessage):\n            return\n",
    )
}
"""The service is up, and well in its own eyes, but no window ever leaves it."""


def release(folder: Path, version: str, *, faults: Mapping[str, tuple[str, str]] | None = None) -> Path:
    """A wheelhouse in ``folder`` with Footlight ``version``. ``faults``: after which line of a file what is put in."""
    maker = wheelhouse()
    shutil.copytree(WHEELHOUSE, folder, copy_function=os.link)
    for target in maker.TARGETS:
        (wheel,) = (folder / target.python).glob("footlight-*.whl")
        repack(wheel, version, faults or {})
        (folder / target.python / "requirements.txt").unlink()  # a link to that of the other wheelhouse
    extras = json.loads((folder / "manifest.json").read_text())["extras"]
    (folder / "manifest.json").unlink()
    maker.seal(folder, arch="x86_64", extras=extras, version=version)
    return folder


def repack(wheel: Path, version: str, faults: Mapping[str, tuple[str, str]]) -> None:
    """Replace ``wheel`` by one with another version and ``faults``."""
    tool = [sys.executable, "-m", "wheel"]
    there = wheel.parent
    subprocess.run([*tool, "unpack", "--dest", str(there), str(wheel)], check=True, capture_output=True)
    old = wheel.name.split("-")[1]
    inside = there / f"footlight-{old}"
    metadata = inside / f"footlight-{old}.dist-info" / "METADATA"
    metadata.write_text(
        put(metadata.read_text(), f"\nVersion: {old}\n", f"\nVersion: {version}\n", keep=False)
    )
    metadata.parent.rename(inside / f"footlight-{version}.dist-info")
    for name, (line, fault) in faults.items():
        (inside / name).write_text(put((inside / name).read_text(), line, fault, keep=True))
    wheel.unlink()
    subprocess.run([*tool, "pack", "--dest-dir", str(there), str(inside)], check=True, capture_output=True)
    shutil.rmtree(inside)


def put(text: str, at: str, new: str, *, keep: bool) -> str:
    assert text.count(at) == 1, f"{at!r} is not there once"
    return text.replace(at, at + new if keep else new)


def wheelhouse() -> ModuleType:
    """The program that ``make wheelhouse`` runs."""
    return program("wheelhouse")


def program(name: str) -> ModuleType:
    """A program in the folder ``ansible``, which is no package, for Ansible's is called the same."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "ansible" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there, and so does a program that imports another
    spec.loader.exec_module(module)
    return module


def make_key(folder: Path, name: str = "key") -> Path:
    """A private ssh key without a passphrase; the public one lies beside it."""
    key = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(command, check=True)
    return key


def sign(folder: Path, key: Path, namespace: str = "footlight-release") -> None:
    """Sign a release, as ``make release`` does, in place of an earlier signature."""
    (folder / "manifest.json.sig").unlink(missing_ok=True)
    command = [
        "ssh-keygen",
        "-q",
        "-Y",
        "sign",
        "-f",
        str(key),
        "-n",
        namespace,
        str(folder / "manifest.json"),
    ]
    subprocess.run(command, check=True, capture_output=True)
