"""The read side of InfluxDB for pages and other programs: a ``Reader``, as the embedded store is one.

InfluxDB keeps when a message was written by its sender, not when it arrived: ``last_seen`` is the time of the newest
message by the device's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloud.stores import layout
from cloud.stores.measurement import Measurement, moment, nanoseconds, quoted
from cloud.stores.store import DeadLetter, DeviceState, Reader, by_device
from cloud.stores.windows import InfluxWindows
from common.wire import AlertMessage, HealthMessage, NoticeMessage, WindowMessage

if TYPE_CHECKING:
    from cloud.stores.influxql import InfluxQL

Row = Mapping[str, Any]
_K_UNTOLD = 10**6
"""A notice that was stored without its k: no end is expected, so it is shown for a quarter of an hour."""


class InfluxReader(Reader):
    """Reads sites, devices, windows, notices and dead letters of one InfluxDB; may be called from any thread."""

    def __init__(self, influxql: InfluxQL) -> None:
        self._influxql = influxql
        self._windows = InfluxWindows(influxql)

    def sites(self) -> list[str]:
        names = ", ".join(one.name for one in (layout.WINDOW, layout.HEALTH, layout.STATUS, layout.ALERT))
        (answer,) = self._influxql.ask("raw", f"SHOW TAG VALUES FROM {names} WITH KEY = site")
        return sorted({row["value"] for series in answer for row in series})

    def devices(self, site: str) -> list[DeviceState]:
        return self._devices(f" WHERE site = {quoted(site)}")

    def fleet(self) -> list[DeviceState]:
        return self._devices("")

    def watched_s(self, start: datetime, end: datetime) -> dict[tuple[str, str], float]:
        question = (
            f"SELECT coverage, duration_s FROM {layout.WINDOW.name}"  # noqa: S608 - no text from outside
            f" WHERE time >= {nanoseconds(start)} AND time < {nanoseconds(end)} GROUP BY site, device, camera"
        )
        (answer,) = self._influxql.ask("raw", question)
        return by_device(
            (
                (series.tags["site"], series.tags["device"], series.tags["camera"]),
                row["coverage"] * row["duration_s"],
            )
            for series in answer
            for row in series
        )

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        return self._windows.windows(site, start, end)

    def notices(self, site: str) -> list[NoticeMessage]:
        rows = [row for row in self._last(layout.NOTICE, f" WHERE site = {quoted(site)}") if row["active"]]
        return [
            NoticeMessage.model_construct(
                site=site,
                device=row["device"],
                at=moment(row["time"]),
                name=row["notice"],
                rule=row["rule"],
                active=True,
                count=row["people"],
                limit=row["above"],
                k=row["k"] or _K_UNTOLD,
            )
            for row in sorted(rows, key=lambda row: row["time"], reverse=True)
        ]

    def latest(self, site: str) -> WindowMessage | None:
        starts = [moment(row["time"]) for row in self._last(layout.WINDOW, f" WHERE site = {quoted(site)}")]
        if not starts:
            return None
        return self.windows(site, max(starts), max(starts) + timedelta(microseconds=1))[-1]

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return dead_letters(self._influxql, limit)

    def close(self) -> None:
        """Release the connections."""
        self._influxql.close()

    def _devices(self, where: str) -> list[DeviceState]:
        told = [self._last(one, where) for one in (layout.HEALTH, layout.STATUS, layout.ALERT, layout.WINDOW)]
        keys = sorted({_key(row) for rows in told for row in rows})
        mine: dict[tuple[str, str], list[list[Row]]] = {key: [[], [], [], []] for key in keys}
        for index, rows in enumerate(told):
            for row in rows:
                mine[_key(row)][index].append(row)
        return [_state(key, *found) for key, found in mine.items()]

    def _last(self, measurement: Measurement, where: str) -> list[Row]:
        """Return the newest point of each series, with its tags."""
        fields = ", ".join(f'"{name}"' for name in measurement.fields)
        question = (
            f"SELECT {fields} FROM {measurement.name}{where}"  # noqa: S608 - quoted where it is from outside
            f" GROUP BY {', '.join(measurement.tags)} ORDER BY time DESC LIMIT 1"
        )
        (answer,) = self._influxql.ask(measurement.level, question)
        return [{**series.tags, **row} for series in answer for row in series]


def dead_letters(influxql: InfluxQL, limit: int) -> list[DeadLetter]:
    """Return the last dead letters, newest first, at most ``limit``. Raises ``StoreUnavailable``."""
    question = (
        f"SELECT reason, topic, payload FROM {layout.DEAD_LETTER.name}"  # noqa: S608 - no text from outside
        f" GROUP BY site, device ORDER BY time DESC LIMIT {limit}"
    )
    (answer,) = influxql.ask("raw", question)
    letters = [
        DeadLetter(
            at=moment(row["time"]),
            site=series.tags["site"],
            device=series.tags["device"],
            topic=row["topic"] or "",
            reason=row["reason"],
            payload=(row["payload"] or "").encode(),
        )
        for series in answer
        for row in series
    ]
    return sorted(letters, key=lambda letter: letter.at, reverse=True)[:limit]


def _key(row: Row) -> tuple[str, str]:
    return row["site"], row["device"]


def _state(
    key: tuple[str, str],
    health: Sequence[Row],
    status: Sequence[Row],
    alerts: Sequence[Row],
    windows: Sequence[Row],
) -> DeviceState:
    said, told = _newest(status), _newest(health)
    heard = [moment(row["time"]) for row in (*health, *alerts)]
    heard += [moment(row["time"]) + timedelta(seconds=row["duration_s"]) for row in windows]
    return DeviceState(
        site=key[0],
        device=key[1],
        online=said["online"] if said else None,
        since=moment(said["time"]) if said else None,
        last_seen=max(heard, default=None),
        software=(_newest([*health, *status]) or {}).get("software"),
        model=told["model"] if told else None,
        health=_health(told) if told else None,
        alerts=tuple(_alert(row) for row in sorted(alerts, key=lambda row: row["time"]) if row["active"]),
    )


def _newest(rows: Sequence[Row]) -> Row | None:
    return max(rows, key=lambda row: row["time"], default=None)


def _health(row: Row) -> HealthMessage:
    """Return the message as it was; it was validated before it was stored."""
    values = {name: row[name] for name in layout.HEALTH.fields}
    return HealthMessage.model_construct(
        site=row["site"], device=row["device"], at=moment(row["time"]), **values
    )


def _alert(row: Row) -> AlertMessage:
    return AlertMessage.model_construct(
        site=row["site"],
        device=row["device"],
        at=moment(row["time"]),
        fault=row["fault"],
        active=True,
        text=row["text"],
    )
