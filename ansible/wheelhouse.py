"""Gathers all that a device installs, so that the play fetches nothing at the store: ``make wheelhouse``.

    python ansible/wheelhouse.py gather --arch aarch64 dist/wheelhouse/aarch64
    python ansible/wheelhouse.py check dist/wheelhouse/aarch64

A wheelhouse is a folder for each Python, ``3.11/`` and ``3.13/``, with the wheels and a ``requirements.txt`` that names
each by its hash, ``units/`` with those of systemd, and ``manifest.json`` with the SHA-256 of every file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROGRAM = "wheelhouse"


class Incomplete(Exception):
    """One line for a person: what is missing, and the way out."""


@dataclass(frozen=True, slots=True)
class Target:
    """A Python that a machine may have: its version, the newest glibc beside it, and the lock of its packages."""

    python: str
    glibc: int
    lock: str


TARGETS = (
    # Picamera2 of bookworm is built for numpy 1, and runs in the same process: docs/decisions/0034.
    Target("3.11", 36, "requirements-bookworm.txt"),
    Target("3.13", 41, "requirements-dev.txt"),
)


def gather(folder: Path, *, arch: str, extras: list[str]) -> None:
    """Fill ``folder``, which appears only when it is complete. Raises ``Incomplete`` otherwise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
        part = Path(scratch, folder.name)
        part.mkdir()
        fill(part, arch=arch, extras=extras)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)


def fill(part: Path, *, arch: str, extras: list[str]) -> None:
    """Do the work of :func:`gather`."""
    wheel = build(part)
    wanted = requirements(extras)
    for target in TARGETS:
        wheels = part / target.python
        wheels.mkdir()
        shutil.copy(wheel, wheels)
        options = (*for_machine(target, arch), "--dest", str(wheels), "--constraint", str(ROOT / target.lock))
        pip(
            "download",
            *options,
            *wanted,
            failing=f"not everything that Python {target.python} needs is there for {arch}",
        )
        hold_to(ROOT / target.lock, wheels, besides=wheel.name)
    wheel.unlink()
    shutil.copytree(ROOT / "systemd", part / "units", ignore=shutil.ignore_patterns("*.md"))
    seal(part, arch=arch, extras=extras, version=wheel.name.split("-")[1])
    for target in TARGETS:
        prove(part, target, arch)


def build(folder: Path, root: Path = ROOT) -> Path:
    """Our own wheel, in ``folder``: the same bytes for the same files and the same last commit, on any machine."""
    with tempfile.TemporaryDirectory() as scratch:
        export(root, Path(scratch))
        pip(
            *("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), scratch),
            failing="Footlight's own wheel cannot be built",
            environ=time_of_commit(root),
        )
    (wheel,) = folder.glob("footlight-*.whl")
    return wheel


def export(root: Path, folder: Path) -> None:
    """Copy what belongs to the repository, with the modes that git knows and not those of somebody's umask."""
    for name in git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source, target = root / name, folder / name
        if name and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def time_of_commit(root: Path) -> dict[str, str]:
    """Return the environment by which tools write down the time of the last commit in place of their own."""
    return {"SOURCE_DATE_EPOCH": git(root, "log", "-1", "--format=%ct").strip()}


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Incomplete(f"{root} must be a git clone with a commit: {done.stderr.strip()}")
    return done.stdout


def requirements(extras: list[str]) -> list[str]:
    """List what Footlight itself requires, for machines of these roles."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional: dict[str, list[str]] = project["optional-dependencies"]
    if unknown := sorted(set(extras) - set(optional)):
        raise Incomplete(
            f"there is no extra {unknown[0]!r}; pyproject.toml has {', '.join(sorted(optional))}"
        )
    return [*project["dependencies"], *(need for extra in extras for need in optional[extra])]


def for_machine(target: Target, arch: str) -> tuple[str, ...]:
    """Return the options that make pip choose for another machine than this one."""
    platforms = [
        f"manylinux2014_{arch}",
        *(f"manylinux_2_{minor}_{arch}" for minor in range(17, target.glibc + 1)),
    ]
    return (
        *("--only-binary=:all:", "--implementation", "cp", "--python-version", target.python),
        *(option for platform in platforms for option in ("--platform", platform)),
    )


def hold_to(lock: Path, wheels: Path, *, besides: str) -> None:
    """Every file is one that the lock names."""
    named = lock.read_text()
    for wheel in sorted(wheels.glob("*.whl")):
        if wheel.name != besides and f"sha256:{digest(wheel)}" not in named:
            raise Incomplete(f"{wheel.name} is not in {lock.name}; make lock writes that anew")


def seal(folder: Path, *, arch: str, extras: list[str], version: str) -> None:
    """Write down what is there: requirements.txt for pip, manifest.json for the play and the device."""
    for target in TARGETS:
        wheels = folder / target.python
        lines = (
            "{}=={} --hash=sha256:{}\n".format(*wheel.name.split("-")[:2], digest(wheel))
            for wheel in sorted(wheels.glob("*.whl"))
        )
        (wheels / "requirements.txt").write_text("".join(lines))
    files = {str(path.relative_to(folder)): digest(path) for path in sorted(folder.glob("*/*"))}
    code = code_of(next((folder / TARGETS[0].python).glob("footlight-*.whl")))
    manifest = {"version": version, "arch": arch, "extras": extras, "files": files, "code": code}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def code_of(wheel: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that our own wheel installs, for the privacy audit."""
    with ZipFile(wheel) as packed:
        return {
            name: hashlib.sha256(packed.read(name)).hexdigest()
            for name in sorted(packed.namelist())
            if ".dist-info/" not in name
        }


def prove(folder: Path, target: Target, arch: str) -> None:
    """Let pip plan the installation from nothing but the folder, as the machine will."""
    wheels = folder / target.python
    pip(
        *(
            "install",
            "--dry-run",
            "--ignore-installed",
            "--no-index",
            "--require-hashes",
            "--target",
            "nowhere",
        ),
        *(
            *for_machine(target, arch),
            "--find-links",
            str(wheels),
            "--requirement",
            str(wheels / "requirements.txt"),
        ),
        failing=f"the wheels for Python {target.python} on {arch} do not install",
        environ={"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""},
    )
    # pip judges "only on Python 3.13" or "only on aarch64" by the Python that it runs in.
    machine = {
        "python_version": target.python,
        "python_full_version": f"{target.python}.0",
        "platform_machine": arch,
    }
    there = {canonicalize_name(wheel.name.split("-")[0]) for wheel in wheels.glob("*.whl")}
    for wheel in sorted(wheels.glob("*.whl")):
        for need in map(Requirement, needs(wheel)):
            wanted = need.marker is None or need.marker.evaluate({"extra": "", **machine})
            if wanted and canonicalize_name(need.name) not in there:
                raise Incomplete(
                    f"{wheel.name} needs {need}, which pip did not fetch for Python {target.python}"
                )


def needs(wheel: Path) -> list[str]:
    """Read from a wheel what it requires."""
    with ZipFile(wheel) as packed:
        (name,) = (name for name in packed.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(packed.read(name).decode()).get_all("Requires-Dist", [])


def check(folder: Path) -> str:
    """Return the version in a wheelhouse. Raises ``Incomplete`` for a file that is missing, changed or unlisted."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError:
        raise Incomplete(f"{folder} is no wheelhouse; make wheelhouse ARCH={folder.name}") from None
    found = {str(path.relative_to(folder)) for path in folder.glob("*/*")}
    for name, sha256 in manifest["files"].items():
        if name not in found:
            raise Incomplete(f"{folder / name} is missing; make wheelhouse ARCH={manifest['arch']}")
        if digest(folder / name) != sha256:
            raise Incomplete(f"{folder / name} is damaged; make wheelhouse ARCH={manifest['arch']}")
    if strange := sorted(found - set(manifest["files"])):
        raise Incomplete(f"{folder / strange[0]} is not in the manifest; remove it")
    version: str = manifest["version"]
    return version


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pip(*arguments: str, failing: str, environ: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        command,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,  # it is in a wheel as the mode of each file
    )
    if done.returncode:
        errors = [
            line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")
        ]
        raise Incomplete(f"{failing}: {errors[0] if errors else done.stderr.strip()}")


def main() -> int:
    """0 done, 2 incomplete (one line on standard error)."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Gather or check what devices install.")
    commands = parser.add_subparsers(dest="command", required=True)
    gathering = commands.add_parser("gather", help="fetch, build and seal")
    gathering.add_argument("--arch", choices=("aarch64", "x86_64"), default="aarch64")
    gathering.add_argument("--extra", action="append", metavar="EXTRA", help="edge unless given")
    checking = commands.add_parser("check", help="compare with the manifest")
    for command in (gathering, checking):
        command.add_argument("folder", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        if arguments.command == "gather":
            gather(arguments.folder, arch=arguments.arch, extras=arguments.extra or ["edge"])
        print(f"{arguments.folder}: Footlight {check(arguments.folder)}, complete")
    except Incomplete as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
