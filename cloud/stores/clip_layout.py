"""The part of the layout that is about the clips of displays: the points of a cohort and back.

A clip that was shown and the rotation that ran in its place are two points, one for each side. What is withheld has no
point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cloud.stores.declared import fields_of
from cloud.stores.measurement import Field, Measurement, Point
from common.wire import Clip, Clips, Watched

COHORT_CLIP = Measurement(
    "cohort_clip",
    "raw",
    ("site", "device", "camera", "clip", "side"),
    "start of the window",
    {
        **fields_of(Watched),
        "viewers_of": Field("integer", "visits where `viewers` is told: divide it by these"),
        "attention_visits": Field(
            "integer", "visits whose seconds are in `attention_sum_s`: divide it by these"
        ),
        **fields_of(Clip, without=("shown", "held")),
    },
)
_NOT_TOLD = Watched(visits=None, shows=None, shown_s=None, viewers=None, attention_sum_s=None)


def clip_points(clips: Clips, at: datetime, tags: Mapping[str, str]) -> Iterator[Point]:
    """Make a point for each side of each clip that is told."""
    for name, clip in clips.items():
        for side, watched in (("shown", clip.shown), ("held", clip.held)):
            if watched is None or watched.visits is None:
                continue
            values = {
                **watched.model_dump(),
                "viewers_of": None if watched.viewers is None else watched.visits,
                "attention_visits": None if watched.attention_sum_s is None else watched.visits,
                "holdout_hours": clip.holdout_hours,
            }
            yield COHORT_CLIP.point({**tags, "clip": name, "side": side}, at, values)


def clips_from(rows: Sequence[Mapping[str, Any]]) -> Clips:
    """Return the clips of a cohort from their points; one of which nothing is told is missing."""
    sides = {
        (row["clip"], row["side"]): Watched.model_construct(
            **{name: row[name] for name in Watched.model_fields}
        )
        for row in rows
    }
    by_hours = {row["clip"]: row["holdout_hours"] for row in rows}
    return {
        clip: Clip.model_construct(
            shown=sides.get((clip, "shown"), _NOT_TOLD),
            held=sides.get((clip, "held")),
            holdout_hours=by_hours[clip],
        )
        for clip in sorted({clip for clip, _ in sides})
    }
