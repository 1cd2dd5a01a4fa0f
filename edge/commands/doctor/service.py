"""The service as systemd sees it: whether it runs, its last status line, and its sandbox."""

from __future__ import annotations

import ipaddress
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import salvage
from edge.commands.doctor.checks import Finding, amber, green, not_reached, red
from edge.service.status_line import Figures

Properties = Mapping[str, str]
"""Properties of a unit from ``systemctl show``; empty without systemd."""

LOCKS = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "NoNewPrivileges": "yes",
    "MemoryDenyWriteExecute": "yes",
}
"""Settings of the unit in ``systemd/``, which a drop-in may have changed."""

EXPOSURE = 2.0
"""The highest figure of ``systemd-analyze security`` that is good."""

_ASKED = (
    "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts", "WatchdogUSec", "StatusText",
    "ActiveEnterTimestamp", "IPAddressAllow", "IPAddressDeny", "MainPID", "NeedDaemonReload", "LimitCORE",
    "MemorySwapMax", *LOCKS,
)  # fmt: skip


def ask_systemd(unit: str) -> Properties:
    """Return the properties of ``unit`` from systemd."""
    if shutil.which("systemctl") is None:
        return {}
    shown = subprocess.run(
        ["systemctl", "show", unit, f"--property={','.join(_ASKED)}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)


def exposure(unit: str) -> float | None:
    """Return the figure of ``systemd-analyze security``, 0 (locked in) to 10; None if it is not available."""
    if shutil.which("systemd-analyze") is None:
        return None
    shown = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", unit], capture_output=True, text=True, check=False
    )
    found = re.search(r"exposure level for .*: ([\d.]+)", shown.stdout)
    return float(found[1]) if found else None


def runs(properties: Properties) -> bool:
    """Return whether the service is running, so that it has the camera open."""
    return properties.get("ActiveState") in {"active", "activating", "reloading", "deactivating"}


def is_installed(properties: Properties) -> bool:
    """Return whether systemd knows the unit."""
    return properties.get("LoadState", "not-found") != "not-found"


def not_set(properties: Properties, wanted: Mapping[str, str]) -> list[str]:
    """Return each of ``wanted`` that the unit has otherwise, as it is there."""
    return [
        f"{name}={properties.get(name, '')}" for name, want in wanted.items() if properties.get(name) != want
    ]


def service(unit: str, properties: Properties) -> Finding:
    """Check that the service runs and was not restarted."""
    log = f"journalctl --unit={unit} --lines=50"
    if not is_installed(properties):
        return amber(
            f"{unit} is not installed", "install it (systemd/README.md) so that it starts with the Pi"
        )
    state = f"{properties['ActiveState']} ({properties['SubState']})"
    restarts = int(properties.get("NRestarts") or 0)
    last = f"last exit {properties['Result']}, code {properties['ExecMainStatus']}"
    if properties["ActiveState"] != "active":
        fix = (
            log if properties["ActiveState"] in {"failed", "activating"} else f"systemctl enable --now {unit}"
        )
        return red(f"{state}, {last}, {restarts} restarts", fix)
    watchdog = properties["WatchdogUSec"]
    value = f"{state} since {properties['ActiveEnterTimestamp']}, {restarts} restarts, watchdog {watchdog}"
    if restarts:
        return amber(
            value, f"{log} shows why it was restarted; systemctl restart {unit} sets the counter to 0"
        )
    if watchdog in {"0", "infinity"}:
        return amber(value, "nothing restarts it when it hangs: set WatchdogSec in the unit")
    return green(value)


def outbox(path: Path, figures: Figures | None, *, running: bool, most: int) -> Finding:
    """Check the messages that wait for the broker. A running service reports their number, and no one else opens
    its file."""
    if running and figures is None:
        return amber(
            "the service has not reported yet", "wait a minute (health.every_s), then run the doctor again"
        )
    if figures is not None and running:
        waiting, lost = figures.waiting, f"{figures.lost} lost, {figures.delivered} windows delivered"
    elif not path.exists():
        return green("empty: nothing was counted yet")
    else:
        waiting, lost = _waiting(path), "the service is not running"
    value = f"{waiting} of at most {most} messages wait, {lost}"
    if figures is not None and figures.lost:
        return red(value, "the outbox or the disk was full: see broker and disk above")
    if waiting > most / 2:
        return red(value, "windows are lost when it is full: repair the connection to the broker")
    # One or two windows are always in transit.
    return (
        green(value)
        if waiting <= WAITING
        else amber(value, "they are sent once the broker accepts them, see above")
    )


WAITING = 5


def _waiting(path: Path) -> int:
    """Return the number of messages in an outbox that nobody has open. It reads a copy, to leave the file
    unchanged."""
    try:
        with salvage.opened_copy(path) as copy:
            (count,) = copy.execute("SELECT count(*) FROM message").fetchone()
    except sqlite3.DatabaseError as error:
        raise OSError(f"{path}: {error}; the service creates an empty one when it starts") from None
    return int(count)


def sandbox(properties: Properties, figure: float | None, addresses: Sequence[str]) -> Finding:
    """Check the sandbox of the service: it must be tight, but allow the broker's ``addresses``. The doctor itself runs
    outside the sandbox."""
    if not is_installed(properties):
        return not_reached("no service is installed")
    value = "exposure unknown" if figure is None else f"exposure {figure:.1f} of at most {EXPOSURE:.1f}"
    if addresses and not any(_allowed(address, properties) for address in addresses):
        return red(
            f"{value}; the sandbox blocks the broker at {', '.join(addresses)}",
            "add the address to IPAddressAllow in the unit's drop-in 50-site.conf (the playbook does)",
        )
    open_locks = not_set(properties, LOCKS)
    if not properties.get("IPAddressDeny"):
        open_locks.append("IPAddressDeny=")
    if open_locks:
        return amber(f"{value}; not set: {', '.join(open_locks)}", "use the unit of systemd/ unchanged")
    if figure is not None and figure > EXPOSURE:
        return amber(value, "run systemd-analyze security, and check what a drop-in has changed")
    return green(f"{value}, locked in")


def _allowed(address: str, properties: Properties) -> bool:
    """Return whether systemd lets the service reach ``address``: the allow list comes first, then the deny list;
    everything else is allowed."""
    host = ipaddress.ip_address(address.partition("%")[0])

    def named(key: str) -> bool:
        networks = (ipaddress.ip_network(one, strict=False) for one in properties.get(key, "").split())
        return any(host in network for network in networks)

    return named("IPAddressAllow") or not named("IPAddressDeny")
