"""Tallies from either store: worked out from the windows of the embedded one, read from InfluxDB's day level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from cloud.domain.chain import Chain
from cloud.domain.tally import (
    AGE_BAND_LABELS,
    EXPRESSION_LABELS,
    GENDER_LABELS,
    JOINT_LABELS,
    Tally,
    quarters,
    tally,
)
from cloud.stores import layout
from cloud.stores.measurement import Measurement, Point, Value, moment
from common.wire import WindowMessage

if TYPE_CHECKING:
    from cloud.stores.influxql import InfluxQL

_DAY = timedelta(days=1)
_PLAIN = (
    "open_s", "covered_s", "visits", "viewers", "cohort_visits", "dwell_sum_s", "attention_sum_s", "withheld",
)  # fmt: skip


class Tallies(Protocol):
    """What every analysis reads. Both stores give the same for what both hold."""

    def tallies(self, sites: Sequence[str], first: date, last: date) -> list[Tally]:
        """One tally for each site and local day from ``first`` to ``last``, both included, by site, then day.

        A day that nothing is known of is missing. Raises ``StoreUnavailable``.
        """
        ...

    def quarters(self, site: str, first: date, last: date) -> dict[datetime, Tally]:
        """The same of one site in quarters of an hour, by their start in UTC, for the whole local days."""
        ...


class Windows(Protocol):
    """Where windows are read from."""

    def windows(self, site: str, start: datetime, end: datetime) -> list[WindowMessage]:
        """Windows of all cameras of a site that start within [start, end), by start, device, camera."""
        ...


class WindowTallies:
    """``Tallies`` worked out from windows whenever they are asked for: right for one shop."""

    def __init__(self, windows: Windows, chain: Chain) -> None:
        self._windows, self._chain = windows, chain

    def tallies(self, sites: Sequence[str], first: date, last: date) -> list[Tally]:
        return [
            tally(windows, site, day)
            for site in (self._chain.sites[name] for name in sorted(sites))
            for day in days(first, last)
            if (windows := self._windows.windows(site.name, *site.local_day(day)))
        ]

    def quarters(self, site: str, first: date, last: date) -> dict[datetime, Tally]:
        of = self._chain.sites[site]
        return {
            at: part
            for day in days(first, last)
            if (windows := self._windows.windows(site, *of.local_day(day)))
            for at, part in quarters(windows, of, day).items()
        }


class InfluxTallies:
    """``Tallies`` that the rollup has written: right for a chain."""

    def __init__(self, influxql: InfluxQL) -> None:
        self._influxql = influxql

    def tallies(self, sites: Sequence[str], first: date, last: date) -> list[Tally]:
        if not sites:
            return []
        period = day_time(first), day_time(last) + _DAY
        (answer,) = self._influxql.ask(layout.DAY.level, layout.DAY.select(sites, *period))
        found = [_tally(series.tags["site"], row) for series in answer for row in series]
        return sorted(found, key=lambda t: (t.site, t.day))

    def quarters(self, site: str, first: date, last: date) -> dict[datetime, Tally]:
        # Which day a quarter is of was decided in the store's time zone, and is written in it.
        period = day_time(first) - _DAY, day_time(last) + 2 * _DAY
        (answer,) = self._influxql.ask(layout.QUARTER.level, layout.QUARTER.select([site], *period))
        found = ((moment(row["time"]), _tally(site, row)) for series in answer for row in series)
        return {at: part for at, part in sorted(found, key=lambda pair: pair[0]) if first <= part.day <= last}


def days(first: date, last: date) -> list[date]:
    """Each date from ``first`` to ``last``, both included."""
    return [first + index * _DAY for index in range((last - first).days + 1)]


def day_time(day: date) -> datetime:
    """The time of a point about a date: noon UTC, which is that date in every time zone from -12 to +11 hours.
    A local midnight would be the day before in UTC, and move when a site's time zone is corrected."""
    return datetime.combine(day, time(12), UTC)


def tally_point(measurement: Measurement, value: Tally, at: datetime) -> Point:
    """A tally as a point of ``quarter`` or ``day``. Every field is written, so that a rewrite leaves nothing old."""
    values: dict[str, Value | None] = {name: getattr(value, name) for name in _PLAIN}
    values["date"] = value.day.isoformat()
    values["models"], values["calibrations"] = _joined(value.models), _joined(value.calibrations)
    for prefix, counts in (
        ("gender", value.gender),
        ("age_band", value.age_band),
        ("expression", value.expression),
    ):
        values |= {f"{prefix}_{label}": counts[label] for label in counts}
    values |= {layout.joint_field(*label): count for label, count in value.gender_age_band.items()}
    return measurement.point({"site": value.site}, at, values)


def _tally(site: str, row: Mapping[str, Any]) -> Tally:
    return Tally(
        site=site,
        day=date.fromisoformat(row["date"]),
        **{name: row[name] for name in _PLAIN},
        gender={label: row[f"gender_{label}"] for label in GENDER_LABELS},
        age_band={label: row[f"age_band_{label}"] for label in AGE_BAND_LABELS},
        gender_age_band={label: row[layout.joint_field(*label)] for label in JOINT_LABELS},
        expression={label: row[f"expression_{label}"] for label in EXPRESSION_LABELS},
        models=_parted(row["models"]),
        calibrations=_parted(row["calibrations"]),
    )


def _joined(versions: frozenset[str]) -> str:
    return ",".join(sorted(versions))


def _parted(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) - {""}
