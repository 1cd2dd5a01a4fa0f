"""All published times of a cohort as one system over whole numbers: dwell and attention times, stays, waits and looks.

The unknowns are the visits by the bins of their times. Each has one dwell time, and no other time of it is longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np

from common import wire
from tests.support.crowds import BINS, EDGES, LOOK_EDGES, LOOK_UPPER, UPPER, VIEWER_S
from tests.support.days import Person
from tests.support.reader import ROUNDING_S, Program
from tests.support.whereabouts import STOP_S, bin_of, value_of

_Kind = tuple[str, int, int | None, int | None]
"""Part of the system, bin of the dwell time, and bins of up to two times within it; None for a visit without it."""
_PARTS: Mapping[str, tuple[str, str]] = {
    "places": ("stay shelf", "wait"),
    "attention": ("attention", ""),
    "sign": ("look sign", ""),
    "tea": ("look tea", ""),
}


def _kinds() -> list[_Kind]:
    return [
        (part, dwell, one, other)
        for part, (_, second) in _PARTS.items()
        for dwell in BINS
        for one in (None, *range(dwell + 1))
        for other in ((None, *range(dwell + 1)) if second else (None,))
    ]


_KINDS = _kinds()
_AT = {kind: n for n, kind in enumerate(_KINDS)}


def leaves_open(
    cohort: wire.Cohort, people: Sequence[Person], known: Collection[int], name: str, count: int
) -> bool:
    """Return whether the system has a solution with another number than ``count`` in the withheld cell ``name``. The
    visits at the places ``known`` are as they are."""
    viewers = sum(one.attention_s > 0 for one in people)
    program, terms = _program(cohort, viewers, [people[n] for n in known])
    histogram, _, label = name.rpartition(".")
    cell = terms[histogram][label]
    true = Counter(kind for one in people for kind in _kinds_of(one))
    table, weights = [true[kind] for kind in _KINDS], np.ones(2 * len(_KINDS))
    ranges = [(count + 1, np.inf), (-np.inf, count - 1)]
    return any(
        program.nearest(table, weights, [(cell, low, high)]) is not None
        for low, high in (ranges[:1] if name == STOPS else ranges)
    )


def has_histogram(name: str) -> bool:
    """Return whether a cell is one of the times in the system."""
    return name.rpartition(".")[0] in _HISTOGRAMS


STOPS = "zones.shelf.stops"
"""The system has this cell, too: if one stay more can have been long, there can have been one stop more."""


_HISTOGRAMS = {
    "dwell": "dwell", "attention": "attention", "zones.shelf.dwell": "stay shelf",
    "zones.desk.queue.waiting": "wait", "targets.sign.attention": "look sign", "targets.tea.attention": "look tea",
}  # fmt: skip


@lru_cache(maxsize=10_000)
def _kinds_of(one: Person) -> Sequence[_Kind]:
    def place(kind: str) -> int | None:
        value = value_of(one, kind) if kind else None
        return None if value is None else bin_of(value)

    return [(part, bin_of(one.dwell_s), place(a), place(b)) for part, (a, b) in _PARTS.items()]


def _program(
    cohort: wire.Cohort, viewers: int, known: Sequence[Person]
) -> tuple[Program, dict[str, dict[str, dict[int, float]]]]:
    program, terms = Program(len(_KINDS)), dict[str, dict[str, dict[int, float]]]()
    for part in _PARTS:
        mine = [(n, kind) for n, kind in enumerate(_KINDS) if kind[0] == part]
        program.limit({n: 1.0 for n, _ in mine}, cohort.visits, cohort.visits)
        if part != "attention":  # each part counts the same visits
            for dwell in BINS:
                same = {n: 1.0 for n, kind in mine if kind[1] == dwell}
                same |= {n: -1.0 for n, kind in enumerate(_KINDS) if kind[:2] == ("attention", dwell)}
                program.limit(same, 0, 0)
    desk = cohort.zones["desk"].queue
    assert desk is not None
    lists: list[tuple[str, str, int, wire.Cells, int | None, float | None]] = [
        ("dwell", "attention", 1, cohort.dwell, cohort.visits, cohort.dwell_sum_s),
        ("attention", "attention", 2, cohort.attention, viewers, cohort.attention_sum_s),
        (
            "zones.shelf.dwell",
            "places",
            2,
            cohort.zones["shelf"].dwell,
            cohort.zones["shelf"].visits,
            cohort.zones["shelf"].dwell_sum_s,
        ),
        ("zones.desk.queue.waiting", "places", 3, desk.waiting, desk.waits, desk.waiting_sum_s),
        *(
            (f"targets.{name}.attention", name, 2, target.attention, target.viewers, target.attention_sum_s)
            for name, target in cohort.targets.items()
        ),
    ]
    for histogram, part, place, cells, visits, sum_s in lists:
        of_part = {n: kind[place] for n, kind in enumerate(_KINDS) if kind[0] == part}
        timed = {n: at for n, at in of_part.items() if isinstance(at, int)}
        idle = {n: 1.0 for n, at in of_part.items() if at is None} if histogram == "attention" else {}
        terms[histogram] = {
            wire.bin_label(EDGES[index]): {n: 1.0 for n, at in timed.items() if at == index} for index in BINS
        }
        if visits is not None:
            program.limit(dict.fromkeys(timed, 1.0), visits, visits)
        if sum_s is not None:
            least_s = VIEWER_S if histogram == "attention" else 0.0
            edges, upper = (LOOK_EDGES, LOOK_UPPER) if histogram.endswith("attention") else (EDGES, UPPER)
            program.limit({n: max(edges[at], least_s) for n, at in timed.items()}, 0, sum_s + ROUNDING_S)
            program.limit({n: upper[at] for n, at in timed.items()}, sum_s - ROUNDING_S, np.inf)
            for label, count in cells.items():
                told = terms[histogram][label] | (idle if label == wire.bin_label(EDGES[0]) else {})
                program.limit(told, 1 if count is None else count, np.inf if count is None else count)
    long = {
        n: 1.0 for n, (part, _, at, _) in enumerate(_KINDS) if part == "places" and at and EDGES[at] >= STOP_S
    }
    terms["zones.shelf"] = {"stops": long}
    for kind, number in Counter(kind for one in known for kind in _kinds_of(one)).items():
        program.limit({_AT[kind]: 1.0}, number, np.inf)
    return program, terms
