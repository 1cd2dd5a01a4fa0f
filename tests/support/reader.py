"""Readers who try to get single visits out of what is published. They share nothing with the rule but its outcome.

``python -m tests.support.reader`` lets them loose on 10,000 cohorts of shops with 5 to 60 visits an hour, which takes
an hour or so; ``tests/edge/vision/test_reader.py`` does on a share of them. A reader knows every published number and
the rule itself. He sets up what any table must fulfil as an integer program (HiGHS), and replays the rule on the tables
that he finds. One with another value in a withheld cell and the same outcome is a table that he cannot exclude; where
there is none, he knows the cell.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from scipy.optimize import Bounds, LinearConstraint, milp

from common import wire
from common.vocabulary import NO_VERDICT, NOT_SEEN, UNKNOWN
from tests.support.crowds import (
    BINS,
    EDGES,
    LOOK_EDGES,
    LOOK_UPPER,
    SEEN,
    UPPER,
    VIEWER_S,
    Crowd,
    Floats,
    K,
    cohorts,
)

ROUNDING_S = 0.05

_GENDERS, _BANDS, _FACES = SEEN.values()


Limit = tuple[Mapping[int, float], float, float]
"""Terms, and the least and the most of their sum."""


Cell = tuple[str, Mapping[int, float], int]
"""A withheld cell: list and label, terms that add up to it, and how many visits it really holds."""


class Program:
    """Linear constraints over whole numbers, and what they leave open."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._rows: list[Floats] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def limit(self, terms: Mapping[int, float], low: float, high: float) -> None:
        self._rows.append(self._row(terms))
        self._low.append(low)
        self._high.append(high)

    def nearest(self, table: Sequence[int], weights: Floats, limits: Sequence[Limit]) -> list[int] | None:
        """The table next to this one that keeps ``limits`` as well, or None where there is none."""
        rows, at = np.array([*self._rows, *(self._row(limit[0]) for limit in limits)]), np.array(table, float)
        offset = rows @ at
        low = np.array([*self._low, *(limit[1] for limit in limits)]) - offset
        high = np.array([*self._high, *(limit[2] for limit in limits)]) - offset
        bounds = Bounds(0, np.concatenate([np.full(self.size, np.inf), at]))
        found = milp(
            weights,
            constraints=LinearConstraint(np.hstack([rows, -rows]), low, high),
            integrality=np.ones(2 * self.size),
            bounds=bounds,
        )
        if found.x is None:
            return None
        return [round(value) for value in (at + found.x[: self.size] - found.x[self.size :]).tolist()]

    def _row(self, terms: Mapping[int, float]) -> Floats:
        row = np.zeros(self.size)
        for index, factor in terms.items():
            row[index] += factor
        return row


def _told(
    program: Program, cells: wire.Cells, terms: Mapping[str, Mapping[int, float]], least: int = 1
) -> None:
    """A published cell is what it is; one that is withheld beside published ones is ``least`` or more."""
    whole = all(count is None for count in cells.values())
    for label, count in cells.items():
        if count is not None:
            program.limit(terms[label], count, count)
        elif not whole:
            program.limit(terms[label], least, np.inf)


@dataclass(frozen=True, slots=True)
class Found:
    """How many small withheld cells there were, and which of them a reader knows."""

    cells: int
    exact: tuple[str, ...]


def read_times(truth: Crowd, rng: np.random.Generator) -> Found:
    """Attack both histograms, both sums and the number of viewers as one system."""
    cohort, visits, idle = truth.published(), truth.visits, truth.visits - truth.viewers
    pairs = [(i, j, True) for i in BINS for j in range(i + 1)] + [(i, 0, False) for i in BINS]
    program = Program(len(pairs))
    program.limit(dict.fromkeys(range(len(pairs)), 1.0), visits, visits)
    program.limit({n: 1.0 for n, pair in enumerate(pairs) if not pair[2]}, idle, idle)
    of_dwell = {wire.bin_label(EDGES[i]): {n: 1.0 for n, p in enumerate(pairs) if p[0] == i} for i in BINS}
    of_attention = {
        wire.bin_label(EDGES[i]): {n: 1.0 for n, p in enumerate(pairs) if p[1] == i} for i in BINS
    }
    _told(program, cohort.dwell, of_dwell)
    _told(program, cohort.attention, of_attention)
    if cohort.dwell_sum_s is not None:
        program.limit(
            {n: max(EDGES[i], VIEWER_S) for n, (i, _, _) in enumerate(pairs)},
            0,
            cohort.dwell_sum_s + ROUNDING_S,
        )
        program.limit(
            {n: UPPER[i] for n, (i, _, _) in enumerate(pairs)}, cohort.dwell_sum_s - ROUNDING_S, np.inf
        )
    if cohort.attention_sum_s is not None:
        low = {n: max(LOOK_EDGES[j], VIEWER_S) if watched else 0.0 for n, (_, j, watched) in enumerate(pairs)}
        high = {n: LOOK_UPPER[j] if watched else 0.0 for n, (_, j, watched) in enumerate(pairs)}
        program.limit(low, 0, cohort.attention_sum_s + ROUNDING_S)
        program.limit(high, cohort.attention_sum_s - ROUNDING_S, np.inf)
        if cohort.dwell_sum_s is not None:
            between = {n: max(0.0, EDGES[i] - high[n]) for n, (i, _, _) in enumerate(pairs)}
            program.limit(between, 0, cohort.dwell_sum_s - cohort.attention_sum_s + 2 * ROUNDING_S)

    def replayed(table: Sequence[int]) -> bool:
        dwell_s = _least(table, [EDGES[i] + 1 for i, _, _ in pairs])
        watched_s = _least(table, [max(LOOK_EDGES[j], VIEWER_S) * watched for _, j, watched in pairs])
        return any(
            replace(
                truth,
                dwell=_counted(table, [pair[0] for pair in pairs]),
                attention=_counted(table, [pair[1] for pair in pairs]),
                dwell_sum_s=cohort.dwell_sum_s or dwell_s,
                attention_sum_s=cohort.attention_sum_s or hidden_s,
            ).published()
            == cohort
            for hidden_s in (truth.attention_sum_s, watched_s, 1.3 * watched_s)
        )

    cells = [
        (f"{name} {label}", terms[label], counts[index])
        for name, told, terms, counts in (
            ("dwell", cohort.dwell, of_dwell, truth.dwell),
            ("attention", cohort.attention, of_attention, truth.attention),
        )
        for index, label in enumerate(told)
        if told[label] is None and counts[index]
    ]
    names = [cell[0] for cell in cells]
    return _attack(program, [truth.times.get(pair, 0) for pair in pairs], cells, names, replayed, rng)


def _counted(table: Sequence[int], of: Sequence[int]) -> tuple[int, ...]:
    counts = Counter[int]()
    for count, index in zip(table, of, strict=True):
        counts[index] += count
    return tuple(counts[index] for index in BINS)


def _least(table: Sequence[int], seconds: Sequence[float]) -> float:
    """A sum that the times of a table can have, where none is published."""
    return sum(count * each for count, each in zip(table, seconds, strict=True))


def read_people(truth: Crowd, rng: np.random.Generator) -> Found:
    """Attack gender, age band, the table of both, expression and the number of described visits as one system.

    The unknowns are the described visits by gender and band, those by expression, and the visits that were not seen.
    The reader knows that these are in no other cell, and that every described visit is once in each list.
    """
    cohort = truth.published()
    keys = [(gender, band) for gender in _GENDERS for band in _BANDS]
    place: dict[object, int] = {key: n for n, key in enumerate([*keys, *_FACES])}
    size, merged = len(place) + 1, cohort.described is None
    program = Program(size)
    terms = _terms_of_people(place, merged=merged)
    seen, unseen = terms["described"].values()
    program.limit({**seen, **unseen}, truth.visits, truth.visits)
    program.limit({**seen, **{place[face]: -1.0 for face in _FACES}}, 0, 0)
    lists = cohort.lists()
    for name in filter(lists.__contains__, terms):
        cells_of = {label: n for label, n in lists[name].items() if label in terms[name]}
        # Where all verdicts are the same, an empty cell is withheld with them.
        _told(program, cells_of, terms[name], least=0)
    if cohort.described is None:  # if it were nobody or everybody, it would be told
        program.limit(seen, 1, np.inf)
        program.limit(unseen, 1, np.inf)
    else:
        program.limit(seen, cohort.described, cohort.described)
    true = _solution(truth, place, size)

    def replayed(table: Sequence[int]) -> bool:
        other = replace(truth, breakdown=_some_people(table, keys)).published()
        return other.described == cohort.described and all(
            other.lists().get(name) == lists.get(name) for name in terms
        )

    told: dict[str, Mapping[str, int | None]] = {
        **lists,
        "described": {} if merged else dict.fromkeys(terms["described"], 0),
    }
    cells = [
        (f"{name} {label}", of, value)
        for name in filter(told.__contains__, terms)
        for label, of in terms[name].items()
        if told[name].get(label) is None and (value := sum(true[n] for n in of))
    ]
    named = {f"{name} {label}" for name in filter(lists.__contains__, terms) for label in lists[name]}
    return _attack(program, true, cells, named, replayed, rng)


def _terms_of_people(
    place: Mapping[object, int], *, merged: bool
) -> dict[str, dict[str, Mapping[int, float]]]:
    """What the cells of each list add up. The last unknown are the visits that were not seen."""
    unseen = {len(place): 1.0}
    lists: dict[str, dict[str, Mapping[int, float]]] = {
        "gender": {g: {place[g, b]: 1.0 for b in _BANDS} for g in _GENDERS},
        "age_band": {b: {place[g, b]: 1.0 for g in _GENDERS} for b in _BANDS},
        "expression": {face: {place[face]: 1.0} for face in _FACES},
    }
    joint = {(g, b): {place[g, b]: 1.0} for g in _GENDERS for b in _BANDS}
    if merged:
        for terms in lists.values():
            terms[NO_VERDICT] = {**terms[UNKNOWN], **unseen}
        joint[UNKNOWN, UNKNOWN] |= unseen
        joint[NO_VERDICT, NO_VERDICT] = joint.pop((UNKNOWN, UNKNOWN))
    return {
        **lists,
        "gender_age_band": {".".join(labels): of for labels, of in joint.items()},
        "described": {"seen": {place[g, b]: 1.0 for g in _GENDERS for b in _BANDS}, NOT_SEEN: unseen},
    }


def _solution(truth: Crowd, place: Mapping[object, int], size: int) -> list[int]:
    """The true values of the unknowns."""
    true = [0] * size
    for (gender, band, face), count in truth.breakdown.items():
        if gender == NOT_SEEN:
            true[-1] += count
        else:
            true[place[gender, band]] += count
            true[place[face]] += count
    return true


def _some_people(table: Sequence[int], keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str, str], int]:
    """People with these numbers; which of them has which expression is not published, so any will do."""
    numbers = iter(table)
    pairs = [key for key in keys for _ in range(next(numbers))]
    faces = [face for face in _FACES for _ in range(next(numbers))]
    people = Counter((*pair, face) for pair, face in zip(pairs, faces, strict=True))
    return people | Counter({(NOT_SEEN,) * 3: next(numbers)})


def _attack(
    program: Program,
    truth: Sequence[int],
    cells: Sequence[Cell],
    withheld: Collection[str],
    replayed: Callable[[Sequence[int]], bool],
    rng: np.random.Generator,
) -> Found:
    """A cell is known where no other table both fits and is published alike. ``cells``: all that nobody may know and
    that are not empty; ``withheld``: the names of those that the message names without a count."""
    # The rule withheld the cells that the message names; others, such as how many were described, follow from them.
    named = [cell for cell in cells if cell[0] in withheld]
    classes = [[(terms, value, value) for _, terms, value in named], *_classes(named)]
    kept: list[list[int]] = []

    def other(terms: Mapping[int, float], value: int) -> bool:
        if any(sum(table[n] for n in terms) != value for table in kept):
            return True
        for _ in range(_ROUNDS):
            for table in _other_tables(program, truth, terms, value, classes, rng):
                if replayed(table):
                    kept.append(table)
                    return True
        return False

    small = [cell for cell in cells if cell[2] < K]
    return Found(len(small), tuple(name for name, terms, value in small if not other(terms, value)))


def _other_tables(
    program: Program,
    truth: Sequence[int],
    terms: Mapping[int, float],
    value: int,
    classes: Sequence[Sequence[Limit]],
    rng: np.random.Generator,
) -> Iterator[list[int]]:
    """Tables next to the true one, by ever other measures, in which the cell has another value; first those in which
    small cells stay small and large ones large. A reader cannot know them for what they are; but as long as there is
    one he cannot know the cell."""
    for kept in classes:
        for low, high in (
            (value - 1, value - 1),
            (value + 1, value + 1),
            (-np.inf, value - 1),
            (value + 1, np.inf),
        ):
            for _ in range(_TRIES):
                weights = rng.lognormal(0, 2, 2 * program.size)
                table = program.nearest(truth, weights, [*kept, (terms, low, high)])
                if table is None:
                    break
                yield table
    for _ in range(_TRIES):  # and some from far away
        far = [round(count) for count in rng.exponential(3, program.size)]
        for low, high in ((-np.inf, value - 1), (value + 1, np.inf)):
            table = program.nearest(far, rng.lognormal(0, 2, 2 * program.size), [(terms, low, high)])
            if table is not None:
                yield table


def _classes(cells: Sequence[Cell]) -> Iterator[Sequence[Limit]]:
    """Which of the withheld cells are small and which are large: as it is; as it would be with one large cell in a list
    or none, where the small ones add up to too little or too much; and any."""
    true: list[Limit] = [(terms, 1, K - 1) if value < K else (terms, K, np.inf) for _, terms, value in cells]
    yield true
    for name in sorted({name.split()[0] for name, _, _ in cells}):
        mine = [index for index, cell in enumerate(cells) if cell[0].split()[0] == name]
        others = [limit for index, limit in enumerate(true) if index not in mine]
        yield [*others, *((cells[index][1], 1, K - 1) for index in mine)]
        for large in mine:
            small = [cells[index][1] for index in mine if index != large]
            together = Counter[int]()
            for terms in small:
                together.update(dict.fromkeys(terms, 1))
            bounds: tuple[tuple[float, float], ...] = (
                (0, max(K, len(small) + 2) - 1),
                (len(small) * (K - 1) - 1, np.inf),
            )
            for least, most in bounds:
                yield [
                    *others,
                    (cells[large][1], K, np.inf),
                    *((terms, 1, K - 1) for terms in small),
                    (together, least, most),
                ]
    yield []


_TRIES, _ROUNDS = 4, 5
"""Tables of each kind in a round, and rounds; nearly every cell is decided in the first one."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.reader", description="Attack what is published."
    )
    parser.add_argument("--cohorts", type=int, default=10_000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    rng = np.random.default_rng(options.seed)
    console, cells, exact = Console(), Counter[str](), Counter[str]()
    for truth in cohorts(rng, options.cohorts):
        for name, attack in (("times", read_times), ("people", read_people)):
            found = attack(truth, rng)
            cells[name] += found.cells
            exact[name] += len(found.exact)
            if found.exact:
                console.print(truth.visits, found.exact)
    console.print(f"{options.cohorts} cohorts; small withheld cells {dict(cells)}; known {dict(exact)}")
    return int(exact.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
