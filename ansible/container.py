"""Makes the container image of a server, as a release that can be signed: ``make image``.

    python ansible/container.py --base IMAGE@sha256:DIGEST --sbom .venv-release/bin/cyclonedx-py --key KEY dist/release

The folder ``footlight-VERSION-ARCH-image`` has ``image/footlight.tar`` for ``docker load``, and ``about/`` with the
changes of this version and a list of the packages in it (CycloneDX). Its ``manifest.json`` has the id of the image, the
base it was built on, and the SHA-256 of every file. The id is the same for the same commit, base and processor.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import release
import wheelhouse
from wheelhouse import ROOT, Incomplete

PROGRAM = "container"
PINNED = re.compile(r"\S+@sha256:[0-9a-f]{64}")


def make(folder: Path, *, base: str, sbom: str, root: Path = ROOT) -> Path:
    """Return the folder of the image, in ``folder``. Raises ``Incomplete``; then nothing is left of it."""
    if not PINNED.fullmatch(base):
        raise Incomplete(f"the base {base!r} must be like NAME@sha256:DIGEST, for a name alone can be moved")
    if shutil.which("buildah") is None:
        raise Incomplete("buildah is missing, which builds images: apt-get install buildah")
    version, changes = release.committed(root)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        arch = platform.machine()
        part = Path(scratch, f"footlight-{version}-{arch}-image")
        for name in ("image", "about"):
            (part / name).mkdir(parents=True)
        (part / "about" / "CHANGES.md").write_text(changes, encoding="utf-8")
        image = build(base, root)
        try:
            list_components(image, part / "about" / "python.cdx.json", sbom)
            archive = f"docker-archive:{part / 'image' / 'footlight.tar'}:footlight:{version}"
            buildah("push", "--quiet", image, archive, failing="the image cannot be written to a file")
        finally:
            buildah("rmi", image, failing=f"the image {image} cannot be removed from this machine's store")
        files = {str(path.relative_to(part)): wheelhouse.digest(path) for path in sorted(part.glob("*/*"))}
        manifest = {"version": version, "arch": arch, "image": image, "base": base, "files": files}
        (part / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        whole = folder / part.name
        shutil.rmtree(whole, ignore_errors=True)
        part.rename(whole)
    return whole


def build(base: str, root: Path) -> str:
    """Build ``cloud/compose/Dockerfile`` into this machine's store of images, and return its id."""
    time = wheelhouse.time_of_commit(root)["SOURCE_DATE_EPOCH"]
    with tempfile.TemporaryDirectory() as scratch:
        context, image = Path(scratch, "context"), Path(scratch, "image")
        wheelhouse.export(root, context)
        dockerfile = context / "cloud" / "compose" / "Dockerfile"
        buildah(
            *("build", "--quiet", "--no-cache", "--timestamp", time),
            *("--build-arg", f"PYTHON={base}", "--build-arg", f"SOURCE_DATE_EPOCH={time}"),
            *("--file", str(dockerfile), "--iidfile", str(image), str(context)),
            failing=f"the image cannot be built on {base}",
        )
        return image.read_text().strip()


def list_components(image: str, listed: Path, sbom: str) -> None:
    """Write the CycloneDX list of the Python packages in ``image`` to ``listed``."""
    container = buildah("from", image, failing="the image cannot be read")
    try:
        files = Path(buildah("mount", container, failing="the image cannot be read; building needs root"))
        with release.environment() as packages:
            for one in files.glob("usr/local/**/site-packages/*.dist-info"):
                shutil.copytree(one, packages / one.name)
            release.list_packages(packages, listed, sbom)
    finally:
        buildah("rm", container, failing=f"the container {container} cannot be removed")


def buildah(*arguments: str, failing: str) -> str:
    """Return the last line that it prints. Raises ``Incomplete`` with the last line of its errors."""
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Incomplete(f"{failing}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return done.stdout.strip().rpartition("\n")[2]


def main() -> int:
    """0 done, 2 impossible (one line on standard error)."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Make the container image of a release.")
    parser.add_argument("--base", required=True, metavar="IMAGE@sha256:DIGEST", help="image with Python")
    parser.add_argument("--sbom", required=True, metavar="PROGRAM", help="cyclonedx-py")
    parser.add_argument("--key", type=Path, metavar="FILE", help="private ssh key that signs it")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    return release.finish(PROGRAM, lambda: make(asked.folder, base=asked.base, sbom=asked.sbom), asked.key)


if __name__ == "__main__":
    sys.exit(main())
