"""Reads from InfluxDB by which numbers devices count their windows: a small part of what it has of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloud.stores import layout
from cloud.stores.influxql import InfluxQL
from cloud.stores.measurement import moment, nanoseconds, quoted


@dataclass(frozen=True, slots=True)
class Number:
    """The identity of a window, and its number."""

    site: str
    device: str
    camera: str
    start: datetime
    boot_id: str
    seq: int


class InfluxNumbers:
    """The numbers of the windows of one InfluxDB. Raises ``StoreUnavailable``."""

    def __init__(self, influxql: InfluxQL) -> None:
        self._influxql = influxql

    def sites(self) -> list[str]:
        """Return every site that has windows, sorted by name."""
        (answer,) = self._influxql.ask("raw", f"SHOW TAG VALUES FROM {layout.WINDOW.name} WITH KEY = site")
        return sorted(row["value"] for series in answer for row in series)

    def windows(self, site: str, start: datetime, end: datetime) -> list[Number]:
        """Return the numbers of the windows of a site that start in [start, end)."""
        (answer,) = self._influxql.ask(
            "raw",
            f"SELECT boot_id, seq FROM {layout.WINDOW.name} WHERE site = {quoted(site)}"  # noqa: S608 - quoted
            f" AND time >= {nanoseconds(start)} AND time < {nanoseconds(end)} GROUP BY device, camera",
        )
        return [
            Number(
                site,
                series.tags["device"],
                series.tags["camera"],
                moment(row["time"]),
                row["boot_id"],
                row["seq"],
            )
            for series in answer
            for row in series
        ]
