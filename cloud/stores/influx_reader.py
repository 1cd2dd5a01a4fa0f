"""The read side of InfluxDB for the built-in page: the same as that of the embedded store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloud.domain.notices import Acknowledgement
from cloud.stores import layout
from cloud.stores.measurement import Measurement, moment, quoted
from cloud.stores.store import DeadLetter, DeviceState
from cloud.stores.windows import InfluxWindows
from common.wire import AlertMessage, HealthMessage, NoticeMessage, WindowMessage

if TYPE_CHECKING:
    from cloud.stores.influx import InfluxStore
    from cloud.stores.influxql import InfluxQL

Row = Mapping[str, Any]
"""One point: its tags and fields."""


class InfluxReader:
    """A ``Reader`` of one InfluxDB. What was stored was validated, so it is not validated again.

    InfluxDB does not store when a message arrived: ``last_seen`` is the time of the newest one.
    """

    def __init__(self, influxql: InfluxQL, store: InfluxStore) -> None:
        self._influxql, self._store = influxql, store
        self._windows = InfluxWindows(influxql)

    def sites(self) -> list[str]:
        return self._windows.sites()

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return self._windows.windows(site, start, end)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self._store.dead_letters(limit)

    def latest(self, site: str) -> WindowMessage | None:
        starts = [row["time"] for row in self._newest(layout.WINDOW, site)]
        if not starts:
            return None
        start = moment(max(starts))
        return self._windows.windows(site, start, start + timedelta(microseconds=1))[-1]

    def notices(self, site: str | None = None) -> list[NoticeMessage]:
        return self._store.notices(site)

    def acknowledgements(self, site: str | None = None) -> list[Acknowledgement]:
        return self._store.acknowledgements(site)

    def record_acknowledgement(self, acknowledgement: Acknowledgement) -> None:
        self._store.record_acknowledgement(acknowledgement)

    def devices(self, site: str) -> list[DeviceState]:
        windows, health, status = (
            {row["device"]: row for row in self._newest(one, site)}
            for one in (layout.WINDOW, layout.HEALTH, layout.STATUS)
        )
        alerts: dict[str, list[AlertMessage]] = {}
        heard = [*windows.values(), *health.values()]
        for row in sorted(self._newest(layout.ALERT, site), key=lambda row: row["time"]):
            heard.append(row)
            if row["active"]:
                alerts.setdefault(row["device"], []).append(_alert(site, row))
        seen: dict[str, int] = {}
        for row in heard:
            seen[row["device"]] = max(row["time"], seen.get(row["device"], 0))
        return [
            _state(
                site, device, status.get(device), health.get(device), seen.get(device), alerts.get(device, [])
            )
            for device in sorted({*status, *seen})
        ]

    def _newest(self, measurement: Measurement, site: str) -> Iterator[Row]:
        """Yield the newest point of each series of a site."""
        fields = ", ".join(f'"{name}"' for name in measurement.fields)
        question = (
            f"SELECT {fields} FROM {measurement.name} WHERE site = {quoted(site)}"  # noqa: S608
            f" GROUP BY {', '.join(measurement.tags)} ORDER BY time DESC LIMIT 1"
        )
        (answer,) = self._influxql.ask(measurement.level, question)
        return iter([{**series.tags, **row} for series in answer for row in series])


def _alert(site: str, row: Row) -> AlertMessage:
    return AlertMessage.model_construct(
        site=site,
        device=row["device"],
        at=moment(row["time"]),
        fault=row["fault"],
        active=True,
        text=row["text"],
    )


def _state(
    site: str,
    device: str,
    status: Row | None,
    health: Row | None,
    seen: int | None,
    alerts: list[AlertMessage],
) -> DeviceState:
    told = None if health is None else _health(site, health)
    return DeviceState(
        site=site,
        device=device,
        online=status["online"] if status else None,
        since=moment(status["time"]) if status else None,
        last_seen=None if seen is None else moment(seen),
        software=told.software if told else status["software"] if status else None,
        model=told.model if told else None,
        health=told,
        alerts=tuple(alerts),
    )


def _health(site: str, row: Row) -> HealthMessage:
    values = {name: row[name] for name in layout.HEALTH.fields}
    return HealthMessage.model_construct(site=site, device=row["device"], at=moment(row["time"]), **values)
