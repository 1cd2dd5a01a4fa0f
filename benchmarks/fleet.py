"""The cost of a chain on one machine: ``python -m benchmarks.fleet`` fills a real InfluxDB with a simulated chain and
runs every query of the dashboards.

All data takes the path of the product: the command ``simulate`` through encoding, intake and store, then ``rollup``.
The queries are those of the generated dashboards, with their own time range, for all sites at once where a dashboard
can show several.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cloud.domain.levels import LEVELS
from tests.dashboards.questions import Question, questions
from tests.support.influxdb import PASSWORD, USER, InfluxDB, influxdb_engine

Json = dict[str, Any]

MEASURED = Path(__file__).parents[1] / "docs" / "scale-measured.json"

LIMIT_S = 1.0
"""No query of a dashboard may take longer."""
ROUNDS = 3


def ask(client: httpx.Client, server: InfluxDB, question: Question) -> Json:
    """Measure how long one query takes over an open connection, like Grafana's: the first time, and the median of some
    more."""
    took = []
    rows = 0
    values = {"q": question.text, "db": server.database(question.level), "epoch": "ms"}
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        answer = client.post("/query", params=values)
        took.append(time.perf_counter() - began)
        (result,) = answer.raise_for_status().json()["results"]
        assert "error" not in result, (question, result)
        rows = sum(len(series["values"]) for series in result.get("series", []))
    return {
        "where": question.where,
        "what": question.what,
        "level": question.level,
        "rows": rows,
        "first_s": round(took[0], 4),
        "s": round(median(took[1:]), 4),
    }


def command(*arguments: str | int | Path) -> Json:
    """Run one ``footlight-cloud`` command that prints JSON."""
    run = [sys.executable, "-m", "cloud", *(str(argument) for argument in arguments), "--json"]
    done = subprocess.run(run, stdout=subprocess.PIPE, check=True)
    result: Json = json.loads(done.stdout)
    return result


def size(folder: Path) -> int:
    """Return the bytes on disk of the files below ``folder``; some files are longer than the space they use."""
    return sum(512 * path.stat().st_blocks for path in folder.rglob("*") if path.is_file())


def measure(options: argparse.Namespace, folder: Path, note: Console) -> Json:
    with influxdb_engine(folder, cold="20s") as engine, engine.installation() as server:
        config, chain = folder / "cloud.yaml", folder / "chain.yaml"
        store = server.settings
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
        devices = len(server.query('SHOW SERIES FROM "window"'))
        note.print("running the queries of the dashboards")
        sites = [row["value"] for row in server.query('SHOW TAG VALUES FROM "window" WITH KEY = "site"')]
        with httpx.Client(base_url=server.url, auth=(USER, PASSWORD), timeout=60) as client:
            queries = [ask(client, server, question) for question in questions(sites, now)]
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


def settle(folders: Sequence[Path]) -> None:
    """Wait until the engine has compacted its data, as it does within minutes in a quiet hour."""
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
    for heading in ("where", "what", "level"):
        table.add_column(heading)
    for heading in ("rows", "first, ms", "again, ms"):
        table.add_column(heading, justify="right")
    for query in sorted(result["queries"], key=lambda query: -query["s"]):
        table.add_row(
            query["where"],
            query["what"],
            query["level"],
            f"{query['rows']:,}",
            f"{1000 * query['first_s']:.0f}",
            f"{1000 * query['s']:.0f}",
        )
    console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--stores", type=int, default=300)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--window", type=int, default=60, help="seconds in a window (%(default)s)")
    parser.add_argument("--write", action="store_true", help="write the figures for docs/scale.md")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    note = Console(stderr=True)
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(1)
    )  # so that servers are stopped and the folder is deleted
    with tempfile.TemporaryDirectory(prefix="footlight-fleet-") as folder:
        result = measure(options, Path(folder), note)
    if options.write:
        MEASURED.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        console = Console()
        console.width = max(console.width, 110)  # rows must not wrap
        show(result, console)
    slow = [query for query in result["queries"] if query["s"] > LIMIT_S]
    for query in slow:
        note.print(f"slower than {LIMIT_S:g} s: {query['where']}: {query['what']}, {query['s']:.2f} s")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
