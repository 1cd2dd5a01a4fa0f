"""A machine that counts what its camera shows: its configuration, what its broker hands out, what systemd knows."""

from __future__ import annotations

import json
import secrets
import shlex
import subprocess
import threading
from collections import defaultdict
from typing import Any

from tests.appliance.camera import CAMERA, FPS
from tests.appliance.machine import Machine
from tests.appliance.patience import until

EDGE = "footlight-edge"

SHOP = f"""
install -D --mode=600 /dev/stdin /etc/footlight/footlight-edge.yaml <<'YAML'
site: shop
camera: {{source: {CAMERA}, fps: {FPS}}}
window: {{seconds: 30}}
YAML
install --mode=600 /dev/stdin /etc/footlight/footlight-edge@aisle.yaml <<'YAML'
site: shop
device: aisle
camera: {{source: 'scene:7', realtime: true}}
window: {{seconds: 30}}
mqtt: {{port: 1885, protocol: "3.1.1"}}
YAML
install --mode=600 /dev/stdin /etc/footlight/cloud.yaml <<'YAML'
serve: {{broker: {{port: 1885}}}}
YAML
systemctl start mosquitto footlight-bridge footlight-edge
"""

LISTEN = "mosquitto_sub -V 5 --disable-clean-session -x 3600 -q 1 -t footlight/v1/+/door/window"


class Ear:
    """What the broker of a machine has handed out, over its restarts."""

    def __init__(self, machine: Machine) -> None:
        self._lines: list[str] = []
        # nsenter does not pass on to the listener that it was told to end
        command = [
            *machine.enter,
            *shlex.split(f"setpriv --pdeathsig TERM {LISTEN}"),
            "-i",
            secrets.token_hex(4),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(iter(self._process.stdout.readline, ""))

    def windows(self, boot_id: str | None = None) -> list[dict[str, Any]]:
        """Those of the device ``door``, in order of arrival; of one run of the service where ``boot_id`` is given."""
        found = [json.loads(line) for line in list(self._lines)]
        return [window for window in found if boot_id in {None, window["boot_id"]}]

    def runs(self) -> list[str]:
        """The boot ids of the runs that have begun since it listens."""
        return [window["boot_id"] for window in self.windows() if window["seq"] == 0]

    def close(self) -> None:
        self._process.terminate()
        self._thread.join()
        self._process.communicate()


def show(machine: Machine, name: str, unit: str = EDGE) -> str:
    return machine.run(f"systemctl show --property {name} --value {unit}").stdout.strip()


def rows(machine: Machine, database: str, query: str) -> list[dict[str, Any]]:
    """What ``query`` finds in a copy of a service's database, which nobody else may open: a column of JSON texts."""
    text = (
        "import sqlite3, sys; "
        "print(*(row[0] for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])), sep='\\n')"
    )
    # Again if a service that has just ended took its log away in between.
    copy = f"copy=$(mktemp --directory); until cp /var/lib/private/{database}* $copy; do rm -f $copy/*; done"
    found = machine.run(f'{copy}; python3 -c "{text}" $copy/{database.split("/")[1]} "{query}"').stdout
    return [json.loads(line) for line in found.splitlines() if line]


def ready_again(machine: Machine, before: str) -> None:
    """Wait until another process than ``before`` has said that it is ready."""

    def up() -> bool:
        return show(machine, "ActiveState") == "active" and show(machine, "MainPID") not in {before, "0"}

    until(up, f"{EDGE} is up again")


def nothing_is_missing(windows: list[dict[str, Any]]) -> None:
    """Each run of the service counts its windows from 0, and each number is there, once."""
    by_run = defaultdict(list)
    for window in windows:
        by_run[window["boot_id"]].append(window["seq"])
    for seqs in by_run.values():
        assert sorted(set(seqs)) == list(range(min(seqs), max(seqs) + 1))
