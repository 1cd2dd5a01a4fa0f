"""The small chain in a real InfluxDB, once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dashboards.filling import fill
from tests.dashboards.world import World
from tests.support.influxdb import Engine, InfluxDB


@pytest.fixture(scope="session")
def filled(engine: Engine) -> Iterator[InfluxDB]:
    with engine.installation() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def world(filled: InfluxDB, tmp_path_factory: pytest.TempPathFactory) -> World:
    return fill(filled, tmp_path_factory.mktemp("beside"))
