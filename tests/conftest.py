"""What holds for every test, and the server that several of them share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.influxdb import Engine, InfluxDB, influxdb_for_tests
from tests.support.proven import real_parts

# A deadline in milliseconds would test the load of the machine. What failed is printed so that it can be repeated.
settings.register_profile("footlight", deadline=None, print_blob=True)
settings.load_profile("footlight")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Machines are booted only for those who ask for them: ``make appliance-test``."""
    asked_for = any("appliance" in argument for argument in config.args)
    return True if collection_path == Path(__file__).parent / "appliance" and not asked_for else None


@pytest.fixture(autouse=True)
def log_state() -> Iterator[None]:
    """Undo what a service that ran in a test changed for all logging: the level, and filters of the handlers."""
    root = logging.getLogger()
    level, filters = root.level, {handler: list(handler.filters) for handler in root.handlers}
    yield
    root.setLevel(level)
    for handler in root.handlers:
        handler.filters[:] = filters.get(handler, [])


@pytest.fixture(autouse=True)
def proven_on(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Note for ``make proven`` with which real parts this test runs."""
    for part in real_parts(request.node):
        record_property("on", part)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A real InfluxDB, started when the first test asks for it."""
    with influxdb_for_tests(tmp_path_factory.mktemp("influxdb")) as running:
        yield running


@pytest.fixture
def influxdb(engine: Engine) -> Iterator[InfluxDB]:
    """A fresh installation for one test. For one that a module shares: ``with engine.installation()``."""
    with engine.installation() as fresh:
        yield fresh
