"""What a histogram of times tells: quantiles, and the interest in a target. The bins are those of the wire.

The privacy rules withhold small bins, so a part of the people may be in no bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, sqrt
from typing import NamedTuple

from common.vocabulary import DWELL_BINS_S, LOOK_MOST_S
from common.wire import bin_label

TIME_BINS = tuple(bin_label(edge) for edge in DWELL_BINS_S)
_UPPER_S = (*DWELL_BINS_S[1:], DWELL_BINS_S[-1])
"""The last bin is open: 300 s mean 300 s or more."""
_LOOKS_S = tuple(
    (min(lower, LOOK_MOST_S), min(upper, LOOK_MOST_S))
    for lower, upper in zip(DWELL_BINS_S, _UPPER_S, strict=True)
)
"""The least and the most that one look of each bin adds to a sum."""
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


def squares_s2(bins: Bins, sum_s: float, viewers: int) -> float:
    """Return what the squares of the seconds in a sum of looking add up to: rather too much than too little.

    Viewers in a bin that is told are in its middle. The others have the rest of the sum, and lie between the lowest and
    the highest bin that is withheld; the squares are largest if each is at one of both ends. At last, all are
    shortened or lengthened alike until they have the sum.
    """
    told = [(count, (low + high) / 2) for count, (low, high) in zip(_counts(bins), _LOOKS_S, strict=True)]
    squares, total_s = (sum(count * middle**power for count, middle in told) for power in (2, 1))
    hidden = viewers - sum(count for count, _ in told)
    withheld = [ends for label, ends in zip(TIME_BINS, _LOOKS_S, strict=True) if bins.get(label, 0) is None]
    if hidden > 0 and withheld:
        low, high = withheld[0][0], withheld[-1][1]
        mean_s = min(max((sum_s - total_s) / hidden, low), high)
        squares += hidden * ((low + high) * mean_s - low * high)
        total_s += hidden * mean_s
    return squares * (sum_s / total_s) ** 2 if total_s else 0.0


def interest(sum_s: float, squares: float | None, passers: int) -> Interest | None:
    """Return the interest index of a target; None without passers.

    The mean is exact. Its interval says what chance alone would do: plus or minus 1.96 standard errors of its
    logarithm, because a few long looks make up much of the sum. ``squares``: of the seconds in it; None if not known.
    """
    if not passers:
        return None
    mean_s = sum_s / passers
    if passers < 2 or squares is None:
        return Interest(mean_s, None)
    if not mean_s:
        return Interest(0.0, Span(0.0, 0.0))
    error = sqrt(max(0.0, squares / passers - mean_s**2) / (passers - 1)) / mean_s
    return Interest(mean_s, Span(mean_s * exp(-_NORMAL * error), mean_s * exp(_NORMAL * error)))


def _counts(bins: Bins) -> list[int]:
    return [bins.get(label) or 0 for label in TIME_BINS]


def _quantile(counts: Sequence[int], share: float) -> float:
    rank, below = share * sum(counts), 0
    for lower, upper, count in zip(DWELL_BINS_S, _UPPER_S, counts, strict=True):
        if count and below + count >= rank:
            return lower + (upper - lower) * (rank - below) / count
        below += count
    return DWELL_BINS_S[-1]
