"""The real programs of ``benchmarks.load``: broker, store, our bridge, and Telegraf in its place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import yaml

from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.mqtt.session import Session
from tests.support.brokers import Mosquitto, free_port, until
from tests.support.influxdb import PASSWORD, USER, Engine, InfluxDB, engine_commands, make_user

BROKER = (
    # As in cloud/compose; by default mosquitto drops everything after the first 1,000 messages.
    "max_queued_messages 1000000",
    "max_inflight_messages 500",
    "log_type subscribe",
    "log_type error",
)
SUBSCRIPTIONS = b"/window"
"""Is in the line that the broker writes for the subscription to windows."""

_TELEGRAF = """
[agent]
  flush_interval = "1s"
  metric_batch_size = 1000
  metric_buffer_limit = 10000
  omit_hostname = true
  logfile = "{folder}/telegraf.log"
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["footlight/v1/+/+/window"]
  topic_tag = ""
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  data_format = "json_v2"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "window"
    [[inputs.mqtt_consumer.json_v2.object]]
      path = "@this"
      disable_prepend_keys = true
      timestamp_key = "start"
      timestamp_format = "rfc3339"
      tags = ["site", "device", "camera"]
[[outputs.influxdb_v2]]
  urls = ["{url}"]
  token = "{token}"
  organization = "{org}"
  bucket = "{bucket}"
"""
"""With its defaults, except that it keeps its session at the broker, without which it would lose messages. All fields
of a window go into one measurement, without any check."""


class Program:
    """A running program that takes windows from a broker to a store."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        with (folder / f"{name}.out").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._about = psutil.Process(self._process.pid)

    @property
    def cpu_s(self) -> float:
        return cpu_s(self._about)

    @property
    def rss_mib(self) -> float:
        return float(self._about.memory_info().rss) / 2**20

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it do nothing while the block runs."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


Start = Callable[[Path, int, InfluxDB], Program]
"""Starts a program in a folder, with the port of a broker and a store."""


def bridge(folder: Path, port: int, store: InfluxDB) -> Program:
    config = folder / "bridge.yaml"
    config.write_text(yaml.safe_dump({"mqtt": {"port": port}, "store": store.settings}))
    return Program("bridge", [sys.executable, "-m", "cloud", "bridge", "--config", str(config)], folder)


def telegraf(program: Path) -> Start:
    """Return how to start this Telegraf."""

    def start(folder: Path, port: int, store: InfluxDB) -> Program:
        config = folder / "telegraf.conf"
        config.write_text(
            _TELEGRAF.format(
                folder=folder, port=port, url=store.url, token=store.token, org=store.org, bucket=store.bucket
            )
        )
        return Program("telegraf", [str(program), "--config", str(config)], folder)

    return start


@contextmanager
def connected(start: Start, folder: Path, store: InfluxDB) -> Iterator[tuple[Mosquitto, Program]]:
    """Run a fresh broker, and a program that has subscribed to its windows."""
    folder.mkdir()
    with Mosquitto(folder, *BROKER, verbose=False) as broker:
        program = start(folder, broker.port, store)
        try:
            until(lambda: SUBSCRIPTIONS in broker.log(), f"{program.name} has subscribed", 60)
            time.sleep(1)  # what else it does at its start is not measured
            yield broker, program
        finally:
            program.end()


class Server:
    """The store: an engine of our own, which can be killed and started again, or the server that ``INFLUX_URL`` names,
    if that is on this machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._log = folder / "store.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._commands: Sequence[Sequence[str]] = ()
        if url := os.environ.get("INFLUX_URL"):
            self.url, self._port = url.rstrip("/"), int(url.rstrip("/").rpartition(":")[2])
            return
        ports = {"engine": free_port(), "rpc": free_port(), "front": free_port()}
        self._commands, self._port = engine_commands(folder, ports), ports["engine"]
        self.url = f"http://127.0.0.1:{ports['front']}"

    @property
    def is_ours(self) -> bool:
        return bool(self._commands)

    @property
    def cpu_s(self) -> float:
        """Of InfluxDB alone: nginx is before it only because Debian's engine is old."""
        if self._processes:
            return cpu_s(psutil.Process(self._processes[0].pid))
        listening = (one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN)
        pid = next(one.pid for one in listening if one.laddr and one.laddr[1] == self._port)
        return cpu_s(psutil.Process(pid))

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._processes = [subprocess.Popen(one, stdout=log, stderr=log) for one in self._commands]
        until(self._answers, "InfluxDB answers", 60)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ping").status_code == 204
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    @contextmanager
    def running(self) -> Iterator[Engine]:
        """Start it, with a user who may do everything; kill it at the end."""
        try:
            self.start()
            if self.is_ours:
                make_user(self.url)
            token = os.environ.get("INFLUX_TOKEN", "") if not self.is_ours else f"{USER}:{PASSWORD}"
            user, _, password = token.rpartition(":")
            with httpx.Client(auth=(user or "token", password), timeout=60) as http:
                yield Engine(self.url, token, os.environ.get("INFLUX_ORG", "-"), http)
        finally:
            self.kill()


def post(port: int, messages: Iterable[tuple[str, bytes]]) -> None:
    """Publish messages and wait until the broker has acknowledged them."""
    with Session(Broker("127.0.0.1", port), "load", clock=SystemClock(), timeout_s=120) as session:
        for topic, payload in messages:
            session.post(topic, payload)
        session.flush()


def stored(store: InfluxDB) -> int:
    """Return how many windows are stored."""
    return sum(row["count"] for row in store.query('SELECT count("visits") FROM "window"'))


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU seconds of a process so far."""
    spent = process.cpu_times()
    return float(spent.user + spent.system)
