"""The store in InfluxDB 1.8, 2.x and 3.x: v2 write API, with a layout for InfluxQL (:mod:`cloud.stores.layout`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from pydantic import ValidationError

from cloud.domain.day_tallies import described_of, timed
from cloud.domain.labels import joint_counts, list_counts
from cloud.domain.levels import Level, bucket_of
from cloud.domain.notices import LONGEST, Acknowledgement
from cloud.domain.tally import readable
from cloud.stores import layout
from cloud.stores.clip_layout import clip_points
from cloud.stores.influxql import InfluxQL, answered, cause
from cloud.stores.measurement import Measurement, Point, Value, moment, nanoseconds
from cloud.stores.noise_layout import noise_points
from cloud.stores.place_layout import DOOR, place_points
from cloud.stores.store import DeadLetter, StoreRejected, StoreUnavailable
from common.clock import Clock
from common.vocabulary import ATTRIBUTES, UNKNOWN
from common.wire import (
    AlertMessage,
    Cells,
    Cohort,
    HealthMessage,
    Message,
    NoticeMessage,
    ProbeMessage,
    StatusMessage,
    WindowMessage,
    one_line,
)

LONGEST_TEXT = 16 * 1024
"""Most characters of a dead letter's payload; InfluxDB accepts no string above 64 KiB."""
_NS: Any = WritePrecision.NS  # wrongly typed as an enumeration
_STORED = 204
"""The only status that confirms a write. A proxy, a captive portal or any other server would answer 200."""
_TOO_LARGE = 413
_PARTIAL = "partial write"
"""In the body if InfluxDB checked the points one by one (400 in 1.x and 3.x, 422 in 2.x). Every other refusal concerns
the whole request: our configuration or the server is wrong and must be fixed, and no count may be dropped for it."""
_CONFLICT = ("field type conflict", "invalid column type")
"""The error texts of 1.x and 2.x, and of 3.x."""


class InfluxStore:
    """A ``Store``. For 1.8, ``token`` is ``user:password`` and ``bucket`` a database."""

    def __init__(
        self, *, url: str, token: str, org: str, bucket: str, timeout_s: float, clock: Clock
    ) -> None:
        # No retries here: the bridge keeps the batch and retries itself; a second level would only hide the fault.
        self._client = InfluxDBClient(url, token, org=org, timeout=int(timeout_s * 1000), retries=False)
        # Not the client's write_api, which does not return the HTTP status.
        self._writer = WriteService(self._client.api_client)  # type: ignore[no-untyped-call]
        self._reading = InfluxQL(url=url, token=token, bucket=bucket, timeout_s=timeout_s)
        self._org, self._bucket = org, bucket
        self._clock = clock

    def write(self, messages: Sequence[Message]) -> None:
        now = self._clock.now()
        self.write_points([point for message in messages for point in points(message, now)], "raw")

    def contains(self, probe: ProbeMessage) -> bool:
        question = layout.PROBE.select([probe.site], probe.at, probe.at + timedelta(microseconds=1))
        (answer,) = self._reading.ask("raw", question)
        mine = (series for series in answer if series.tags["device"] == probe.device)
        return any(row["nonce"] == probe.nonce for series in mine for row in series)

    def record_duplicates(self, windows: Mapping[tuple[str, str], int], at: datetime) -> None:
        self.write_points(
            (
                layout.DUPLICATE.point({"site": site, "device": device}, at, {"windows": count})
                for (site, device), count in windows.items()
            ),
            "raw",
        )

    def record_dead_letter(self, letter: DeadLetter) -> None:
        tags = {"site": letter.site, "device": letter.device}
        text = letter.payload.decode(errors="replace")
        values = {"reason": letter.reason, "topic": letter.topic, "payload": one_line(text, LONGEST_TEXT)}
        self.write_points([layout.DEAD_LETTER.point(tags, letter.at, values)], "raw")

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        question = (
            f"SELECT reason, topic, payload FROM {layout.DEAD_LETTER.name}"  # noqa: S608 - no text from outside
            f" GROUP BY site, device ORDER BY time DESC LIMIT {limit}"
        )
        (answer,) = self._reading.ask("raw", question)
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

    def notices(self, site: str | None = None) -> list[NoticeMessage]:
        found = []
        for tags, row in self._last(layout.NOTICE, site):
            with suppress(ValidationError):  # of an older version, and long over
                notice = NoticeMessage(
                    **_named(tags),
                    at=moment(row["time"]),
                    rule=row["rule"],
                    active=row["active"],
                    count=row["people"],
                    limit=row["above"],
                    k=row["k"],
                )
                found += [notice] if notice.active else []
        return sorted(found, key=lambda notice: notice.at, reverse=True)

    def acknowledgements(self, site: str | None = None) -> list[Acknowledgement]:
        found = [
            Acknowledgement(
                **_named(tags), began=moment(row["began"]), who=row["who"], at=moment(row["time"])
            )
            for tags, row in self._last(layout.ACKNOWLEDGEMENT, site)
        ]
        return sorted(found, key=lambda one: one.at, reverse=True)

    def record_acknowledgement(self, acknowledgement: Acknowledgement) -> None:
        one = acknowledgement
        tags = {"site": one.site, "device": one.device, "notice": one.name}
        values: dict[str, Value | None] = {"who": one.who, "began": nanoseconds(one.began)}
        self.write_points([layout.ACKNOWLEDGEMENT.point(tags, one.at, values)], "raw")

    def _last(
        self, measurement: Measurement, site: str | None
    ) -> Iterator[tuple[Mapping[str, str], dict[str, Any]]]:
        """Return the last point of each series of the last ``LONGEST``, with its tags."""
        (answer,) = self._reading.ask("raw", measurement.newest(self._clock.now() - LONGEST, site))
        return ((series.tags, row) for series in answer for row in series)

    def write_points(self, batch: Iterable[Point], level: Level) -> None:
        """Write points of one level. Raises the errors of ``write``."""
        if lines := list(filter(None, batch)):  # 2.x refuses a request without points
            self._post(lines, bucket_of(self._bucket, level))

    def _post(self, lines: Sequence[str], bucket: str) -> None:
        try:
            _, status, _ = self._writer.post_write_with_http_info(  # type: ignore[no-untyped-call]
                self._org,
                bucket,
                "\n".join(lines),
                precision=_NS,
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            if error.status == _TOO_LARGE and len(lines) > 1:
                self._post(lines[: len(lines) // 2], bucket)
                self._post(lines[len(lines) // 2 :], bucket)
                return
            raise _refusal(error, bucket) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreUnavailable(f"InfluxDB: {cause(error)}") from None
        if status != _STORED:
            raise StoreUnavailable(
                f"store.url answered {status}, but InfluxDB confirms a write with {_STORED}: this is another server;"
                " check store.url"
            )

    def close(self) -> None:
        self._reading.close()
        self._client.close()  # type: ignore[no-untyped-call]


def _named(tags: Mapping[str, str]) -> dict[str, Any]:
    return {"site": tags["site"], "device": tags["device"], "name": tags["notice"]}


def points(message: Message, now: datetime) -> Iterator[Point]:
    """Make the points of one message that arrived ``now``."""
    tags = {"site": message.site, "device": message.device}
    match message:
        case WindowMessage():
            yield from _window(message)
        case HealthMessage():
            yield layout.HEALTH.point(tags, message.at, _declared(layout.HEALTH, message.model_dump()))
        case StatusMessage():
            at = message.since if message.online else now
            yield layout.STATUS.point(tags, at, _declared(layout.STATUS, message.model_dump()))
        case AlertMessage():
            values = _declared(layout.ALERT, message.model_dump())
            yield layout.ALERT.point({**tags, "fault": message.fault}, message.at, values)
        case NoticeMessage():
            values = {
                "active": message.active,
                "rule": message.rule,
                "people": message.count,
                "above": message.limit,
                "k": message.k,
            }
            yield layout.NOTICE.point({**tags, "notice": message.name}, message.at, values)
        case ProbeMessage():
            yield layout.PROBE.point(tags, message.at, {"nonce": message.nonce})


def _declared(measurement: Measurement, values: Mapping[str, Value | None]) -> dict[str, Value | None]:
    return {name: values[name] for name in measurement.fields}


def _window(message: WindowMessage) -> Iterator[Point]:
    # Most messages are windows. So no model_dump, which takes longer than all of this.
    totals, coverage = message.totals, message.coverage.share
    camera, at_ns = (message.site, message.device, message.camera), nanoseconds(message.start)
    yield layout.WINDOW.whole_point(camera, at_ns, {**vars(message), **vars(totals), "coverage": coverage})
    for name, door in totals.doors.items():
        yield DOOR.whole_point((*camera, name), at_ns, {**vars(door), "coverage": coverage})
    if message.cohort is not None:
        tags = dict(zip(layout.WINDOW.tags, camera, strict=True))
        yield from _cohort(message.cohort, message.start, tags)


def _cohort(cohort: Cohort, at: datetime, tags: Mapping[str, str]) -> Iterator[Point]:
    values = {
        **cohort.model_dump(),
        **timed(cohort),
        "described_of": described_of(cohort) or None,
        "since": nanoseconds(cohort.since),
    }
    yield layout.COHORT.point(tags, at, _declared(layout.COHORT, values))
    for name, measurement in layout.BREAKDOWNS.items():
        if (cells := getattr(cohort, name)) is not None:
            yield measurement.point(tags, at, _breakdown(cohort, name, cells))
    joint = joint_counts(cohort)
    for gender in cohort.gender_age_band or {}:
        if row := {band: count for (of, band), count in joint.items() if of == gender}:
            values = {**row, "released": readable(row)}
            yield layout.COHORT_GENDER_AGE_BAND.point({**tags, "gender": gender}, at, values)
    yield from place_points(cohort, at, tags)
    yield from clip_points(cohort.clips, at, tags)
    yield from noise_points(cohort, at, tags)


def _breakdown(cohort: Cohort, name: str, cells: Cells) -> dict[str, Value | None]:
    """Return every label, and the sums that shares are divided by.

    A label that is missing in the message means 0 and is written, so that an absent field means withheld.
    """
    if name not in ATTRIBUTES:
        counts = {label: cells.get(label, 0) for label in layout.BREAKDOWNS[name].labels}
        return {**counts, **_released(cohort, counts)}
    counts = list_counts(cohort, name)
    return {
        **counts,
        **_released(cohort, counts),
        "known": sum(counts[label] or 0 for label in ATTRIBUTES[name]),
        "unknown_of": None if counts[UNKNOWN] is None else cohort.described,
    }


def _released(cohort: Cohort, counts: Mapping[str, int | None]) -> dict[str, int]:
    released = readable(counts)
    return {"released": released, "withheld": cohort.visits - released}


def _refusal(error: ApiException, bucket: str) -> StoreRejected | StoreUnavailable:
    """Decide what a refusal means: these points can never be stored, or they are kept until a fault is fixed."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    text = f"InfluxDB answered {error.status}: {answered(error.body) or error.reason}"
    if any(words in body for words in _CONFLICT):
        return StoreUnavailable(
            f"{text}; another program wrote this field to bucket {bucket}: use a separate bucket for Footlight"
            f" (store.bucket), or delete that measurement in InfluxDB"
        )
    if _PARTIAL in body:
        return StoreRejected(text)
    return StoreUnavailable(text)
