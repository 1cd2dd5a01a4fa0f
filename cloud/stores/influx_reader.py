"""The read side of InfluxDB for pages and other programs: a ``Reader``, as the embedded store is one.

InfluxDB keeps when a message was written by its sender, not when it arrived: ``last_seen`` is the time of the newest
message by the device's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloud.domain.noise import ToldNoise
from cloud.domain.notices import Acknowledgement
from cloud.stores import layout
from cloud.stores.measurement import Measurement, moment, nanoseconds
from cloud.stores.noise_layout import COHORT_NOISE, noise_from
from cloud.stores.store import DeadLetter, DeviceState, Reader, by_device
from cloud.stores.windows import InfluxWindows
from common.wire import AlertMessage, HealthMessage, NoticeMessage, WindowMessage

if TYPE_CHECKING:
    from cloud.stores.influx import InfluxStore
    from cloud.stores.influxql import InfluxQL

Row = Mapping[str, Any]
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class InfluxReader(Reader):
    """Reads what one InfluxDB tells of sites and devices; ``store`` reads notices and dead letters.

    May be called from any thread.
    """

    def __init__(self, influxql: InfluxQL, store: InfluxStore) -> None:
        self._influxql, self._store = influxql, store
        self._windows = InfluxWindows(influxql)

    def sites(self) -> list[str]:
        names = ", ".join(one.name for one in (layout.WINDOW, layout.HEALTH, layout.STATUS, layout.ALERT))
        (answer,) = self._influxql.ask("raw", f"SHOW TAG VALUES FROM {names} WITH KEY = site")
        return sorted({row["value"] for series in answer for row in series})

    def devices(self, site: str) -> list[DeviceState]:
        return self._devices(site)

    def fleet(self) -> list[DeviceState]:
        return self._devices(None)

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

    def noise(self, site: str, start: datetime, end: datetime) -> list[ToldNoise]:
        (answer,) = self._influxql.ask(COHORT_NOISE.level, COHORT_NOISE.select([site], start, end))
        found = [(row["time"], noise_from(series.tags, row)) for series in answer for row in series]
        return [told for _, told in sorted(found, key=lambda pair: (pair[0], pair[1].camera))]

    def duplicates(self, site: str, start: datetime, end: datetime) -> dict[str, int]:
        (answer,) = self._influxql.ask("raw", layout.DUPLICATE.select([site], start, end))
        return {series.tags["device"]: sum(row["windows"] for row in series) for series in answer}

    def notices(self, site: str | None = None) -> list[NoticeMessage]:
        return self._store.notices(site)

    def acknowledgements(self, site: str | None = None) -> list[Acknowledgement]:
        return self._store.acknowledgements(site)

    def record_acknowledgement(self, acknowledgement: Acknowledgement) -> None:
        self._store.record_acknowledgement(acknowledgement)

    def latest(self, site: str) -> WindowMessage | None:
        starts = [moment(row["time"]) for row in self._newest(layout.WINDOW, site)]
        if not starts:
            return None
        return self.windows(site, max(starts), max(starts) + timedelta(microseconds=1))[-1]

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        return self._store.dead_letters(limit)

    def _devices(self, site: str | None) -> list[DeviceState]:
        told = [
            self._newest(one, site) for one in (layout.HEALTH, layout.STATUS, layout.ALERT, layout.WINDOW)
        ]
        keys = sorted({_key(row) for rows in told for row in rows})
        mine: dict[tuple[str, str], list[list[Row]]] = {key: [[], [], [], []] for key in keys}
        for index, rows in enumerate(told):
            for row in rows:
                mine[_key(row)][index].append(row)
        return [_state(key, *found) for key, found in mine.items()]

    def _newest(self, measurement: Measurement, site: str | None) -> list[Row]:
        """Return the newest point of each series, with its tags, of one site or of all."""
        (answer,) = self._influxql.ask(measurement.level, measurement.newest(_EVER, site))
        return [{**series.tags, **row} for series in answer for row in series]


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
