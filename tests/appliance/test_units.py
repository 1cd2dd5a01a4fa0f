"""The units on a booted machine: windows arrive, a killed or frozen service comes back and has lost nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.appliance.counting import (
    EDGE,
    Ear,
    nothing_is_missing,
    ready_again,
    rows,
    show,
)
from tests.appliance.machine import Machine
from tests.appliance.patience import until


@pytest.fixture
def ear(counting: Machine) -> Iterator[Ear]:
    """Listens to a run of the service that has just begun."""
    counting.run(f"systemctl start mosquitto footlight-bridge; systemctl stop {EDGE}")
    listener = Ear(counting)
    counting.run(f"systemctl start {EDGE}")
    until(listener.runs, "a window comes")
    yield listener
    listener.close()


def test_windows_arrive_and_are_stored(counting: Machine, ear: Ear) -> None:
    heard = next(window for window in ear.windows() if window["seq"] == 0)
    assert (heard["site"], heard["device"], heard["duration_s"]) == ("shop", "door", 30)

    def stored() -> bool:
        return heard in rows(counting, "footlight-bridge/footlight.sqlite", "SELECT json FROM windows")

    until(stored, "the bridge has stored what was heard")


def test_what_was_counted_outlives_the_service_and_the_broker(counting: Machine, ear: Ear) -> None:
    (killed,) = ear.runs()
    before = show(counting, "MainPID")
    counting.run("systemctl stop mosquitto")

    def waiting() -> list[int]:
        messages = rows(counting, f"{EDGE}/footlight.db", "SELECT CAST(payload AS TEXT) FROM message")
        return [
            message["seq"] for message in messages if message.get("boot_id") == killed and "seq" in message
        ]

    until(lambda: len(waiting()) >= 2, "windows wait for the broker")
    counting.run(f"kill -KILL {before}")
    kept = waiting()
    ready_again(counting, before)
    counting.run("systemctl start mosquitto")
    until(lambda: max(kept) <= ear.windows(killed)[-1]["seq"], "what waited has come")
    until(lambda: ear.runs() != [killed], "the new run is heard")
    nothing_is_missing(ear.windows())


def test_a_frozen_service_is_restarted_by_the_watchdog(counting: Machine, ear: Ear) -> None:
    before = show(counting, "MainPID")
    counting.run(f"kill -STOP {before}")
    until(lambda: show(counting, "MainPID") != before, "the watchdog ends it")
    ready_again(counting, before)
    said = counting.run(f"journalctl --unit {EDGE} --output cat _PID=1").stdout
    assert "Watchdog timeout" in said
    until(lambda: len(ear.runs()) == 2, "it counts again")
    nothing_is_missing(ear.windows())


def test_records_of_the_journal_can_be_asked_for_by_fault(counting: Machine, ear: Ear) -> None:
    counting.run("systemctl stop mosquitto")

    def told() -> list[dict[str, str]]:
        lines = counting.run(
            f"journalctl --unit {EDGE} --output json FOOTLIGHT_FAULT=broker"
        ).stdout.splitlines()
        return [json.loads(line) for line in lines]

    until(lambda: any(record["PRIORITY"] == "4" for record in told()), "a warning of the broker")
    counting.run("systemctl start mosquitto")
    for record in told():
        assert (record["FOOTLIGHT_SITE"], record["FOOTLIGHT_DEVICE"]) == ("shop", "door")
        assert (record["FOOTLIGHT_CAMERA"], record["LOGGER"]) == ("main", "edge.uplink.publisher")
        assert record["MESSAGE"].startswith("broker localhost:1883")


def test_a_second_camera_and_the_one_box(counting: Machine) -> None:
    counting.run(f"systemctl start footlight-serve {EDGE}@aisle")

    ask = (
        "import urllib.request as web; "
        "print(web.urlopen('http://127.0.0.1:8080/api/shop/today').read().decode())"
    )

    def shown() -> bool:
        page = counting.run(f'python3 -c "{ask}"', check=False)  # not there before the shop was heard of
        devices = json.loads(page.stdout)["devices"] if page.returncode == 0 else []
        return [device["device"] for device in devices if device["online"]] == ["aisle"]

    until(shown, "the page shows the second camera")
    states = counting.run("ls /var/lib/private").stdout.split()
    assert {f"{EDGE}@aisle", "footlight-serve"} <= set(states)
    counting.run(f"systemctl stop {EDGE}@aisle footlight-serve")
