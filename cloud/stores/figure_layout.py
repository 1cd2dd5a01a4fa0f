"""The part of the layout that is about derived figures: what page, reports and ``compare`` compute, for Grafana.

They are written by the rollup and read by dashboards and alert rules only. A point says whether the figure can be told,
has an interval and is corrected (``told``, ``bounded``, ``checked``), because InfluxDB cannot remove a field: what was
told once keeps its old number beside ``false``.
"""

from __future__ import annotations

from cloud.stores.measurement import Field, Measurement

_FIELDS = {
    "told": Field(
        "boolean", "whether it can be told as counted; if not, `value` does not count, and `refused` says why"
    ),
    "value": Field("float", "the figure as counted; a share is in 0..1"),
    "bounded": Field("boolean", "whether it has an interval; if not, `low` and `high` do not count"),
    "low": Field("float", "lower end of its 95 % interval"),
    "high": Field("float", "upper end of its 95 % interval"),
    "checked": Field("boolean", "whether count checks correct it; if not, the three below do not count"),
    "corrected": Field("float", "the figure with the entries as count checks correct them"),
    "corrected_low": Field("float", "lower end of the 95 % interval of `corrected`"),
    "corrected_high": Field("float", "upper end of the 95 % interval of `corrected`"),
    "coverage": Field("float", "share of the opening time that was watched, for a figure that needs cameras"),
    "refused": Field("string", "why it cannot be told, or empty"),
    "title": Field("string", "what people call the figure"),
    "unit": Field(
        "string", "`%` for a share, a currency or what the chain file says; empty for a plain number"
    ),
}
DAY_FIGURE = Measurement(
    "day_figure",
    "day",
    ("site", "role", "metric", "period"),
    "noon UTC of the last local day of the period",
    _FIELDS,
)
"""``period``: how many days up to this one it is about, as in :data:`PERIODS`."""
HOUR_FIGURE = Measurement("hour_figure", "quarter", ("site", "role", "metric"), "start of the hour", _FIELDS)
PERIODS = {"1d": 1, "7d": 7, "28d": 28}
"""The days of each period. A page of a week has the figure of ``7d`` on its Sunday."""

FIGURE_ALERT = Measurement(
    "figure_alert",
    "day",
    ("site", "role", "alert"),
    "noon UTC of the last day that was looked at",
    {
        "holds": Field(
            "boolean", "whether each of the last days on which the figure was told was beyond the limit"
        ),
        "value": Field("float", "the figure of the last of these days"),
    },
)
CLIP_EFFECT = Measurement(
    "clip_effect",
    "day",
    ("site", "device", "clip", "outcome"),
    "noon UTC of the last of the days that it is about",
    {
        "compared": Field(
            "integer",
            "visits with the clip and without it, for `attention`; hours with it and without it, for others",
        ),
        "verdict": Field("string", "worked, did not, or cannot tell yet"),
        "change": Field(
            "float",
            "how much more with the clip than without it, 0.1 is 10 % more: seconds of looking for each visit, entries,"
            " sales, or sales for each entry",
        ),
        "low": Field("float", "lower end of its interval, which holds on every day"),
        "high": Field("float", "upper end of its interval"),
        "needed": Field(
            "integer", "visits or hours that are needed to find an effect of 10 %, if it cannot be told yet"
        ),
    },
)
FIGURES = (DAY_FIGURE, HOUR_FIGURE, FIGURE_ALERT, CLIP_EFFECT)
