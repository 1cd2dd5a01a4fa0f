"""How else the visits of a cohort can have genders and age bands, so that the table of both is told alike."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from common import wire
from common.vocabulary import NO_VERDICT, NOT_SEEN, UNKNOWN
from tests.support.crowds import SEEN
from tests.support.days import Person
from tests.support.reader import Program

Pair = tuple[str, str]
"""A gender and an age band."""
_DOUBT, _UNSEEN = (UNKNOWN, UNKNOWN), (NOT_SEEN, NOT_SEEN)
_GENDERS, _BANDS = SEEN["gender"], SEEN["age_band"]
_PAIRS = (*itertools.product(_GENDERS, _BANDS), _UNSEEN)
_AT = {pair: n for n, pair in enumerate(_PAIRS)}


def other_tables(
    cohort: wire.Cohort,
    people: Sequence[Person],
    free: Collection[int],
    k: int,
    rng: np.random.Generator,
    cell: Pair | None,
) -> Iterator[Mapping[Pair, int]]:
    """Yield tables with the same sums as that of ``people``, in which small cells stay small and large ones large.

    Those who are not seen are in them, too. ``free``: the visits that may change. ``cell``: where the value is another
    one; None if the number of visits not seen is. Raises ``ValueError`` if the cohort tells no table.
    """
    if cohort.gender_age_band is None:
        raise ValueError
    now = Counter(one.labels[:2] for one in people)
    known = Counter(one.labels[:2] for n, one in enumerate(people) if n not in set(free))
    merged = NO_VERDICT in cohort.gender_age_band
    program = Program(len(_PAIRS))
    for pair in _PAIRS[:-1]:
        together = [_DOUBT, _UNSEEN] if merged and pair == _DOUBT else [pair]
        gender, band = (NO_VERDICT,) * 2 if len(together) > 1 else pair
        told, count = cohort.gender_age_band[gender][band], sum(now[one] for one in together)
        small = (1, k - 1) if 0 < count < k else (k, np.inf)
        program.limit({_AT[one]: 1.0 for one in together}, *(small if told is None else (told, told)))
    for pair, count in known.items():
        program.limit({_AT[pair]: 1.0}, count, np.inf)
    for place, names in enumerate((_GENDERS, _BANDS)):
        for name in names:
            line = [pair for pair in _PAIRS if pair[place] == name]
            line += [_UNSEEN] if merged and name == UNKNOWN else []
            total = sum(now[pair] for pair in line)
            program.limit({_AT[pair]: 1.0 for pair in line}, total, total)
    choices = _numbers_not_seen(people, k) if merged else [now[_UNSEEN]]
    for unseen in [now[_UNSEEN], *rng.permutation(choices).tolist()]:
        limits = [({_AT[_UNSEEN]: 1.0}, unseen, unseen)]
        if cell is None:
            ways = [limits] if unseen != now[_UNSEEN] else []
        else:
            this = {_AT[cell]: 1.0}
            ways = [[*limits, (this, 0, now[cell] - 1)], [*limits, (this, now[cell] + 1, np.inf)]]
        for way in ways:
            weights = rng.lognormal(0, 1, 2 * len(_PAIRS))
            found = program.nearest([now[pair] for pair in _PAIRS], weights, way)
            if found is not None:
                yield dict(zip(_PAIRS, found, strict=True))


def _numbers_not_seen(people: Sequence[Person], k: int) -> list[int]:
    """Return how many visits can have not been seen where a cohort tells them together with the unknown verdicts: one
    of these numbers, or that of the others, is small (``edge.vision.described``)."""
    without = [sum(one.labels[place] in (UNKNOWN, NOT_SEEN) for one in people) for place in range(3)]
    return [
        unseen
        for unseen in range(1, min(without) + 1)
        if any(
            0 < count < k for count in (unseen, len(people) - unseen, *(count - unseen for count in without))
        )
    ]
