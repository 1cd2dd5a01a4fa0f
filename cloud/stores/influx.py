"""InfluxDB 1.8, 2.x and 3.x: written through the v2 write API, laid out for InfluxQL (:mod:`cloud.stores.layout`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from cloud.domain.levels import Level, bucket_of
from cloud.stores import layout
from cloud.stores.influxql import InfluxQL
from cloud.stores.measurement import Measurement, Point, Value, nanoseconds
from cloud.stores.store import StoreRejected, StoreUnavailable
from common.clock import Clock
from common.wire import (
    AlertMessage,
    Cells,
    Cohort,
    HealthMessage,
    Message,
    ProbeMessage,
    StatusMessage,
    WindowMessage,
)

_REJECTED = frozenset({400, 413, 422})
"""What is wrong with the points themselves. A wrong token or a missing bucket (401, 403, 404) is wrong with us:
it heals when somebody mends it, and no count may be thrown away for it."""


class InfluxStore:
    """A ``Store``. For 1.8, ``token`` is ``user:password`` and ``bucket`` a database."""

    def __init__(
        self, *, url: str, token: str, org: str, bucket: str, timeout_s: float, clock: Clock
    ) -> None:
        # The bridge retries, with the batch in its hand; a second retry below it would only hide the fault.
        self._client = InfluxDBClient(url, token, org=org, timeout=int(timeout_s * 1000), retries=False)
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._reading = InfluxQL(url=url, token=token, bucket=bucket, timeout_s=timeout_s)
        self._bucket = bucket
        self._clock = clock

    def write(self, messages: Sequence[Message]) -> None:
        now = self._clock.now()
        self.write_points([point for message in messages for point in points(message, now)], "raw")

    def holds(self, probe: ProbeMessage) -> bool:
        question = layout.PROBE.select([probe.site], probe.at, probe.at + timedelta(microseconds=1))
        (answer,) = self._reading.ask("raw", question)
        mine = (series for series in answer if series.tags["device"] == probe.device)
        return any(row["nonce"] == probe.nonce for series in mine for row in series)

    def bury(self, site: str, device: str, reason: str) -> None:
        tags = {"site": site, "device": device}
        self.write_points(
            [layout.DEAD_LETTER.point(tags, self._clock.now(), {"reason": reason[:240]})], "raw"
        )

    def write_points(self, batch: Iterable[Point], level: Level) -> None:
        """Points of one level. Raises as ``write`` does."""
        try:
            self._writer.write(bucket_of(self._bucket, level), record=list(batch))
        except ApiException as error:
            text = f"InfluxDB answered {error.status}: {_first_line(error.body) or error.reason}"
            if error.status in _REJECTED:
                raise StoreRejected(text) from None
            raise StoreUnavailable(text) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable(f"InfluxDB: {error}") from None

    def close(self) -> None:
        self._reading.close()
        self._writer.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]


def points(message: Message, now: datetime) -> Iterator[Point]:
    """The points of one message that arrived ``now``."""
    tags = {"site": message.site, "device": message.device}
    match message:
        case WindowMessage():
            yield from _window(message, {**tags, "camera": message.camera})
        case HealthMessage():
            yield layout.HEALTH.point(tags, message.at, _declared(layout.HEALTH, message.model_dump()))
        case StatusMessage():
            at = message.since if message.online else now
            yield layout.STATUS.point(tags, at, _declared(layout.STATUS, message.model_dump()))
        case AlertMessage():
            values = _declared(layout.ALERT, message.model_dump())
            yield layout.ALERT.point({**tags, "fault": message.fault}, message.at, values)
        case ProbeMessage():
            yield layout.PROBE.point(tags, message.at, {"nonce": message.nonce})


def _declared(measurement: Measurement, values: Mapping[str, Value | None]) -> dict[str, Value | None]:
    return {name: values[name] for name in measurement.fields}


def _window(message: WindowMessage, tags: Mapping[str, str]) -> Iterator[Point]:
    values = {
        **message.model_dump(exclude={"totals", "coverage", "cohort"}),
        **message.totals.model_dump(),
        **message.coverage.model_dump(),
        "coverage": message.coverage.share,
    }
    yield layout.WINDOW.point(tags, message.start, _declared(layout.WINDOW, values))
    if message.cohort is not None:
        yield from _cohort(message.cohort, message.start, tags)


def _cohort(cohort: Cohort, at: datetime, tags: Mapping[str, str]) -> Iterator[Point]:
    values = {**cohort.model_dump(), "since": nanoseconds(cohort.since)}
    yield layout.COHORT.point(tags, at, _declared(layout.COHORT, values))
    for name, measurement in layout.BREAKDOWNS.items():
        yield from _table(measurement, getattr(cohort, name), at, tags, cohort.visits)
    for gender, cells in (cohort.gender_age_band or {}).items():
        yield from _table(layout.COHORT_GENDER_AGE_BAND, cells, at, {**tags, "gender": gender})
    for zone, visits in cohort.zones.items():
        if visits is not None:
            yield layout.COHORT_ZONE.point({**tags, "zone": zone}, at, {"visits": visits})


def _table(
    measurement: Measurement,
    cells: Cells | None,
    at: datetime,
    tags: Mapping[str, str],
    visits: int | None = None,
) -> Iterator[Point]:
    """A label that is missing stands for 0; so that what is absent here is what was withheld, it is written.
    ``visits`` are those of the whole table, where it is one."""
    if cells is not None:
        counts = {label: cells.get(label, 0) for label in measurement.labels}
        released = sum(count or 0 for count in counts.values())
        whole = {} if visits is None else {"withheld": visits - released}
        yield measurement.point(tags, at, {**counts, "released": released, **whole})


def _first_line(body: object) -> str:
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    return text.strip().partition("\n")[0][:300]
