"""A reader of the times of two zones: he sets up all histograms and sums of a cohort as one integer program."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from common import wire
from tests.support.crowds import BINS, EDGES, UPPER, K
from tests.support.places import Someone
from tests.support.reader import ROUNDING_S, Program

Kind = tuple[int, int | None, int | None]
"""Bins of a visit: in view, at the shelf, waiting at the desk."""
KINDS: list[Kind] = [
    (dwell, shelf, desk)
    for dwell in BINS
    for shelf in (None, *range(dwell + 1))
    for desk in (None, *range(dwell + 1))
]


def known_cells(cohort: wire.Cohort, people: Sequence[Someone]) -> tuple[int, list[str]]:
    """Return how many withheld cells hold 1 to k-1 visits, and the names of those with one possible value."""
    truth = Counter(_kind(one) for one in people)
    table, program = [truth[kind] for kind in KINDS], Program(len(KINDS))
    program.limit(dict.fromkeys(range(len(KINDS)), 1.0), cohort.visits, cohort.visits)
    desk = cohort.zones["desk"].queue
    assert desk is not None
    shelf = cohort.zones["shelf"]
    lists = [
        (0, cohort.dwell, cohort.visits, cohort.dwell_sum_s),
        (1, shelf.dwell, shelf.visits, shelf.dwell_sum_s),
        (2, desk.waiting, desk.waits, desk.waiting_sum_s),
    ]
    small: list[tuple[str, Mapping[int, float], int]] = []
    for place, cells, visits, sum_s in lists:
        if visits is None or sum_s is None:
            continue
        mine = {n: kind[place] for n, kind in enumerate(KINDS) if kind[place] is not None}
        program.limit(dict.fromkeys(mine, 1.0), visits, visits)
        program.limit({n: EDGES[at] for n, at in mine.items() if at}, 0, sum_s + ROUNDING_S)
        program.limit({n: UPPER[at] for n, at in mine.items() if at is not None}, sum_s - ROUNDING_S, np.inf)
        for index in BINS:
            terms = {n: 1.0 for n, at in mine.items() if at == index}
            count = sum(table[n] for n in terms)
            told = cells[wire.bin_label(EDGES[index])]
            program.limit(terms, count if told is not None else 1, count if told is not None else np.inf)
            if told is None and count < K:
                small.append((f"{place} {index}", terms, count))
    weights = np.ones(2 * len(KINDS))
    return len(small), [
        name
        for name, terms, count in small
        if not any(
            program.nearest(table, weights, [(terms, low, high)])
            for low, high in ((-np.inf, count - 1), (count + 1, np.inf))
        )
    ]


def _kind(one: Someone) -> Kind:
    wait = one.places.waits.get("desk")
    return (
        _bin(one.dwell_s),
        _bin(one.places.stays["shelf"]) if "shelf" in one.places.stays else None,
        None if wait is None else _bin(wait.seconds),
    )


def _bin(seconds: float) -> int:
    return bisect_right(EDGES, seconds) - 1
