"""What cohorts tell of verdicts with noise, and what can be read from sums of it.

A number with noise is no count: it may be negative. Numbers are added up as they come, and become whole and not
negative only when they are shown, because the noise of several cohorts cancels out and that of a count cut off at 0
does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.wire import Noise


@dataclass(frozen=True, slots=True)
class ToldNoise:
    """The verdicts of one cohort with noise. ``camera`` is ``device/camera``, ``since`` when the first window of its
    visits began."""

    camera: str
    since: datetime
    visits: int
    noise: Noise


def variance(noise: Noise) -> float:
    """Return the variance of each number in ``noise``, in squared visits."""
    q = math.exp(-1 / noise.scale)
    return 2 * q / (1 - q) ** 2


def projected(counts: Sequence[float], total: float) -> list[float]:
    """Return the nearest numbers that are not negative and sum to ``total`` (Held, Wolfe, Crowder 1974)."""
    falling, excess, summed = sorted(counts, reverse=True), 0.0, 0.0
    for number, count in enumerate(falling, 1):
        summed += count
        if (mean := (summed - total) / number) <= count:
            excess = mean
    return [max(0.0, count - excess) for count in counts]


def whole(counts: Sequence[float], total: int) -> list[int]:
    """Return whole numbers near ``counts``, which sum to ``total`` and are not negative: the largest parts behind the
    point are rounded up."""
    found = [math.floor(count) for count in counts]
    by_rest = sorted(range(len(counts)), key=lambda index: found[index] - counts[index])
    for index in by_rest[: total - sum(found)]:
        found[index] += 1
    return found
