"""``python -m benchmarks.cameras``: two cameras on one device as two instances, and as one process with two pipelines.

Every camera plays the same film of three people at normal speed, into one broker. Memory is the proportional share
(PSS): memory that two processes share counts half for each. The figures are from the middle of the run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import psutil
import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.pipeline import film
from common.clock import SystemClock
from common.wire import HealthMessage, decode
from edge.config import load
from edge.service.build import build
from tests.support.brokers import Listener, Mosquitto, until

FILM_S = 30
BETWEEN_S = (10.0, 25.0)
"""Processor time is measured between these seconds after the start: after the imports, before the end."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory and processor time of some processes together."""

    pss_mib: float
    cpu_s: float

    @classmethod
    def of(cls, processes: Sequence[subprocess.Popen[bytes]]) -> Usage:
        pss = cpu_s = 0.0
        for process in (psutil.Process(started.pid) for started in processes):
            pss += process.memory_full_info().pss
            cpu = process.cpu_times()
            cpu_s += cpu.user + cpu.system
        return cls(pss / 2**20, cpu_s)


def configure(folder: Path, name: str, clip: Path, port: int, threads: int) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "site": "shop",
                "device": name,
                "camera": {"source": str(clip), "realtime": True},
                "detection": {"threads": threads},
                "window": {"seconds": 30},
                "mqtt": {"host": "127.0.0.1", "port": port},
                "outbox": {"path": str(folder / f"{name}.db")},
                "health": {"every_s": 5},
            }
        )
    )
    return path


def run(folder: Path, clip: Path, cameras: int, *, together: bool, threads: int) -> dict[str, Any]:
    """Play the film to ``cameras`` cameras at once; with ``together``, in one process."""
    names = [f"camera-{number}" for number in range(cameras)]
    with Mosquitto(folder) as mosquitto, Listener(mosquitto.port, "footlight/#") as listener:
        configs = [configure(folder, name, clip, mosquitto.port, threads) for name in names]
        if together:
            commands = [[sys.executable, "-m", "benchmarks.cameras", "--serve", *map(str, configs)]]
        else:
            commands = [[sys.executable, "-m", "edge", "run", "--config", str(config)] for config in configs]
        processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
        time.sleep(BETWEEN_S[0])
        before, since = Usage.of(processes), time.monotonic()
        time.sleep(BETWEEN_S[1] - BETWEEN_S[0])
        after, until_s = Usage.of(processes), time.monotonic()
        for process in processes:
            process.wait(60)
        until(lambda: len({message.topic for message in listener.on("window")}) == cameras, "all are heard")
        heard = [decode(message.topic, bytes(message.payload)) for message in listener.on("health")]
    said = {
        name: [one for one in heard if isinstance(one, HealthMessage) and one.device == name]
        for name in names
    }
    dropped = {name: sum(one.dropped for one in each) for name, each in said.items()}
    return {
        "cameras": cameras,
        "processes": len(processes),
        "threads": threads,
        "pss_mib": round(after.pss_mib, 1),
        "cpu_s_a_minute_each": round(60 * (after.cpu_s - before.cpu_s) / (until_s - since) / cameras, 2),
        "fps": {name: round(mean(one.fps for one in each), 1) for name, each in said.items()},
        "dropped": {name: round(count / (15 * FILM_S), 3) for name, count in dropped.items()},
    }


def serve(configs: Sequence[Path]) -> None:
    """Run all cameras in this process, each with a thread and a pipeline."""
    with ThreadPoolExecutor(len(configs)) as pool:
        apps = [build(load(config), clock=SystemClock()) for config in configs]
        for done in [pool.submit(app.run) for app in apps]:
            done.result()


def table(rows: Sequence[dict[str, Any]]) -> Table:
    shown = Table(title="640x480, 15 frames/s, three people in view", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("cameras", "processes", "threads", "PSS MiB", "CPU s/min each", "frames/s", "dropped"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        shown.add_row(
            *(str(row[key]) for key in ("cameras", "processes", "threads", "pss_mib", "cpu_s_a_minute_each")),
            " ".join(str(value) for value in row["fps"].values()),
            " ".join(f"{value:.0%}" for value in row["dropped"].values()),
        )
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cameras",
        description="Compare one instance per camera with one process for all cameras.",
    )
    parser.add_argument("--cameras", type=int, default=2, help="number of cameras at once (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--serve", nargs="+", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve:
        serve(options.serve)
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="footlight-bench-") as folder:
        clip = film(Path(folder), (640, 480), 3, 15 * FILM_S).path
        for cameras, together, threads in (
            (1, False, 1),
            (options.cameras, False, 1),
            (options.cameras, True, 1),
            (options.cameras, False, 2),
            (options.cameras, True, 2),
        ):
            with tempfile.TemporaryDirectory(prefix="footlight-bench-") as place:
                rows.append(run(Path(place), clip, cameras, together=together, threads=threads))
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        console = Console()
        console.width = max(console.width, 100)
        console.print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
