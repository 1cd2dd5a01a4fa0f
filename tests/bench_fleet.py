"""What a chain costs on one machine: ``python -m tests.bench_fleet`` fills a real InfluxDB with a simulated chain and
asks it everything that the dashboards ask.

Everything goes the way of the product: the command ``simulate`` through encoding, intake and store, then ``rollup``.
The queries are those of the generated dashboards, with their own time range, for all stores at once where a dashboard
lets one choose several.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cloud.stores.levels import LEVELS, Level
from dashboards.queries import SOURCES
from tests.influxdb import InfluxDB, influxdb_engine

Json = dict[str, Any]

LIMIT_S = 1.0
"""No query of a dashboard may take longer."""
ROUNDS = 3

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Question:
    """One query of one panel, variable or annotation, as Grafana would send it."""

    dashboard: str
    panel: str
    level: Level
    text: str


def questions(board: Json, sites: Sequence[str], zone: str, now: datetime) -> Iterator[Question]:
    """Every query of a dashboard, macros and variables filled in."""

    def filled(panel: str, target: Json, start: datetime) -> Question:
        (level,) = (level for level in LEVELS if SOURCES[level] == target["datasource"]["uid"])
        return Question(board["title"], panel, level, fill(target["query"], sites, zone, start, now))

    first = since(board["time"]["from"], zone, now)
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield filled(f"variable {variable['name']}", variable, first)
    for annotation in board["annotations"]["list"]:
        if "target" in annotation:
            yield filled(f"annotation {annotation['name']}", annotation["target"], first)
    for panel in panels(board):
        start = since(f"now-{panel['timeFrom']}", zone, now) if panel.get("timeFrom") else first
        for target in panel.get("targets", []):
            yield filled(panel.get("title", "?"), target, start)


def panels(node: Json) -> Iterator[Json]:
    """All panels, those inside rows too."""
    for panel in node.get("panels", []):
        yield panel
        yield from panels(panel)


def fill(text: str, sites: Sequence[str], zone: str, start: datetime, end: datetime) -> str:
    """A query with its macros and variables: one store where one is asked for, all where several may be."""
    every = "(" + "|".join(re.escape(site).replace("\\-", "-") for site in sites) + ")"
    interval = f"{max(60, round((end - start).total_seconds() / 1000))}s"
    known = {
        "${site:regex}": every,
        "${region:regex}": ".*",
        "${device:regex}": ".*",
        "${chain:regex}": ".*",
        "$chain": "simulated",
        "$metric": "visits_per_open_hour",
        "$timeFilter": f"time >= {_ms(start)}ms AND time <= {_ms(end)}ms",
        "$timezone": zone,
        "$__interval": interval,
        "$interval": interval,
        "$site": sites[0],
    }
    for name, value in known.items():
        text = text.replace(name, value)
    if left := re.search(r"\$\{?\w+", text):
        raise SystemExit(f"bench_fleet does not know {left[0]}")
    return text


def since(expression: str, zone: str, now: datetime) -> datetime:
    """``now-7d``, ``now/d``, ``now-1d/d`` in the time zone of a store."""
    found = re.fullmatch(r"now(?:-(\d+)([mhdw]))?(/d)?", expression)
    if found is None:
        raise SystemExit(f"bench_fleet does not know the time {expression}")
    moment = now - timedelta(**{_UNITS[found[2]]: int(found[1])}) if found[1] else now
    if found[3]:
        local = moment.astimezone(ZoneInfo(zone))
        moment = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return moment


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def ask(server: InfluxDB, question: Question) -> Json:
    """How long one query takes: the first time, and the median of some more."""
    took = []
    rows = 0
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        rows = len(server.query(question.text, question.level))
        took.append(time.perf_counter() - began)
    return {
        "dashboard": question.dashboard,
        "panel": question.panel,
        "level": question.level,
        "rows": rows,
        "first_s": round(took[0], 4),
        "s": round(median(took[1:]), 4),
    }


def command(*arguments: str | int | Path) -> Json:
    """One ``footlight-cloud`` command that prints JSON."""
    run = [sys.executable, "-m", "cloud", *(str(argument) for argument in arguments), "--json"]
    done = subprocess.run(run, stdout=subprocess.PIPE, check=True)
    result: Json = json.loads(done.stdout)
    return result


def size(folder: Path) -> int:
    """Bytes of the files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(options: argparse.Namespace, folder: Path, note: Console) -> Json:
    with influxdb_engine(folder, cold="20s") as engine, engine.installation() as server:
        config, chain = folder / "cloud.yaml", folder / "chain.yaml"
        store = {"kind": "influx", "url": server.url, "token": server.token, "bucket": server.bucket}
        config.write_text(yaml.safe_dump({"store": {**store, "timeout_s": 60}}))
        note.print(f"simulating {options.stores} stores, {options.days} days")
        simulated = command(
            "simulate",
            *("--config", config, "--chain-out", chain, "--stores", options.stores),
            *("--days", options.days, "--window", options.window, "--seed", 1),
        )
        now = datetime.now(UTC)
        note.print(f"{simulated['windows']:,} windows written; rolling up")
        first = now.date() - timedelta(days=options.days - 1)
        began = time.monotonic()
        rolled = command(
            "rollup", "--config", config, "--chain", chain, "--from", str(first), "--to", str(now.date())
        )
        rolled["seconds"] = round(time.monotonic() - began, 1)
        settle([folder / part / server.database(level) for part in ("data", "wal") for level in LEVELS])
        devices = len(server.query('SHOW TAG VALUES FROM "window" WITH KEY = "device"'))
        note.print("asking what the dashboards ask")
        queries = [ask(server, question) for question in everything(server, now)]
        levels = {}
        for level in LEVELS:
            database = server.database(level)
            levels[level] = {
                "bytes": size(folder / "data" / database),
                "series": len(server.query("SHOW SERIES", level)),
            }
    return {
        "machine": machine(),
        "window_s": options.window,
        "simulate": simulated,
        "rollup": rolled,
        "devices": devices,
        "levels": levels,
        "queries": queries,
        "slowest": max(queries, key=lambda query: float(query["s"])),
    }


def everything(server: InfluxDB, now: datetime) -> Iterator[Question]:
    """All questions of all dashboards, about the stores that are there."""
    sites = [row["value"] for row in server.query('SHOW TAG VALUES FROM "window" WITH KEY = "site"')]
    for entry in sorted((files("dashboards") / "generated").iterdir(), key=lambda entry: entry.name):
        board = json.loads(entry.read_text(encoding="utf-8")) if entry.name.endswith(".json") else {}
        if "panels" in board:
            yield from questions(board, sites, "Europe/Berlin", now)


def settle(folders: Sequence[Path]) -> None:
    """Wait until the engine has compacted what it has, as it does within minutes in a quiet hour."""
    last, deadline = -1, time.monotonic() + 600
    while (now := sum(map(size, folders))) != last and time.monotonic() < deadline:
        last = now
        time.sleep(30)


def machine() -> Json:
    return {
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def show(result: Mapping[str, Any], console: Console) -> None:
    simulated, raw = result["simulate"], result["levels"]["raw"]
    console.print(
        f"{simulated['windows']:,} windows in {simulated['seconds']:g} s ({simulated['windows_per_s']:,}/s),"
        f" {simulated['bytes'] / simulated['messages']:.0f} bytes a message on the wire;"
        f" {raw['bytes'] / simulated['windows']:.1f} bytes a window and {raw['series']:,} series in InfluxDB."
        f" Rollup: {result['rollup']['seconds']:g} s."
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("dashboard", "panel", "level"):
        table.add_column(heading)
    for heading in ("rows", "first, ms", "again, ms"):
        table.add_column(heading, justify="right")
    for query in sorted(result["queries"], key=lambda query: -query["s"]):
        table.add_row(
            query["dashboard"],
            query["panel"],
            query["level"],
            f"{query['rows']:,}",
            f"{1000 * query['first_s']:.0f}",
            f"{1000 * query['s']:.0f}",
        )
    console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench_fleet", description=__doc__)
    parser.add_argument("--stores", type=int, default=300)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--window", type=int, default=60, help="seconds in a window (%(default)s)")
    parser.add_argument("--json", action="store_true", help="the same numbers for a program")
    options = parser.parse_args(argv)
    note = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="footlight-fleet-") as folder:
        result = measure(options, Path(folder), note)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        show(result, Console())
    slow = [query for query in result["queries"] if query["s"] > LIMIT_S]
    for query in slow:
        note.print(f"slower than {LIMIT_S:g} s: {query['dashboard']}: {query['panel']}, {query['s']:.2f} s")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
