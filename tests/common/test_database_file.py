"""A database file that cannot be opened is one line with the way out, for the outbox and for the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cloud.stores.embedded import EmbeddedStore
from common.errors import UserError
from edge.uplink.outbox import Outbox
from tests.support.clock import ManualClock

OPEN: dict[str, Callable[[Path], object]] = {
    "outbox": lambda path: Outbox(path, max_messages=10),
    "store": lambda path: EmbeddedStore(path, retention_days=10, clock=ManualClock()),
}


def line(kind: str, path: Path) -> str:
    with pytest.raises(UserError) as caught:
        OPEN[kind](path)
    return str(caught.value)


@pytest.mark.parametrize("kind", OPEN)
def test_a_folder_that_is_not_writable_is_named(kind: str) -> None:
    """Nobody, not even root, can create a file in /proc."""
    way_out = "let this user write there, or set another path"
    assert (
        line(kind, Path("/proc/a.db")) == f"{kind}.path: /proc/a.db: folder /proc is not writable; {way_out}"
    )


@pytest.mark.parametrize("kind", OPEN)
def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "below" / "a.db"
    reason = f"folder {path.parent} cannot be created (Not a directory); create it, or set another path"
    assert line(kind, path) == f"{kind}.path: {path}: {reason}"


@pytest.mark.parametrize("kind", OPEN)
def test_a_folder_is_no_file(tmp_path: Path, kind: str) -> None:
    assert line(kind, tmp_path) == f"{kind}.path: {tmp_path}: is a folder; name a file in it"


def test_an_outbox_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert line("outbox", path) == (
            f"outbox.path: {path}: another process uses it; stop that one, or set another path"
        )
