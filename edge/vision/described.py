"""Decide whether a cohort tells how many of its visits were described, and prepare its breakdown for that.

A visit is ``NOT_SEEN`` in all attributes or in none, so this one number is a cell of every list: whoever knows it in
one list knows it in all, and with it how many verdicts are ``UNKNOWN``. So it is decided once for the whole cohort.
Either it is published, and the described visits are broken down as if they were the whole cohort. Or ``UNKNOWN`` and
``NOT_SEEN`` become ``NO_VERDICT`` everywhere: what is published then is the same for any number of visits not seen, and
every number below k remains possible. docs/decisions/0062 explains why, and what it costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from common.vocabulary import NO_VERDICT, NOT_SEEN, UNKNOWN

Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The visits that lists and tables divide, as counts per (gender, age band, expression), and those beside them.

    ``described`` and ``not_seen`` are None if they are not published. ``doubt`` is the label in ``counts`` of visits
    without a verdict: ``UNKNOWN``, or ``NO_VERDICT``, which then includes those that were not seen.
    """

    counts: Mapping[Triple, int]
    described: int | None
    not_seen: int | None
    doubt: str

    def marginal(self, place: int, labels: Collection[str]) -> dict[str, int]:
        """Count visits by the label at ``place``, zeros included."""
        counts = dict.fromkeys(labels, 0)
        for labelled, count in self.counts.items():
            counts[labelled[place]] += count
        return counts

    def beside(self) -> dict[str, int]:
        """Return the cells that every list has beside those of ``counts``."""
        return {} if self.not_seen is None else {NOT_SEEN: self.not_seen}


def split(counts: Mapping[Triple, int], k: int, places: Collection[int]) -> Breakdown:
    """Split the visits of a cohort into described and not seen, or merge them with the unknown ones if one of these
    numbers is small (1 to k-1). ``places`` of a triple are the attributes that are published."""
    not_seen = sum(count for labels, count in counts.items() if labels[0] == NOT_SEEN)
    described = {labels: count for labels, count in counts.items() if labels[0] != NOT_SEEN}
    total = sum(described.values())
    unknown = (sum(n for labels, n in described.items() if labels[place] == UNKNOWN) for place in places)
    # Without anybody to merge them with, the unknown ones are an ordinary small cell.
    if not_seen and any(0 < count < k for count in (not_seen, total, *unknown)):
        merged = Counter[Triple]()
        for (gender, band, expression), count in counts.items():
            merged[_merged(gender), _merged(band), _merged(expression)] += count
        return Breakdown(merged, None, None, NO_VERDICT)
    return Breakdown(described, total, not_seen, UNKNOWN)


def _merged(label: str) -> str:
    return NO_VERDICT if label in (UNKNOWN, NOT_SEEN) else label
