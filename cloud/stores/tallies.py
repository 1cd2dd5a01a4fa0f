"""Tallies: what every analysis reads, and those of InfluxDB, which the rollup has written.

:mod:`cloud.stores.window_tallies` computes those of the embedded store from its windows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from cloud.domain.beside_tally import BesideTally
from cloud.domain.chain import Role, Site
from cloud.domain.clips import ToldClips
from cloud.domain.day_tallies import quarters, with_silent_days
from cloud.domain.floor_tally import FloorTally
from cloud.domain.labels import JOINT_LABELS, LABELS, WITHOUT_VERDICT
from cloud.domain.local_clock import hour_start
from cloud.domain.place_tally import DoorTally
from cloud.domain.tally import Tally, added_by
from cloud.domain.till import Kept
from cloud.stores import layout
from cloud.stores.clip_layout import COHORT_CLIP, clips_from
from cloud.stores.floor_days import DAY_HEAT, DAY_WAY, floor_from
from cloud.stores.forgotten import FORGOTTEN, Row, Tags, with_forgotten, without_forgotten
from cloud.stores.measurement import Measurement, Point, Value, moment
from cloud.stores.place_days import DAY_PLACE, places_from
from common.wire import WindowMessage

if TYPE_CHECKING:
    from cloud.stores.influxql import InfluxQL

_DAY = timedelta(days=1)
_PLAIN = (
    "open_s", "visits", "viewers", "cohort_visits", "dwell_sum_s", "attention_sum_s", "dwell_visits",
    "attention_visits", "attention_dwell_s", "demographics_visits", "expression_visits", "described", "described_of",
)  # fmt: skip
_BESIDE = tuple(BesideTally.__dataclass_fields__)
_DOORS = {f"door_{name}" if name == "watched_s" else name: name for name in DoorTally.__dataclass_fields__}
"""The fields about doors, each with its name in the tally."""
_MAY_BE_ABSENT = {
    *_DOORS,
    *(f"{attribute}_{label}" for attribute, labels in LABELS.items() for label in labels),
    *(layout.joint_field(*label) for label in JOINT_LABELS),
    FORGOTTEN,
}
"""The fields that not every point has."""


class Tallies(Protocol):
    """What every analysis reads. Both stores return the same for the same windows."""

    def tallies(self, sites: Sequence[str], first: date, last: date, role: Role) -> list[Tally]:
        """Return a tally of the cameras of ``role`` for each site and local day from ``first`` to ``last`` (included).

        They are sorted by site, then day. A day without data is missing. Raises ``StoreUnavailable``.
        """
        ...

    def quarters(self, site: str, first: date, last: date, role: Role) -> dict[datetime, Tally]:
        """Return the tallies of one site in quarters of an hour, by their start in UTC, for the whole local days.

        They are without places: few quarters have enough visits for them.
        """
        ...

    def floor(self, site: str, first: date, last: date, role: Role) -> FloorTally:
        """Return the heat and the ways of one site, summed over these days. Raises ``StoreUnavailable``."""
        ...

    def clips(self, site: str, start: datetime, end: datetime) -> list[ToldClips]:
        """Return what each cohort of the site that was released in [start, end) tells of the clips of a display.

        Raises ``StoreUnavailable``.
        """
        ...

    def sales(self, site: str, start: datetime, end: datetime) -> list[Kept]:
        """Return what the till told of the intervals that begin in [start, end), in order. Raises
        ``StoreUnavailable``."""
        ...


class Windows(Protocol):
    """A source of windows."""

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Return the windows of all cameras of a site that start in [start, end), by start, device, camera."""
        ...


class InfluxTallies:
    """``Tallies`` that the rollup has written: suitable for a chain."""

    def __init__(self, influxql: InfluxQL) -> None:
        self._influxql = influxql

    def tallies(self, sites: Sequence[str], first: date, last: date, role: Role) -> list[Tally]:
        if not sites:
            return []
        period = day_time(first), day_time(last) + _DAY
        # One by one: of two statements together, InfluxDB 1.8 does not say why the first one failed.
        (of_days,) = self._influxql.ask(layout.DAY.level, layout.DAY.select(sites, *period, role=role))
        places = self._rows(DAY_PLACE, sites, role, *period)
        found = [
            replace(
                _tally(series.tags["site"], role, row),
                places=places_from(places.get((series.tags["site"], row["time"]), ())),
            )
            for series in of_days
            for row in series
        ]
        return sorted(found, key=lambda t: (t.site, t.day))

    def quarters(self, site: str, first: date, last: date, role: Role) -> dict[datetime, Tally]:
        # A quarter's local day was decided in the site's time zone and is stored with it.
        period = day_time(first) - _DAY, day_time(last) + 2 * _DAY
        (answer,) = self._influxql.ask(
            layout.QUARTER.level, layout.QUARTER.select([site], *period, role=role)
        )
        found = ((moment(row["time"]), _tally(site, role, row)) for series in answer for row in series)
        return {at: part for at, part in sorted(found, key=lambda pair: pair[0]) if first <= part.day <= last}

    def known_days(self, sites: Sequence[str], first: date, last: date) -> set[tuple[str, str, date]]:
        """Return the sites, roles and days that have a tally. Raises ``StoreUnavailable``."""
        dates = replace(layout.DAY, fields={"date": layout.DAY.fields["date"]})
        (answer,) = self._influxql.ask(
            layout.DAY.level, dates.select(sites, day_time(first), day_time(last) + _DAY)
        )
        return {
            (series.tags["site"], series.tags["role"], date.fromisoformat(row["date"]))
            for series in answer
            for row in series
        }

    def stored_fields(
        self, measurement: Measurement, site: str, role: Role, start: datetime, end: datetime
    ) -> dict[datetime, frozenset[str]]:
        """Return which of the optional fields each point of a site and role has, by its time.

        Raises ``StoreUnavailable``.
        """
        some = {name: field for name, field in measurement.fields.items() if name in _MAY_BE_ABSENT}
        narrowed = replace(measurement, fields=some)
        (answer,) = self._influxql.ask(measurement.level, narrowed.select([site], start, end, role=role))
        return {
            moment(row["time"]): frozenset(name for name in some if row[name] is not None)
            for series in answer
            for row in series
        }

    def stored_points(
        self, measurement: Measurement, site: str, role: Role, start: datetime, end: datetime
    ) -> dict[datetime, dict[Tags, frozenset[str]]]:
        """Return which fields each point of a site and role has, by its time and its other tags.

        Raises ``StoreUnavailable``.
        """
        return {
            moment(at): {
                tags: frozenset(name for name in measurement.fields if row[name] is not None)
                for tags, row in rows
            }
            for (_, at), rows in self._rows(measurement, [site], role, start, end).items()
        }

    def floor(self, site: str, first: date, last: date, role: Role) -> FloorTally:
        period = day_time(first), day_time(last) + _DAY
        heat, ways = (self._rows(one, [site], role, *period) for one in (DAY_HEAT, DAY_WAY))
        return sum(
            (floor_from(heat.get(key, ()), ways.get(key, ())) for key in sorted({*heat, *ways})), FloorTally()
        )

    def clips(self, site: str, start: datetime, end: datetime) -> list[ToldClips]:
        (answer,) = self._influxql.ask(COHORT_CLIP.level, COHORT_CLIP.select([site], start, end))
        cohorts: dict[tuple[str, str, int], list[Row]] = {}
        for series in answer:
            camera = series.tags["device"], series.tags["camera"]
            for row in series:
                cohorts.setdefault((*camera, row["time"]), []).append({**series.tags, **row})
        return [
            ToldClips(device, moment(at), clips_from(rows))
            for (device, _camera, at), rows in sorted(cohorts.items())
        ]

    def sales(self, site: str, start: datetime, end: datetime) -> list[Kept]:
        """Return nothing: the till is not in InfluxDB, and ``TillTallies`` reads it."""
        return []

    def _rows(
        self, measurement: Measurement, sites: Sequence[str], role: Role, start: datetime, end: datetime
    ) -> dict[tuple[str, int], list[tuple[Tags, Row]]]:
        """Return the points by site and time, each with its tags after site and role. Raises ``StoreUnavailable``."""
        (answer,) = self._influxql.ask(measurement.level, measurement.select(sites, start, end, role=role))
        found: dict[tuple[str, int], list[tuple[Tags, Row]]] = {}
        for series in answer:
            tags = tuple(series.tags[name] for name in measurement.tags[2:])
            for row in series:
                found.setdefault((series.tags["site"], row["time"]), []).append((tags, row))
        return found


def days(first: date, last: date) -> list[date]:
    """List each date from ``first`` to ``last``, both included."""
    return [first + index * _DAY for index in range((last - first).days + 1)]


def every_day(source: Tallies, sites: Collection[Site], first: date, last: date, role: Role) -> list[Tally]:
    """Return a tally of each site and local day, also of days without data, by site, then day.

    Raises ``StoreUnavailable``.
    """
    found = source.tallies([site.name for site in sites], first, last, role)
    return with_silent_days(found, sites, days(first, last), role)


def open_quarters(source: Tallies, site: Site, first: date, last: date, role: Role) -> dict[datetime, Tally]:
    """Return every quarter of an hour in which the site is open, including those without data."""
    stored = source.quarters(site.name, first, last, role)
    known = {part.day for part in stored.values()}
    silent = [day for day in days(first, last) if day not in known]
    found = {**stored, **{at: part for day in silent for at, part in quarters((), site, day, role).items()}}
    return {at: part for at, part in sorted(found.items()) if part.open_s > 0}


def open_hours(source: Tallies, site: Site, first: date, last: date, role: Role) -> dict[datetime, Tally]:
    """Return a tally of each hour of the local clock in which the site is open, by its start in UTC.

    Raises ``StoreUnavailable``.
    """
    return added_by(open_quarters(source, site, first, last, role), lambda at: hour_start(at, site.zone))


def day_time(day: date) -> datetime:
    """Return the time of a point about a date: noon UTC, which is on that date in every time zone from -12 to +11 h.

    A local midnight could be the day before in UTC, and would move when a site's time zone is corrected.
    """
    return datetime.combine(day, time(12), UTC)


def tally_point(measurement: Measurement, value: Tally, at: datetime, stored: Collection[str] = ()) -> Point:
    """Make a point of ``quarter`` or ``day`` from a tally, without places. Withheld or unreleased counts have no field.

    Fields that only the ``stored`` point has are forgotten.
    """
    counts = {name: count for name, count in _by_field(value).items() if count is not None}
    values: dict[str, Value | None] = {
        **{name: getattr(value, name) for name in _PLAIN},
        **{name: getattr(value.beside, name) for name in _BESIDE},
        "date": value.day.isoformat(),
        "with_gender": value.demographics_visits
        - sum(value.gender.get(label) or 0 for label in WITHOUT_VERDICT),
        "covered_s": value.covered_s,
        "exposure_s": value.exposure_s,
        "cameras": ",".join(f"{camera}={seconds!r}" for camera, seconds in value.watched_s.items()),
        "models": _joined(value.models),
        "calibrations": _joined(value.calibrations),
        **with_forgotten(counts, stored),
    }
    return measurement.point({"site": value.site, "role": value.role}, at, values)


def _by_field(value: Tally) -> dict[str, Value | None]:
    return {
        **({name: getattr(value.doors, of) for name, of in _DOORS.items()} if value.doors else {}),
        **{f"gender_{label}": count for label, count in value.gender.items()},
        **{f"age_band_{label}": count for label, count in value.age_band.items()},
        **{layout.joint_field(*label): count for label, count in value.gender_age_band.items()},
        **{f"expression_{label}": count for label, count in value.expression.items()},
    }


def _tally(site: str, role: Role, row: Row) -> Tally:
    # A point from before visits were people has no such counts: its breakdowns are of faces and not used.
    plain: dict[str, Any] = {name: 0 if row[name] is None else row[name] for name in _PLAIN}
    if row["described_of"] is None:
        plain["described"] = 0
    people, faces = plain["demographics_visits"] > 0, plain["expression_visits"] > 0
    row = without_forgotten(row)
    return Tally(
        site=site,
        role=role,
        day=date.fromisoformat(row["date"]),
        watched_s={
            camera: float(seconds)
            for camera, _, seconds in (part.partition("=") for part in row["cameras"].split(",") if part)
        },
        **plain,
        gender={label: row[f"gender_{label}"] for label in LABELS["gender"]} if people else {},
        age_band={label: row[f"age_band_{label}"] for label in LABELS["age_band"]} if people else {},
        gender_age_band={label: row[layout.joint_field(*label)] for label in JOINT_LABELS} if people else {},
        expression={label: row[f"expression_{label}"] for label in LABELS["expression"]} if faces else {},
        models=_parted(row["models"]),
        calibrations=_parted(row["calibrations"]),
        doors=None
        if row["entries"] is None
        else DoorTally(**{name: row[field] for field, name in _DOORS.items()}),
        # Points from before have none of these.
        beside=BesideTally(**{name: row[name] or 0 for name in _BESIDE}),
    )


def _joined(versions: frozenset[str]) -> str:
    return ",".join(sorted(versions))


def _parted(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) - {""}
