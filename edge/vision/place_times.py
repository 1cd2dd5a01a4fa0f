"""Decide whose times are told: of zones, queues and targets.

Each is a histogram and a sum, judged as those of the cohort are (``times``), and all of them together, because no stay
is longer than its visit. Beyond that a reader subtracts sums: all dwell times minus those in zones are the times
elsewhere. Each difference must count k visits or none, and no visit may dominate it (p% rule). The measure of that rule
for a sum of parts is never more than the sum of the measures of the parts (``times.sensitivity``). So it is enough to
judge the smallest difference, what is in no zone that is told; all larger ones add zones that are safe themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge.place_types import TimeCounts
from edge.vision.times import (
    Times,
    publishable,
    publishable_beside,
    sensitivity,
    sensitivity_below,
    two_longest,
)

_ROUNDING_S = 0.051
_TOLERANCE_S = 1.0
"""Stays and times elsewhere must add up to the dwell times, but for the rounding of many visits."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The dwell and attention times of the cohort, as far as they are told."""

    dwell: Times | None
    attention: Times | None

    @property
    def others(self) -> list[Times]:
        return [] if self.attention is None else [self.attention]


@dataclass(frozen=True, slots=True)
class Stays:
    """The times of one zone. ``told`` is what would be told of it, its stays or, of a queue, its waiting times; None if
    not even their number is."""

    stays: TimeCounts
    told: Times | None


@dataclass(frozen=True, slots=True)
class Looks:
    """The times of one target, seen from ``zone`` or, if None, from everywhere."""

    zone: str | None
    told: Times | None


@dataclass(frozen=True, slots=True)
class TimesTold:
    """The times that are told, by zone and by target."""

    zones: Mapping[str, Times]
    targets: Mapping[str, Times]


def tell_times(
    zones: Mapping[str, Stays], targets: Mapping[str, Looks], elsewhere: TimeCounts, whole: Whole, k: int
) -> TimesTold:
    """Choose, in the order of the names, the zones and targets whose times are told. ``elsewhere`` are the times of
    visits outside all of ``zones``."""
    given = {name: zone.told for name, zone in zones.items() if zone.told is not None}
    seen = {name: target.told for name, target in targets.items() if target.told is not None}
    if k == 1:
        return TimesTold(given, seen)
    beside, told = whole.others, list[str]()
    for name, times in sorted(given.items()):
        if _nobody(times):
            told.append(name)
        elif _fit(whole, [*beside, times], k):
            beside.append(times)
            told.append(name)
    while whole.dwell is not None and told and not _rest_is_safe(zones, told, elsewhere, whole.dwell, k):
        told.pop()
    beside = [*whole.others, *(given[name] for name in told if not _nobody(given[name]))]
    looked: list[str] = []
    for name, times in sorted(seen.items()):
        if _nobody(times):
            looked.append(name)
            continue
        of_zone = [given[zone]] if (zone := targets[name].zone) in told and zone is not None else []
        before = [seen[one] for one in looked if targets[one].zone == zone]
        if (
            all(_apart(of_all, [*before, times], k) for of_all in of_zone)
            and (whole.dwell is None or _apart(whole.dwell, [*(seen[one] for one in looked), times], k))
            and (whole.attention is None or _unlike(whole.attention, [seen[one] for one in looked], times, k))
            and _fit(whole, [*beside, times], k)
        ):
            beside.append(times)
            looked.append(name)
    return TimesTold({name: given[name] for name in told}, {name: seen[name] for name in looked})


def _nobody(times: Times) -> bool:
    return not sum(times.counts)


def _fit(whole: Whole, parts: Sequence[Times], k: int) -> bool:
    """Return whether these parts can be told beside each other and beside the dwell times, where these are told."""
    if whole.dwell is not None:
        return publishable_beside(whole.dwell, parts, k)
    return all(publishable(times, None, k) for times in parts)


def _rest_is_safe(
    zones: Mapping[str, Stays], told: Iterable[str], elsewhere: TimeCounts, dwell: Times, k: int
) -> bool:
    """Judge the dwell times minus those of the zones that are told."""
    assert dwell.sum_s is not None
    stays_s = sum(zone.stays.sum_s for zone in zones.values())
    if abs(dwell.sum_s - stays_s - elsewhere.sum_s) > _TOLERANCE_S:
        return False
    parts, seconds, missing_s = [elsewhere], elsewhere.sum_s, 0.0
    for name, zone in zones.items():
        if name not in told:
            parts.append(zone.stays)
            seconds += zone.stays.sum_s
        elif (
            times := zone.told
        ) is not None and times.sum_s is not None:  # of a queue, who is in it and does not wait
            left_s = max(0.0, zone.stays.sum_s - times.sum_s)
            if left_s > _ROUNDING_S:
                missing_s += sensitivity_below(left_s, two_longest(zone.stays.histogram, zone.stays.sum_s))
                seconds += left_s
    missing_s += sum(sensitivity(part.histogram, part.sum_s) for part in parts)
    visits = max(part.visits for part in parts)
    return seconds <= _ROUNDING_S or (visits >= k and missing_s <= 0)


def _apart(whole: Times, parts: Sequence[Times], k: int) -> bool:
    """Judge a sum minus those of parts of the same visits, of which only the bins are known."""
    assert whole.sum_s is not None
    left_s = whole.sum_s - sum(part.sum_s or 0.0 for part in parts)
    most_s = two_longest(whole.counts, whole.sum_s)
    # A visit that is in no part is in the difference with all of its time.
    others = sum(whole.counts) - sum(sum(part.counts) for part in parts)
    return (
        left_s > 0
        and sensitivity_below(left_s, most_s) <= 0
        and (others >= k or left_s > (k - 1) * most_s[0])
    )


def _unlike(attention: Times, before: Sequence[Times], looks: Times, k: int) -> bool:
    """Judge the attention times minus those towards targets. It is not known whether one includes the other, so they
    must differ."""
    assert attention.sum_s is not None
    most_s = two_longest(attention.timed, attention.sum_s, attention.most_s)
    for parts in ([looks], [*before, looks]):
        left_s = abs(attention.sum_s - sum(part.sum_s or 0.0 for part in parts))
        if left_s <= (k - 1) * most_s[0] or sensitivity_below(left_s, most_s) > 0:
            return False
    return True
