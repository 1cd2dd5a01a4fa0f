"""What a count check says about a camera: recall, false counts, and the entries that are corrected by them.

A check gives four numbers for each window and way of a door: people tapped, those of them who may have been counted
(hits), counts, and counts that no tap explains (``cloud.domain.count_check``).

- **Recall**: hits among the people, with the exact interval of a share (Clopper and Pearson 1934).
- **False counts**: for each hour, and for each person, with the exact interval of a Poisson count (Garwood 1936).
- **The ratio** is how often the device counts for each person who comes: recall plus false counts for each person. It
  needs no pairing of taps and counts, as hits and false counts add up to the counts. Its interval is made of both
  intervals by MOVER (Zou and Donner 2008). A miss and a false count that hide each other also hide how much chance
  there is, so the interval is never narrower than that of the ratio of two sums over windows (Cochran 1977), which
  sees how much they differ from window to window.
- **Corrected entries** are the counted ones divided by the ratio. Their interval adds the chance of the days
  themselves: even if the ratio were known, each person is counted or missed by chance.
- Several doors whose shares of the people are not known: the interval holds for every possible share (partial
  identification, Manski 2003).

The intervals are about chance in the check. They cannot know whether the device counts as well in another light.
docs/decisions/0093 explains why, docs/count-check.md how to read the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from scipy.stats import beta, chi2, norm, t

from cloud.domain.count_check import Part, Sums
from cloud.domain.thresholds import SMALL_SAMPLE

ENOUGH = SMALL_SAMPLE
"""People that a group of windows needs for a recall of its own."""
_LEVEL = 0.95
_Z = float(norm.ppf(0.5 + _LEVEL / 2))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Recall:
    """One way of one or more checks."""

    sums: Sums
    recall: Estimate | None
    """None if nobody came."""
    false_an_hour: Estimate
    ratio: Estimate | None
    """Counts for each person; None if nobody came."""
    spread: float
    """Variance of the counts for one person."""


def share(hits: int, people: int) -> Estimate:
    """Return the share of ``hits`` among ``people``, of which there is at least one (Clopper and Pearson)."""
    tail = (1 - _LEVEL) / 2
    low = float(beta.ppf(tail, hits, people - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, people - hits)) if hits < people else 1.0
    return Estimate(hits / people, low, high)


def rate(events: int, exposure: float) -> Estimate:
    """Return ``events`` for each unit of ``exposure``, which is more than 0 (Garwood)."""
    tail = (1 - _LEVEL) / 2
    low = float(chi2.ppf(tail, 2 * events)) / 2 if events else 0.0
    high = float(chi2.ppf(1 - tail, 2 * events + 2)) / 2
    return Estimate(events / exposure, low / exposure, high / exposure)


def recall_of(windows: Sequence[Sums], seconds: float) -> Recall:
    """Compute what these windows of ``seconds`` of checks say."""
    sums = sum(windows, Sums())
    false = rate(sums.false, seconds / 3600)
    if not sums.people:
        return Recall(sums, None, false, None, 0.0)
    hit, extra = share(sums.hits, sums.people), rate(sums.false, sums.people)
    # Counted or missed, and false counts as rare events; or more, if the windows differ more.
    seen, free = _spread(windows, sums), len(windows) - 1
    ratio = _added(hit, extra)
    wide = float(t.ppf(0.5 + _LEVEL / 2, free)) * sqrt(seen / sums.people) if free else 0.0
    return Recall(
        sums,
        hit,
        false,
        Estimate(ratio.value, min(ratio.low, ratio.value - wide), max(ratio.high, ratio.value + wide)),
        max(seen, hit.value * (1 - hit.value) + extra.value),
    )


def _spread(windows: Sequence[Sums], sums: Sums) -> float:
    """Return the variance of the counts for one person, by how the windows differ; 0 for one window."""
    if len(windows) < 2:
        return 0.0
    ratio = sums.counted / sums.people
    squares = sum((one.counted - ratio * one.people) ** 2 for one in windows)
    return squares / sums.people * len(windows) / (len(windows) - 1)


def _added(one: Estimate, other: Estimate) -> Estimate:
    """Return the sum of two independent estimates (MOVER)."""
    value = one.value + other.value
    below = hypot(one.value - one.low, other.value - other.low)
    above = hypot(one.high - one.value, other.high - other.value)
    return Estimate(value, value - below, value + above)


def by_busyness(parts: Sequence[Part]) -> Mapping[bool, Recall]:
    """Return the recall of both ways together in busy windows and in others, where there are enough people."""
    found = {}
    for busy in (False, True):
        chosen = [part for part in parts if part.busy == busy]
        if sum(part.both.people for part in chosen) >= ENOUGH:
            found[busy] = recall_of([part.both for part in chosen], sum(part.seconds for part in chosen))
    return found


def ratio_of(doors: Sequence[Recall]) -> Estimate | None:
    """Return the ratio of several doors together; its interval holds for every share that each may have of the people.

    None if a door had no people in its checks, or too few to bound the answer.
    """
    ratios = [door.ratio for door in doors if door.ratio is not None]
    if not ratios or len(ratios) < len(doors) or min(ratio.low for ratio in ratios) <= 0:
        return None
    people = sum(door.sums.people for door in doors)
    value = sum(door.sums.hits + door.sums.false for door in doors) / people
    return Estimate(value, min(ratio.low for ratio in ratios), max(ratio.high for ratio in ratios))


def corrected(counted: float, doors: Sequence[Recall]) -> Estimate | None:
    """Return how many people really came where ``counted`` were counted at ``doors``; None as for ``ratio_of``."""
    ratio = ratio_of(doors)
    if ratio is None:
        return None
    people = counted / ratio.value
    chance = _Z * sqrt(people * max(door.spread for door in doors)) / ratio.value
    return Estimate(
        people,
        max(0.0, people - hypot(people - counted / ratio.high, chance)),
        people + hypot(counted / ratio.low - people, chance),
    )
