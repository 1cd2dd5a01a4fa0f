"""Makes a release: a wheelhouse, and what tells people what is in it: ``make release``.

    python ansible/release.py --arch aarch64 --extra edge --sbom .venv-release/bin/cyclonedx-py --key KEY dist/release

The folder ``footlight-VERSION-ARCH`` has the wheelhouse and ``about/``: the changes of this version, and a list of all
that is in it (CycloneDX) for each Python. Its ``manifest.json`` has the SHA-256 of every file, so that one signature is
enough. All of it is the same to the byte whenever it is made from the same commit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import wheelhouse
from wheelhouse import ROOT, Incomplete, Target

PROGRAM = "release"
NAMESPACE = "footlight-release"
"""What the signature is for; ``roles/edge/files/verify_release.py`` asks for it."""
CONTACT = ("SECURITY_CONTACT", "SECURITY_KEY")
"""Words in ``SECURITY.md`` that whoever publishes replaces: the project itself has no address."""
VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc|\.dev)\d+)?")


def release(folder: Path, *, arch: str, extras: list[str], sbom: str, root: Path = ROOT) -> Path:
    """Return the folder of the release, in ``folder``. Raises ``Incomplete``; then nothing is left of it."""
    version, changes = committed(root)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        part = Path(scratch, f"footlight-{version}-{arch}")
        part.mkdir()
        wheelhouse.fill(part, arch=arch, extras=extras)
        about = part / "about"
        about.mkdir()
        (about / "CHANGES.md").write_text(changes, encoding="utf-8")
        for target in wheelhouse.TARGETS:
            list_components(
                part / target.python, about / f"python{target.python}.cdx.json", target, arch, sbom
            )
        wheelhouse.seal(part, arch=arch, extras=extras, version=version)
        whole = folder / part.name
        shutil.rmtree(whole, ignore_errors=True)
        part.rename(whole)
    return whole


def committed(root: Path) -> tuple[str, str]:
    """Return the version in a clone, and its section in the changelog. Raises ``Incomplete`` if a file was changed, or
    if nobody can report a fault."""
    version = version_of(root)
    policy = (root / "SECURITY.md").read_text(encoding="utf-8")
    if missing := [word for word in CONTACT if f"`{word}`" in policy]:
        raise Incomplete(
            f"SECURITY.md still says {missing[0]}; write who hears of faults: docs/release.md tells how"
        )
    changes = section((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if changed := wheelhouse.git(root, "status", "--porcelain").splitlines():
        raise Incomplete(f"{changed[0][3:]} is not committed; a release is made from a commit")
    return version, changes


def version_of(root: Path) -> str:
    """Return the version in ``pyproject.toml``. Raises ``Incomplete`` for one that machines cannot compare."""
    version: str = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    if not VERSION.fullmatch(version):
        raise Incomplete(f"pyproject.toml: version {version!r} must be like 1.2.3 or 1.2.3rc1")
    return version


def section(changelog: str, version: str) -> str:
    """Return what the changelog says of ``version``, with its heading. Raises ``Incomplete`` without one."""
    found = re.search(
        rf"^## {re.escape(version)}(?: [^\n]*)?\n.*?(?=^## |\Z)", changelog, flags=re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise Incomplete(
            f"CHANGELOG.md has no section '## {version}'; rename '## Unreleased' when you release it"
        )
    return found[0].strip() + "\n"


def list_components(wheels: Path, listed: Path, target: Target, arch: str, sbom: str) -> None:
    """Write the CycloneDX list of ``wheels`` to ``listed``. They may be for another machine, and are never run."""
    with environment() as packages:
        # By name, for pip writes down where a file was that it was told of: another place on each machine.
        wheelhouse.pip(
            *("install", "--no-deps", "--no-compile", "--no-index", "--target", str(packages)),
            *("--find-links", str(wheels), *wheelhouse.for_machine(target, arch)),
            *sorted("{}=={}".format(*wheel.name.split("-")[:2]) for wheel in wheels.glob("*.whl")),
            failing=f"the wheels for Python {target.python} cannot be unpacked",
        )
        list_packages(packages, listed, sbom)


@contextlib.contextmanager
def environment() -> Iterator[Path]:
    """Give the folder for packages of an empty environment, for ``cyclonedx-py`` reads only such."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", scratch], check=True)
        (packages,) = Path(scratch).glob("lib/python*/site-packages")
        yield packages


def list_packages(packages: Path, listed: Path, sbom: str) -> None:
    """Write the CycloneDX list of what is in the folder that ``environment`` gave."""
    command = [sbom, "environment", str(packages.parents[2] / "bin" / "python"), "--output-reproducible"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application"]
    command += ["--output-format", "JSON", "--output-file", str(listed)]
    environ = {**os.environ, **wheelhouse.time_of_commit(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Incomplete(f"the components cannot be listed: {done.stderr.strip()}")


def sign(made: Path, key: Path) -> None:
    """Sign the manifest, and so every file, with a private ssh key; ``ssh-keygen`` asks for its passphrase."""
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(made / "manifest.json")]
    if subprocess.run(command, check=False).returncode:
        raise Incomplete(f"{made} is not signed: {key} must be a private ssh key that you can unlock")


def finish(program: str, make: Callable[[], Path], key: Path | None) -> int:
    """Make what ``make`` returns the folder of, sign it with ``key`` if there is one, and return the exit code."""
    try:
        made = make()
        if key:
            sign(made, key)
    except Incomplete as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    print(f"{made}: {'signed' if key else 'complete, not signed; docs/release.md tells how'}")
    return 0


def main() -> int:
    """0 done, 2 impossible (one line on standard error)."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Make a release, except for its signature.")
    parser.add_argument("--arch", choices=("aarch64", "x86_64"), default="aarch64")
    parser.add_argument("--extra", action="append", metavar="EXTRA", help="edge unless given")
    parser.add_argument("--sbom", required=True, metavar="PROGRAM", help="cyclonedx-py")
    parser.add_argument("--key", type=Path, metavar="FILE", help="private ssh key that signs it")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    return finish(
        PROGRAM,
        lambda: release(asked.folder, arch=asked.arch, extras=asked.extra or ["edge"], sbom=asked.sbom),
        asked.key,
    )


if __name__ == "__main__":
    sys.exit(main())
