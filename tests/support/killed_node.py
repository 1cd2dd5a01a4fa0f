"""Devices and bridges on a cluster of brokers, one node of which is killed in mid-run."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from common.wire import WindowMessage
from tests.cloud.ingest.bridges import FaultyStore, bridge_at, running
from tests.support.broker_cluster import Cluster
from tests.support.brokers import until
from tests.support.messages import window
from tests.support.uplinks import uplink


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of it. ``settled_s`` after the kill, all was stored that outboxes had acknowledged before it. They went
    on until ``last_s`` after the kill, and after ``stored_s`` all was stored. ``again`` counts windows that came to the
    bridges although they had come before."""

    windows: int
    lost: int
    wrong: int
    again: int
    settled_s: float
    last_s: float
    stored_s: float


@dataclass(slots=True)
class _Seen:
    """Which windows a store has so far."""

    store: FaultyStore
    counts: dict[tuple[str, datetime], int] = field(default_factory=dict)
    again: int = 0
    _read: int = 0

    def look(self) -> dict[tuple[str, datetime], int]:
        written = self.store.written[self._read :]
        self._read += len(written)
        for one in written:
            if isinstance(one, WindowMessage):
                self.again += (one.device, one.start) in self.counts
                self.counts[one.device, one.start] = one.totals.visits
        return self.counts


def kill_a_node(
    cluster: Cluster,
    node: int,
    folder: Path,
    store: FaultyStore,
    bridges: list[str],
    *,
    devices: int,
    rounds: int,
    pace_s: float,
    resend_within_s: float,
    longest_s: float,
) -> Killed:
    """Let each of ``devices`` send a window every ``pace_s`` seconds, ``rounds`` times, through a balancer, and kill
    ``node`` in the middle; it is started again at the end. What is not stored ``longest_s`` after the last window
    is lost."""
    seen = _Seen(store)
    sent: dict[tuple[str, datetime], int] = {}
    names = [f"device-{number}" for number in range(devices)]
    with ExitStack() as stack:
        port = stack.enter_context(cluster.balancer(folder))
        for name in bridges:
            stack.enter_context(running(bridge_at(cluster.broker("bridge", port), store, name)))
        links = {}
        for name in names:
            own = folder / name
            own.mkdir()
            broker = cluster.broker(cluster.device("shop", name), port)
            links[name] = stack.enter_context(
                uplink(own, broker, device=name, resend_within_s=resend_within_s)
            )
        until(lambda: all(link.connected for link in links.values()), "all devices are connected", 30)
        stack.callback(cluster.start, node)
        killed_at, before, settled_s = 0.0, set[tuple[str, datetime]](), 0.0
        for number in range(rounds):
            began = time.monotonic()
            if number == rounds // 2:
                before, killed_at = set(sent), began
                cluster.kill(node)
            for name, link in links.items():
                message = window(number, device=name, visits=number % 7)
                link.send(message)
                sent[name, message.start] = message.totals.visits
            time.sleep(max(0.0, began + pace_s - time.monotonic()))
            settled_s = settled_s or _since(killed_at, before, seen)
        last = time.monotonic()
        while sent.keys() - seen.look().keys() and time.monotonic() < last + longest_s:
            settled_s = settled_s or _since(killed_at, before, seen)
            time.sleep(0.05)
        stored_s = time.monotonic() - killed_at
    return Killed(
        windows=len(sent),
        lost=len(sent.keys() - seen.counts.keys()),
        wrong=sum(seen.counts[key] != visits for key, visits in sent.items() if key in seen.counts),
        again=seen.again,
        settled_s=round(settled_s or stored_s, 1),
        last_s=round(last - killed_at, 1),
        stored_s=round(stored_s, 1),
    )


def _since(killed_at: float, before: set[tuple[str, datetime]], seen: _Seen) -> float:
    """Return the seconds since the kill if all that was sent before it is stored, else 0."""
    return time.monotonic() - killed_at if killed_at and before <= seen.look().keys() else 0.0
