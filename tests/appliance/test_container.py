"""The container image of a release: the same for everybody, signed as a whole, and with all that a server runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.appliance.machine import debian_root
from tests.appliance.releases import make_key, program
from tests.support.paths import ROOT
from tests.support.programs import require_made, require_program

pytestmark = pytest.mark.timeout(1800)

LISTS = ROOT / ".venv-release" / "bin" / "cyclonedx-py"
VERIFY = ROOT / "ansible" / "roles" / "edge" / "files" / "verify_release.py"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
IMPORTS = (
    "import cloud, importlib, pkgutil\n"
    "names = [one.name for one in pkgutil.walk_packages(cloud.__path__, 'cloud.') if 'onebox' not in one.name"
    " and not one.name.endswith('__main__')]\n"
    "[importlib.import_module(name) for name in names]\n"
    "print(len(names))\n"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store of images with a Debian that has Python 3.13, in place of the base that a registry has."""
    require_program("buildah", "apt-get install buildah")
    folder = tmp_path_factory.mktemp("images")
    settings = folder / "storage.conf"
    settings.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_STORAGE_CONF", str(settings))
        patch.setenv("BUILDAH_ISOLATION", "chroot")  # needs no rights that a container here does not have
        made = buildah("from", "scratch")
        buildah("add", "--quiet", made, str(debian_root("trixie")), "/")
        # How this machine reaches its package index may need a certificate of its own.
        buildah("copy", "--quiet", made, os.environ.get("PIP_CERT", CERTIFICATES), CERTIFICATES)
        buildah("config", "--env", f"PIP_CERT={CERTIFICATES}", made)
        buildah("config", "--env", "PATH=/usr/local/python/bin:/usr/sbin:/usr/bin:/sbin:/bin", made)
        buildah("run", made, "--", "python3", "-m", "venv", "/usr/local/python")
        buildah("commit", "--quiet", "--timestamp", "0", "--rm", made, "base")
        yield f"localhost/base@{buildah('images', '--digests', '--format', '{{.Digest}}', 'localhost/base')}"
    shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class Made:
    folder: Path
    key: Path
    version: str

    @property
    def archive(self) -> Path:
        return self.folder / "image" / "footlight.tar"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git knows of this checkout, in one commit, with a section for its version in the changelog."""
    folder = tmp_path_factory.mktemp("clone")
    program("wheelhouse").export(ROOT, folder)
    changes = folder / "CHANGELOG.md"
    changes.write_text(
        re.sub(r"^## Unreleased", f"## {version_of(folder)}", changes.read_text(), flags=re.MULTILINE)
    )
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "all")):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    return folder


@pytest.fixture(scope="module")
def made(base: str, clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The image as ``make image`` makes it, signed."""
    require_made(LISTS, "make setup-release")
    folder = tmp_path_factory.mktemp("made")
    key = make_key(folder)
    return Made(make(clone, base, folder, "--key", str(key)), key, version_of(clone))


def test_the_image_is_the_same_whoever_makes_it(made: Made, base: str, clone: Path, tmp_path: Path) -> None:
    again = make(clone, base, tmp_path)
    assert (again / "manifest.json").read_text() == (made.folder / "manifest.json").read_text()
    manifest = json.loads((again / "manifest.json").read_text())
    assert manifest["base"] == base
    assert set(manifest["files"]) == {"about/CHANGES.md", "about/python.cdx.json", "image/footlight.tar"}


def test_what_the_signature_covers_is_what_is_loaded(made: Made, tmp_path: Path) -> None:
    """Loaded from the file, the image has the id and the name that are signed, and that compose.yaml asks for."""
    signers = tmp_path / "signers"
    signers.write_text(f"footlight-release {made.key.with_suffix('.pub').read_text()}")
    verify = [sys.executable, "-I", str(VERIFY), "--signers", str(signers), str(made.folder)]
    assert subprocess.run(verify, check=False).returncode == 0
    manifest = json.loads((made.folder / "manifest.json").read_text())
    loaded = buildah("pull", "--quiet", f"docker-archive:{made.archive}")
    assert f"sha256:{loaded}" == manifest["image"]
    names = json.loads(buildah("inspect", "--type", "image", loaded))["FromImage"]
    assert names.endswith(f"/footlight:{made.version}")
    assert f"image: footlight:{made.version}\n" in (ROOT / "cloud" / "compose.yaml").read_text()


def test_all_that_a_server_runs_is_in_it(made: Made) -> None:
    running = buildah("from", buildah("pull", "--quiet", f"docker-archive:{made.archive}"))
    try:
        assert buildah("run", running, "--", "id", "--user", "--name") == "footlight"
        assert int(buildah("run", running, "--", "python", "-c", IMPORTS)) > 100
        for command in ("bridge", "rollup", "page", "provision"):
            buildah("run", running, "--", "footlight-cloud", command, "--help")
        listed = json.loads((made.folder / "about" / "python.cdx.json").read_text())
        parts = [listed["metadata"]["component"], *listed["components"]]
        there = buildah("run", running, "--", "pip", "list", "--format=freeze").lower().splitlines()
        assert {f"{part['name']}=={part['version']}".lower() for part in parts} == set(there)
    finally:
        buildah("rm", running)


def make(clone: Path, base: str, folder: Path, *options: str) -> Path:
    """Run the program on ``clone``; return the folder of the image."""
    command = [sys.executable, str(clone / "ansible" / "container.py"), "--base", base, "--sbom", str(LISTS)]
    done = subprocess.run([*command, *options, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("footlight-*-image")
    return found


def version_of(root: Path) -> str:
    version: str = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    return version


def buildah(*arguments: str) -> str:
    """Return what it prints."""
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
