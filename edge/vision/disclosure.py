"""Choose the cells of a list of counts to withhold, so that nobody can work out a cell of 1 to k-1 visits.

It is not enough to withhold the small cells: the published total minus the other cells gives their sum. And a reader
knows this rule. A reader can apply it to every list that fits the published numbers, and keep those with the same
result. So the choice depends on two things only: which cells are empty, small or large, and the sum of the withheld
ones. It never depends on the size of a large cell. Then a reader cannot tell the possible lists apart, and for k >= 3
every small cell has at least two possible values among them. ``tests/edge/vision/test_privacy.py`` tries all lists up
to a size.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def withhold(
    counts: Mapping[Name, int], k: int, order: Sequence[Name], as_small: Collection[Name] = ()
) -> set[Name]:
    """Return the cells to withhold in a list whose total, at least ``k``, is published; all if fewer are not safe.

    Empty cells are published, but for those in ``as_small``. ``order``: all names; if a large cell must be withheld
    beside the small ones, the first name in this order is taken.
    """
    small = [name for name in order if 0 < counts[name] < k or name in as_small]
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


def withhold_verdicts(counts: Mapping[Name, int], k: int, order: Sequence[Name]) -> set[Name]:
    """Return the cells to withhold in a list of verdicts; the first in ``order`` is the cell of visits without one.

    If all verdicts are the same, the list would tell the verdict on each visit. And if there are two and one is rare,
    the one visit that has it would know the verdict on all others. So empty cells, always the most usual ones, are then
    withheld as small ones would be, until there are three: a reader cannot exclude that somebody is in them.
    """
    verdicts = [name for name in order[1:] if counts[name]]
    alike = len(verdicts) == 1 or (len(verdicts) == 2 and any(counts[name] < k for name in verdicts))
    empty = [name for name in reversed(order[1:]) if name not in verdicts]
    as_small = empty[: 3 - len(verdicts)] if alike and k > 1 else ()
    return withhold(counts, k, order, as_small)


class Overlaps:
    """Decides, one after the other, which counts of overlapping groups of visits are told.

    Zones overlap, and one may lie inside another: then the difference of their counts is the number of visits in only
    one of them. So a count is told only if it is at least ``k`` away from each number that is known already, or equal
    to one that itself is ``k`` away from all others. ``known`` are the numbers that a reader has anyway from the totals
    of the windows, beside "nobody" and "everybody". The order of the questions must not depend on the counts.

    A count that is not told has at least k-1 values that would not be told either.
    """

    def __init__(self, visits: int, known: Collection[int], k: int) -> None:
        self._visits, self._k = visits, k
        self._known = {0, visits, *known}
        self._zones: list[int] = []

    def tell(self, count: int) -> int | None:
        """Return the count, or None if it must not be told."""
        if self._near(count):
            return None
        self._known.add(count)
        return count

    def tell_zone(self, count: int) -> int | None:
        """Do the same for the visits in a zone. If each visit was in one of two zones, the sum of both minus all visits
        is the number of visits in both."""
        if any(0 < count + other - self._visits < self._k for other in self._zones):
            return None
        told = self.tell(count)
        if told is not None:
            self._zones.append(told)
        return told

    def _near(self, count: int) -> bool:
        return any(0 < abs(count - other) < self._k for other in self._known)
