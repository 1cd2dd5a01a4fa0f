"""Answers of the API as tables: one row for each day, hour, label or place. Rows and columns have a fixed order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from cloud.analysis.estimates import estimate
from cloud.api import ask, figures
from cloud.api.answers import CohortsAnswer, Counted, DayAnswer, Doors, HourAnswer, MetricAnswer, Till
from cloud.api.clip_answers import ClipAnswer, EffectAnswer
from cloud.api.endpoints import MOST_DAYS, MOST_DAYS_BY_HOUR, Period, Table
from cloud.api.place_answers import QueueAnswer, TargetAnswer, ZoneAnswer
from cloud.domain.time_bins import TIME_BINS
from cloud.stores.check_file import CheckFile

Value = str | int | float | date | datetime | None
Kind = type[str] | type[int] | type[float] | type[date] | type[datetime]
_KINDS: Final = (int, float, date, datetime, str)
BREAKDOWNS: Final = ("gender", "age_band", "gender_age_band", "expression")
_PLACES: Final[Mapping[str, type[BaseModel]]] = {
    "zone": ZoneAnswer,
    "queue": QueueAnswer,
    "target": TargetAnswer,
}
_BINS: Final = {"queue": "waiting", "target": "attention"}
_INTERVALS: Final = ("interval", "corrected_interval")
_EFFECTS: Final = ("attention", "entries", "sales", "conversion")
_CORRECTED: Final = "entries_corrected"
_RANGES: Final = ("median_s", "ninth_decile_s", "interest_interval_s")


@dataclass(frozen=True, slots=True)
class TableOf:
    """A table about one site and role. Every row has a value for each column; None is an empty cell."""

    name: Table
    site: str
    zone: ZoneInfo
    first: date
    last: date
    columns: Mapping[str, Kind]
    rows: Sequence[Sequence[Value]]

    @property
    def file(self) -> str:
        """The name of its file, without suffix."""
        return f"footlight-{self.site}-{self.name}-{self.first}-{self.last}"


def table_of(
    name: Table,
    shops: ask.Source,
    site: str,
    period: Period,
    now: datetime,
    *,
    bounded: bool,
    checks: CheckFile | None = None,
) -> TableOf:
    """Return a table of a period; ``bounded`` as an answer of the API is. ``checks`` correct the entries.

    Raises ``UnknownSite``, ``UserError`` or ``StoreUnavailable``.
    """
    usual = MOST_DAYS_BY_HOUR if name == "hours" else MOST_DAYS
    asked = ask.choose(shops, site, period, now, most=usual if bounded else None)
    columns, rows = _MAKERS[name](asked, checks)
    before: dict[str, Kind] = {"site": str, "role": str}
    return TableOf(
        name=name,
        site=site,
        zone=asked.site.zone,
        first=asked.first,
        last=asked.last,
        columns={**before, **columns},
        rows=[(site, asked.role, *(row.get(column) for column in columns)) for row in rows],
    )


Made = tuple[dict[str, Kind], Iterable[Mapping[str, Any]]]


def _days(asked: ask.Chosen, checks: CheckFile | None) -> Made:
    columns = {"date": date, **_counted(), **_columns(Till), "models": str, "calibrations": str}
    columns |= {_CORRECTED: float, **_ends([f"{_CORRECTED}_interval"])}
    return columns, (_flat(one) for one in ask.every_day_of(asked, checks))


def _hours(asked: ask.Chosen, _checks: CheckFile | None) -> Made:
    found = figures.every_hour(asked.tallies, asked.site, asked.first, asked.last, asked.role)
    columns = {"start": datetime, **_counted()}
    return columns, map(_flat, found)


def _cohorts(asked: ask.Chosen, _checks: CheckFile | None) -> Made:
    columns = {"date": date, "breakdown": str, "label": str, "visits": int, "of": int, "withheld": int}
    return columns, (row for day in figures.cohorts(ask.by_day(asked)) for row in _cells(day))


def _places(asked: ask.Chosen, _checks: CheckFile | None) -> Made:
    columns: dict[str, Kind] = {"date": date, "kind": str}
    for kind, model in _PLACES.items():
        columns |= _columns(model, without=(*_RANGES, *_BINS.values()))
        columns |= _ends(name for name in model.model_fields if name in _RANGES)
        columns |= dict.fromkeys(_bins(kind), int)
    return columns, (row for one in ask.by_day(asked) for row in _places_of(one.day, figures.places(one)))


def _metrics(asked: ask.Chosen, checks: CheckFile | None) -> Made:
    columns = {"date": date, **_columns(MetricAnswer, without=(*_INTERVALS, "sources")), **_ends(_INTERVALS)}
    return columns, (
        {
            "date": one.day,
            **_with_ends(figures.metric(estimate(formula, [one], doors)).model_dump(), _INTERVALS),
        }
        for one, doors in ask.checked_days(asked, checks)
        for formula in asked.formulas
    )


def _clips(asked: ask.Chosen, _checks: CheckFile | None) -> Made:
    columns = _columns(ClipAnswer, without=_EFFECTS)
    for effect in _EFFECTS:
        of_effect = {**_columns(EffectAnswer, without=("interval",)), **_ends(["interval"])}
        columns |= {f"{effect}_{name}": kind for name, kind in of_effect.items()}
    return columns, (_clip(one) for one in ask.clips_of(asked))


def _clip(answer: ClipAnswer) -> dict[str, Any]:
    values = answer.model_dump()
    for effect in _EFFECTS:
        told = _with_ends(values.pop(effect) or {}, ["interval"])
        values |= {f"{effect}_{name}": value for name, value in told.items()}
    return values


_MAKERS: Final = {
    "days": _days,
    "hours": _hours,
    "cohorts": _cohorts,
    "places": _places,
    "metrics": _metrics,
    "clips": _clips,
}


def _counted() -> dict[str, Kind]:
    return {**_columns(Counted, without=("doors",)), **{_door(n): k for n, k in _columns(Doors).items()}}


def _door(name: str) -> str:
    return "door_watched_s" if name == "watched_s" else name


def _flat(answer: DayAnswer | HourAnswer) -> dict[str, Any]:
    values = _with_ends(answer.model_dump(exclude={"doors", "till"}), [f"{_CORRECTED}_interval"])
    for versions in ("models", "calibrations"):
        if versions in values:
            values[versions] = " ".join(values[versions])
    doors = answer.doors.model_dump() if answer.doors else {}
    if isinstance(answer, DayAnswer) and answer.till:
        values |= answer.till.model_dump()
    return {**values, **{_door(name): value for name, value in doors.items()}}


def _cells(day: CohortsAnswer) -> Iterator[dict[str, Any]]:
    for name in BREAKDOWNS:
        if (breakdown := getattr(day, name)) is not None:
            for label, count in breakdown.counts.items():
                yield {
                    "date": day.date,
                    "breakdown": name,
                    "label": label,
                    "visits": count,
                    "of": breakdown.visits,
                    "withheld": breakdown.withheld,
                }


def _places_of(day: date, told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in _PLACES:
        for place in told[f"{kind}s"]:
            values = place.model_dump()
            bins = values.pop(_BINS[kind]) if kind in _BINS else {}
            values = _with_ends(values, _RANGES)
            named = {f"{_BINS[kind]}_{label}": count for label, count in bins.items()}
            yield {"date": day, "kind": kind, **values, **named}


def _bins(kind: str) -> list[str]:
    return [f"{_BINS[kind]}_{label}" for label in TIME_BINS] if kind in _BINS else []


def _with_ends(values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Put two columns in place of each interval."""
    for name in names:
        low, high = values.pop(name, None) or (None, None)
        values |= {f"{name}_low": low, f"{name}_high": high}
    return values


def _ends(names: Iterable[str]) -> dict[str, Kind]:
    return {f"{name}_{end}": float for name in names for end in ("low", "high")}


def _columns(model: type[BaseModel], *, without: Sequence[str] = ()) -> dict[str, Kind]:
    """Return the plain fields of a model with their kinds."""
    return {
        name: _kind(field.annotation) for name, field in model.model_fields.items() if name not in without
    }


def _kind(annotation: Any) -> Kind:
    """Return the kind of a type, or of the type inside an optional one; a literal is text."""
    options = [annotation, *get_args(annotation)]
    return next((kind for kind in _KINDS if kind in options), str)
