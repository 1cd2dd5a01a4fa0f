"""A release is the same whoever makes it, and a machine takes none that was not signed, was changed or is older."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.appliance.releases import DIES, KEEPS_QUIET, make_key, program, put, sign, wheelhouse
from tests.support.paths import ROOT
from tests.support.programs import require_made, require_program

maker = wheelhouse()
releases = program("release")
VERIFY = ROOT / "ansible" / "roles" / "edge" / "files" / "verify_release.py"
LISTS = ROOT / ".venv-release" / "bin" / "cyclonedx-py"
WHEEL = "footlight-1.1.0-py3-none-any.whl"
CHANGELOG = (
    "# Changelog\n\n## Unreleased\nMore.\n\n## 1.1.0 (2026-11-02)\nNew: all.\n\n- Old.\n\n## 1.0.0\nFirst.\n"
)


@pytest.fixture
def signers(tmp_path: Path) -> Path:
    """The file of a machine that accepts what the key beside it has signed."""
    require_program("ssh-keygen", "apt-get install openssh-client")
    public = make_key(tmp_path).with_suffix(".pub").read_text()
    file = tmp_path / "signers"
    file.write_text(f'# Written by a test.\nfootlight-release namespaces="footlight-release" {public}')
    return file


@pytest.fixture
def release(tmp_path: Path, signers: Path) -> Path:
    """Version 1.1.0 for this machine, signed, as it has been copied to it."""
    folder = tmp_path / "release"
    for name in (f"3.11/{WHEEL}", f"3.13/{WHEEL}", "units/footlight-edge.service"):
        (folder / name).parent.mkdir(parents=True)
        with ZipFile(folder / name, "w") as packed:
            packed.writestr("edge/__init__.py", name)
    maker.seal(folder, arch=platform.machine(), extras=["edge"], version="1.1.0")
    sign(folder, signers.with_name("key"))
    for path in sorted((folder / "3.13").iterdir()):  # what another Python installs stays away
        path.unlink()
    (folder / "3.13").rmdir()
    return folder


def verify(folder: Path, signers: Path, *arguments: str) -> tuple[int, str]:
    """Exit code, and what it says on either stream."""
    command = [sys.executable, "-I", str(VERIFY), "--signers", str(signers), *arguments, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def refused(folder: Path, signers: Path, *arguments: str) -> str:
    """The one line that says why."""
    code, said = verify(folder, signers, *arguments)
    assert (code, said.count("\n")) == (2, 1), said
    return said


@pytest.mark.parametrize("running", ["", "1.0.9", "1.1.0", "1.1.0rc2"])
def test_a_signed_release_is_accepted(release: Path, signers: Path, running: str) -> None:
    assert verify(release, signers, f"--running={running}") == (0, "version 1.1.0 is accepted\n")


def test_one_that_nobody_signed_is_refused(release: Path, signers: Path) -> None:
    (release / "manifest.json.sig").unlink()
    assert "is not signed" in refused(release, signers)
    # A machine that was never told whose signature counts asks for none.
    assert verify(release, signers.with_name("absent"))[0] == 0


def test_one_that_somebody_else_signed_is_refused(release: Path, signers: Path, tmp_path: Path) -> None:
    sign(release, make_key(tmp_path, "other"))
    assert "nobody in" in refused(release, signers)


def test_a_signature_for_another_purpose_does_not_count(release: Path, signers: Path) -> None:
    sign(release, signers.with_name("key"), namespace="file")
    assert "nobody in" in refused(release, signers)


def test_a_changed_release_is_refused(release: Path, signers: Path) -> None:
    wheel = release / "3.11" / WHEEL
    wheel.write_text("another")
    assert f"3.11/{WHEEL} was changed" in refused(release, signers)
    # With a manifest that fits, it is the signature that does not.
    manifest = json.loads((release / "manifest.json").read_text())
    manifest["files"][f"3.11/{WHEEL}"] = maker.digest(wheel)
    (release / "manifest.json").write_text(json.dumps(manifest))
    assert "nobody in" in refused(release, signers)


def test_a_file_too_few_or_too_many_is_refused(release: Path, signers: Path) -> None:
    strange = release / "3.11" / "deep" / "more.whl"
    strange.parent.mkdir()
    strange.touch()
    assert "3.11/deep/more.whl is no part of the release" in refused(release, signers)
    strange.unlink()
    (release / "units" / "footlight-edge.service").unlink()
    assert "units/footlight-edge.service is missing" in refused(release, signers)


@pytest.mark.parametrize("running", ["1.1.1", "1.2.0rc1", "2.0.0", "1.10.0"])
def test_an_older_release_is_refused_unless_asked_for(release: Path, signers: Path, running: str) -> None:
    said = refused(release, signers, f"--running={running}")
    assert f"version 1.1.0 is older than {running}, which runs here" in said
    assert verify(release, signers, f"--running={running}", "--downgrade")[0] == 0


def test_one_for_another_processor_is_refused(release: Path, signers: Path) -> None:
    (release / "3.13").mkdir()
    maker.seal(release, arch="m68k", extras=["edge"], version="1.1.0")
    sign(release, signers.with_name("key"))
    assert f"is for m68k, this machine is {platform.machine()}" in refused(release, signers)


@pytest.mark.parametrize("manifest", ["", "[]", '{"version": "1.1.0", "arch": 1, "files": 3}'])
def test_a_manifest_that_is_none_is_refused(release: Path, signers: Path, manifest: str) -> None:
    (release / "manifest.json").write_text(manifest)
    assert "no readable manifest.json" in refused(release, signers.with_name("absent"))


@pytest.mark.parametrize("faults", [DIES, KEEPS_QUIET], ids=["dies", "keeps quiet"])
def test_the_faults_that_appliance_tests_put_in_fit_the_code(faults: dict[str, tuple[str, str]]) -> None:
    for name, (line, fault) in faults.items():
        compile(put((ROOT / name).read_text(), line, fault, keep=True), name, "exec")


def test_the_changes_of_a_version_are_its_section() -> None:
    assert releases.section(CHANGELOG, "1.1.0") == "## 1.1.0 (2026-11-02)\nNew: all.\n\n- Old.\n"
    assert releases.section(CHANGELOG, "1.0.0") == "## 1.0.0\nFirst.\n"
    with pytest.raises(maker.Incomplete, match=r"no section '## 1\.1'"):
        releases.section(CHANGELOG, "1.1")


def commit(root: Path) -> None:
    """A repository with one commit, of everything in ``root``."""
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "all")):
        subprocess.run(["git", "-C", str(root), *command], check=True)


def test_what_was_not_committed_is_not_released(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "SECURITY.md").write_text("- Contact: security@example.com\n")
    commit(tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(f"{CHANGELOG}More.\n")
    with pytest.raises(maker.Incomplete, match=r"CHANGELOG\.md is not committed"):
        releases.release(tmp_path / "out", arch="aarch64", extras=["edge"], sbom="", root=tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", releases.CONTACT)
def test_nothing_is_released_while_nobody_hears_of_faults(tmp_path: Path, word: str) -> None:
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    others = [other for other in releases.CONTACT if other != word]
    for other in others:
        policy = policy.replace(other, "filled in")
    (tmp_path / "SECURITY.md").write_text(policy)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    commit(tmp_path)
    with pytest.raises(maker.Incomplete, match=rf"^SECURITY\.md still says {word}; .*docs/release\.md"):
        releases.release(tmp_path / "out", arch="aarch64", extras=["edge"], sbom="", root=tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_wheel_is_the_same_to_the_byte_wherever_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two copies, one of them of somebody with another umask, with other times and with what a run leaves behind."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-11-02T08:00:00Z")
    wheels = []
    for name, mode in (("here", 0o644), ("there", 0o664)):
        root = tmp_path / name
        maker.export(ROOT, root)
        commit(root)
        for path in root.rglob("*"):
            if path.is_file() and ".git" not in path.parts:
                path.chmod(mode)
                os.utime(path, (mode, mode))
        if name == "there":
            (root / "edge" / "__pycache__").mkdir()
            (root / "edge" / "__pycache__" / "left.pyc").touch()
        (tmp_path / "built" / name).mkdir(parents=True)
        umask = os.umask(0o666 - mode)
        try:
            wheels.append(maker.build(tmp_path / "built" / name, root))
        finally:
            os.umask(umask)
    assert wheels[0].name == wheels[1].name
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


@pytest.mark.slow
def test_the_components_are_listed_the_same_each_time(tmp_path: Path) -> None:
    require_made(LISTS, "make setup-release")
    (tmp_path / "here").mkdir()
    wheel = maker.build(tmp_path / "here")
    shutil.copytree(wheel.parent, tmp_path / "there")
    texts = []
    for place in ("here", "there"):
        listed = tmp_path / f"{place}.cdx.json"
        releases.list_components(tmp_path / place, listed, maker.TARGETS[1], "aarch64", str(LISTS))
        texts.append(listed.read_text())
    assert texts[0] == texts[1]
    found = json.loads(texts[0])
    assert (found["bomFormat"], found["metadata"]["component"]["name"]) == ("CycloneDX", "footlight")
