"""How InfluxDB is laid out: every measurement with its tags and fields, said once. The points are made from it, and
so is docs/storage.md.

A label is a field, not a tag: labels as tags would cost a camera some sixty series instead of ten. A withheld cell is
absent, 0 is a fact. There are three levels, each a database (1.8), bucket (2.x) or database (3.x) of its own, because
that is what a retention time belongs to in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict, get_args, get_origin

from pydantic import BaseModel

from cloud.tally import AGE_BAND_LABELS, EXPRESSION_LABELS, GENDER_LABELS, JOINT_LABELS
from edge.wire import (
    DWELL_BINS_S,
    Coverage,
    HealthMessage,
    StatusMessage,
    Totals,
    WindowMessage,
    bin_label,
)

Level = Literal["raw", "quarter", "day"]
LEVELS: tuple[Level, ...] = get_args(Level)
Kind = Literal["integer", "float", "boolean", "string"]
Value = str | float | int | bool
_KINDS: Mapping[type, Kind] = {int: "integer", float: "float", bool: "boolean", str: "string"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Point(TypedDict):
    """One point as influxdb-client takes it; ``time`` in nanoseconds."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time: int


@dataclass(frozen=True, slots=True)
class Field:
    """What a field holds. InfluxDB fixes the kind with the first point and refuses others."""

    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement. Its tags and the time are the identity of a point, so that a rewrite overwrites."""

    name: str
    level: Level
    tags: tuple[str, ...]
    time: str
    """What the time of a point is."""
    fields: Mapping[str, Field]

    @property
    def labels(self) -> tuple[str, ...]:
        """Of a breakdown: the fields that count the visits of one label."""
        return tuple(name for name in self.fields if name not in _READABLE)

    def point(self, tags: Mapping[str, str], at: datetime, values: Mapping[str, Value | None]) -> Point:
        """``values`` by field; None is left out. Raises ``KeyError`` for what is not in the layout."""
        given = {name: (self.fields[name].kind, value) for name, value in values.items() if value is not None}
        return {
            "measurement": self.name,
            "tags": {name: tags[name] for name in self.tags},
            # A float that happens to be whole is still a float.
            "fields": {n: float(value) if kind == "float" else value for n, (kind, value) in given.items()},
            "time": nanoseconds(at),
        }

    def select(self, sites: Sequence[str], start: datetime, end: datetime) -> str:
        """InfluxQL for all fields of the points of ``sites``, at least one, with a time in [start, end); the answer
        has a series for each set of tags."""
        fields = ", ".join(f'"{name}"' for name in self.fields)
        chosen = " OR ".join(f"site = {_quoted(site)}" for site in sites)
        period = f"time >= {nanoseconds(start)} AND time < {nanoseconds(end)}"
        return (
            f"SELECT {fields} FROM {self.name} WHERE ({chosen}) AND {period} GROUP BY {', '.join(self.tags)}"  # noqa: S608
        )


def bucket_of(bucket: str, level: Level) -> str:
    """Where a level is: in the configured bucket itself, or beside it. A retention policy is that of the raw level."""
    return bucket if level == "raw" else f"{bucket.partition('/')[0]}_{level}"


def nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fields(model: type[BaseModel], *, without: tuple[str, ...] = ()) -> dict[str, Field]:
    """The plain fields of a message."""
    return {
        name: Field(_kind(about.annotation), about.description or "")
        for name, about in model.model_fields.items()
        if name not in without
    }


def _kind(annotation: object) -> Kind:
    """The kind of a type, of the type in an optional one, or of the values of a literal."""
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) is Literal:
        return _KINDS[type(arguments[0])]
    if arguments:
        return _kind(arguments[0])
    assert isinstance(annotation, type)
    return _KINDS[annotation]


def _counts(labels: tuple[str, ...], meaning: str) -> dict[str, Field]:
    return dict.fromkeys(labels, Field("integer", meaning))


def joint_field(gender: str, age_band: str) -> str:
    """The field of a tally that counts visits of a gender and age band."""
    return f"gender_age_band_{gender}_{age_band}"


_DEVICE, _CAMERA = ("site", "device"), ("site", "device", "camera")
_START = "start of the window"
_BINS = tuple(bin_label(edge) for edge in DWELL_BINS_S)

WINDOW = Measurement(
    "window",
    "raw",
    _CAMERA,
    _START,
    {
        **_fields(Totals),
        "coverage": _fields(Coverage)["share"],
        **_fields(Coverage, without=("share",)),
        **_fields(
            WindowMessage,
            without=("kind", *_CAMERA, "start", "totals", "coverage", "cohort"),
        ),
    },
)
COHORT = Measurement(
    "cohort",
    "raw",
    _CAMERA,
    _START,
    {
        "visits": Field("integer", "visits in the cohort"),
        "dwell_sum_s": Field("float", "sum of their dwell times"),
        "attention_sum_s": Field("float", "sum of their attention times"),
        "since": Field("integer", "start of the first window whose visits are in here, in ns"),
    },
)
_READABLE = {
    "released": Field(
        "integer", "visits in the cells that can be read: InfluxQL cannot add up what may be absent"
    ),
    "withheld": Field("integer", "visits of the cohort in cells that are withheld"),
}
BREAKDOWNS: Mapping[str, Measurement] = {
    name: Measurement(f"cohort_{name}", "raw", _CAMERA, _START, {**_counts(labels, meaning), **_READABLE})
    for name, labels, meaning in (
        ("dwell", _BINS, "visits by dwell time; the name is the lower edge in seconds"),
        ("attention", _BINS, "visits by attention time, likewise"),
        ("gender", GENDER_LABELS, "visits by gender"),
        ("age_band", AGE_BAND_LABELS, "visits by age band"),
        ("expression", EXPRESSION_LABELS, "visits by expression"),
    )
}
COHORT_GENDER_AGE_BAND = Measurement(
    "cohort_gender_age_band",
    "raw",
    (*_CAMERA, "gender"),
    _START,
    {**_counts(AGE_BAND_LABELS, "visits of this gender by age band"), "released": _READABLE["released"]},
)
COHORT_ZONE = Measurement(
    "cohort_zone",
    "raw",
    (*_CAMERA, "zone"),
    _START,
    {"visits": Field("integer", "visits that were in the zone")},
)
HEALTH = Measurement(
    "health", "raw", _DEVICE, "`at` of the message", _fields(HealthMessage, without=("kind", *_DEVICE, "at"))
)
STATUS = Measurement(
    "status",
    "raw",
    _DEVICE,
    "`since` of the message; when it says offline, the time of its arrival, for a last will cannot know",
    _fields(StatusMessage, without=("kind", *_DEVICE, "since")),
)
ALERT = Measurement(
    "alert",
    "raw",
    (*_DEVICE, "fault"),
    "`at` of the message",
    {
        "active": Field("boolean", "whether the fault began or ended"),
        "text": Field("string", "what is wrong, in words"),
    },
)

DEAD_LETTER = Measurement(
    "dead_letter",
    "raw",
    _DEVICE,
    "when the bridge gave it up",
    {"reason": Field("string", "why a message of this device could not be stored")},
)

_TALLY = {
    "date": Field("string", "the local day, as in 2026-03-02"),
    "open_s": Field("float", "opening time"),
    "covered_s": Field(
        "float", "how much of it was watched, as the mean of the cameras that reported on that day"
    ),
    "visits": Field("integer", "visits while the store was open; so with everything here"),
    "viewers": Field("integer", "those of them that faced the camera at least once"),
    "cohort_visits": Field("integer", "visits that were released in cohorts"),
    "dwell_sum_s": Field("float", "sum of dwell times over the cohorts"),
    "attention_sum_s": Field("float", "sum of attention times over the cohorts"),
    "withheld": Field("integer", "visits in cohorts whose cell by gender and age band was withheld"),
    "models": Field("string", "versions of the models in use, with commas between"),
    "calibrations": Field("string", "versions of the calibrations in use, likewise"),
    **_counts(tuple(f"gender_{label}" for label in GENDER_LABELS), "visits in cohorts by gender"),
    **_counts(tuple(f"age_band_{label}" for label in AGE_BAND_LABELS), "visits in cohorts by age band"),
    **_counts(
        tuple(joint_field(*label) for label in JOINT_LABELS),
        "visits in cohorts by gender and age band",
    ),
    **_counts(tuple(f"expression_{label}" for label in EXPRESSION_LABELS), "visits in cohorts by expression"),
}
QUARTER = Measurement("quarter", "quarter", ("site",), "start of the quarter of an hour", _TALLY)
DAY = Measurement("day", "day", ("site",), "noon UTC of the local date", _TALLY)
CORRECTED = Measurement(
    "corrected",
    "day",
    ("site", "attribute", "label"),
    "noon UTC of the local date",
    {
        "raw": Field("float", "share of the label among the visits with a known verdict, as counted"),
        "corrected": Field(
            "float", "the same, corrected for the mistakes of the models; absent where it cannot be"
        ),
        "low": Field("float", "lower end of the 95 % interval"),
        "high": Field("float", "upper end of the 95 % interval"),
        "visits": Field("integer", "visits that it rests on, those with the verdict unknown included"),
    },
)

SITE = Measurement(
    "site",
    "day",
    ("site", "chain", "region", "timezone"),
    "noon UTC of the last day that was rolled up",
    {
        "title": Field("string", "what people call the store"),
        "latitude": Field("float", "where it is, in degrees"),
        "longitude": Field("float", "likewise"),
    },
)
ANNOTATION = Measurement(
    "annotation",
    "day",
    ("site",),
    "when it begins",
    {
        "words": Field("string", "what explains the figures, such as a promotion"),
        "end_ms": Field("integer", "when it ends, in ms since 1970"),
    },
)

MEASUREMENTS = (
    WINDOW, COHORT, *BREAKDOWNS.values(), COHORT_GENDER_AGE_BAND, COHORT_ZONE, HEALTH, STATUS, ALERT, DEAD_LETTER,
    QUARTER, DAY, CORRECTED, SITE, ANNOTATION,
)  # fmt: skip
