"""What a histogram of times tells: quantiles, and the interest in a target. The bins are those of the wire.

The privacy rules withhold small bins, so a part of the people may be in no bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from common.vocabulary import DWELL_BINS_S
from common.wire import bin_label

TIME_BINS = tuple(bin_label(edge) for edge in DWELL_BINS_S)
_UPPER_S = (*DWELL_BINS_S[1:], DWELL_BINS_S[-1])
"""The last bin is open: 300 s mean 300 s or more."""
_LEAST_KNOWN = 0.5
"""The spread of times is estimated if at least this share of the viewers is in bins that are told."""
_NORMAL = 1.96
"""Standard errors on each side of a 95 % interval."""

Bins = Mapping[str, int | None]


class Span(NamedTuple):
    """A value that lies between two ends."""

    low: float
    high: float


class Interest(NamedTuple):
    """Seconds of looking per passer, with its 95 % interval if that can be estimated."""

    mean_s: float
    interval: Span | None


def quantile_s(bins: Bins, people: int, share: float) -> Span | None:
    """Return the time that a ``share`` of the ``people`` did not exceed, such as 0.5 for the median.

    It is interpolated within its bin, as if the times in a bin were spread evenly. People whose bin was withheld may
    have any time: the lower end counts them into the first bin, the upper end into the last. None without people.
    """
    if not people:
        return None
    counts = _counts(bins)
    withheld = people - sum(counts)
    low, high = [counts[0] + withheld, *counts[1:]], [*counts[:-1], counts[-1] + withheld]
    return Span(_quantile(low, share), _quantile(high, share))


def interest(bins: Bins, sum_s: float, viewers: int, passers: int) -> Interest | None:
    """Return the interest index of a target; None without passers.

    The mean is exact. Its interval says what chance alone would do: plus or minus 1.96 standard errors. The spread is
    that of the histogram, with each viewer in the middle of the bin (at 300 s in the open one) and the passers who did
    not look at 0 s. Viewers whose bin was withheld are taken to be like the others; if they are more than half of all,
    there is no interval.
    """
    if not passers:
        return None
    mean_s, counts = sum_s / passers, _counts(bins)
    known = sum(counts)
    if passers < 2 or known < _LEAST_KNOWN * viewers:
        return Interest(mean_s, None)
    weight = viewers / max(1, known) / passers
    middles = [(lower + upper) / 2 for lower, upper in zip(DWELL_BINS_S, _UPPER_S, strict=True)]
    first, second = (
        weight * sum(count * middle**power for count, middle in zip(counts, middles, strict=True))
        for power in (1, 2)
    )
    half = _NORMAL * sqrt(max(0.0, second - first**2) / (passers - 1))
    return Interest(mean_s, Span(max(0.0, mean_s - half), mean_s + half))


def _counts(bins: Bins) -> list[int]:
    return [bins.get(label) or 0 for label in TIME_BINS]


def _quantile(counts: Sequence[int], share: float) -> float:
    rank, below = share * sum(counts), 0
    for lower, upper, count in zip(DWELL_BINS_S, _UPPER_S, counts, strict=True):
        if count and below + count >= rank:
            return lower + (upper - lower) * (rank - below) / count
        below += count
    return DWELL_BINS_S[-1]
