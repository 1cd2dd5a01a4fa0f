"""A reader of everything that a day publishes, together: he looks for another day that is published alike.

He knows all published numbers, the rule itself, and some of the visits: his own, and those of his accomplices. A
withheld cell is open to him as long as there is a day with another value in it that the product publishes in the same
way, to the last number, and in which the visits that he knows are as they are. Such a day is made from the true one
(``tests.support.trials``) and sent through the product. Where none is found the cell counts as known: so what is
counted here is never less than what a reader can know.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common import wire
from common.vocabulary import ATTRIBUTES
from common.wire.fields import bin_label
from edge.types import WindowAggregate
from edge.vision import place_times, privacy, times
from edge.vision.pool import Pool
from tests.support.crowds import EDGES
from tests.support.days import PLAN, Person, Told, counts, gather, publish
from tests.support.moves import Mover
from tests.support.show_tables import Shows
from tests.support.times_system import STOPS, has_histogram, leaves_open
from tests.support.trials import Trials

_MOST, _TRIES, _ROUNDS, _LONGER = 60, 10, 20, 10
"""Days that are tried for one cell, of them next to one day, and the most rounds. Before a cell counts as known, ten
times as many are tried."""


def remember_times() -> None:
    """Let the rule remember what it said of the same times: other days often have them. It has no other effect."""
    both = functools.lru_cache(20_000)(times.publishable)
    beside = functools.lru_cache(20_000)(times.publishable_beside)
    vars(privacy)["publishable"] = vars(place_times)["publishable"] = both
    vars(place_times)["publishable_beside"] = lambda dwell, parts, k: beside(dwell, tuple(parts), k)


@dataclass(frozen=True, slots=True)
class Seen:
    """The small cells of a cohort that are withheld and count somebody whom the reader does not know. ``left``: those
    for which no other day was found; ``known``: those of them that the system of all times does not leave open."""

    cells: frozenset[str]
    left: frozenset[str]
    known: frozenset[str]


class Reader:
    """Reads one cohort of a day. ``k`` is that of the device."""

    def __init__(self, told: Told, k: int, rng: np.random.Generator) -> None:
        self._told, self._k, self._rng = told, k, rng
        self._published = publish(self._gathered(told.people), k)
        self._numbers = counts(self._published)
        self._truth = self._counted(told.people)
        self._trials = Trials(self._published, self._numbers, self._truth, k, rng, self._shows())
        self._sums = self._kinds_with_sum()
        self._found = list[tuple[Sequence[Person], frozenset[int]]]()
        self._open = dict[str, frozenset[int]]()

    @property
    def published(self) -> wire.Cohort:
        return self._published

    def read(self, known: Collection[int]) -> Seen:
        """Look for other days, with the visits at these places as they are. Days that an earlier call has found with
        more known visits are used again."""
        free = [n for n in range(len(self._told.people)) if n not in known]
        strangers = self._counted([self._told.people[n] for n in free]) if free else {}
        cells = {
            name
            for name, count in self._truth.items()
            if 0 < (count or 0) < self._k and self._numbers.get(name) is None and strangers.get(name)
        }
        left = {name for name in cells if not self._opened(name, known)}
        for name in sorted(left):
            if not self._opened(name, known):
                self._search(name, free, known)
        left = {name for name in left if not self._opened(name, known)}
        people, told = self._told.people, self._published
        open_ = {
            n
            for n in left
            if (has_histogram(n) or n == STOPS) and leaves_open(told, people, known, n, self._truth[n] or 0)
        }
        for name in sorted(left - open_):
            self._search(name, free, known, times=_LONGER)
        open_ |= {name for name in left if self._opened(name, known)}
        return Seen(frozenset(cells), frozenset(left), frozenset(left - open_))

    def _opened(self, name: str, known: Collection[int]) -> bool:
        return name in self._open and self._open[name] >= set(known)

    def _search(self, name: str, free: Sequence[int], known: Collection[int], times: int = 1) -> None:
        """Try days next to the true one, and then days next to others that are published like it: so many ``times`` as
        many as usual."""
        tried = 0
        for round_ in range(times * _ROUNDS):
            like = [people for people, of in self._found if of >= set(known)] if round_ else []
            people = like[int(self._rng.integers(len(like)))] if like else self._told.people
            for moved in self._trials.moved(name, Mover(people, free, self._sums, self._rng)):
                if moved is not None:
                    tried += 1
                    if self._alike(moved, known, name) or tried >= times * (
                        _TRIES if has_histogram(name) else _MOST
                    ):
                        return
                    if tried % _TRIES == 0:
                        break

    def _alike(self, people: Sequence[Person], known: Collection[int], name: str) -> bool:
        """Publish these people; if the message is the same, all cells with another value are open."""
        if not self._same_labels(people):
            return False
        window = self._gathered(people)
        if not self._same_times(window) or publish(window, self._k) != self._published:
            return False
        other = self._counted(people, window)
        self._found.append((people, frozenset(known)))
        for cell in {*other, *self._truth}:
            if (other.get(cell) or 0) != (self._truth.get(cell) or 0):
                self._open[cell] = frozenset(known)
        return self._opened(name, known)

    def _same_labels(self, people: Sequence[Person]) -> bool:
        """Return whether the lists of people would be the same: this is quick, and many days fail here."""
        pool = Pool(visits=len(people), breakdown=Counter(one.labels for one in people))
        like: Mapping[str, object] = privacy._people(pool, self._k, "expression")
        return all(like[name] == getattr(self._published, name) for name in _LISTS)

    def _same_times(self, window: WindowAggregate) -> bool:
        """Return the same for the times of the visits, without those of places, which take long."""
        like = self._published
        if like.dwell_sum_s not in (None, round(window.dwell_sum_s, 1)):
            return False
        pool = Pool()
        pool.add(window, "")
        times: Mapping[str, object] = privacy._times(pool, privacy._whole(pool, self._k), self._k)
        return all(times[name] == getattr(like, name) for name in _TIMES)

    def _gathered(self, people: Sequence[Person]) -> WindowAggregate:
        return gather(people, self._told.beside, self._told.cohort)

    def _counted(
        self, people: Sequence[Person], window: WindowAggregate | None = None
    ) -> Mapping[str, int | None]:
        """Return the true counts: what would be published if nothing were withheld. Who never looked is told by the
        totals, and in no cell here."""
        if not people:
            return {}
        idle = sum(not one.attention_s for one in people)
        found = counts(publish(window or self._gathered(people), 1))
        return found | {_FIRST_LOOKS: (found[_FIRST_LOOKS] or 0) - idle}

    def _shows(self) -> Shows:
        """Return what else tells of the shows: who looked anywhere, which the totals tell, and at the display."""
        told, display = self._published, PLAN.display
        viewers = [sum(one.attention_s > 0 for one in self._told.people)]
        if display.target and (at_display := told.targets[display.target].viewers) is not None:
            viewers.append(at_display)
        lists = [cells for cells in (told.gender, told.age_band) if cells is not None]
        return Shows(display, viewers, lists, self._k)

    def _kinds_with_sum(self) -> frozenset[str]:
        """Return the kinds of times whose sum is told."""
        cohort, desk = self._published, self._published.zones["desk"].queue
        sums: dict[str, float | None] = {
            "dwell": cohort.dwell_sum_s,
            "attention": cohort.attention_sum_s,
            "wait": desk.waiting_sum_s if desk else None,
            "stay shelf": cohort.zones["shelf"].dwell_sum_s,
            **{f"look {name}": target.attention_sum_s for name, target in cohort.targets.items()},
        }
        for name, clip in cohort.clips.items():
            sums[f"clip {name} False"] = clip.shown.attention_sum_s
            sums[f"clip {name} True"] = clip.held.attention_sum_s if clip.held else None
        return frozenset(kind for kind, sum_s in sums.items() if sum_s is not None)


_FIRST_LOOKS = f"attention.{bin_label(EDGES[0])}"
_LISTS = (*ATTRIBUTES, "described", "gender_age_band")
_TIMES = ("dwell", "dwell_sum_s", "attention", "attention_sum_s")
