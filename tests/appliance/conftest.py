"""Machines for the tests of the appliance: ``make appliance-test``, not part of ``make test``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.appliance.camera import give_camera
from tests.appliance.counting import SHOP
from tests.appliance.layers import footlight_layer
from tests.appliance.machine import RELEASES, Machine
from tests.appliance.releases import WHEELHOUSE
from tests.support.paths import ROOT
from tests.support.programs import require_program

LONGEST_S = 3600.0
"""For one test with the machine that it may have to make first."""


class ByMachine(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps together what shares a machine, a file of tests and a release, when several processes run them."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        return f"{file} {[release for release in RELEASES if release in name]}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByMachine:
    return ByMachine(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONGEST_S))


@pytest.fixture(scope="module", params=RELEASES)
def debian(request: pytest.FixtureRequest) -> str:
    """The name of a release of Debian."""
    if os.geteuid() != 0:
        pytest.skip("machines are booted by root")
    require_program("debootstrap", "apt-get install debootstrap")
    require_program("systemd-nspawn", "apt-get install systemd-container")
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def machine(debian: str) -> Iterator[Machine]:
    """A machine of each release, as it was flashed, fresh for each file of tests."""
    with Machine(debian) as booted:
        yield booted


@pytest.fixture(scope="module")
def prepared(debian: str) -> Iterator[Machine]:
    """The same, to which the playbook has already brought the version in the wheelhouse, so that it need not again."""
    with Machine(debian, layers=[footlight_layer(debian)]) as booted:
        yield booted


@pytest.fixture(scope="module")
def installed(prepared: Machine) -> Machine:
    """The machine with Footlight and its units in place as on a device, and nothing configured."""
    version = json.loads((WHEELHOUSE / "manifest.json").read_text())["version"]
    prepared.copy(ROOT / "systemd", "/etc/systemd/system")
    prepared.run(
        f"ln -s versions/{version} /opt/footlight/current\n"
        "cp /etc/systemd/system/footlight-edge.service /etc/systemd/system/footlight-edge@.service\n"
        "systemctl daemon-reload"
    )
    return prepared


@pytest.fixture(scope="module")
def counting(installed: Machine) -> Machine:
    """The machine as it counts what its camera shows, over its own broker and bridge."""
    give_camera(installed)
    installed.run(SHOP)
    return installed
