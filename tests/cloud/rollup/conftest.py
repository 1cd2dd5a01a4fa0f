"""Both stores, with windows and without."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cloud.rollup.both_stores import Both, some_windows
from tests.support.influxdb import Engine, InfluxDB


@pytest.fixture(scope="module")
def filled(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Both stores with some windows; for tests that add nothing."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    with engine.installation() as server, closing(Both(server, path)) as both:
        both.write(some_windows(random.Random(1), every=2))
        yield both


@pytest.fixture
def fresh(influxdb: InfluxDB, tmp_path: Path) -> Iterator[Both]:
    with closing(Both(influxdb, tmp_path / "store.sqlite")) as both:
        yield both
