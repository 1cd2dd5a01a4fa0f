"""Reads windows from InfluxDB, identical to those of the embedded store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cloud.domain.chain import Site
from cloud.domain.labels import JOINT_LABELS
from cloud.stores import layout
from cloud.stores import place_layout as places
from cloud.stores.clip_layout import COHORT_CLIP, clips_from
from cloud.stores.measurement import Measurement, moment, nanoseconds, quoted
from common.wire import Cells, Cohort, Coverage, Totals, WindowMessage

if TYPE_CHECKING:
    from cloud.stores.influxql import InfluxQL, Series

_JOINT = layout.COHORT_GENDER_AGE_BAND
_MEASUREMENTS = (
    layout.WINDOW,
    layout.COHORT,
    *layout.BREAKDOWNS.values(),
    _JOINT,
    *places.OF_PLACES,
    COHORT_CLIP,
)
# Looked up once: a rollup builds hundreds of thousands of windows.
_TOTALS = tuple(Totals.model_fields.keys() - {"doors"})
_OF_COHORT = (
    "occupancy_mean", "occupancy_max", "dwell_sum_s", "attention_sum_s", "described", "staff_excluded", "members",
)  # fmt: skip
_PLAIN = tuple((WindowMessage.model_fields.keys() & layout.WINDOW.fields.keys()) - {"coverage"})

Key = tuple[str, str, int]
"""Device, camera and start in nanoseconds."""
Row = Mapping[str, Any]
"""One point: its tags and fields."""


class InfluxWindows:
    """The windows of one InfluxDB. They were validated before they were stored, so they are not validated again."""

    def __init__(self, influxql: InfluxQL) -> None:
        self._influxql = influxql

    def sites(self) -> list[str]:
        """Return every site that has windows, sorted by name. Raises ``StoreUnavailable``."""
        (answer,) = self._influxql.ask("raw", f"SHOW TAG VALUES FROM {layout.WINDOW.name} WITH KEY = site")
        return sorted(row["value"] for series in answer for row in series)

    def days(self, site: Site, first: date, last: date) -> list[date]:
        """Return the local days from ``first`` to ``last`` that have windows. Raises ``StoreUnavailable``."""
        start, end = site.local_day(first)[0], site.local_day(last)[1]
        period = f"time >= {nanoseconds(start)} AND time < {nanoseconds(end)}"
        question = (
            f'SELECT count("visits") FROM {layout.WINDOW.name} WHERE site = {quoted(site.name)} AND {period}'  # noqa: S608
            f" GROUP BY time(1d) fill(none) tz({quoted(site.timezone)})"
        )
        (answer,) = self._influxql.ask("raw", question)
        # A day starts at local midnight; six hours later it is still that day, also when the clocks change.
        return sorted(
            {
                (moment(row["time"]) + timedelta(hours=6)).astimezone(site.zone).date()
                for s in answer
                for row in s
            }
        )

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Return the windows of all cameras of a site that start in [start, end), by start, device, camera.

        They are equal to what was written, except that a missing label is 0, and noise and a withheld zone, queue or
        target are missing. Raises ``StoreUnavailable``.
        """
        answers = self._influxql.ask("raw", *(one.select([site], start, end) for one in _MEASUREMENTS))
        tables = {m.name: _points(answer) for m, answer in zip(_MEASUREMENTS, answers, strict=True)}
        found = [_window(site, key, points[0], tables) for key, points in tables[layout.WINDOW.name].items()]
        return sorted(found, key=lambda w: (w.start, w.device, w.camera))


def _points(answer: Iterable[Series]) -> dict[Key, list[Row]]:
    points: dict[Key, list[Row]] = {}
    for series in answer:
        device, camera = series.tags["device"], series.tags["camera"]
        for row in series:
            points.setdefault((device, camera, row["time"]), []).append({**series.tags, **row})
    return points


def _window(
    site: str, key: Key, row: Row, tables: Mapping[str, Mapping[Key, Sequence[Row]]]
) -> WindowMessage:
    device, camera, start_ns = key
    return WindowMessage.model_construct(
        site=site,
        device=device,
        camera=camera,
        start=moment(start_ns),
        totals=Totals.model_construct(
            **{name: row[name] for name in _TOTALS},
            doors=places.doors_from(tables[places.DOOR.name].get(key, ())),
        ),
        coverage=Coverage.model_construct(share=row["coverage"]),
        cohort=_cohort({name: points[key] for name, points in tables.items() if key in points}),
        **{name: row[name] for name in _PLAIN},
    )


def _cohort(points: Mapping[str, Sequence[Row]]) -> Cohort | None:
    """Return the cohort that came with one window, from its points by measurement."""
    if layout.COHORT.name not in points:
        return None
    row = points[layout.COHORT.name][0]
    tables = {name: _cells(m, points.get(m.name, ())) for name, m in layout.BREAKDOWNS.items()}
    return Cohort.model_construct(
        since=moment(row["since"]),
        visits=row["visits"],
        **{name: row[name] for name in _OF_COHORT},
        dwell=tables["dwell"] or dict.fromkeys(layout.BREAKDOWNS["dwell"].labels),
        attention=tables["attention"] or dict.fromkeys(layout.BREAKDOWNS["attention"].labels),
        gender=tables["gender"],
        age_band=tables["age_band"],
        expression=tables["expression"],
        gender_age_band=_joint(points.get(_JOINT.name, ())),
        zones=places.zones_from(
            points.get(places.COHORT_ZONE.name, ()), points.get(places.COHORT_QUEUE.name, ())
        ),
        targets=places.targets_from(points.get(places.COHORT_TARGET.name, ())),
        clips=clips_from(points.get(COHORT_CLIP.name, ())),
        heat=places.heat_from(points.get(places.COHORT_HEAT.name, ())),
        ways=places.ways_from(points.get(places.COHORT_WAYS.name, ())),
    )


def _cells(measurement: Measurement, points: Sequence[Row]) -> Cells | None:
    return {label: points[0][label] for label in measurement.labels} if points else None


def _joint(points: Sequence[Row]) -> dict[str, Cells] | None:
    if not points:
        return None
    rows = {row["gender"]: row for row in points}
    table: dict[str, Cells] = {}
    for gender, band in JOINT_LABELS:
        table.setdefault(gender, {})[band] = rows[gender][band] if gender in rows else 0
    return table
