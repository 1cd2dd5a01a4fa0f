"""Which cells of a list of counts are withheld, so that nobody can work out a cell of 1 to k-1 visits.

Withholding the small cells alone is not enough: the published total minus the other cells gives back their sum. And a
reader knows this rule. He can apply it to every list that fits what was published, and keep those with the same
outcome. So what is withheld follows from two things only: which cells are empty, small or large, and the sum of the
withheld ones. Never from how large a large cell is. Then the lists that fit are told apart by nothing, and for k >= 3
every small cell has at least two possible values among them. ``tests/edge/vision/test_privacy.py`` tries all lists up
to a size.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def withhold(counts: Mapping[Name, int], k: int, order: Sequence[Name]) -> set[Name]:
    """The cells to withhold of a list whose total, at least ``k``, is published; all of it where less does not do.

    Empty cells are published. ``order``: all names, the one first that is withheld first where a large cell has to
    be withheld beside the small ones.
    """
    small = [name for name in order if 0 < counts[name] < k]
    if not small:
        return set()
    hidden, total, n = set(small), sum(counts[name] for name in small), len(small)
    # The small cells alone will do if they are neither nearly all 1 nor nearly all k-1: 4+4+4 = 12 has one solution,
    # and "nearly" keeps the lists that fail from having one, too.
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
    """The zones to withhold. Zones overlap, and one may lie within another: then the difference of their cells counts
    the visits in the one and not in the other. So of all cells that are published, with "nobody" and "everybody", any
    two are equal or at least ``k`` apart."""
    published, hidden = {0, visits}, set()
    for zone in sorted(zones):
        if any(0 < abs(zones[zone] - other) < k for other in published):
            hidden.add(zone)
        else:
            published.add(zones[zone])
    return hidden
