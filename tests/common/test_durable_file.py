"""A file that is replaced: whole after a power cut, and the new one once that was said."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from common.durable_file import put_in_place
from tests.support.power_cut import cuts, record

pytestmark = pytest.mark.slow

VERSIONS = 20


def content(version: int) -> bytes:
    return random.Random(version).randbytes(version * 1000)


def replace(folder: Path) -> None:
    for version in range(1, VERSIONS):
        draft = folder / "draft"
        draft.write_bytes(content(version))
        put_in_place(draft, folder / "file")
        print(version, flush=True)  # noqa: T201 - read by the test


def test_a_power_cut_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    folder, found = tmp_path / "before", tmp_path / "after"
    folder.mkdir()
    whole = {content(version): version for version in range(1, VERSIONS)}
    for said in cuts(record([__name__, str(folder)], folder, tmp_path / "trace"), folder, found, 0, 500):
        file = found / "file"
        version = whole[file.read_bytes()] if file.exists() else 0
        assert version - len(said) in {0, 1}


if __name__ == "__main__":
    replace(Path(sys.argv[1]))
