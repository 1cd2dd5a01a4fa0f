"""Machines for the tests of the appliance: ``make appliance-test``, not part of ``make test``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.appliance.counting import SHOP
from tests.appliance.machine import RELEASES, Machine
from tests.support.paths import ROOT
from tests.support.programs import require_made, require_program

WHEELHOUSE = ROOT / "dist" / "wheelhouse" / "x86_64"
INSTALL_S = 300.0


@pytest.fixture(scope="module", params=RELEASES)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine of each release, fresh for each file of tests."""
    if os.geteuid() != 0:
        pytest.skip("machines are booted by root")
    require_program("debootstrap", "apt-get install debootstrap")
    require_program("systemd-nspawn", "apt-get install systemd-container")
    with Machine(request.param) as booted:
        yield booted


@pytest.fixture(scope="module")
def installed(machine: Machine) -> Machine:
    """The machine with Footlight and its units in place as on a device, by hand and not by the playbook."""
    require_made(WHEELHOUSE / "manifest.json", "make wheelhouse ARCH=x86_64 EXTRAS='edge cloud'")
    python = machine.run("python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'").stdout.strip()
    machine.copy(WHEELHOUSE / python, "/srv/wheels")
    machine.copy(ROOT / "systemd", "/etc/systemd/system")
    machine.run(
        "python3 -m venv --system-site-packages /opt/footlight/versions/tested\n"
        "ln -s versions/tested /opt/footlight/current\n"
        "/opt/footlight/current/bin/pip install --quiet --no-compile --no-index --find-links /srv/wheels"
        " --require-hashes --requirement /srv/wheels/requirements.txt\n"
        "cp /etc/systemd/system/footlight-edge.service /etc/systemd/system/footlight-edge@.service\n"
        "systemctl daemon-reload",
        timeout_s=INSTALL_S,
    )
    return machine


@pytest.fixture(scope="module")
def counting(installed: Machine) -> Machine:
    """The machine as it counts the sample scene, over its own broker and bridge."""
    installed.run(SHOP)
    return installed
