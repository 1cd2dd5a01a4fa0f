"""``make chaos``: everything goes wrong at once; the exit code is 1 if a window was lost, doubled, changed or stuck.

With ``--hours`` a hundred devices share a process, and all a simulated clock; everything else is the same.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from common.errors import UserError
from edge.uplink.delivery import LATE_PER_S
from tests.chaos.run import Outcome, play, play_simulated, settle
from tests.chaos.schedule import Fault, schedule
from tests.chaos.world import Form, World

_BEGAN = 1_767_571_200.0
"""Of the simulated clock: 2026-01-05, 00:00 UTC."""
_FLEET = 100
"""Devices of one process of a simulated run: each has about six files open, and paho's select() takes 1,024."""
_TELL_EVERY_S = 30.0


def real(seed: int, devices: int, minutes: float) -> tuple[Form, tuple[Fault, ...], float]:
    """A run by the clock of this machine: each device is a process on a host of its own, with windows of 2 s."""
    form = Form(
        seed=seed,
        machines={f"device-{n}": [f"shop-{n}/door"] for n in range(1, devices + 1)},
        window_s=2,
        disk_mib=16,
        retry_s=(0.5, 5.0),
        resend_within_s=10.0,
        late_per_s=10 * LATE_PER_S,
        keepalive_s=5,
    )
    length_s = minutes * 60
    faults = schedule(
        seed,
        length_s=length_s,
        window_s=form.window_s,
        rounds=1 if minutes < 5 else 2,
        devices=form.devices,
        machines=list(form.machines),
        machine_faults=round(devices * min(minutes, 60) / 5),
    )
    return form, faults, length_s


def simulated(seed: int, devices: int, hours: float) -> tuple[Form, tuple[Fault, ...], float]:
    """A run by a simulated clock: many devices in one process on one host, with windows of a minute."""
    names = [f"shop-{n}/door" for n in range(1, devices + 1)]
    form = Form(
        seed=seed,
        machines={f"fleet-{n}": names[n : n + _FLEET] for n in range(0, devices, _FLEET)},
        window_s=60,
        disk_mib=64 + 8 * _FLEET,
        retry_s=(1.0, 60.0),
        resend_within_s=900.0,
        late_per_s=LATE_PER_S,
        keepalive_s=30,
        began=_BEGAN,
    )
    length_s = hours * 3600
    faults = schedule(
        seed,
        length_s=length_s,
        window_s=form.window_s,
        rounds=max(1, round(hours / 12)),
        devices=form.devices,
        machines=list(form.machines),
        machine_faults=round(hours / 8),
    )
    return form, faults, length_s


def chaos(
    form: Form,
    faults: Sequence[Fault],
    length_s: float,
    folder: Path,
    errors: Console | None = None,
    most_s: float = math.inf,
) -> Outcome:
    """Run it in ``folder``, which must be empty. ``errors`` is told how far it is: a terminal by a bar, a file by a
    line now and then."""
    columns = BarColumn(), TextColumn("{task.description}")
    is_terminal, told_at = errors is not None and errors.is_terminal, -math.inf
    with Progress(*columns, console=errors, transient=True, disable=not is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)

        def progress(share: float, what: str) -> None:
            nonlocal told_at
            bar.update(task, completed=share, description=what)
            if errors is not None and not is_terminal and time.monotonic() - told_at >= _TELL_EVERY_S:
                told_at = time.monotonic()
                errors.print(f"{datetime.now(UTC):%H:%M:%S} {what}", highlight=False, soft_wrap=True)

        with World(folder, form) as world:
            if form.began is None:
                happened = play(world, faults, length_s, progress)
            else:
                happened = play_simulated(world, faults, length_s, progress, most_s)
                assert world.now_s is not None
                length_s = world.now_s - form.began
            return settle(world, happened, progress, length_s / 3600)


def table(outcome: Outcome, form: Form) -> Table:
    verdict = outcome.verdict
    title = f"Chaos, seed {form.seed}: {len(form.devices)} devices, {outcome.hours:g} hours"
    shown = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, show_header=False)
    shown.add_column(justify="left")
    shown.add_column(justify="right")
    for name, value in (
        ("faults", sum(outcome.faults.values())),
        *((f"fault: {kind}", count) for kind, count in sorted(outcome.faults.items())),
        ("windows acknowledged by devices", verdict.kept),
        ("windows in the store", verdict.stored),
        ("people counted / stored", f"{verdict.people} / {verdict.people_stored}"),
        ("windows refused by a full outbox or disk", verdict.refused),
        ("of these stored all the same", verdict.refused_stored),
        ("lost", verdict.lost),
        ("double", verdict.double),
        ("wrong", verdict.wrong),
        ("stuck", outcome.stuck),
        ("dead letters", outcome.dead_letters),
        ("processes that ended by themselves", sum(outcome.own_ends.values())),
        ("seconds until all had arrived", f"{outcome.settle_s:g}"),
        *((f"most memory, {role}", f"{peak:.1f} MiB") for role, peak in outcome.peaks_mib.items()),
    ):
        shown.add_row(name, str(value))
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description="Let everything go wrong at once.")
    parser.add_argument("--seed", type=int, default=1, help="draws faults and people (%(default)s)")
    parser.add_argument("--devices", type=int, default=20, help="number of devices (%(default)s)")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the run (%(default)s)")
    parser.add_argument("--hours", type=float, help="length by a simulated clock, instead of --minutes")
    parser.add_argument(
        "--at-most", type=float, default=math.inf, help="stop the simulated clock after so many real minutes"
    )
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and files, which stay")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(argv)
    if options.devices < 1 or min(options.minutes, options.hours or 1) <= 0:
        parser.error("give at least one device, and a length above 0")
    made = (
        real(options.seed, options.devices, options.minutes)
        if options.hours is None
        else simulated(options.seed, options.devices, options.hours)
    )
    errors = Console(stderr=True)
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(1)
    )  # so that no process and no namespace is left behind
    try:
        with tempfile.TemporaryDirectory(prefix="footlight-chaos-") as temporary:
            folder = options.keep or Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            outcome = chaos(*made, folder, errors, 60 * options.at_most)
    except UserError as error:
        errors.print(f"make chaos: {error}", highlight=False)
        return 2
    if options.json:
        print(json.dumps({"seed": options.seed, "devices": options.devices, **outcome.json()}, indent=2))
    else:
        console = Console()
        console.print(table(outcome, made[0]))
        console.print(_what_is_real(made[0]), highlight=False)
    for line in outcome.verdict.examples:
        errors.print(line, highlight=False)
    return 0 if outcome.good else 1


def _what_is_real(form: Form) -> str:
    network = "each host a network namespace, packets carried, lost and reordered by a process of ours (TUN)"
    if form.began is None:
        return (
            "Real: outbox, uplink, windows and privacy rule of devices, mosquitto with TLS, certificates and access"
            f" list, two bridges, InfluxDB; {network}. Drawn: people. Windows last {form.window_s} s."
        )
    return (
        "Real: the same as without --hours, with a hundred devices in one process; "
        + network
        + ". Simulated: the clock of"
        " the devices. Drawn: people."
    )


if __name__ == "__main__":
    sys.exit(main())
