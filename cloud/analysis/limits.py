"""Whether a figure was beyond its limit for so many days that somebody must be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from cloud.domain.figures import Limit

PATIENCE: Final = 7
"""Days that may be missing between those that count, such as Sundays and holidays: after more, the figure is old."""


def beyond(limit: Limit, values: Mapping[date, float], last: date) -> float | None:
    """Return the newest value if each of the last ``limit.days`` days that have one is beyond the limit, else None.

    ``values`` are the figures of single days; a day without one is missing. Days more than ``limit.days + PATIENCE``
    before ``last`` do not count.
    """
    oldest = last - timedelta(days=limit.days + PATIENCE - 1)
    recent = [values[day] for day in sorted(values) if oldest <= day <= last][-limit.days :]
    if len(recent) < limit.days or not all(limit.passed_by(value) for value in recent):
        return None
    return recent[-1]
