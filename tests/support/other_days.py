"""A reader of everything that a day publishes, together: he looks for another day that is published alike.

He knows all published numbers, the rule itself, and some of the visits: his own, and those of his accomplices. A
withheld cell is open to him as long as there is a day with another value in it that the product publishes in the same
way, to the last number, and in which the visits that he knows are as they are. Such a day is made from the true one
(``tests.support.moves``) and sent through the product. Where none is found the cell counts as known: so what is
counted here is never less than what a reader can know.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common import wire
from common.vocabulary import ATTRIBUTES, DWELL_BINS_S, NO_VERDICT, NOT_SEEN, UNKNOWN
from common.wire.fields import bin_label
from edge.types import WindowAggregate
from edge.vision import place_times, privacy, times
from edge.vision.pool import Pool
from tests.support.crowds import SEEN
from tests.support.days import SIDES, Person, Told, counts, gather, publish
from tests.support.moves import Mover
from tests.support.reader import Program
from tests.support.times_system import has_histogram, leaves_open
from tests.support.whereabouts import STOP_S, bin_of, counted_s, most_s, value_of

_BINS = [bin_label(edge) for edge in DWELL_BINS_S]
_TRIES, _EACH, _ROUNDS = 60, 10, 20
"""Days that are tried for one cell before it counts as known, of them next to one day, and the most rounds."""


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
            n for n in left if has_histogram(n) and leaves_open(told, people, known, n, self._truth[n] or 0)
        }
        return Seen(frozenset(cells), frozenset(left), frozenset(left - open_))

    def _opened(self, name: str, known: Collection[int]) -> bool:
        return name in self._open and self._open[name] >= set(known)

    def _search(self, name: str, free: Sequence[int], known: Collection[int]) -> None:
        """Try days next to the true one, and then days next to others that are published like it."""
        tried = 0
        for round_ in range(_ROUNDS):
            like = [people for people, of in self._found if of >= set(known)] if round_ else []
            people = like[int(self._rng.integers(len(like)))] if like else self._told.people
            for moved in self._moved(name, Mover(people, free, self._sums, self._rng)):
                if moved is not None:
                    tried += 1
                    if self._alike(moved, known, name) or tried >= (_EACH if has_histogram(name) else _TRIES):
                        return
                    if tried % _EACH == 0:
                        break

    def _alike(self, people: Sequence[Person], known: Collection[int], name: str) -> bool:
        """Publish these people; if the message is the same, all cells with another value are open."""
        if not self._same_labels(people):
            return False
        window = self._gathered(people)
        if not self._same_times(window) or publish(window, self._k) != self._published:
            return False
        other = counts(publish(window, 1))
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

    def _counted(self, people: Sequence[Person]) -> Mapping[str, int | None]:
        """Return the true counts: what would be published if nothing were withheld."""
        return counts(publish(self._gathered(people), 1)) if people else {}

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

    # --- which days to try

    def _moved(self, name: str, mover: Mover) -> Iterator[list[Person] | None]:
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
            yield from (mover.toggle(what) for what in ("order", "stay desk", "stay shelf"))
            yield from (mover.pass_on(zone, longer=False) for zone in ("desk", "shelf"))
        elif first == "zones":
            yield from self._in_zone(rest[0], rest[1:], mover)
        else:
            yield from self._watched(f"{rest[0]} {rest[1] == 'held'}", rest[2], mover)

    def _hidden(self, attribute: str) -> list[str]:
        cells = getattr(self._published, attribute)
        return [UNKNOWN if one == NO_VERDICT else one for one, count in cells.items() if count is None]

    def _unseen(self, mover: Mover) -> Iterator[list[Person] | None]:
        """Let a visit not be seen, or be seen: in each list it comes from the unknown or from a withheld cell."""
        yield mover.see([UNKNOWN] * 3)
        yield mover.unsee([UNKNOWN] * 3)
        places = [sorted({UNKNOWN, *self._hidden(attribute)}) for attribute in ATTRIBUTES]
        for _ in range(_EACH):
            labels = [str(self._rng.choice(place)) for place in places]
            yield mover.see(labels)
            yield mover.unsee(labels)

    def _relabelled(self, attribute: str, label: str, mover: Mover) -> Iterator[list[Person] | None]:
        place = list(ATTRIBUTES).index(attribute)
        if NO_VERDICT in getattr(self._published, attribute):
            yield mover.see([label if n == place else UNKNOWN for n in range(len(ATTRIBUTES))])
            if label == UNKNOWN:
                yield from self._unseen(mover)
        hidden = self._hidden(attribute)
        self._rng.shuffle(hidden)
        for other in hidden:
            if other != label:
                yield mover.relabel(place, label, other)
                yield mover.relabel(place, other, label)

    def _dealt(self, gender: str, band: str, mover: Mover) -> Iterator[list[Person] | None]:
        if self._published.gender_age_band is None:
            yield mover.permute(1)
        else:
            for table in self._joint_tables(gender, band, mover):
                yield mover.deal(table)
        people = mover.people
        mine = [n for n in mover.free if people[n].labels[:2] == (gender, band)]
        others = [
            n
            for n in mover.free
            if people[n].labels[0] not in (gender, NOT_SEEN) and people[n].labels[1] != band
        ]
        if mine:
            for n in mover.shuffled(others):
                yield mover.exchange(1, mine[0], n)
        givers = [n for n in mover.free if people[n].labels[1] == band and people[n].labels[0] != gender]
        takers = [n for n in mover.free if people[n].labels[0] == gender and people[n].labels[1] != band]
        for giver, taker in zip(mover.shuffled(givers), mover.shuffled(takers), strict=False):
            yield mover.exchange(1, giver, taker)

    def _joint_tables(self, gender: str, band: str, mover: Mover) -> Iterator[Mapping[tuple[str, str], int]]:
        """Tables with the same sums, in which small cells stay small and large ones large, and this one differs."""
        genders, bands = (list(SEEN[name]) for name in ("gender", "age_band"))
        keys = list(itertools.product(genders, bands))
        free = set(mover.free)
        now = Counter(one.labels[:2] for one in mover.people)
        known = Counter(one.labels[:2] for n, one in enumerate(mover.people) if n not in free)
        program = Program(len(keys))
        for n, (own, age) in enumerate(keys):
            count, told = now[own, age], self._numbers.get(f"gender_age_band.{own}.{age}")
            small = (1, self._k - 1) if 0 < count < self._k else (self._k, np.inf)
            least, most = small if told is None and count else (count, count)
            program.limit({n: 1.0}, max(least, known[own, age]), most)
        for place, names in enumerate((genders, bands)):
            for name in names:
                terms = {n: 1.0 for n, key in enumerate(keys) if key[place] == name}
                total = sum(now[keys[n]] for n in terms)
                program.limit(terms, total, total)
        cell, count = {keys.index((gender, band)): 1.0}, now[gender, band]
        for low, high in ((-np.inf, count - 1), (count + 1, np.inf)):
            weights = self._rng.lognormal(0, 1, 2 * len(keys))
            found = program.nearest([now[key] for key in keys], weights, [(cell, low, high)])
            if found is not None:
                yield dict(zip(keys, found, strict=True))

    def _retimed(self, kind: str, cells: str, label: str, mover: Mover) -> Iterator[list[Person] | None]:
        """Move a visit into this bin or out of it. ``cells``: the name of its histogram."""
        hidden = [n for n, bin_name in enumerate(_BINS) if self._numbers.get(f"{cells}.{bin_name}") is None]
        here = _BINS.index(label)
        if kind in mover.sums:
            for table in self._tables(kind, mover.people):
                if table[here] != (self._truth[f"{cells}.{label}"] or 0):
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
        found = list(times._alike(made, self._k))
        self._rng.shuffle(found)
        for other in found:
            if other != made.counts:
                yield (other[0] - made.idle, *other[1:])

    def _in_zone(self, zone: str, rest: Sequence[str], mover: Mover) -> Iterator[list[Person] | None]:
        inside = ("desk", "shelf") if zone == "wide" else (zone,)
        if rest[-2:-1] == ["waiting"]:
            yield from self._retimed("wait", f"zones.{zone}.queue.waiting", rest[-1], mover)
        elif rest[0] == "dwell":
            yield from self._retimed(f"stay {zone}", f"zones.{zone}.dwell", rest[1], mover)
        elif rest[-1] in ("waits", "served"):
            yield mover.toggle("wait" if rest[-1] == "waits" else "served")
        else:
            what = "stop" if rest[-1] == "stops" else "stay"
            yield from (mover.toggle(f"{what} {each}") for each in inside)
            if what == "stop":
                yield from self._longer(zone, mover)

    def _longer(self, zone: str, mover: Mover) -> Iterator[list[Person] | None]:
        """Let somebody stay in a zone for long enough, and stop there."""
        long = [n for n, edge in enumerate(DWELL_BINS_S) if edge >= STOP_S]
        for new in long:
            for old in range(long[0]):
                moved = mover.retime(f"stay {zone}", old, new)
                yield None if moved is None else replace(mover, people=moved).toggle(f"stop {zone}")

    def _at_target(self, target: str, rest: Sequence[str], mover: Mover) -> Iterator[list[Person] | None]:
        if rest[0] == "attention":
            yield from self._retimed(f"look {target}", f"targets.{target}.attention", rest[1], mover)
        elif rest[0] == "passers":
            yield mover.toggle("stay shelf")
        elif rest[0] == "viewers":
            yield mover.toggle(f"look {target}")
        else:
            yield from self._exchanged(target, rest[1], mover)

    def _watched(self, side: str, what: str, mover: Mover) -> Iterator[list[Person] | None]:
        sides = [f"{clip} {held}" for clip, held in SIDES]
        others = [one for one in ("", *sides) if one != side]
        if what == "viewers":
            yield mover.lend_show(side)
            for more in (False, True):
                yield (once := mover.toggle(f"clip {side}", more=more))
                for other in sides:
                    if other != side and once is not None:
                        yield replace(mover, people=once).toggle(f"clip {other}", more=not more)
            return
        for other in others:
            clip, _, held = other.partition(" ")
            if (
                not other
                or self._numbers[f"clips.{clip}.{'held' if held == 'True' else 'shown'}.visits"] is None
            ):
                yield mover.reshow(side, other)
                yield mover.reshow(other, side)

    def _exchanged(self, target: str, face: str, mover: Mover) -> Iterator[list[Person]]:
        """Let a viewer with this expression have that of somebody else, or the other way round."""
        people = mover.people
        for own in (True, False):
            viewers = [n for n in mover.shuffled() if target in people[n].places.looks]
            givers = [n for n in viewers if (people[n].labels[2] == face) == own]
            others = [
                n for n in mover.shuffled() if n not in viewers and (people[n].labels[2] == face) != own
            ]
            for one, other in zip(givers[:4], others, strict=False):
                first, second = people[one], people[other]
                if NOT_SEEN in (first.labels[2], second.labels[2]):
                    yield mover.changed(
                        (one, replace(first, labels=second.labels)),
                        (other, replace(second, labels=first.labels)),
                    )
                else:
                    yield mover.exchange(2, one, other)


_LISTS = (*ATTRIBUTES, "described", "gender_age_band")
_TIMES = ("dwell", "dwell_sum_s", "attention", "attention_sum_s")
