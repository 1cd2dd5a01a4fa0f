"""Choose the cells of a list of counts to withhold, so that nobody can work out a cell of 1 to k-1 visits.

It is not enough to withhold the small cells: the published total minus the other cells gives their sum. And a reader
knows this rule. A reader can apply it to every list that fits the published numbers, and keep those with the same
result. So the choice depends on two things only: which cells are empty, small or large, and the sum of the withheld
ones. It never depends on the size of a large cell. Then a reader cannot tell the possible lists apart, and for k >= 3
every small cell has at least two possible values among them. ``tests/edge/vision/test_privacy.py`` tries all lists up
to a size.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def withhold(
    counts: Mapping[Name, int], k: int, order: Sequence[Name], as_small: Collection[Name] = (), spare: int = 2
) -> set[Name]:
    """Return the cells to withhold in a list whose total, at least ``k``, is published; all if fewer are not safe.

    Empty cells are published, but for those in ``as_small``. ``order``: all names; if a large cell must be withheld
    beside the small ones, the first name in this order is taken. ``spare``: so many visits must then be in the withheld
    cells beside the fewest that can be in them.
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
            if total >= least + spare:
                return hidden
    return set(counts)


def withhold_verdicts(
    counts: Mapping[Name, int], k: int, order: Sequence[Name], *, merged: bool = False
) -> set[Name]:
    """Return the cells to withhold in a list of verdicts; the first in ``order`` is the cell of visits without one.

    If all verdicts are the same, the list would tell the verdict on each visit. And if there are two and one is rare,
    the one visit that has it would know the verdict on all others. So empty cells, always the most usual ones, are then
    withheld as small ones would be, until there are three: a reader cannot exclude that somebody is in them.

    ``merged``: the first cell includes visits that were not seen. Then a reader knows that it counts one of them, and
    perhaps himself as another: if it is the only small one, one visit more must be spare.
    """
    verdicts = [name for name in order[1:] if counts[name]]
    alike = len(verdicts) == 1 or (len(verdicts) == 2 and any(counts[name] < k for name in verdicts))
    empty = [name for name in reversed(order[1:]) if name not in verdicts]
    as_small = empty[: 3 - len(verdicts)] if alike and k > 1 else ()
    alone = not as_small and [name for name in order if 0 < counts[name] < k] == [order[0]]
    return withhold(counts, k, order, as_small, spare=3 if merged and alone else 2)


class Overlaps:
    """Decides, one after the other, which counts of overlapping groups of visits are told.

    Zones overlap, and one may lie inside another: then the difference of their counts is the number of visits in only
    one of them. So a count is told only if it is at least ``k`` away from each number that is known already, or equal
    to one that itself is ``k`` away from all others. ``known`` are the numbers that a reader has anyway from the totals
    of the windows, beside "nobody" and "everybody". The order of the questions must not depend on the counts.

    A count that is not told has at least k-1 values that would not be told either. A zone may also be all that several
    others cover together: of two withheld zones with at most 4 visits each, 8 in both would tell 4 and 4.
    """

    def __init__(self, visits: int, known: Collection[int], k: int) -> None:
        self._asked = _Asked(visits, k, frozenset({0, visits, *known}))

    def tell(self, count: int) -> int | None:
        """Return the count, or None if it must not be told."""
        if self._asked.near(count):
            return None
        self._asked = replace(self._asked, known=self._asked.known | {count})
        return count

    def tell_zone(self, count: int) -> int | None:
        """Do the same for the visits in a zone. If each visit was in one of two zones, the sum of both minus all visits
        is the number of visits in both."""
        before = self._asked
        if before.withholds_zone(count):
            self._asked = replace(before, withheld=(*before.withheld, before))
            return None
        self._asked = replace(before, zones=(*before.zones, count))
        return self.tell(count)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is known when a count is asked for: ``zones`` that are told, and what was known when each of the others was
    ``withheld``."""

    visits: int
    k: int
    known: frozenset[int]
    zones: tuple[int, ...] = ()
    withheld: tuple[_Asked, ...] = ()

    def near(self, count: int) -> bool:
        return any(0 < abs(count - other) < self.k for other in self.known)

    def withholds_zone(self, count: int) -> bool:
        return (
            self.near(count)
            or any(0 < count + other - self.visits < self.k for other in self.zones)
            or (len(self.withheld) > 1 and self._may_be_all_of(count))
        )

    def _may_be_all_of(self, count: int) -> bool:
        """Return whether ``count`` visits in other zones, of which several are withheld, tell that each of these has as
        many visits as it can have. One visit that is known may be in all of them."""
        sums = {(0, 0, 0)}
        parts = [(zone, 0) for zone in self.zones] + [(one.most(count), 1) for one in self.withheld]
        for most, hidden in parts if count else ():
            more = {(total + most, zones + 1, min(2, few + hidden)) for total, zones, few in sums}
            sums |= {one for one in more if one[0] < count + len(parts)}
        return any(few > 1 and 0 <= total - count < zones for total, zones, few in sums)

    def most(self, limit: int) -> int:
        """Return the most visits up to ``limit`` that a zone can have had that was withheld then."""
        at = bisect_right(self._not_told, limit)
        return self._not_told[at - 1] if at else 0

    @cached_property
    def _not_told(self) -> list[int]:
        return [count for count in range(self.visits + 1) if self.withholds_zone(count)]
