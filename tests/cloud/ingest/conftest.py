"""The store that a bridge writes to, and its broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.ingest.bridges import FaultyStore
from tests.support.brokers import Mosquitto


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FaultyStore]:
    faulty = FaultyStore(tmp_path / "store.sqlite")
    yield faulty
    faulty.close()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker
