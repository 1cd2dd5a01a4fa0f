"""The service as systemd sees it: whether it runs, what it last said of itself, and how it is locked in."""

from __future__ import annotations

import ipaddress
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from edge.commands.doctor.checks import Finding, amber, green, not_reached, red
from edge.service.status_line import Figures

Properties = Mapping[str, str]
"""Of a unit, as ``systemctl show`` gives them; empty where there is no systemd."""

LOCKS = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "NoNewPrivileges": "yes",
    "MemoryDenyWriteExecute": "yes",
}
"""What the unit in ``systemd/`` promises, and a drop-in of somebody else may have undone."""

EXPOSURE = 2.0
"""The highest figure of ``systemd-analyze security`` that is well."""

_ASKED = (
    "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts", "WatchdogUSec", "StatusText",
    "ActiveEnterTimestamp", "IPAddressAllow", "IPAddressDeny", *LOCKS,
)  # fmt: skip


def ask_systemd(unit: str) -> Properties:
    """What systemd knows of ``unit``."""
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
    """The figure of ``systemd-analyze security``, 0 (locked in) to 10; None where it cannot be had."""
    if shutil.which("systemd-analyze") is None:
        return None
    shown = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", unit], capture_output=True, text=True, check=False
    )
    found = re.search(r"exposure level for .*: ([\d.]+)", shown.stdout)
    return float(found[1]) if found else None


def runs(properties: Properties) -> bool:
    """Whether the service holds the camera."""
    return properties.get("ActiveState") in {"active", "activating", "reloading", "deactivating"}


def service(unit: str, properties: Properties) -> Finding:
    """Does it run, and has it run without falling?"""
    log = f"journalctl --unit={unit} --lines=50"
    if properties.get("LoadState", "not-found") == "not-found":
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
            value, f"{log} tells why it was restarted; systemctl restart {unit} counts from nought again"
        )
    if watchdog in {"0", "infinity"}:
        return amber(value, "nobody sees it hang: give the unit its WatchdogSec")
    return green(value)


def outbox(path: Path, figures: Figures | None, *, running: bool, most: int) -> Finding:
    """What waits for the broker. While the service runs it alone reads its file, and says how much is in it."""
    if running and figures is None:
        return amber(
            "the service has not told yet", "wait a minute (health.every_s), then run the doctor again"
        )
    if figures is not None and running:
        waiting, lost = figures.waiting, f"{figures.lost} lost, {figures.delivered} windows delivered"
    elif not path.exists():
        return green("empty: nothing was ever counted")
    else:
        waiting, lost = _waiting(path), "the service is not running"
    value = f"{waiting} of at most {most} messages wait, {lost}"
    if figures is not None and figures.lost:
        return red(value, "it was full, or the disk was: see broker and disk above")
    if waiting > most / 2:
        return red(value, "new windows are lost when it is full: mend the way to the broker")
    # A window or two are always on their way.
    return (
        green(value)
        if waiting <= WAITING
        else amber(value, "they leave once the broker takes them, see above")
    )


WAITING = 5


def _waiting(path: Path) -> int:
    """Messages in an outbox that nobody has open, told from a copy: looking must not change it."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            if (source := path.with_name(path.name + suffix)).exists():
                shutil.copyfile(source, Path(folder) / f"copy{suffix}")
        try:
            with closing(sqlite3.connect(Path(folder) / "copy")) as copy:
                (count,) = copy.execute("SELECT count(*) FROM message").fetchone()
        except sqlite3.DatabaseError as error:
            raise OSError(f"{path}: {error}; the service begins an empty one when it starts") from None
    return int(count)


def sandbox(properties: Properties, figure: float | None, addresses: Sequence[str]) -> Finding:
    """Is it locked in, and does the lock leave it the way to the broker (``addresses``)? The doctor is outside."""
    if properties.get("LoadState", "not-found") == "not-found":
        return not_reached("no service is installed")
    value = "exposure unknown" if figure is None else f"exposure {figure:.1f} of at most {EXPOSURE:.1f}"
    if addresses and not any(_allowed(address, properties) for address in addresses):
        return red(
            f"{value}; it keeps the service from the broker at {', '.join(addresses)}",
            "add the address to IPAddressAllow in the unit's drop-in 50-site.conf (the playbook does)",
        )
    open_locks = [
        f"{name}={properties.get(name, '')}" for name, want in LOCKS.items() if properties.get(name) != want
    ]
    if not properties.get("IPAddressDeny"):
        open_locks.append("IPAddressDeny=")
    if open_locks:
        return amber(f"{value}; open: {', '.join(open_locks)}", "use the unit of systemd/ as it is")
    if figure is not None and figure > EXPOSURE:
        return amber(value, "see systemd-analyze security, and what a drop-in has changed")
    return green(f"{value}, locked in")


def _allowed(address: str, properties: Properties) -> bool:
    """systemd lets through what is allowed, refuses what is denied, and lets the rest through."""
    host = ipaddress.ip_address(address.partition("%")[0])

    def named(key: str) -> bool:
        networks = (ipaddress.ip_network(one, strict=False) for one in properties.get(key, "").split())
        return any(host in network for network in networks)

    return named("IPAddressAllow") or not named("IPAddressDeny")
