"""Machines for the tests of the appliance: ``make appliance-test``, not part of ``make test``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.appliance.machine import RELEASES, Machine
from tests.programs import require_program


@pytest.fixture(scope="module", params=RELEASES)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine of each release, fresh for each file of tests."""
    if os.geteuid() != 0:
        pytest.skip("machines are booted by root")
    require_program("debootstrap", "apt-get install debootstrap")
    require_program("systemd-nspawn", "apt-get install systemd-container")
    with Machine(request.param) as booted:
        yield booted
