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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from common.vocabulary import DWELL_BINS_S
from common.wire import Cells, bin_label
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
_TRIES, _KEPT, _PAIRS, _BESIDE = 1000, 40, 400, 12
"""Limits: tables that are tried, tables that fit and are kept, pairs of them, and tables kept of a place."""

Table = tuple[int, ...]
"""Visits by bin."""


@dataclass(frozen=True, slots=True)
class Times:
    """One histogram and the sum of its times, rounded as published, or None if not published. ``idle`` visits are
    known to have no such time, because the number of viewers is published. ``apart`` visits of the cohort are known not
    to be in the histogram at all, as those that were not in a zone. Of one visit at most ``most_s`` are in the sum; the
    histogram has the whole time."""

    counts: Table
    sum_s: float | None
    idle: int = 0
    apart: int = 0
    most_s: float = math.inf

    @property
    def timed(self) -> Table:
        """The visits by bin that have such a time: the first bin without the idle ones."""
        return (self.counts[0] - self.idle, *self.counts[1:])

    def hidden(self, k: int) -> frozenset[int]:
        """Return the bins to withhold. A reader who knows the idle visits reads the others in the first bin."""
        hidden = withhold(dict(enumerate(self.timed)), k, _ORDER)
        if not self.timed[0] and 0 < self.idle < k:
            # These few are known, but a reader of the cells alone must not find so small a one either.
            hidden |= withhold(dict(enumerate(self.counts)), k, _ORDER)
        return frozenset(hidden)

    def fits(self, counts: Table) -> bool:
        """Return whether the times in these bins can have the published sum, and no single visit dominates it."""
        if counts[0] < self.idle:
            return False
        if self.sum_s is None:
            return True
        low, high = _reach(counts, self.idle, self.most_s)
        return low - _ROUNDING_S <= self.sum_s < high + _ROUNDING_S and not dominated(
            counts, self.sum_s, self.most_s
        )


def bins(times: Times | None, k: int) -> Cells:
    """Return the histogram as it is published, with None for what is withheld: all of it if ``times`` is None."""
    hidden = BINS if times is None else times.hidden(k)
    counts = BINS if times is None else times.counts
    return {
        bin_label(edge): None if index in hidden else count
        for index, (edge, count) in enumerate(zip(DWELL_BINS_S, counts, strict=True))
    }


def _reach(counts: Table, idle: int, most_s: float) -> tuple[float, float]:
    """Return the smallest and the largest possible sum of the times in these bins."""
    lower, upper = _ends(most_s)
    low = sum(count * edge for count, edge in zip(counts, lower, strict=True))
    low += (counts[0] - idle) * SHORTEST_S
    high = sum(count * edge for count, edge in zip(counts, upper, strict=True) if count)
    return low, high - idle * upper[0]


@cache
def _ends(most_s: float) -> tuple[Sequence[float], Sequence[float]]:
    """Return the least and the most that one visit in each bin adds to a sum."""
    return tuple(min(edge, most_s) for edge in DWELL_BINS_S), tuple(min(edge, most_s) for edge in _UPPER)


def dominated(counts: Table, sum_s: float, most_s: float = math.inf) -> bool:
    """Apply the p% rule: return whether the person with the second longest time could work out the longest one with an
    error below a quarter. It uses bins and sum, because single times are not stored.

    Who is in the sum with ``most_s`` has that time or any longer one, so nobody works it out. But a reader who knows
    how many these are can subtract them: the rest must pass the rule, too."""
    if sensitivity(counts, sum_s, most_s) > 0:
        return True
    rest = tuple(0 if edge >= most_s else count for count, edge in zip(counts, DWELL_BINS_S, strict=True))
    longest = sum(counts) - sum(rest)
    return longest > 0 and any(rest) and sensitivity(rest, sum_s - longest * most_s) > 0


def sensitivity(counts: Table, sum_s: float, most_s: float = math.inf) -> float:
    """Return the seconds that are missing for the p% rule: a quarter of the longest time minus all but the two longest
    ones. What it is for two sums of times of the same visits is never more than the sum of both (Cox 1981), so sums
    that are not above 0 can be added up to further ones that are not."""
    order = list(itertools.islice(_descending(counts), 2))
    if len(order) < 2:
        return _DOMINANCE * sum_s
    longest, second = order
    lower, upper = _ends(most_s)
    others_s = sum(count * edge for count, edge in zip(counts, lower, strict=True))
    others_s -= lower[longest]
    longest_s = min(upper[longest], sum_s - others_s)
    rest_s = max(others_s - lower[second], sum_s - upper[longest] - upper[second])
    return _DOMINANCE * longest_s - rest_s


def two_longest(counts: Table, sum_s: float, most_s: float = math.inf) -> tuple[float, float]:
    """Return the most that the longest and the second longest of these times can be."""
    lower, upper = _ends(most_s)
    low_s = sum(count * edge for count, edge in zip(counts, lower, strict=True))
    most = [
        max(0.0, min(upper[index], sum_s - low_s + lower[index]))
        for index in itertools.islice(_descending(counts), 2)
    ]
    longest, second = (*most, 0.0, 0.0)[:2]
    return longest, min(longest, second)


def sensitivity_below(sum_s: float, most_s: tuple[float, float]) -> float:
    """Return the most that ``sensitivity`` can be if all that is known of the times is that the two longest are at most
    ``most_s``."""
    longest_s, second_s = most_s
    return _DOMINANCE * min(longest_s, max(0.0, sum_s)) - max(0.0, sum_s - longest_s - second_s)


def _descending(counts: Table) -> Iterator[int]:
    """Yield the bin of each visit, the longest first."""
    for index in _ORDER:
        yield from itertools.repeat(index, counts[index])


def publishable(dwell: Times, attention: Times | None, k: int) -> bool:
    """Return whether these times may be published together; ``attention`` is None for dwell times alone."""
    lists = [dwell] if attention is None else [dwell, attention]
    if not _alone(lists, k) or not _hides_the_rest(dwell.counts, dwell, attention):
        return False
    found: list[dict[int, set[int]]] = [{index: set() for index in times.hidden(k)} for times in lists]
    if not any(found):
        return True
    for tables in _combinations([list(itertools.islice(_alike(times, k), _KEPT)) for times in lists]):
        if attention is not None and not _go_together(tables[0], tables[1], dwell, attention):
            continue
        if not _hides_the_rest(tables[0], dwell, attention):
            continue
        for values, table in zip(found, tables, strict=True):
            for index, seen in values.items():
                seen.add(table[index])
        if _all_open(found):
            return True
    return False


def publishable_beside(dwell: Times, parts: Sequence[Times], k: int) -> bool:
    """Return whether the dwell times and ``parts``, the times of places, may be published together. No part limits
    another one, so for each table of dwell times those of the parts are looked for one by one."""
    lists = [dwell, *parts]
    if not _alone(lists, k):
        return False
    found: list[dict[int, set[int]]] = [{index: set() for index in times.hidden(k)} for times in lists]
    if not any(found):
        return True
    tables = [list(itertools.islice(_alike(part, k), _BESIDE)) for part in parts]
    for table in itertools.islice(_alike(dwell, k), _KEPT):
        fitting = [
            [one for one in those if _go_together(table, one, dwell, part)]
            for part, those in zip(parts, tables, strict=True)
        ]
        if not all(fitting):
            continue
        for values, those in zip(found, [[table], *fitting], strict=True):
            for index, seen in values.items():
                seen.update(one[index] for one in those)
        if _all_open(found):
            return True
    return False


def _alone(lists: Sequence[Times], k: int) -> bool:
    return all(times.fits(times.counts) and len(times.hidden(k)) < len(BINS) for times in lists)


def _hides_the_rest(dwell: Table, of_dwell: Times, of_attention: Times | None) -> bool:
    """Return whether the difference of both sums, the time of not looking, is dominated by no visit. Nobody looks
    elsewhere for longer than the dwell time."""
    if of_attention is None or of_dwell.sum_s is None or of_attention.sum_s is None:
        return True
    return sensitivity_below(of_dwell.sum_s - of_attention.sum_s, two_longest(dwell, of_dwell.sum_s)) <= 0


def _all_open(found: Sequence[Mapping[int, set[int]]]) -> bool:
    """Return whether each withheld bin of each list has two possible values."""
    return all(len(seen) > 1 for values in found for seen in values.values())


def _combinations(lists: Sequence[Sequence[Table]]) -> Iterator[tuple[Table, ...]]:
    """Yield one table of each list; the first ones of each list come first."""
    ways = sorted(itertools.product(*(range(len(tables)) for tables in lists)), key=sum)
    for way in ways[:_PAIRS]:
        yield tuple(tables[index] for tables, index in zip(lists, way, strict=True))


def _alike(times: Times, k: int) -> Iterator[Table]:
    """Yield tables that fit and have the same bins withheld, built from published numbers alone."""
    hidden = sorted(times.hidden(k))
    total = sum(times.timed[index] for index in hidden)
    seen: set[Table] = set()
    for values in itertools.islice(_fillings(len(hidden), total, k), _TRIES):
        table = list(times.timed)
        for index, value in zip(hidden, values, strict=True):
            table[index] = value
        table[0] += times.idle
        made = replace(times, counts=tuple(table))
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
    runs = list(_matched(dwell, (attention[0] - of_attention.idle, *attention[1:])))
    if any(watched > stayed for stayed, watched, _ in runs):
        return False
    if of_dwell.sum_s is None or of_attention.sum_s is None:
        return True
    # The smallest difference between the two times of a visit; 0 if both are in the same bin.
    _, most = _ends(of_attention.most_s)
    between_s = sum(dwell_s * visits for dwell_s, visits in zip(DWELL_BINS_S, dwell, strict=True))
    between_s -= sum(visits * min(DWELL_BINS_S[stayed], most[watched]) for stayed, watched, visits in runs)
    return of_dwell.sum_s - of_attention.sum_s >= between_s - _ROUNDING_S


def _matched(stays: Table, looks: Table) -> Iterator[tuple[int, int, int]]:
    """Yield the bins of stays and looks that go with each other, the longest first, and how many visits have both.
    Visits without a look are the last ones, and are left out."""
    left, stayed = list(stays), len(stays) - 1
    for watched in _ORDER:
        wanted = looks[watched]
        while wanted:
            while not left[stayed]:
                stayed -= 1
            visits = min(wanted, left[stayed])
            yield stayed, watched, visits
            left[stayed], wanted = left[stayed] - visits, wanted - visits
