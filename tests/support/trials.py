"""Which days a reader tries for a withheld cell: those in which it has another value, and all else may be the same."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common import wire
from common.vocabulary import ATTRIBUTES, DWELL_BINS_S, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire.fields import bin_label
from edge.vision import times
from tests.support.days import Person
from tests.support.face_tables import other_faces
from tests.support.joint_tables import other_tables
from tests.support.list_tables import other_lists
from tests.support.moves import Mover
from tests.support.show_tables import Shows
from tests.support.whereabouts import STOP_S, bin_of, counted_s, most_s, value_of

_BINS = [bin_label(edge) for edge in DWELL_BINS_S]
_UNSEEN = _RELISTED = 10
"""How often a visit is seen or not seen with labels by chance, and how many lists are drawn."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Makes days that may be published like one cohort. ``numbers``: what it tells of each cell; ``truth``: what is in
    each. ``k`` is that of the device."""

    published: wire.Cohort
    numbers: Mapping[str, int | None]
    truth: Mapping[str, int | None]
    k: int
    rng: np.random.Generator
    shows: Shows

    def moved(self, name: str, mover: Mover) -> Iterator[list[Person] | None]:
        """Yield people with another value in the cell ``name``; None where a move does not go."""
        first, *rest = name.split(".")
        if first == "targets":
            yield from self._at_target(rest[0], rest[1:], mover)
        elif first == "described" or NOT_SEEN in rest:
            yield from self._unseen(mover)
        elif first in ATTRIBUTES:
            yield from self._relabelled(first, rest[0], mover)
        elif first == "gender_age_band":
            yield from self._dealt(rest[0], rest[1], mover)
        elif first in ("dwell", "attention"):
            yield from self._retimed(first, first, rest[0], mover)
        elif first == "members":
            yield mover.toggle("member")
        elif first == "ways":
            yield from _in_turn([mover.toggle("order")], self._walked(mover))
        elif first == "zones":
            yield from self._in_zone(rest[0], rest[1:], mover)
        else:
            yield from self._watched(f"{rest[0]} {rest[1] == 'held'}", rest[2], mover)

    def _hidden(self, attribute: str) -> list[str]:
        cells = getattr(self.published, attribute)
        return [UNKNOWN if one == NO_VERDICT else one for one, count in cells.items() if count is None]

    def _unseen(self, mover: Mover) -> Iterator[list[Person] | None]:
        """Let other visits not be seen."""
        dealt = iter(()) if self.published.gender_age_band is None else self._redealt(mover, None)
        yield from _in_turn(self._seen(mover), dealt, self._relisted(mover))

    def _seen(self, mover: Mover) -> Iterator[list[Person] | None]:
        """Let a visit not be seen, or be seen: in each list it comes from the unknown or from a withheld cell."""
        yield mover.see([UNKNOWN] * 3)
        yield mover.unsee([UNKNOWN] * 3)
        places = [sorted({UNKNOWN, *self._hidden(attribute)}) for attribute in ATTRIBUTES]
        for _ in range(_UNSEEN):
            labels = [str(self.rng.choice(place)) for place in places]
            yield mover.see(labels)
            yield mover.unsee(labels)

    def _relabelled(self, attribute: str, label: str, mover: Mover) -> Iterator[list[Person] | None]:
        place = list(ATTRIBUTES).index(attribute)
        others = [other for other in self._hidden(attribute) if other != label]
        moves = [mover.relabel(place, *pair) for other in others for pair in ((label, other), (other, label))]
        if NO_VERDICT in getattr(self.published, attribute):
            labels = [label if n == place else UNKNOWN for n in range(len(ATTRIBUTES))]
            moves += [mover.see(labels), mover.unsee(labels)]
        self.rng.shuffle(moves)
        unseen = self._unseen(mover) if label == UNKNOWN else iter(())
        yield from _in_turn(moves, self._relisted(mover, attribute, label), unseen)

    def _relisted(self, mover: Mover, attribute: str = "", label: str = "") -> Iterator[list[Person] | None]:
        """Draw lists that are told alike, with another value of this label, or with others who were not seen."""
        merged, true = self.published.described is None, Counter(one.labels for one in mover.people)
        unseen = true[NOT_SEEN, NOT_SEEN, NOT_SEEN]
        for _ in range(_RELISTED):
            other = int(self.rng.integers(self.k + 2)) if merged and self.rng.random() < 0.5 else unseen
            drawn = list[Mapping[str, int]]()
            for place, name in enumerate(ATTRIBUTES):
                now = dict.fromkeys((*ATTRIBUTES[name], UNKNOWN, NOT_SEEN), 0)
                for labels, count in true.items():
                    now[labels[place]] += count
                same = {**now, UNKNOWN: now[UNKNOWN] + unseen - other}
                fit = [same] if same[UNKNOWN] >= 0 else self._lists(name, other, merged=merged)
                if name == attribute:
                    fit = [one for one in self._lists(name, other, merged=merged) if one[label] != now[label]]
                if fit:
                    drawn.append(fit[int(self.rng.integers(len(fit)))])
            yield mover.relist(other, drawn) if len(drawn) == len(ATTRIBUTES) else None

    def _lists(self, attribute: str, unseen: int, *, merged: bool) -> list[dict[str, int]]:
        """Return the lists that are told alike if so many visits were not seen."""
        lists = other_lists(self.published, attribute, self.k)
        if merged:
            lists = [{**one, UNKNOWN: one[NO_VERDICT] - unseen} for one in lists if one[NO_VERDICT] >= unseen]
        return list(lists)

    def _dealt(self, gender: str, band: str, mover: Mover) -> Iterator[list[Person] | None]:
        if self.published.gender_age_band is not None:
            yield from self._redealt(mover, (gender, band))
            return
        yield mover.permute(1)
        people = mover.people
        own, other = (
            [n for n in mover.shuffled() if (people[n].labels[0] == gender) == mine] for mine in (True, False)
        )
        for giving, taking in ((own, other), (other, own)):
            givers = [n for n in giving if people[n].labels[1] == band]
            takers = [n for n in taking if people[n].labels[1] not in (band, NOT_SEEN)]
            for giver, taker in zip(givers, takers, strict=False):
                yield mover.exchange(1, giver, taker)

    def _redealt(self, mover: Mover, cell: tuple[str, str] | None) -> Iterator[list[Person] | None]:
        for table in other_tables(self.published, mover.people, mover.free, self.k, self.rng, cell):
            yield mover.deal(table)

    def _retimed(self, kind: str, cells: str, label: str, mover: Mover) -> Iterator[list[Person] | None]:
        """Move a visit into this bin or out of it. ``cells``: the name of its histogram."""
        hidden = [n for n, bin_name in enumerate(_BINS) if self.numbers.get(f"{cells}.{bin_name}") is None]
        here = _BINS.index(label)
        if kind in mover.sums:
            for table in self._tables(kind, mover.people):
                if table[here] != (self.truth[f"{cells}.{label}"] or 0):
                    yield mover.refill(kind, table)
        for other in sorted(hidden, key=lambda n: (abs(n - here), n)):
            if other != here:
                yield mover.retime(kind, here, other)
                yield mover.retime(kind, other, here)
        if kind == "dwell":
            yield from (mover.pass_on(zone, longer=True) for zone in ("desk", "shelf"))

    def _tables(self, kind: str, people: Sequence[Person]) -> Iterator[Sequence[int]]:
        """Other histograms that the rule itself finds for the published one. Whether one of them can be is seen when
        people with such times are published."""
        values = [seconds for one in people if (seconds := value_of(one, kind)) is not None]
        table = Counter(map(bin_of, values))
        sum_s = round(sum(counted_s(kind, seconds) for seconds in values), 1)
        made = times.Times(tuple(table[n] for n in range(len(_BINS))), sum_s, most_s=most_s(kind))
        if kind == "attention":
            idle = len(people) - len(values)
            made = replace(made, counts=(made.counts[0] + idle, *made.counts[1:]), idle=idle)
        found = list(times._alike(made, self.k))
        self.rng.shuffle(found)
        for other in found:
            if other != made.counts:
                yield (other[0] - made.idle, *other[1:])

    def _in_zone(self, zone: str, rest: Sequence[str], mover: Mover) -> Iterator[list[Person] | None]:
        inside = ("desk", "shelf") if zone == "wide" else (zone,)
        if rest[-2:-1] == ["waiting"]:
            yield from self._retimed("wait", f"zones.{zone}.queue.waiting", rest[-1], mover)
        elif rest[0] == "dwell":
            yield from self._retimed(f"stay {zone}", f"zones.{zone}.dwell", rest[1], mover)
        elif rest[-1] == "stops":
            yield from _in_turn((mover.toggle(f"stop {each}") for each in inside), self._longer(zone, mover))
        elif rest[-1] in ("waits", "served"):
            yield mover.toggle("wait" if rest[-1] == "waits" else "served")
        else:
            yield from self._walked(mover)

    def _walked(self, mover: Mover) -> Iterator[list[Person] | None]:
        """Let somebody be in a zone or not, or in the other one, or another visit in place of this one."""
        zones = ("desk", "shelf")
        yield from (mover.toggle(f"stay {zone}") for zone in zones)
        yield from (mover.rezone(*pair) for pair in itertools.permutations(zones))
        yield from (mover.pass_on(zone, longer=longer) for longer in (False, True) for zone in zones)

    def _longer(self, zone: str, mover: Mover) -> Iterator[list[Person] | None]:
        """Let somebody stay in a zone for long enough, and stop there."""
        long = [n for n, edge in enumerate(DWELL_BINS_S) if edge >= STOP_S]
        dwell = Counter(bin_of(one.dwell_s) for one in mover.people)
        for new in long:
            for old in range(long[0]):
                moved = mover.retime(f"stay {zone}", old, new)
                if moved is not None:
                    then = replace(mover, people=moved)
                    others = then.refill("dwell", [dwell[n] for n in range(len(_BINS))])
                    yield then.toggle(f"stop {zone}")
                    yield None if others is None else replace(mover, people=others).toggle(f"stop {zone}")

    def _at_target(self, target: str, rest: Sequence[str], mover: Mover) -> Iterator[list[Person] | None]:
        if rest[0] == "attention":
            yield from self._retimed(f"look {target}", f"targets.{target}.attention", rest[1], mover)
        elif rest[0] == "passers":
            yield from self._walked(mover)
        else:
            looks = (mover.toggle(f"look {target}", more=more) for more in (False, True))
            yield from _in_turn(looks, self._exchanged(target, rest[1], mover) if rest[1:] else ())

    def _watched(self, side: str, what: str, mover: Mover) -> Iterator[list[Person] | None]:
        now = self.shows.divided(mover.people)
        at = ("visits", "viewers").index(what)
        for other in self.shows.others(mover.people, self.rng):
            if side in other and other[side][at] != now[side][at]:
                yield mover.deal_shows(other)

    def _exchanged(self, target: str, face: str, mover: Mover) -> Iterator[list[Person] | None]:
        """Let some viewers with one expression have that of others, and the other way round."""
        everybody = Counter(one.labels[2] for one in mover.people)
        now = Counter(one.labels[2] for one in mover.people if target in one.places.looks)
        for table in other_faces(self.published, target, now, everybody, self.k, self.rng):
            if table[face] != now[face]:
                yield mover.deal_faces(target, now, table)


def _in_turn(*ways: Iterable[list[Person] | None]) -> Iterator[list[Person] | None]:
    """Take moves from all ``ways`` in turn: the search may end before one of them does."""
    left = [iter(way) for way in ways]
    while left:
        for way in tuple(left):
            made = next(way, _END)
            if isinstance(made, _End):
                left.remove(way)
            else:
                yield made


class _End:
    """That there is no move left: None is one that does not go."""


_END = _End()
