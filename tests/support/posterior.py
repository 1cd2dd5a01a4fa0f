"""What a reader believes of one person, before and after a list is published.

He knows the shop: how often each verdict is given, and the share of visits that are never described. He knows that the
person is in the cohort and that the device has a verdict on this person, so it is never less than what a reader without
that would believe. He weighs all lists that the rule would have published like this one by how likely they are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from common import wire
from common.vocabulary import ATTRIBUTES, NO_VERDICT, NOT_SEEN, UNKNOWN
from edge.vision import privacy
from edge.vision.described import Breakdown
from tests.support.crowds import SEEN, SHARES

_ALL, _DRAWN, _ENOUGH = 4_000, (4_000, 100_000), 50
"""Up to so many lists all are weighed. If there are more, so many are drawn, and enough of them must be alike: if not,
more are drawn."""


WITHHELD_AT_MOST = {"gender": 0.95, "age_band": 0.8, "expression": 0.95}
"""The stated bound on a belief from a list of which a part is withheld, for whoever knows at most one visit of the
cohort. Not proved: it rests on the random days of ``benchmarks/composition.py``, which fails beyond it."""


@dataclass(frozen=True, slots=True)
class Belief:
    """How sure a reader is of the likeliest verdict on a person, before and after."""

    label: str
    before: float
    after: float


def bound(cells: wire.Cells, attribute: str, k: int, known: Mapping[str, int]) -> float:
    """Return the bound that docs/privacy.md states on the belief in a verdict on one visit, from a list that tells
    ``cells``. ``known``: the verdicts on the visits that the reader knows; 1 if no bound is stated for him."""
    mine = sum(count for label, count in known.items() if label in ATTRIBUTES[attribute])
    if None in cells.values():
        return WITHHELD_AT_MOST[attribute] if sum(known.values()) <= 1 else 1.0
    # Another verdict has k visits at least, of which he knows some.
    strangers = sum(cells[label] or 0 for label in ATTRIBUTES[attribute]) - mine
    return 1 - max(0, k - mine) / strangers


def beliefs(
    cohort: wire.Cohort, attribute: str, k: int, not_seen: float, known: Mapping[str, int] | None = None
) -> Belief | None:
    """Return the belief in the likeliest verdict on a visit of ``cohort`` that the reader does not know; None if nobody
    is left, or too few of the lists that were drawn would be published like this one. ``known``: the verdicts on the
    visits that he knows. ``not_seen``: the usual share."""
    cells: wire.Cells = getattr(cohort, attribute)
    merged = NO_VERDICT in cells
    mine = dict(known or {})
    if merged:
        mine[NO_VERDICT] = mine.pop(UNKNOWN, 0) + mine.pop(NOT_SEEN, 0)
    labels = [label for label in cells if label != NOT_SEEN]
    if not merged:
        mine.pop(NOT_SEEN, None)
    left = cohort.visits - sum(count or 0 for count in cells.values())
    return _believed(
        list(ATTRIBUTES).index(attribute),
        tuple(labels),
        tuple(cells[label] for label in labels),
        left,
        tuple(mine.get(label, 0) for label in labels),
        k,
        not_seen if merged else 0.0,
        bool(cells.get(NOT_SEEN)),
    )


@lru_cache(maxsize=100_000)
def _believed(
    place: int,
    labels: tuple[str, ...],
    cells: tuple[int | None, ...],
    left: int,
    known: tuple[int, ...],
    k: int,
    not_seen: float,
    some_unseen: bool,
) -> Belief | None:
    """``left`` visits are in the withheld cells."""
    name = list(ATTRIBUTES)[place]
    usual = dict(zip(SEEN[name], SHARES[name], strict=True))
    chances = [
        usual[label] * (1 - not_seen) if label in usual else usual[UNKNOWN] * (1 - not_seen) + not_seen
        for label in labels
    ]
    hidden = [n for n, count in enumerate(cells) if count is None]
    doubt = len(labels) - 1
    among = [chances[n] for n in hidden], left, [known[n] for n in hidden]
    for drawn in _DRAWN:
        total, weight = np.zeros(len(labels)), 0.0
        for counts, times in _lists(*among, drawn):
            table = list(cells)
            for n, count in zip(hidden, counts, strict=True):
                table[n] = count
            whole = [count or 0 for count in table]
            if some_unseen and 0 < whole[doubt] < k:
                continue  # then the unknown ones would be told together with those not seen
            if tuple(list_told(place, labels, tuple(whole), k)) == cells:
                total += times * (np.array(whole) - known)
                weight += times
        if weight >= _ENOUGH or 0 < weight < 1:
            break
    else:
        return None
    verdicts = total[:doubt]
    if verdicts.sum() <= 1e-12 * weight:
        return None
    shares = verdicts / verdicts.sum()
    best = int(shares.argmax())
    before = usual[labels[best]] / (1 - usual[UNKNOWN])
    return Belief(labels[best], before, float(shares[best]))


def _lists(
    chances: Sequence[float], visits: int, known: Sequence[int], draws: int
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield how the withheld visits can be divided, with what that weighs: all ways with their chance (below 1 in all),
    or ``draws`` of them with how often each was drawn."""
    strangers, size = visits - sum(known), len(chances)
    if not size or strangers < 0:
        if not size:
            yield (), 1e6
        return
    shares = np.array(chances) / sum(chances)
    if math.comb(strangers + size - 1, size - 1) <= _ALL:
        logs, most = np.log(shares), math.lgamma(strangers + 1)
        for bars in itertools.combinations(range(strangers + size - 1), size - 1):
            parts = [b - a - 1 for a, b in itertools.pairwise((-1, *bars, strangers + size - 1))]
            chance = math.exp(
                most + sum(n * log - math.lgamma(n + 1) for n, log in zip(parts, logs.tolist(), strict=True))
            )
            yield tuple(n + own for n, own in zip(parts, known, strict=True)), chance * (1 - 1e-9)
        return
    drawn = np.random.default_rng(1).multinomial(strangers, shares, draws)
    found, often = np.unique(drawn, axis=0, return_counts=True)
    for parts, times in zip(found.tolist(), often.tolist(), strict=True):
        yield tuple(n + own for n, own in zip(parts, known, strict=True)), float(times)


@lru_cache(maxsize=200_000)
def list_told(place: int, labels: tuple[str, ...], counts: tuple[int, ...], k: int) -> list[int | None]:
    """Publish a list by the rule: what it tells of each of ``labels``, the last of which is no verdict."""
    triples = {}
    for label, count in zip(labels, counts, strict=True):
        triple = [labels[-1]] * 3
        triple[place] = label
        triples[triple[0], triple[1], triple[2]] = count
    cells = privacy._list(Breakdown(triples, None, None, labels[-1]), place, k)
    return [cells[label] for label in labels]
