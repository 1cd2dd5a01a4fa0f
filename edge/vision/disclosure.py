"""Choose the cells of a list of counts to withhold, so that nobody can work out a cell of 1 to k-1 visits.

It is not enough to withhold the small cells: the published total minus the other cells gives their sum. And a reader
knows this rule. A reader can apply it to every list that fits the published numbers, and keep those with the same
result. So the choice depends on two things only: which cells are empty, small or large, and the sum of the withheld
ones. It never depends on the size of a large cell. Then a reader cannot tell the possible lists apart, and for k >= 3
every small cell has at least two possible values among them. ``tests/edge/vision/test_privacy.py`` tries all lists up
to a size.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def withhold(counts: Mapping[Name, int], k: int, order: Sequence[Name]) -> set[Name]:
    """Return the cells to withhold in a list whose total, at least ``k``, is published; all if fewer are not safe.

    Empty cells are published. ``order``: all names; if a large cell must be withheld beside the small ones, the first
    name in this order is taken.
    """
    small = [name for name in order if 0 < counts[name] < k]
    if not small:
        return set()
    hidden, total, n = set(small), sum(counts[name] for name in small), len(small)
    # The small cells alone are enough unless nearly all are 1 or nearly all are k-1: 4+4+4 = 12 has one solution.
    # Without "nearly", the lists that fail this test would have only one solution, too.
    if n > 1 and max(k, n + 2) <= total <= n * (k - 1) - 2:
        return hidden
    least = n
    for name in order:
        if counts[name] >= k:
            hidden.add(name)
            total, least = total + counts[name], least + k
            if total >= least + 2:
                return hidden
    return set(counts)


def withhold_zones(zones: Mapping[str, int], visits: int, k: int) -> set[str]:
    """Return the zones to withhold. Zones overlap, and one may lie inside another: then the difference of their cells
    counts the visits in only one of them. So any two published cells are equal or at least ``k`` apart, including the
    values "nobody" and "everybody"."""
    published, hidden = {0, visits}, set()
    for zone in sorted(zones):
        if any(0 < abs(zones[zone] - other) < k for other in published):
            hidden.add(zone)
        else:
            published.add(zones[zone])
    return hidden
