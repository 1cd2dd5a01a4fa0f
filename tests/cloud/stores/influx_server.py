"""A server in the place of InfluxDB, for the tests of what is written and what is answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloud.stores.influx import InfluxStore
from tests.support.clock import ManualClock


@dataclass
class Influx:
    """A server that answers as it is told and keeps what it was given."""

    answer: int = 204
    body: str = '{"message":"no, sorry"}'
    most_lines: int = 1000
    bodies: list[str] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    port: int = 0


def make_influx_store(port: int, clock: ManualClock) -> InfluxStore:
    return InfluxStore(
        url=f"http://127.0.0.1:{port}",
        token="user:secret",
        org="-",
        bucket="db/rp",
        timeout_s=2.0,
        clock=clock,
    )
