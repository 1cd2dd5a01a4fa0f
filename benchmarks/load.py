"""What a window costs on its way to the store: ``python -m benchmarks.load`` sends windows of a simulated chain through
a real broker and one bridge into a real InfluxDB, and prints the CPU time of each, and of the stages of the bridge.

With ``--telegraf PROGRAM``, the same windows also go through Telegraf (``mqtt_consumer``, ``json_v2``,
``influxdb_v2``), in turns. ``--away`` kills the store for a time while an hour of windows of a chain comes, and some
messages that nobody can read. ``--backlog`` lets the devices of a chain send what they kept for hours, beside live
windows. The store is the engine of the tests, or the server that ``INFLUX_URL`` names (then without ``--away``).
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from os import cpu_count, getloadavg
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.load_backlog import backlog
from benchmarks.load_parts import Server, Start, bridge, connected, cpu_s, post, stored, telegraf
from benchmarks.load_stages import stages
from cloud.simulation.fleet import Fleet
from common.wire import WindowMessage, encode, topic
from tests.support.brokers import until
from tests.support.influxdb import Engine, InfluxDB

Json = dict[str, Any]
Messages = Sequence[tuple[str, bytes]]

MEASURED = Path(__file__).parents[1] / "docs" / "load-measured.json"
HOUR = 60
"""Windows of a device in an hour."""
UNREADABLE = 20
GIVEN_UP_S = 150.0
"""What is not stored so long after the store is back is lost: a bridge tries again every ten seconds."""


def windows(count: int) -> Messages:
    """Return windows of a simulated chain, as its devices would publish them until yesterday."""
    now = datetime.now(UTC)
    days = 2 + count // 12_000
    fleet = Fleet(
        sites=10, days=days, last_day=now.date() - timedelta(days=1), until=now, window_s=60, seed=1
    )
    found: list[tuple[str, bytes]] = []
    for site_day in fleet.site_days():
        messages = (arrival.message for arrival in site_day.arrivals)
        found += [(topic(one), encode(one)) for one in messages if isinstance(one, WindowMessage)]
        if len(found) >= count:
            return found[:count]
    raise AssertionError(f"only {len(found)} windows")


def drain(start: Start, folder: Path, server: Server, store: InfluxDB, messages: Messages) -> Json:
    """Publish while the program sleeps, wake it, and measure until all is stored."""
    with connected(start, folder, store) as (broker, program):
        broker_process = psutil.Process(broker.pid)
        before = cpu_s(broker_process), program.cpu_s, server.cpu_s
        with program.paused():
            post(broker.port, messages)
        began = time.monotonic()
        until(lambda: stored(store) == len(messages), "all windows are stored", 300, every_s=0.2)
        seconds = time.monotonic() - began
        after = cpu_s(broker_process), program.cpu_s, server.cpu_s
        parts = ("broker", "program", "store")
        cpu = {
            part: 1e6 * (now - then) / len(messages)
            for part, then, now in zip(parts, before, after, strict=True)
        }
    return {"per_s": len(messages) / seconds, "cpu_us": cpu}


def away(
    start: Start, folder: Path, server: Server, store: InfluxDB, messages: Messages, seconds: float
) -> Json:
    """Kill the store, let ``messages`` and some that nobody can read come, start it again, and look what is there."""
    unreadable = [(f"footlight/v1/shop/door-{number}/window", b"{visits: 3") for number in range(UNREADABLE)]
    with connected(start, folder, store) as (broker, program):
        before = program.rss_mib
        server.kill()
        killed = time.monotonic()
        post(broker.port, [*unreadable, *messages])
        most = before
        while time.monotonic() < killed + seconds:
            most = max(most, program.rss_mib)
            time.sleep(0.2)
        server.start()
        began = time.monotonic()
        while (kept := stored(store)) < len(messages) and time.monotonic() < began + GIVEN_UP_S:
            most = max(most, program.rss_mib)
            time.sleep(0.2)
        letters = store.query('SELECT reason FROM "dead_letter"')
        return {
            "away_s": seconds,
            "windows": len(messages),
            "lost": len(messages) - kept,
            "caught_up_s": round(time.monotonic() - began, 1),
            "rss_before_mib": round(before, 1),
            "rss_most_mib": round(most, 1),
            "unreadable": UNREADABLE,
            "unreadable_kept": len(letters),
        }


def measure(options: argparse.Namespace, folder: Path, progress: Progress) -> Json:
    programs: dict[str, Start] = {"bridge": bridge}
    if options.telegraf:
        programs["telegraf"] = telegraf(options.telegraf)
    result: Json = {}
    task = progress.add_task("making windows", total=options.rounds * len(programs) + 4)
    messages = windows(options.windows) if options.rounds else ()
    server = Server(folder / "store")
    with server.running() as engine:
        drained: dict[str, list[Json]] = {name: [] for name in programs}
        for number in range(options.rounds):
            for name, start in programs.items():
                progress.update(task, advance=1, description=f"{name}, round {number + 1}")
                with engine.installation() as store:
                    drained[name].append(drain(start, folder / f"{name}-{number}", server, store, messages))
        if options.rounds:
            result |= {"windows": options.windows, "rounds": options.rounds, "store": engine.version}
            result["programs"] = {name: _medians(rounds) for name, rounds in drained.items()}
            progress.update(task, advance=1, description="stages of the bridge")
            with engine.installation() as store:
                result["stages"] = stages(messages, store, options.rounds)
            result["machine"] = machine()
        if options.away and server.is_ours:
            progress.update(task, advance=1, description="the store is away")
            result["away"] = {
                name: _away(start, folder / f"{name}-away", server, engine, options)
                for name, start in programs.items()
            }
        if options.backlog:
            for way in ("paced", "at_once"):
                progress.update(task, advance=1, description=f"backlog, {way}")
                with engine.installation() as store:
                    result[f"backlog_{way}"] = backlog(
                        folder / way,
                        store,
                        options.devices,
                        options.backlog,
                        progress,
                        at_once=way == "at_once",
                    )
                result[f"backlog_{way}"]["load"] = machine()["load"]
    return result


def _away(start: Start, folder: Path, server: Server, engine: Engine, options: argparse.Namespace) -> Json:
    with engine.installation() as store:
        return away(start, folder, server, store, windows(HOUR * options.devices), options.away)


def _medians(rounds: Sequence[Json]) -> Json:
    cpu = {part: round(median(one["cpu_us"][part] for one in rounds), 1) for part in rounds[0]["cpu_us"]}
    return {
        "per_s": round(median(one["per_s"] for one in rounds)),
        "cpu_us": cpu,
        "per_cpu_s": round(1e6 / cpu["program"]),
        "chain_per_cpu_s": round(1e6 / sum(cpu.values())),
        "program_us_of_each_round": [round(one["cpu_us"]["program"], 1) for one in rounds],
    }


def rest_us(result: Mapping[str, Any]) -> float:
    """Return what the bridge spends outside its stages."""
    whole: float = result["programs"]["bridge"]["cpu_us"]["program"]
    stages_us: float = sum(result["stages"].values())
    return round(whole - stages_us, 1)


def machine() -> Json:
    return {
        "architecture": platform.machine(),
        "cores": cpu_count(),
        "python": platform.python_version(),
        "day": datetime.now(UTC).date().isoformat(),
        "load": round(getloadavg()[0], 1),
    }


def write(result: Json) -> None:
    """Put the figures into the file. A run beside Telegraf is also kept whole, for runs without Telegraf follow."""
    before = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    if "telegraf" in result.get("programs", {}) and "away" in result:
        beside = {
            name: result[name] for name in ("machine", "windows", "rounds", "store", "programs", "away")
        }
        result = {**result, "beside_telegraf": beside}
    MEASURED.write_text(json.dumps({**before, **result}, indent=1) + "\n", encoding="utf-8")


def show(result: Mapping[str, Any], console: Console) -> None:
    if "programs" in result:
        _show_cpu(result, console)
    for name, one in result.get("away", {}).items():
        console.print(
            f"{name}: the store was killed for {one['away_s']:g} s, and {one['windows']:,} windows came. Lost:"
            f" {one['lost']:,}, the others were stored {one['caught_up_s']:g} s later. Memory:"
            f" {one['rss_before_mib']:g} MiB before, {one['rss_most_mib']:g} at most. Of {one['unreadable']} messages"
            f" that nobody can read, {one['unreadable_kept']} were kept as dead letters."
        )
    for way, words in (("paced", "at their pace"), ("at_once", "all at once")):
        if one := result.get(f"backlog_{way}"):
            console.print(
                f"{one['devices']} devices sent {one['late']:,} windows of {one['hours']:g} hours {words}, in"
                f" {one['drained_s']:g} s. Meanwhile {one['live']:,} live windows came: half of them took"
                f" {one['median_s']:g} s to the store, one {one['worst_s']:g} s. Missing: {one['missing']}."
                f" Most memory of the bridge: {one['rss_most_mib']:g} MiB."
            )


def _show_cpu(result: Mapping[str, Any], console: Console) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="CPU time of a window, in microseconds")
    for heading in (
        "",
        "broker",
        "program",
        "InfluxDB",
        "windows per CPU second, program",
        "all three",
        "a second",
    ):
        table.add_column(heading, justify="right" if heading else "left")
    for name, one in result["programs"].items():
        cells = (*one["cpu_us"].values(), one["per_cpu_s"], one["chain_per_cpu_s"], one["per_s"])
        table.add_row(name, *(f"{value:,}" for value in cells))
    console.print(table)
    console.print("The bridge, in microseconds a window:")
    whole = result["programs"]["bridge"]["cpu_us"]["program"]
    for name, us in {**result["stages"], "MQTT, threads and the rest": rest_us(result)}.items():
        console.print(f"  {name:<40}{us:6.1f}  {us / whole:4.0%}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--windows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3, help="of the CPU times (0: none)")
    parser.add_argument("--telegraf", type=Path, metavar="PROGRAM", help="compare with this Telegraf")
    parser.add_argument(
        "--away", type=float, default=60.0, metavar="S", help="kill the store for so long (0: not)"
    )
    parser.add_argument("--devices", type=int, default=300, help="of the chain (%(default)s)")
    parser.add_argument(
        "--backlog", type=float, default=24.0, metavar="H", help="hours that they kept (0: none)"
    )
    parser.add_argument(
        "--write", action="store_true", help="write these figures for docs/scale.md; others stay"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    note = Console(stderr=True)
    # so that servers are stopped and the folder is deleted
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with (
        tempfile.TemporaryDirectory(prefix="footlight-load-") as folder,
        Progress(console=note, transient=True) as bar,
    ):
        result = measure(options, Path(folder), bar)
    if options.write:
        write(result)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        show(result, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
