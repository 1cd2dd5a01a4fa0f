"""How else the visits of a cohort can be divided among the shows of a display, so that the same is told of clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common import wire
from edge.place_types import ClipCounts, TimeCounts
from edge.vision.clip_privacy import ClipPlan, ClipsTold, Side, tell_counts
from tests.support.days import Person
from tests.support.whereabouts import side_of

Table = Mapping[str, tuple[int, int]]
"""Visits, and those of them that looked, by the name of the side of a clip; "" is no show."""
_DRAWN = 150


@dataclass(frozen=True, slots=True)
class Shows:
    """The display of one cohort: what else tells of its shows. ``viewers`` are the published numbers of visits that
    looked; ``lists`` those of genders and age bands."""

    plan: ClipPlan
    viewers: Sequence[int]
    lists: Sequence[wire.Cells]
    k: int

    def divided(self, people: Sequence[Person]) -> Table:
        table = dict.fromkeys(("", *map(_name, self.plan.sides)), (0, 0))
        for one in people:
            visits, looked = table[side_of(one)]
            table[side_of(one)] = visits + 1, looked + bool(one.shown and one.shown.looked_s)
        return table

    def others(self, people: Sequence[Person], rng: np.random.Generator) -> Iterator[Table]:
        """Draw tables that are told as that of ``people`` is; only the sides that can be another are in them."""
        now = self.divided(people)
        told = self._told(now)
        fixed = set(map(_name, told.viewers))
        loose = sorted(now.keys() - set(map(_name, told.visits)))
        lookers = sum(side_of(one) not in fixed and "sign" in one.places.looks for one in people)
        for _ in range(_DRAWN):
            visits = {name: now[name][0] for name in now}
            left = sum(visits[name] for name in loose)
            order = rng.permutation(loose).tolist()
            for name in order[:-1]:
                visits[name] = min(left, self._near(visits[name], rng))
                left -= visits[name]
            visits[order[-1]] = left
            other = {
                name: now[name]
                if name in fixed
                else (count, min(count, self._near(now[name][1], rng)) if name else 0)
                for name, count in visits.items()
            }
            made = {name: pair for name, pair in other.items() if name not in fixed}
            looked = sum(count for _, count in made.values())
            if looked <= lookers and other != now and self._told(other) == told:
                yield made

    def _near(self, count: int, rng: np.random.Generator) -> int:
        """Draw a number that is near to this one, or small: there the rule decides in another way."""
        least, most = (max(0, count - self.k), count + self.k) if rng.random() < 0.5 else (0, 2 * self.k)
        return int(rng.integers(least, most + 1))

    def _told(self, table: Table) -> ClipsTold:
        counts = {
            side: ClipCounts(visits=visits, looks=TimeCounts(visits=looked))
            for side in self.plan.sides
            for visits, looked in [table[_name(side)]]
        }
        visits = sum(count for count, _ in table.values())
        return tell_counts(self.plan, counts, visits=visits, viewers=self.viewers, lists=self.lists, k=self.k)


def _name(side: Side) -> str:
    return f"{side[0]} {side[1]}"
