"""A wheelhouse that lacks something is refused before a store is visited with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.appliance.releases import wheelhouse
from tests.support.paths import ROOT

maker = wheelhouse()


def make_wheel(folder: Path, name: str, *needs: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    metadata = "".join((f"Name: {name}\nVersion: 1.0\n", *(f"Requires-Dist: {need}\n" for need in needs)))
    with ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\n{metadata}")
        packed.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{name}-1.0.dist-info/RECORD", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small one that is complete."""
    for target in maker.TARGETS:
        make_wheel(tmp_path / target.python, "footlight", "other")
        make_wheel(tmp_path / target.python, "other")
    (tmp_path / "units").mkdir()
    (tmp_path / "units" / "footlight-edge.service").write_text("[Unit]\n")
    maker.seal(tmp_path, arch="aarch64", extras=["edge"], version="1.0")
    return tmp_path


def check(folder: Path) -> tuple[int, str]:
    """Exit code, and what it says on either stream."""
    program = [sys.executable, str(ROOT / "ansible" / "wheelhouse.py"), "check", str(folder)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_complete_one_tells_its_version(folder: Path) -> None:
    assert check(folder) == (0, f"{folder}: Footlight 1.0, complete\n")


def test_a_file_that_is_missing_changed_or_strange_is_named(folder: Path) -> None:
    unit, wheel = folder / "units" / "footlight-edge.service", folder / "3.13" / "other-1.0-py3-none-any.whl"
    held = unit.read_text()
    unit.unlink()
    assert check(folder) == (2, f"wheelhouse: {unit} is missing; make wheelhouse ARCH=aarch64\n")
    unit.write_text("[Service]\n")
    assert check(folder) == (2, f"wheelhouse: {unit} is damaged; make wheelhouse ARCH=aarch64\n")
    unit.write_text(held)
    wheel.with_name("more-1.0-py3-none-any.whl").touch()
    code, said = check(folder)
    assert (code, said) == (
        2,
        f"wheelhouse: {folder}/3.13/more-1.0-py3-none-any.whl is not in the manifest; remove it\n",
    )


def test_a_folder_that_is_none_says_how_to_make_one(tmp_path: Path) -> None:
    assert check(tmp_path / "aarch64") == (
        2,
        f"wheelhouse: {tmp_path}/aarch64 is no wheelhouse; make wheelhouse ARCH=aarch64\n",
    )


@pytest.mark.parametrize("marker", ["python_version >= '3.13'", "platform_machine == 'aarch64'"])
def test_what_only_the_target_needs_is_missed(folder: Path, marker: str) -> None:
    """pip does not see it: it judges by the Python and the machine that it runs on."""
    target = maker.TARGETS[1]
    make_wheel(folder / target.python, "other", f"lacking; {marker}")
    maker.seal(folder, arch="aarch64", extras=["edge"], version="1.0")
    with pytest.raises(maker.Incomplete, match=r"other-1\.0-py3-none-any\.whl needs lacking"):
        maker.prove(folder, target, "aarch64")


def test_what_pip_itself_misses_is_refused(folder: Path) -> None:
    target = maker.TARGETS[1]
    (folder / target.python / "other-1.0-py3-none-any.whl").unlink()
    maker.seal(folder, arch="aarch64", extras=["edge"], version="1.0")
    with pytest.raises(maker.Incomplete, match=r"Python 3\.13 on aarch64 do not install"):
        maker.prove(folder, target, "aarch64")


def test_a_file_that_no_lock_names_is_refused(folder: Path) -> None:
    with pytest.raises(
        maker.Incomplete, match=r"other-1\.0-py3-none-any\.whl is not in requirements-dev\.txt"
    ):
        maker.hold_to(
            ROOT / "requirements-dev.txt", folder / "3.13", besides="footlight-1.0-py3-none-any.whl"
        )


def test_an_extra_that_does_not_exist_is_refused() -> None:
    with pytest.raises(maker.Incomplete, match="there is no extra 'edges'"):
        maker.requirements(["edges"])
