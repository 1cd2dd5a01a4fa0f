"""Decide whether the times of a cohort may be published: histogram and sum of dwell and of attention times.

The two sums and the number of viewers limit the possible values of the withheld bins. Each histogram limits the other,
because no attention time is longer than its dwell time. So they are judged together, as a reader would: this module
looks for tables that fit all published numbers and that the rule would have published in the same way. If they give
every withheld bin two possible values, the times are published; if not, none of them are.

The search starts from the published numbers, never from the true bins. So its result is the same for all tables that
fit, and does not help to tell them apart. It does not try every table. If it finds none, one more histogram than
necessary is withheld.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from common.wire import DWELL_BINS_S
from edge.vision.disclosure import withhold

BINS = range(len(DWELL_BINS_S))
_ORDER = tuple(reversed(BINS))
"""Of the large bins, the longest times are withheld first: they have few visits."""
_UPPER = (*DWELL_BINS_S[1:], math.inf)
_ROUNDING_S = 0.051
"""Sums are published in tenths of a second."""
SHORTEST_S = 0.5
"""A reader knows that no visit, and no viewer's attention, is shorter than some tenths of a second. More is assumed,
so that what a sum tells of the first bin is never taken for less than it is."""
_DOMINANCE = 0.25
_TRIES, _KEPT, _PAIRS = 1000, 40, 400
"""Limits: tables that are tried, tables that fit and are kept, and pairs of them."""

Table = tuple[int, ...]
"""Visits by bin."""


@dataclass(frozen=True, slots=True)
class Times:
    """One histogram and the sum of its times, rounded as published, or None if not published. ``idle`` visits are
    known to have no such time, because the number of viewers is published."""

    counts: Table
    sum_s: float | None
    idle: int = 0

    def hidden(self, k: int) -> frozenset[int]:
        return frozenset(withhold(dict(enumerate(self.counts)), k, _ORDER))

    def fits(self, counts: Table) -> bool:
        """Return whether the times in these bins can have the published sum, and no single visit dominates it."""
        if counts[0] < self.idle:
            return False
        if self.sum_s is None:
            return True
        low, high = _reach(counts, self.idle)
        return low - _ROUNDING_S <= self.sum_s < high + _ROUNDING_S and not dominated(counts, self.sum_s)


def _reach(counts: Table, idle: int) -> tuple[float, float]:
    """Return the smallest and the largest possible sum of the times in these bins."""
    low = sum(count * edge for count, edge in zip(counts, DWELL_BINS_S, strict=True))
    low += (counts[0] - idle) * SHORTEST_S
    high = sum(count * edge for count, edge in zip(counts, _UPPER, strict=True) if count)
    return low, high - idle * _UPPER[0]


def dominated(counts: Table, sum_s: float) -> bool:
    """Apply the p% rule: return whether the person with the second longest time could work out the longest one with an
    error below a quarter. It uses bins and sum, because single times are not stored."""
    longest, second = itertools.islice(_descending(counts), 2)
    others_s = sum(count * edge for count, edge in zip(counts, DWELL_BINS_S, strict=True))
    others_s -= DWELL_BINS_S[longest]
    longest_s = min(_UPPER[longest], sum_s - others_s)
    rest_s = max(others_s - DWELL_BINS_S[second], sum_s - _UPPER[longest] - _UPPER[second])
    return rest_s < _DOMINANCE * longest_s


def _descending(counts: Table) -> Iterator[int]:
    """Yield the bin of each visit, the longest first."""
    for index in _ORDER:
        yield from itertools.repeat(index, counts[index])


def publishable(dwell: Times, attention: Times | None, k: int) -> bool:
    """Return whether these times may be published together; ``attention`` is None for dwell times alone."""
    lists = [dwell] if attention is None else [dwell, attention]
    if any(not times.fits(times.counts) or len(times.hidden(k)) == len(BINS) for times in lists):
        return False
    found: list[dict[int, set[int]]] = [{index: set() for index in times.hidden(k)} for times in lists]
    if not any(found):
        return True
    for tables in _combinations([list(itertools.islice(_alike(times, k), _KEPT)) for times in lists]):
        if attention is not None and not _go_together(tables[0], tables[1], dwell, attention):
            continue
        for values, table in zip(found, tables, strict=True):
            for index, seen in values.items():
                seen.add(table[index])
        if all(len(seen) > 1 for values in found for seen in values.values()):
            return True
    return False


def _combinations(lists: Sequence[Sequence[Table]]) -> Iterator[tuple[Table, ...]]:
    """Yield one table of each list; the first ones of each list come first."""
    ways = sorted(itertools.product(*(range(len(tables)) for tables in lists)), key=sum)
    for way in ways[:_PAIRS]:
        yield tuple(tables[index] for tables, index in zip(lists, way, strict=True))


def _alike(times: Times, k: int) -> Iterator[Table]:
    """Yield tables that fit and have the same bins withheld, built from published numbers alone."""
    hidden = sorted(times.hidden(k))
    total = sum(times.counts[index] for index in hidden)
    seen: set[Table] = set()
    for values in itertools.islice(_fillings(len(hidden), total, k), _TRIES):
        table = list(times.counts)
        for index, value in zip(hidden, values, strict=True):
            table[index] = value
        made = Times(tuple(table), times.sum_s, times.idle)
        if made.counts not in seen and made.fits(made.counts) and made.hidden(k) == frozenset(hidden):
            seen.add(made.counts)
            yield made.counts


def _fillings(cells: int, total: int, k: int) -> Iterator[list[int]]:
    """Yield ways to share ``total`` visits among ``cells`` cells, none of them empty: evenly among all, or among all
    but one, which gets the rest; and then with one visit moved."""
    if not cells:
        yield []
        return
    spreads = [_even(cells, total)]
    for small in range(cells - 1, min((cells - 1) * (k - 1), total - k) + 1):
        for large in range(cells):
            values = _even(cells - 1, small)
            values.insert(large, total - small)
            spreads.append(values)
    yield from spreads
    for spread in spreads:
        for source, target in itertools.permutations(range(cells), 2):
            if spread[source] > 1:
                moved = list(spread)
                moved[source], moved[target] = moved[source] - 1, moved[target] + 1
                yield moved


def _even(cells: int, total: int) -> list[int]:
    return [total // cells + (index < total % cells) for index in range(cells)] if cells else []


def _go_together(dwell: Table, attention: Table, of_dwell: Times, of_attention: Times) -> bool:
    """Return whether each visit can have both times: the longest attention times go with the longest dwell times."""
    longest = list(zip(_descending(dwell), _descending(attention), strict=True))
    if any(watched > stayed for stayed, watched in longest):
        return False
    if of_dwell.sum_s is None or of_attention.sum_s is None:
        return True
    # The smallest difference between the two times of a visit; 0 if both are in the same bin.
    viewers = len(longest) - of_attention.idle
    between_s = sum(
        max(0.0, DWELL_BINS_S[stayed] - (_UPPER[watched] if index < viewers else 0.0))
        for index, (stayed, watched) in enumerate(longest)
    )
    return of_dwell.sum_s - of_attention.sum_s >= between_s - _ROUNDING_S
