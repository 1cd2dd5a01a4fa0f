"""InfluxDB 1.8, 2.x and 3.x through the v2 write API, laid out for InfluxQL.

Every measurement has the tags ``site``, ``device`` and ``camera`` (the last not in those of the device). A
point's time is the start of its window, so that with the tags it is the identity, and a redelivery overwrites.

====================== ============ =================================================================
measurement            further tag  fields
====================== ============ =================================================================
window                              visits, viewers, occupancy_mean, occupancy_max, pending, coverage,
                                    frames, dropped, duration_s, clock_trusted, is_historical, k, seq,
                                    boot_id, software, model, calibration, profile
cohort                              visits, dwell_sum_s, attention_sum_s, since (ns)
cohort_dwell                        one per bin: "0", "2", "5", ... (lower edge in seconds)
cohort_attention                    likewise
cohort_gender                       female, male, unknown
cohort_age_band                     "0-17" ... "65+", unknown
cohort_gender_age_band gender       like cohort_age_band
cohort_expression                   neutral, happy, ..., unknown
cohort_zone            zone         visits
health                              all of the message (time: ``at``)
status                              online, boot_id, software (time: ``since``, or when the store learned
                                    that it is offline: a last will cannot know)
alert                  fault        active, text (time: ``at``)
====================== ============ =================================================================

A label is a field, not a tag: a camera costs 7 series and 3 for the pyramid, where labels as tags would cost
about 60. Zones are named by the installer and few, so they are a tag. A withheld cell is absent; 0 is a fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from cloud.stores.store import StoreRejected, StoreUnavailable
from edge.clock import Clock
from edge.wire import AlertMessage, Cohort, HealthMessage, Message, StatusMessage, WindowMessage

Value = str | float | int | bool


class Point(TypedDict):
    """One point as influxdb-client takes it; ``time`` in nanoseconds."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time: int


_IDENTITY = ("kind", "site", "device")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REJECTED = frozenset({400, 413, 422})
"""What is wrong with the points themselves. A wrong token or a missing bucket (401, 403, 404) is wrong with us:
it heals when somebody mends it, and no count may be thrown away for it."""


class InfluxStore:
    """A ``Store``. For 1.8, ``token`` is ``user:password`` and ``bucket`` is ``database/retention-policy``."""

    def __init__(
        self, *, url: str, token: str, org: str, bucket: str, timeout_s: float, clock: Clock
    ) -> None:
        # The bridge retries, with the batch in its hand; a second retry below it would only hide the fault.
        self._client = InfluxDBClient(url, token, org=org, timeout=int(timeout_s * 1000), retries=False)
        self._writer = self._client.write_api(write_options=SYNCHRONOUS)
        self._bucket = bucket
        self._clock = clock

    def write(self, messages: Sequence[Message]) -> None:
        now = self._clock.now()
        batch = [point for message in messages for point in points(message, now)]
        try:
            self._writer.write(self._bucket, record=batch)
        except ApiException as error:
            text = f"InfluxDB answered {error.status}: {_first_line(error.body) or error.reason}"
            if error.status in _REJECTED:
                raise StoreRejected(text) from None
            raise StoreUnavailable(text) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable(f"InfluxDB: {error}") from None

    def close(self) -> None:
        self._writer.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]


def points(message: Message, now: datetime) -> Iterator[Point]:
    """The points of one message that arrived ``now``."""
    match message:
        case WindowMessage():
            yield _window(message)
            if message.cohort is not None:
                yield from _cohort(message, message.cohort)
        case HealthMessage():
            yield _point("health", message, message.at, message.model_dump(exclude={*_IDENTITY, "at"}))
        case StatusMessage():
            at = message.since if message.online else now
            yield _point("status", message, at, message.model_dump(exclude={*_IDENTITY, "since"}))
        case AlertMessage():
            values = message.model_dump(include={"active", "text"})
            yield _point("alert", message, message.at, values, fault=message.fault)


def _window(message: WindowMessage) -> Point:
    values = {
        **message.totals.model_dump(),
        "coverage": message.coverage.share,
        "frames": message.coverage.frames,
        "dropped": message.coverage.dropped,
        **message.model_dump(exclude={*_IDENTITY, "camera", "start", "totals", "coverage", "cohort"}),
    }
    return _camera_point("window", message, values)


def _cohort(message: WindowMessage, cohort: Cohort) -> Iterator[Point]:
    sums = cohort.model_dump(include={"visits", "dwell_sum_s", "attention_sum_s"})
    yield _camera_point("cohort", message, {**sums, "since": _nanoseconds(cohort.since)})
    breakdowns = {
        "dwell": cohort.dwell,
        "attention": cohort.attention,
        "gender": cohort.gender,
        "age_band": cohort.age_band,
        "expression": cohort.expression,
    }
    for name, cells in breakdowns.items():
        if _readable(cells):
            yield _camera_point(f"cohort_{name}", message, cells or {})
    for gender, cells in (cohort.gender_age_band or {}).items():
        if _readable(cells):
            yield _camera_point("cohort_gender_age_band", message, cells, gender=gender)
    for zone, visits in cohort.zones.items():
        if visits is not None:
            yield _camera_point("cohort_zone", message, {"visits": visits}, zone=zone)


def _readable(cells: Mapping[str, int | None] | None) -> bool:
    return any(value is not None for value in (cells or {}).values())


def _camera_point(
    name: str, message: WindowMessage, values: Mapping[str, Value | None], **tags: str
) -> Point:
    return _point(name, message, message.start, values, camera=message.camera, **tags)


def _point(
    name: str, message: Message, at: datetime, values: Mapping[str, Value | None], **tags: str
) -> Point:
    return {
        "measurement": name,
        "tags": {"site": message.site, "device": message.device, **tags},
        "fields": {key: value for key, value in values.items() if value is not None},
        "time": _nanoseconds(at),
    }


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _first_line(body: object) -> str:
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    return text.strip().partition("\n")[0][:300]
