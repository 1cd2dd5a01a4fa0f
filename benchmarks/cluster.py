"""What a cluster of brokers carries, and what is missing after one of its nodes was killed: ``python -m
benchmarks.cluster`` on the cluster that the environment names (``tests/support/broker_cluster.py``).

Windows go through its nodes and two bridges into a real InfluxDB, and in turns through one mosquitto, all with TLS and
certificates. Then devices and bridges run through a balancer, and each node is killed once (SIGKILL).
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import yaml
from rich.console import Console
from rich.progress import Progress

from benchmarks.load import Json, machine
from benchmarks.load_parts import Program, Server, stored
from common.clock import SystemClock
from common.mqtt.session import Session
from common.wire import encode, topic
from tests.cloud.ingest.bridges import FaultyStore
from tests.support.broker_cluster import VARIABLES, Cluster, settings
from tests.support.brokers import until
from tests.support.influxdb import InfluxDB
from tests.support.killed_node import kill_a_node
from tests.support.messages import window
from tests.support.secure_broker import SecureMosquitto

MEASURED = Path(__file__).parents[1] / "docs" / "cluster-measured.json"
DEVICES = 12
RESEND_WITHIN_S = 10.0
"""Devices wait so long at most before they send again; in the product a quarter of an hour."""


@contextmanager
def bridges(cluster: Cluster, folder: Path, store: InfluxDB) -> Iterator[None]:
    """Run two bridges, each on a node of its own, that have subscribed."""
    with ExitStack() as stack:
        for number, port in zip((1, 2), cluster.ports, strict=False):
            name = f"bridge-{number}-{secrets.token_hex(4)}"
            mqtt = {**settings(cluster.broker("bridge", port)), "client_id": name}
            config = folder / f"{name}.yaml"
            config.write_text(yaml.safe_dump({"mqtt": mqtt, "store": store.settings}))
            stack.callback(cluster.forget, name)
            program = Program(
                name, [sys.executable, "-m", "cloud", "bridge", "--config", str(config)], folder
            )
            stack.callback(program.end)
            until(partial(_is_connected, folder / f"{name}.out"), f"{name} is connected", 60)
        yield


def _is_connected(log: Path) -> bool:
    return "connected" in log.read_text()


def rate(cluster: Cluster, folder: Path, store: InfluxDB, count: int) -> float:
    """Return how many windows a second go through the nodes: from the first one sent until all are stored."""
    folder.mkdir()
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(
        minutes=count // DEVICES + 60
    )

    def post(number: int) -> None:
        name = f"device-{number}"
        port = cluster.ports[number % len(cluster.ports)]
        broker = cluster.broker(cluster.device("shop", name), port)
        with Session(broker, "load", clock=SystemClock(), timeout_s=120) as session:
            for minute in range(count // DEVICES):
                message = window(minute, device=name, start=first + timedelta(minutes=minute))
                session.post(topic(message), encode(message))
            session.flush()

    with bridges(cluster, folder, store):
        began = time.monotonic()
        with ThreadPoolExecutor(len(cluster.ports)) as pool:
            list(pool.map(post, range(DEVICES)))
        wanted = count // DEVICES * DEVICES
        until(lambda: stored(store) == wanted, "all windows are stored", 300, every_s=0.2)
        return wanted / (time.monotonic() - began)


def killed(cluster: Cluster, node: int, folder: Path) -> Json:
    folder.mkdir()
    store = FaultyStore(folder / "store.sqlite")
    names = [f"{name}-{secrets.token_hex(4)}" for name in ("one", "two")]
    found = kill_a_node(
        cluster,
        node,
        folder,
        store,
        names,
        devices=DEVICES,
        rounds=100,
        pace_s=0.2,
        resend_within_s=RESEND_WITHIN_S,
        longest_s=120,
    )
    for name in names:
        cluster.forget(name)
    store.close()
    return {"node": node, **asdict(found)}


def _rates(options: argparse.Namespace, cluster: Cluster, folder: Path, progress: Progress) -> Json:
    found: dict[str, list[float]] = {"cluster": [], "mosquitto": []}
    task = progress.add_task("", total=2 * options.rounds)
    server = Server(folder / "store")
    (folder / "mosquitto").mkdir()
    with server.running() as engine, SecureMosquitto(folder / "mosquitto", cluster.made) as mosquitto:
        single = Cluster("mosquitto", (mosquitto.port,) * len(cluster.ports), cluster.made, "")
        for number in range(options.rounds):
            for name, brokers in (("cluster", cluster), ("mosquitto", single)):
                progress.update(task, advance=1, description=f"{name}, round {number + 1}")
                with engine.installation() as store:
                    found[name].append(rate(brokers, folder / f"{name}-{number}", store, options.windows))
    return {
        "store": engine.version,
        "windows": options.windows,
        "rounds": options.rounds,
        "per_s": {name: round(median(per_s)) for name, per_s in found.items()},
    }


def measure(options: argparse.Namespace, cluster: Cluster, folder: Path, progress: Progress) -> Json:
    result: Json = {"broker": cluster.name, "nodes": len(cluster.ports), "machine": machine()}
    if options.rounds:
        result |= _rates(options, cluster, folder, progress)
    result["resend_within_s"], result["killed"] = RESEND_WITHIN_S, []
    task = progress.add_task("", total=len(cluster.ports))
    for node in range(1, len(cluster.ports) + 1):
        progress.update(task, advance=1, description=f"node {node} is killed")
        result["killed"].append(killed(cluster, node, folder / f"node-{node}"))
    return result


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--windows", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=3, help="of the windows a second (0: none)")
    parser.add_argument(
        "--write", action="store_true", help="write these figures for docs/scale.md; others stay"
    )
    options = parser.parse_args(argv)
    if lacking := [name for name in VARIABLES if not os.environ.get(name)]:
        sys.stderr.write(f"set {', '.join(lacking)}: tests/support/broker_cluster.py says what they are\n")
        return 2
    # so that servers are stopped and the folder is deleted
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with (
        tempfile.TemporaryDirectory(prefix="footlight-cluster-") as folder,
        Progress(console=Console(stderr=True), transient=True) as bar,
    ):
        result = measure(options, Cluster.from_environment(), Path(folder), bar)
    if options.write:
        before = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
        MEASURED.write_text(json.dumps({**before, **result}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
