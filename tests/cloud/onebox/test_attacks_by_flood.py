"""A flood of connections, messages or lines starves nobody and fills no disk: real sockets against the real box."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cloud.onebox.connections import Connections, Slot
from cloud.onebox.gate import MOST_UNSTORED
from cloud.onebox.log_rate import LogRate
from common.wire import encode, topic
from tests.cloud.onebox.boxes import running, settings
from tests.cloud.onebox.logins import DOOR, PUBACK, USERS
from tests.support.attacks import CONNACK_OK, Line, Login, flood, packet, publish
from tests.support.brokers import free_port, until
from tests.support.messages import window

pytestmark = pytest.mark.slow


@contextmanager
def box(folder: Path) -> Iterator[tuple[int, str, Path]]:
    """The command, with as many open files as systemd allows: the broker's port, the page, the log."""
    port, page, log = free_port(), free_port(), folder / "log"
    chosen = json.loads(settings(folder, port=port).model_dump_json())
    chosen["serve"]["page"]["port"] = page
    (folder / "cloud.yaml").write_text(yaml.safe_dump(chosen))
    command = [sys.executable, "-m", "cloud", "serve", "--config", str(folder / "cloud.yaml")]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stderr=stderr,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),  # noqa: PLW1509
        )
    try:
        until(lambda: b"page at" in log.read_bytes() or process.poll() is not None, "the box is up")
        yield port, f"http://127.0.0.1:{page}", log
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("part", ["broker", "page"])
def test_silent_connections_starve_nobody_and_fill_no_disk(tmp_path: Path, part: str) -> None:
    with box(tmp_path) as (port, page, log):
        with flood(port if part == "broker" else int(page.rpartition(":")[2]), 1100):
            with Line(port) as line:
                assert line.log_in(Login()) == CONNACK_OK
                line.send(publish(topic(window(0)), encode(window(0))))
                assert line.read(4) == PUBACK
            assert httpx.get(f"{page}/site/shop", timeout=20).status_code == 200
        assert log.stat().st_size < 20_000


def test_connections_with_nonsense_fill_no_disk(tmp_path: Path) -> None:
    with box(tmp_path) as (port, page, log):
        for number in range(600):
            with Line(port) as line:
                line.send(packet(0x10, b"\x00\x04MQTT\x04" + bytes([number % 256]) + b"\xff" * 40))
                line.hung_up()
            with Line(int(page.rpartition(":")[2])) as line:
                line.send(b"GET / nonsense\r\n\r\n" if number % 2 else b"\x16\x03\x01" * 9 + b"\r\n\r\n")
                line.hung_up()
        assert httpx.get(page, timeout=20, follow_redirects=True).status_code == 200
        assert log.stat().st_size < 20_000


@pytest.mark.parametrize("qos", [0, 1])
def test_who_sends_faster_than_the_store_writes_has_to_wait(tmp_path: Path, qos: int) -> None:
    with running(settings(tmp_path, users=USERS)) as running_box, Line(running_box.mqtt_port) as line:
        other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert line.log_in(Login(**DOOR)) == CONNACK_OK
        line.socket.settimeout(1)
        flood_of_it = 40_000 * publish(topic(window(0)), encode(window(0)), qos=qos)
        with pytest.raises(TimeoutError):
            line.socket.sendall(flood_of_it)
        assert running_box.stats().received == MOST_UNSTORED
        other.execute("ROLLBACK")
        other.close()
        until(lambda: running_box.stats().stored > MOST_UNSTORED, "it is taken again")


def in_a_loop(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_a_newcomer_takes_the_place_of_who_waits_longest() -> None:
    closed: list[str] = []

    async def crowd() -> None:
        connections = Connections("test", most=4, most_per_address=2)

        def admit(address: str, name: str) -> Slot | None:
            return connections.admit(address, lambda: closed.append(name), wait_s=60)

        first, second = admit("192.0.2.1", "first"), admit("192.0.2.1", "second")
        assert first is not None
        assert second is not None
        first.work(None)
        third = admit("192.0.2.1", "third")  # its neighbour that waits makes room, not the one that works
        assert third is not None
        assert closed == ["second"]
        third.work(None)
        assert admit("192.0.2.1", "fourth") is None
        assert admit("192.0.2.2", "a")
        assert admit("192.0.2.3", "b")
        assert admit("192.0.2.4", "c")  # full in all: who waits longest goes
        assert closed == ["second", "a"]
        first.leave()
        assert admit("192.0.2.1", "again")
        assert len(connections) == 4
        connections.end_all()
        assert len(connections) == 0

    in_a_loop(crowd())


def test_a_place_that_was_left_is_never_taken_again() -> None:
    async def leave() -> None:
        connections = Connections("test", most=4, most_per_address=2)
        slot = connections.admit("192.0.2.1", lambda: None, wait_s=60)
        assert slot is not None
        slot.leave()
        slot.wait(60)
        slot.work(60)
        assert len(connections) == 0

    in_a_loop(leave())


def test_a_flood_of_lines_is_cut_and_counted() -> None:
    now_s = [0.0]
    rate = LogRate(lines=3, every_s=60, clock=lambda: now_s[0])
    shown: list[str] = []

    def say(text: str, name: str = "noisy") -> None:
        record = logging.makeLogRecord({"name": name, "msg": "%s", "args": (text,)})
        if rate.filter(record):
            shown.append(record.getMessage())

    for number in range(10):
        say(f"line {number}")
    say("still heard", name="quiet")
    now_s[0] = 61.0
    say("later")
    assert shown == [
        "line 0",
        "line 1",
        "line 2 (more lines of this logger are dropped for up to 60 s)",
        "still heard",
        "later (7 earlier lines were dropped)",
    ]
