"""An outbox on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.uplink.outbox import Outbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    box = Outbox(path, max_messages=1000)
    yield box
    box.close()
