"""From inside the unit's sandbox: what the service needs works, and whatever else it tries is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import probe
from tests.appliance.machine import Machine

WORLD = f"""
ip address add 192.0.2.10/32 dev lo         # the broker of the shop, which the drop-in allows
ip address add 198.51.100.1/32 dev lo       # somebody else's
ip address add 2001:db8::1/128 dev lo nodad
systemd-run --quiet python3 -m http.server --bind :: {probe.PORT}
mknod --mode=660 /dev/video0 c 81 0
chgrp video /dev/video0
mknod --mode=666 /dev/disk b 254 0
mknod --mode=666 /dev/tunnel c 10 200
mknod --mode=666 /dev/microphone c 116 0
mkdir -p --mode=777 /opt/footlight/open /etc/footlight/open /var/lib/open
install -D --mode=644 /dev/null /home/owner/note
install -D --mode=644 /dev/null /var/lib/private/other/note
install -D --mode=600 /dev/stdin /etc/footlight/footlight-edge.yaml <<'YAML'
camera: {{source: 0}}
YAML
install -D --mode=600 /dev/null /etc/footlight/tls/footlight-edge/device.key
install -D --mode=644 /dev/null /run/systemd/timesync/synchronized
"""

# Everything else of the unit stays as it is.
IN_ITS_PLACE = """[Service]
Type=oneshot
Restart=no
ExecStart=
ExecStart=/opt/footlight/current/bin/python /opt/footlight/probe.py
# What role edge writes, and the device that this kernel has no class for.
IPAddressAllow=192.0.2.10
DeviceAllow=/dev/video0 rw
"""


@pytest.fixture(scope="module")
def world(installed: Machine) -> Machine:
    installed.run(WORLD)
    installed.copy(Path(probe.__file__), "/opt/footlight/probe.py")
    return installed


@pytest.fixture(scope="module")
def inside(world: Machine) -> Iterator[dict[str, str]]:
    """How each attempt ended in the unit."""
    drop_in = "/run/systemd/system/footlight-edge.service.d/90-probe.conf"
    world.run(f"install -D --mode=644 /dev/stdin {drop_in}; systemctl daemon-reload", text=IN_ITS_PLACE)
    done = world.run("systemctl start footlight-edge", check=False)
    world.run("journalctl --sync")
    said = world.run("journalctl --unit footlight-edge --output cat _TRANSPORT=stdout").stdout
    assert done.returncode == 0, done.stderr + said
    yield json.loads(said.splitlines()[-1])
    world.run(f"rm {drop_in}; systemctl daemon-reload")


@pytest.fixture(scope="module")
def outside(world: Machine) -> dict[str, str]:
    """How they end for an ordinary user in no sandbox."""
    said = world.run(
        "systemd-run --quiet --wait --pipe --property User=nobody --property StateDirectory=nobody "
        "--property LoadCredential=config.yaml:/etc/footlight/footlight-edge.yaml "
        "/opt/footlight/current/bin/python /opt/footlight/probe.py"
    ).stdout
    found: dict[str, str] = json.loads(said)
    return found


@pytest.mark.parametrize("what", probe.NEEDED)
def test_the_service_can(inside: dict[str, str], what: str) -> None:
    assert inside[what] == probe.NEEDED[what][1]


@pytest.mark.parametrize("what", [*probe.REFUSED, *probe.REFUSED_ANYHOW])
def test_the_service_cannot(inside: dict[str, str], what: str) -> None:
    assert inside[what] in {**probe.REFUSED, **probe.REFUSED_ANYHOW}[what][1].split()


@pytest.mark.parametrize("what", probe.REFUSED)
def test_it_is_the_sandbox_that_refuses(outside: dict[str, str], what: str) -> None:
    assert outside[what] in {"done", "ENXIO"}
