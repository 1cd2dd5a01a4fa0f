"""What a bridge can check of the places in a cohort from the message alone (docs/decisions/0067)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise

from common.wire.fields import Cells, Profile
from common.wire.places import (
    ENTRY,
    EXIT,
    Heat,
    Target,
    Ways,
    Zone,
    counts_of_zone,
    heat_least_s,
    lists_of_zone,
)


def check_sizes(
    visits: int,
    dwell_sum_s: float | None,
    zones: Mapping[str, Zone],
    targets: Mapping[str, Target],
    ways: Ways | None,
) -> None:
    """Raise ``ValueError`` if a place has more visits or seconds than the cohort, or ways name an unknown place."""
    most_s = math.inf if dwell_sum_s is None else dwell_sum_s + 1e-6
    for name, zone in zones.items():
        waiting_s = zone.queue.waiting_sum_s if zone.queue is not None else None
        if (zone.visits or 0) > visits or max(zone.dwell_sum_s or 0.0, waiting_s or 0.0) > most_s:
            raise ValueError(f"zones.{name}: exceeds the cohort")
    for name, target in targets.items():
        if (target.passers or 0) > visits or (target.attention_sum_s or 0.0) > most_s:
            raise ValueError(f"targets.{name}: exceeds the cohort")
    for place, following in (ways or {}).items():
        if foreign := ({place} - {*zones, ENTRY}) | (following.keys() - {*zones, EXIT}):
            raise ValueError(f"ways: {min(foreign)!r} is not a place")


def check_places(
    k: int,
    profile: Profile,
    visits: int,
    members: int | None,
    expression: Cells | None,
    zones: Mapping[str, Zone],
    targets: Mapping[str, Target],
    heat: Heat | None,
    ways: Ways | None,
) -> None:
    """Raise ``ValueError`` for what a device with these settings must not publish of places, or of members."""
    _check_counts(k, visits, members, zones, targets)
    lists = [(f"targets.{name}.attention", one.attention, one.viewers) for name, one in targets.items()]
    for name, zone in zones.items():
        lists += [(f"zones.{name}.{what}", cells, whole) for what, cells, whole in lists_of_zone(zone)]
    for name, cells, whole in lists:
        if tells_few(k, cells, whole or 0):
            raise ValueError(f"cohort.{name}: tells a cell of 1 to {k - 1} visits")
    for name, target in targets.items():
        _check_expression(k, profile, name, target, visits, expression)
    if heat is not None:
        _check_heat(k, heat)
    for place, following in (ways or {}).items():
        _check_way(k, visits, zones, place, following)


def tells_few(k: int, cells: Mapping[str, int | None], whole: int) -> bool:
    """Return whether a cell, or what is left for the withheld ones, is 1 to k-1."""
    told = [count or 0 for count in cells.values()]
    return any(0 < count < k for count in (*told, whole - sum(told)))


def _check_counts(
    k: int, visits: int, members: int | None, zones: Mapping[str, Zone], targets: Mapping[str, Target]
) -> None:
    """Refuse two counts that differ by 1 to k-1 visits, because one group may be a part of the other; and two zones
    that, if each visit was in one of them, have so few in both."""
    counts = {*_zone_counts(zones), *_target_counts(targets), members or 0, 0, visits}
    for low, high in pairwise(sorted(counts)):
        if high - low < k:
            raise ValueError(f"cohort: {low} and {high} visits tell a cell of 1 to {k - 1} visits")
    inside = [zone.visits for zone in zones.values() if zone.visits is not None]
    if any(0 < one + other - visits < k for one, other in combinations(inside, 2)):
        raise ValueError(f"cohort.zones: tells a cell of 1 to {k - 1} visits in both of two zones")


def _zone_counts(zones: Mapping[str, Zone]) -> Iterator[int]:
    for zone in zones.values():
        yield from (count for _, count in counts_of_zone(zone) if count is not None)


def _target_counts(targets: Mapping[str, Target]) -> Iterator[int]:
    for target in targets.values():
        yield from (count for count in (target.passers, target.viewers) if count is not None)


def _check_expression(
    k: int, profile: Profile, name: str, target: Target, visits: int, whole: Cells | None
) -> None:
    """Refuse a cell that the cohort withholds, one that is small, and one that is nearly that of the cohort."""
    cells, name = target.expression, f"cohort.targets.{name}.expression"
    if cells is None:
        return
    if profile != "expression":
        raise ValueError(f"{name}: not in profile {profile}")
    if whole is None or cells.keys() != whole.keys() or target.viewers is None:
        raise ValueError(f"{name}: other labels than in the cohort")
    others: Cells = {}
    for label, count in cells.items():
        if count is not None:
            if (of_all := whole[label]) is None or count > of_all:
                raise ValueError(f"{name}: tells a cell that the cohort withholds, or more than the cohort")
            others[label] = of_all - count
    if tells_few(k, cells, target.viewers) or tells_few(k, others, visits - target.viewers):
        raise ValueError(f"{name}: tells a cell of 1 to {k - 1} visits")


def _check_heat(k: int, heat: Heat) -> None:
    cells = zip((heat.standing_s, heat.looking_s), heat_least_s(k), strict=True)
    if any(value is not None and value < least_s for seconds, least_s in cells for value in seconds):
        raise ValueError("cohort.heat: tells a cell of too few seconds")


def _check_way(
    k: int, visits: int, zones: Mapping[str, Zone], place: str, following: Mapping[str, int]
) -> None:
    for after, count in following.items():
        ends = (zones[name].visits for name in (place, after) if name in zones)
        whole = {visits, *(end for end in ends if end is not None)}
        if 0 < count < k or any(0 < end - count < k for end in whole):
            raise ValueError(f"cohort.ways: tells a cell of 1 to {k - 1} visits")
