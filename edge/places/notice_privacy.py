"""What of a notice leaves the device, so that nobody learns for how long one person stayed or waited.

- The count is told from k people on; below, only that the limit was passed.
- The end is told if the rule needs at least k people. Otherwise beginning and end are those of one person's stay.
- That a zone is empty is told at the end of a window. Otherwise it would tell when the last person left it, which the
  totals tell only to a window, too.
- Two notices about the same part of the floor must not tell beginning and end together: see ``revealing_pair``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from common.wire import least_people
from edge.places.notices import Notice, Rule
from edge.places.overlap import overlapping
from edge.places.zones import Zone


def told_count(notice: Notice, k: int) -> int | None:
    """Return the count that is told; 0 is a fact."""
    return notice.count if notice.active and (notice.count >= k or notice.count == 0) else None


def is_told(notice: Notice, k: int) -> bool:
    """Whether this beginning or end is told at all."""
    return notice.active or is_about_many(notice, k)


def is_told_late(notice: Notice, k: int) -> bool:
    """Whether it is told at the end of a window only."""
    return notice.rule == "zone_empty" and not is_about_many(notice, k)


def is_about_many(rule: Rule | Notice, k: int) -> bool:
    """Whether at least k people are needed to begin this notice, or to end it if it is about an empty zone."""
    return least_people(rule.limit) >= k


def revealing_pair(rules: Sequence[Rule], zones: Sequence[Zone], k: int) -> tuple[Rule, Rule] | None:
    """Return two rules that together tell how long one person stays, or None.

    They are about zones that share a part of the floor, fewer than k people can cause each, and they are either alike,
    so that many times would narrow down one stay, or one of them tells that the zone is empty again.
    """
    neighbours = {
        name: {*others, name}
        for kind in (False, True)
        for name, others in overlapping([zone for zone in zones if zone.on_shelf == kind]).items()
    }
    few = [rule for rule in rules if rule.zone and not is_about_many(rule, k)]
    for one, other in itertools.combinations(few, 2):
        if other.zone in neighbours[one.zone] and (
            one.rule == other.rule or "zone_empty" in {one.rule, other.rule}
        ):
            return one, other
    return None
