"""No container image is made of what another person cannot make again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.appliance.releases import program, wheelhouse

maker = wheelhouse()
program("release")
container = program("container")
BASE = f"python@sha256:{'0' * 64}"


@pytest.mark.parametrize("base", ["", "python", "python:3.13", "python@sha256:0", f"{BASE}0", f"a {BASE}"])
def test_a_base_that_can_be_moved_is_refused(tmp_path: Path, base: str) -> None:
    with pytest.raises(maker.Incomplete, match="must be like NAME@sha256:DIGEST"):
        container.make(tmp_path / "out", base=base, sbom="")
    assert not (tmp_path / "out").exists()


def test_without_the_program_that_builds_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(maker.Incomplete, match="apt-get install buildah"):
        container.make(tmp_path / "out", base=BASE, sbom="")
