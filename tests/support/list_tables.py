"""Which other lists of one attribute are told like that of a cohort."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from common import wire
from common.vocabulary import ATTRIBUTES, NOT_SEEN
from tests.support.posterior import list_told

_ALL, _DRAWN = 4_000, 2_000
"""Up to so many lists all are tried; if there are more, so many are drawn, with few or many empty cells."""


def other_lists(cohort: wire.Cohort, attribute: str, k: int) -> Sequence[dict[str, int]]:
    """Return lists of all labels but ``NOT_SEEN`` that are told like this one, the true one among them where all are
    tried."""
    cells: wire.Cells = getattr(cohort, attribute)
    labels = tuple(label for label in cells if label != NOT_SEEN)
    left = cohort.visits - sum(count or 0 for count in cells.values())
    return _alike(list(ATTRIBUTES).index(attribute), labels, tuple(cells[label] for label in labels), left, k)


@lru_cache(maxsize=1_000)
def _alike(
    place: int, labels: tuple[str, ...], cells: tuple[int | None, ...], left: int, k: int
) -> Sequence[dict[str, int]]:
    found = []
    for counts in _divided(left, cells.count(None), k):
        parts = iter(counts)
        table = tuple(next(parts) if count is None else count for count in cells)
        if tuple(list_told(place, labels, table, k)) == cells:
            found.append(dict(zip(labels, table, strict=True)))
    return found


def _divided(visits: int, cells: int, k: int) -> Iterator[Sequence[int]]:
    """Yield ways to divide ``visits`` among ``cells``: all, or some."""
    if not cells:
        yield ()
    elif math.comb(visits + cells - 1, cells - 1) <= _ALL:
        for bars in itertools.combinations(range(visits + cells - 1), cells - 1):
            yield [b - a - 1 for a, b in itertools.pairwise((-1, *bars, visits + cells - 1))]
    else:
        rng = np.random.default_rng(1)
        for draw in range(_DRAWN):
            filled, counts = rng.permutation(cells)[: rng.integers(1, cells + 1)], np.zeros(cells, int)
            if draw % 2 and len(filled) <= visits:  # in any way, each with somebody
                edges = np.sort(rng.choice(visits - 1, len(filled) - 1, replace=False)) + 1
                counts[filled] = np.diff([0, *edges.tolist(), visits])
            else:  # one with nearly all
                counts[filled] = rng.integers(0, 2 * k + 1, len(filled))
                counts[filled[0]] += visits - counts.sum()
            if counts.min() >= 0:
                yield counts.tolist()
