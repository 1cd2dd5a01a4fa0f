"""The labels that the models, the wire and the pages share. Standard library only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime

AGE_BINS = 101
"""The age model has one bin for each year from 0 to 100."""

AGE_BANDS = ("0-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
"""One coarse band under 18, on purpose."""

AGE_BAND_STARTS = (0, 18, 25, 35, 45, 55, 65)

DWELL_BINS_S = (0.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Lower edges in seconds of the dwell and attention histograms; the last bin is open."""

LOOK_MOST_S = 30.0
"""Of one visit at most so many seconds count in a sum of looking: attention, looks at a target or during a clip, and on
the heat map. It is a lower edge of ``DWELL_BINS_S``, so that a histogram tells how many visits reach it."""

GENDERS = ("female", "male")
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted")
UNKNOWN = "unknown"
"""The verdict on a visit whose face was looked at, where the looks do not agree or are not sure."""

NOT_SEEN = "not_seen"
"""The label, in every attribute, of a visit whose face was never seen well enough to be classified."""

NO_VERDICT = "no_verdict"
"""``UNKNOWN`` and ``NOT_SEEN`` in one count, where the privacy rule does not publish them one by one."""

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "gender": GENDERS,
    "age_band": AGE_BANDS,
    "expression": EXPRESSIONS,
}
"""Every attribute with its labels. A verdict is one of them, ``UNKNOWN`` or ``NOT_SEEN``."""

LEAST_DESCRIBED = 2
"""A display is never chosen for the gender or age of fewer people: a clip for one person would tell everybody in the
shop what the device thinks of that person."""


def age_band(years: float) -> str:
    """Return the band that holds an age in years."""
    return AGE_BANDS[bisect_right(AGE_BAND_STARTS, years) - 1]


EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""No message has a time outside of these years."""
