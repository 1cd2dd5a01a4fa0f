"""The layout of InfluxDB: every measurement with its tags and fields. Points and docs/storage.md are made from it.

A label is a field, not a tag: with labels as tags, a camera would need about sixty series instead of ten. A withheld
cell is absent; 0 is a real count.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloud.domain.labels import JOINT_LABELS, LABELS
from cloud.domain.time_bins import TIME_BINS
from cloud.stores.clip_layout import COHORT_CLIP
from cloud.stores.declared import counts, fields_of
from cloud.stores.figure_layout import FIGURES
from cloud.stores.floor_days import DAY_HEAT, DAY_WAY
from cloud.stores.forgotten import FORGOTTEN, FORGOTTEN_FIELD
from cloud.stores.line_protocol import Kind
from cloud.stores.measurement import Field, Measurement
from cloud.stores.noise_layout import COHORT_NOISE
from cloud.stores.place_days import DAY_PLACE
from cloud.stores.place_layout import OF_PLACES
from common.vocabulary import AGE_BANDS, UNKNOWN
from common.wire import (
    Cohort,
    Coverage,
    Door,
    HealthMessage,
    StatusMessage,
    Totals,
    WindowMessage,
)


def joint_field(gender: str, age_band: str) -> str:
    """Return the field of a tally that counts the visits of a gender and age band."""
    return f"gender_age_band_{gender}_{age_band}"


_DEVICE, _CAMERA = ("site", "device"), ("site", "device", "camera")
_START = "start of the window"

WINDOW = Measurement(
    "window",
    "raw",
    _CAMERA,
    _START,
    {
        **fields_of(Totals, without=("doors",)),
        "coverage": fields_of(Coverage)["share"],
        **fields_of(
            WindowMessage,
            without=("kind", *_CAMERA, "start", "totals", "coverage", "cohort"),
        ),
    },
)
_TIMED: tuple[tuple[str, Kind, str], ...] = (
    ("dwell_visits", "integer", "visits whose dwell times are in `dwell_sum_s`: divide by these"),
    ("attention_visits", "integer", "visits whose attention times are in `attention_sum_s`: divide by these"),
    (
        "attention_dwell_s",
        "float",
        "sum of the dwell times of these visits: divide `attention_sum_s` by it for the attraction ratio",
    ),
)
_DESCRIBED_OF = Field(
    "integer", "visits of the cohorts that tell how many were described: divide `described` by these"
)
_COHORT_LISTS = ("dwell", "attention", "gender", "age_band", "gender_age_band", "expression")
_COHORT_PLACES = ("zones", "targets", "clips", "heat", "ways")
COHORT = Measurement(
    "cohort",
    "raw",
    _CAMERA,
    _START,
    {
        **fields_of(Cohort, without=(*_COHORT_LISTS, *_COHORT_PLACES, "noise", "since")),
        **{name: Field(kind, meaning) for name, kind, meaning in _TIMED},
        "described_of": _DESCRIBED_OF,
        "since": Field("integer", "start of the first window whose visits are in here, in ns"),
    },
)
_READABLE = {
    "released": Field(
        "integer",
        "visits in the cells that are not withheld; use it because sums over absent fields fail in InfluxQL",
    ),
    "withheld": Field("integer", "visits of the cohort in withheld cells"),
}
_VERDICTS = {
    "known": Field("integer", "visits with a known verdict that are not withheld: divide a label by these"),
    "unknown_of": Field("integer", "visits that were described, where `unknown` is told: divide it by these"),
}
BREAKDOWNS: Mapping[str, Measurement] = {
    name: Measurement(f"cohort_{name}", "raw", _CAMERA, _START, {**counts(labels, meaning), **sums})
    for name, labels, meaning, sums in (
        ("dwell", TIME_BINS, "visits by dwell time; the name is the lower limit in seconds", _READABLE),
        (
            "attention",
            TIME_BINS,
            "visits by attention time; the name is the lower limit in seconds",
            _READABLE,
        ),
        ("gender", LABELS["gender"], "visits by gender", _VERDICTS | _READABLE),
        ("age_band", LABELS["age_band"], "visits by age band", _VERDICTS | _READABLE),
        ("expression", LABELS["expression"], "visits by expression", _VERDICTS | _READABLE),
    )
}
COHORT_GENDER_AGE_BAND = Measurement(
    "cohort_gender_age_band",
    "raw",
    (*_CAMERA, "gender"),
    _START,
    {
        **counts((*AGE_BANDS, UNKNOWN), "visits of this gender by age band"),
        "released": _READABLE["released"],
    },
)
HEALTH = Measurement(
    "health",
    "raw",
    _DEVICE,
    "`at` of the message",
    fields_of(HealthMessage, without=("kind", *_DEVICE, "at")),
)
STATUS = Measurement(
    "status",
    "raw",
    _DEVICE,
    "`since` of the message; for offline, the time of its arrival, because a last will cannot contain the time",
    fields_of(StatusMessage, without=("kind", *_DEVICE, "since")),
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
NOTICE = Measurement(
    "notice",
    "raw",
    (*_DEVICE, "notice"),
    "`at` of the message",
    {
        "active": Field("boolean", "whether the notice began or ended; of some only the beginning is told"),
        "rule": Field("string", "queue_over, nobody_at_desk, inside_over or zone_empty"),
        "people": Field("integer", "people that it is about when it began, if they are at least k"),
        "above": Field("integer", "the rule holds above this number of people"),
        "k": Field("integer", "smallest group that the device tells"),
    },
)
ACKNOWLEDGEMENT = Measurement(
    "acknowledgement",
    "raw",
    (*_DEVICE, "notice"),
    "when somebody acknowledged the notice",
    {
        "who": Field("string", "who takes care of it"),
        "began": Field("integer", "when the notice began, in ns"),
    },
)
PROBE = Measurement(
    "probe",
    "raw",
    _DEVICE,
    "`at` of the message",
    {"nonce": Field("string", "random text by which the probe is found again; it counts nothing")},
)
DUPLICATE = Measurement(
    "duplicate",
    "raw",
    _DEVICE,
    "when windows came once more",
    {"windows": Field("integer", "windows that this bridge had stored before; they count once")},
)
DEAD_LETTER = Measurement(
    "dead_letter",
    "raw",
    _DEVICE,
    "when the bridge gave the message up",
    {
        "reason": Field("string", "why a message of this device could not be stored"),
        "topic": Field("string", "the topic of the message"),
        "payload": Field("string", "the message on one line, cut to 16,384 characters"),
    },
)

_TALLY = {
    "date": Field("string", "the local day, as in 2026-03-02"),
    "open_s": Field("float", "opening time"),
    "covered_s": Field(
        "float",
        "how much of it was watched: the mean of the cameras of this role in the chain file or, if it lists none, of"
        " those that reported on that day",
    ),
    "exposure_s": Field(
        "float",
        "divide `visits` by this for a fair rate: `covered_s` at entrances, else the watched time of all cameras",
    ),
    "cameras": Field("string", "seconds that each camera watched, such as door/main=3600.0,shelf/main=0.0"),
    "visits": Field("integer", "visits while the site was open, as all counts here"),
    "viewers": Field("integer", "visits whose face looked here at least once"),
    "cohort_visits": Field("integer", "visits that were released in cohorts"),
    "dwell_sum_s": Field("float", "sum of dwell times over the cohorts"),
    "attention_sum_s": Field("float", "sum of attention times over the cohorts, of one visit at most 30 s"),
    **{name: Field(kind, meaning) for name, kind, meaning in _TIMED},
    "demographics_visits": Field("integer", "visits in cohorts with gender and age band"),
    "expression_visits": Field("integer", "visits in cohorts with expression"),
    "with_gender": Field(
        "integer", "visits in cohorts that are female or male, also if it is withheld which"
    ),
    "described": Field(
        "integer", "visits whose face was surely seen and classified, in the cohorts that tell it"
    ),
    "described_of": _DESCRIBED_OF,
    "staff": Field("integer", "tracks of staff that were left out, in the cohorts that tell it"),
    "staff_of": Field(
        "integer", "these, and the visits of these cohorts: divide `staff` by it for `staff_excluded`"
    ),
    "re_entries": Field(
        "float",
        "estimate of people who left by a door and came in again within 7 minutes; by chance negative",
    ),
    "re_entries_variance": Field(
        "float", "variance of this estimate: the 95 % interval is 1.96 times its root to both sides"
    ),
    "members": Field("integer", "visits that showed the code of a member, in the cohorts that tell it"),
    "members_of": Field("integer", "visits of these cohorts: divide `members` by it"),
    "re_entries_of": Field("integer", "entries that it is about, because the time before was watched"),
    "models": Field("string", "versions of the models in use, separated by commas"),
    "calibrations": Field("string", "versions of the calibrations in use, separated by commas"),
    FORGOTTEN: FORGOTTEN_FIELD,
    **fields_of(Door),
    "door_watched_s": Field("float", "how long cameras with a door watched, summed over these cameras"),
    **counts(tuple(f"gender_{label}" for label in LABELS["gender"]), "visits in cohorts by gender"),
    **counts(tuple(f"age_band_{label}" for label in LABELS["age_band"]), "visits in cohorts by age band"),
    **counts(
        tuple(joint_field(*label) for label in JOINT_LABELS),
        "visits in cohorts by gender and age band",
    ),
    **counts(
        tuple(f"expression_{label}" for label in LABELS["expression"]), "visits in cohorts by expression"
    ),
}
_ROLE = ("site", "role")
"""Visits of different roles are never added up, so the role is a tag. A site has one to three roles: 300 sites need
fewer than a thousand series."""
QUARTER = Measurement("quarter", "quarter", _ROLE, "start of the quarter of an hour", _TALLY)
DAY = Measurement("day", "day", _ROLE, "noon UTC of the local date", _TALLY)
CORRECTED = Measurement(
    "corrected",
    "day",
    (*_ROLE, "attribute", "label"),
    "noon UTC of the local date",
    {
        "raw": Field("float", "share of the label among the visits with a known verdict, as counted"),
        "corrected": Field(
            "float",
            "the same, corrected for the known mistakes of the models; absent if it cannot be corrected",
        ),
        "low": Field("float", "lower end of the 95 % interval"),
        "high": Field("float", "upper end of the 95 % interval"),
        "visits": Field(
            "integer",
            "visits that it is based on, including those with the verdict unknown where these are told",
        ),
    },
)

SITE = Measurement(
    "site",
    "day",
    ("site", "chain", "region", "timezone"),
    "noon UTC of the last day that was rolled up",
    {"title": Field("string", "what people call the site")},
)
CAMERA = Measurement(
    "camera",
    "day",
    (*_DEVICE, "camera", "role"),
    "noon UTC of the last day that was rolled up",
    {"title": Field("string", "what people call the site")},
)
COMPARISON = Measurement(
    "comparison",
    "day",
    (*_ROLE, "metric"),
    "noon UTC of the last day of the four weeks that are compared",
    {
        "compared": Field("boolean", "false for a site that is not compared; it has no rate"),
        "apart_because": Field("string", "why it is not compared, or empty"),
        "title": Field("string", "what people call the site"),
        "latitude": Field("float", "latitude of the site in degrees"),
        "longitude": Field("float", "longitude of the site in degrees"),
        "days": Field("integer", "days that counted"),
        "coverage": Field("float", "share of the opening time that was watched, over all days"),
        "rate": Field("float", "the metric over the days that counted; a share is in 0..1"),
        "low": Field("float", "lower end of its 95 % interval"),
        "high": Field("float", "upper end of its 95 % interval"),
        "versus": Field("float", "the rate divided by that of the rest of the chain on the same dates"),
        "q": Field("float", "the p value after the correction for the number of sites"),
        "real": Field("boolean", "whether the difference from the rest is more than chance explains"),
        "models": Field("string", "versions of the models on the newest day, separated by commas"),
        "calibrations": Field(
            "string", "versions of the calibrations on the newest day, separated by commas"
        ),
    },
)
ANNOTATION = Measurement(
    "annotation",
    "day",
    ("site",),
    "when it begins",
    {
        "words": Field("string", "an explanation of the figures, such as a promotion"),
        "end_ms": Field("integer", "when it ends, in ms since 1970"),
    },
)

MEASUREMENTS = (
    WINDOW, COHORT, *BREAKDOWNS.values(), COHORT_GENDER_AGE_BAND, *OF_PLACES, COHORT_CLIP, COHORT_NOISE, HEALTH, STATUS,
    ALERT, NOTICE, ACKNOWLEDGEMENT, PROBE, DUPLICATE, DEAD_LETTER, QUARTER, DAY, DAY_PLACE, DAY_HEAT, DAY_WAY,
    CORRECTED, SITE, CAMERA, ANNOTATION, COMPARISON, *FIGURES,
)  # fmt: skip
