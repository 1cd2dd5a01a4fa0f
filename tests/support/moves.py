"""Small changes of the visits of a cohort: other days that may be published alike.

Each move returns the people with a few of them changed, or None where it does not go. A moved visit stays one that can
have happened: nobody looks or waits for longer than they were there, or stands in a zone that they were not in. Times
are moved so that their sum stays: what one visit gets is taken from others within their bins.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.vocabulary import NOT_SEEN, UNKNOWN
from edge.place_types import HEAT_MOST_S, Shown
from tests.support.days import Person
from tests.support.whereabouts import (
    CELLS,
    KINDS,
    bin_of,
    counted_s,
    labelled,
    least_elsewhere,
    limits,
    room_in,
    side_of,
    sum_of,
    toggled,
    value_of,
    warmth,
    with_heat,
    with_labels,
    with_stay,
    with_stay_of,
    with_value,
    within,
    without,
)

People = Sequence[Person]


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves visits of ``people``; those at the places ``free`` alone. ``sums``: the kinds of times whose sum
    must stay."""

    people: People
    free: Sequence[int]
    sums: Collection[str]
    rng: np.random.Generator

    def shuffled(self, chosen: Sequence[int] | None = None) -> list[int]:
        order = list(self.free if chosen is None else chosen)
        self.rng.shuffle(order)
        return order

    def mixed(self) -> list[int]:
        """The free visits so that each kind of them, by the zones that they were in, has the same chance to be first."""
        order, zones = self.shuffled(), [frozenset(one.places.stays) for one in self.people]
        ranks = {kind: self.rng.random() for kind in zones}
        return sorted(order, key=lambda n: ranks[zones[n]])

    def changed(self, *changes: tuple[int, Person]) -> list[Person]:
        people = list(self.people)
        for index, one in changes:
            people[index] = one
        return people

    # --- what faces show

    def relabel(self, attribute: int, old: str, new: str) -> list[Person] | None:
        """Give one visit another label; one that looked at no target, where there is one."""
        found = [n for n in self.shuffled() if self.people[n].labels[attribute] == old]
        if not found:
            return None
        index = min(found, key=lambda n: len(self.people[n].places.looks))
        return self.changed((index, labelled(self.people[index], attribute, new)))

    def exchange(self, attribute: int, one: int, other: int) -> list[Person]:
        """Exchange one label of two visits."""
        first, second = self.people[one], self.people[other]
        return self.changed(
            (one, labelled(first, attribute, second.labels[attribute])),
            (other, labelled(second, attribute, first.labels[attribute])),
        )

    def permute(self, attribute: int) -> list[Person]:
        """Deal the labels of all described visits anew."""
        seen = [n for n in self.free if self.people[n].labels[0] != NOT_SEEN]
        labels = [self.people[n].labels[attribute] for n in self.shuffled(seen)]
        return self.changed(
            *((n, labelled(self.people[n], attribute, label)) for n, label in zip(seen, labels, strict=True))
        )

    def deal(self, table: Mapping[tuple[str, str], int]) -> list[Person] | None:
        """Give genders and age bands to free visits so that there are so many with each pair in all. A visit that was
        not seen before, or is not any longer, has an unknown expression when it is seen."""
        wanted, spare, mover = Counter(table), list[int](), self
        wanted.subtract(one.labels[:2] for one in self.people)
        for n in self.shuffled():
            pair = self.people[n].labels[:2]
            if wanted[pair] < 0:
                wanted[pair] += 1
                spare.append(n)
        if min(wanted.values()) < 0:
            return None
        pairs = sorted(wanted.elements(), key=lambda pair: NOT_SEEN not in pair)
        spare.sort(key=lambda n: mover.people[n].labels[2] != UNKNOWN)
        for n, (gender, band) in zip(spare, pairs, strict=True):
            face = mover.people[n].labels[2]
            if gender == NOT_SEEN and face != UNKNOWN:
                owners = [other for other in mover.shuffled() if mover.people[other].labels[2] == UNKNOWN]
                if not owners:
                    return None
                mover = replace(mover, people=mover.exchange(2, n, owners[0]))
            face = NOT_SEEN if gender == NOT_SEEN else UNKNOWN if face == NOT_SEEN else face
            mover = replace(
                mover, people=mover.changed((n, with_labels(mover.people[n], (gender, band, face))))
            )
        return list(mover.people)

    def relist(self, unseen: int, lists: Sequence[Mapping[str, int]]) -> list[Person] | None:
        """Let so many visits not be seen, and give the others labels until there are so many with each in each list."""
        people = list(self.people)
        hidden = [n for n in self.shuffled() if people[n].labels[0] == NOT_SEEN]
        seen = [n for n in self.shuffled() if people[n].labels[0] != NOT_SEEN]
        more = unseen - sum(one.labels[0] == NOT_SEEN for one in people)
        if not -len(hidden) <= more <= len(seen):
            return None
        for n in hidden[: max(0, -more)]:
            people[n] = with_labels(people[n], (UNKNOWN,) * 3)
        for n in seen[: max(0, more)]:
            people[n] = with_labels(people[n], (NOT_SEEN,) * 3)
        for attribute, wanted in enumerate(lists):
            left = Counter(wanted)
            left.subtract(one.labels[attribute] for one in people if one.labels[0] != NOT_SEEN)
            new = list(left.elements())
            self.rng.shuffle(new)
            for n in self.shuffled():
                label = people[n].labels[attribute]
                if label != NOT_SEEN and left[label] < 0:
                    left[label] += 1
                    people[n] = labelled(people[n], attribute, new.pop())
            if min(left.values()) < 0:
                return None
        return people

    def deal_faces(self, target: str, now: Counter[str], table: Counter[str]) -> list[Person] | None:
        """Exchange expressions of viewers of a target and of others until ``table`` and not ``now`` is true of viewers.
        Who looked at something else exchanges with somebody who did so, too, where there is one."""
        mover = self
        looks = [one.places.looks.keys() for one in self.people]
        for less, more in zip((now - table).elements(), (table - now).elements(), strict=True):
            own = [n for n in mover.shuffled() if target in looks[n] and mover.people[n].labels[2] == less]
            other = [
                n for n in mover.shuffled() if target not in looks[n] and mover.people[n].labels[2] == more
            ]
            pairs = itertools.product(own, other)
            alike = (pair for pair in pairs if looks[pair[0]] - {target} == looks[pair[1]])
            pair = next(alike, None) or next(zip(own, other, strict=False), None)
            if pair is None:
                return None
            one, two = pair
            first, second = mover.people[one].labels, mover.people[two].labels
            if NOT_SEEN in (less, more):
                people = mover.changed(
                    (one, with_labels(mover.people[one], second)),
                    (two, with_labels(mover.people[two], first)),
                )
            else:
                people = mover.exchange(2, one, two)
            mover = replace(mover, people=people)
        return list(mover.people)

    def unsee(self, labels: Sequence[str]) -> list[Person] | None:
        """Make a visit that was not seen of one with these ``labels``. If nobody has all three of them, three visits
        exchange theirs before."""
        mover, index = self, -1
        for attribute, label in enumerate(labels):
            owners = [n for n in mover.shuffled() if mover.people[n].labels[attribute] == label]
            if not owners:
                return None
            if index < 0:
                index = owners[0]
            elif mover.people[index].labels[attribute] != label:
                mover = replace(mover, people=mover.exchange(attribute, index, owners[0]))
        return mover.changed((index, with_labels(mover.people[index], (NOT_SEEN,) * 3)))

    def see(self, labels: Sequence[str]) -> list[Person] | None:
        """Give these labels to a visit that was not seen."""
        unseen = [n for n in self.shuffled() if self.people[n].labels[0] == NOT_SEEN]
        if not unseen:
            return None
        index = min(unseen, key=lambda n: len(self.people[n].places.looks))
        return self.changed((index, with_labels(self.people[index], labels)))

    # --- times

    def retime(self, kind: str, old: int, new: int) -> list[Person] | None:
        """Move the time of one visit from one bin to another, by as little as it takes."""
        for index in self.shuffled():
            one = self.people[index]
            value = value_of(one, kind)
            if value is not None and bin_of(value) == old:
                least, most = within(new, *limits(one, kind, loose=True))
                if least < most:
                    made = min(max(value, least), most)
                    return self._settled(self.changed((index, with_value(one, kind, made))))
        return None

    def refill(self, kind: str, table: Sequence[int]) -> list[Person] | None:
        """Move times between bins until each bin holds as many as in ``table``."""
        people, left = list(self.people), list[tuple[float, int]]()
        now = Counter(bin_of(value) for one in people if (value := value_of(one, kind)) is not None)
        for index in self.shuffled():
            value = value_of(people[index], kind)
            if value is not None and now[bin_of(value)] > table[bin_of(value)]:
                now[bin_of(value)] -= 1
                left.append((value, index))
        wanted = [n for n, count in enumerate(table) for _ in range(count - now[n])]
        for (value, index), place in zip(sorted(left), wanted, strict=False):
            least, most = within(place, *limits(people[index], kind, loose=True))
            if least >= most:
                return None
            people[index] = with_value(people[index], kind, min(max(value, least), most))
        return self._settled(people)

    def _settled(self, people: list[Person]) -> list[Person] | None:
        """Give what the sums of times have lost to other visits, or take it from them, within their bins."""
        for kind in KINDS:
            if kind in self.sums:
                both = [(old, new) for old, new in zip(self.people, people, strict=True) if old is not new]
                rest_s = sum_of([old for old, _ in both], kind) - sum_of([new for _, new in both], kind)
                for loose in (False, True) if kind.startswith("stay") else (False,):
                    rest_s = self._shared(people, kind, rest_s, loose=loose)
                if abs(rest_s) > 0.01:
                    return None
        self._warm(people)
        return people

    def _warm(self, people: list[Person]) -> None:
        """Let others stand and look in the cells of the map for as long as those who were changed do no more."""
        both = [(old, new) for old, new in zip(self.people, people, strict=True) if old is not new]
        for zone, cells in CELLS.items():
            for cell, looking in itertools.product(cells, (False, True)):
                rest_s = sum(warmth(old, cell)[looking] - warmth(new, cell)[looking] for old, new in both)
                for index in self.shuffled() if abs(rest_s) >= 1e-9 else ():
                    one = people[index]
                    if cell in one.places.heat:
                        stood_s, looked_s = warmth(one, cell)
                        if looking:
                            made = stood_s, min(max(looked_s + rest_s, 0.0), stood_s)
                        else:
                            most_s = min(HEAT_MOST_S, stood_s + room_in(one, zone))
                            made = min(max(stood_s + rest_s, looked_s, 0.01), most_s), looked_s
                        people[index] = with_heat(one, cell, made)
                        rest_s -= made[looking] - (stood_s, looked_s)[looking]

    def _shared(self, people: list[Person], kind: str, rest_s: float, *, loose: bool) -> float:
        """Share these seconds among visits, and return those that are left. ``loose``: what a visit did meanwhile may
        take less time, too."""
        for index in self.shuffled() if abs(rest_s) >= 1e-9 else ():
            value = value_of(people[index], kind)
            if value is None or counted_s(kind, value) < value:
                continue
            least, most = within(bin_of(value), *limits(people[index], kind, loose=loose))
            made = min(max(value + rest_s, min(value, least)), max(value, most))
            people[index] = with_value(people[index], kind, made)
            rest_s -= made - value
            if abs(rest_s) < 1e-9:
                break
        return rest_s

    # --- places, clips, members

    def toggle(self, what: str, *, more: bool | None = None) -> list[Person] | None:
        """Let one visit do what it did not do, or not do what it did: the counts change by one. ``more``: whether they
        grow, None for either."""
        for index in self.mixed():
            if more is not None and (value_of(self.people[index], what) is None) != more:
                continue
            made = toggled(self.people[index], what)
            if made is not None:
                return self._settled(self.changed((index, made)))
        return None

    def deal_shows(self, table: Mapping[str, tuple[int, int]]) -> list[Person] | None:
        """Divide visits among the shows anew: so many belong to each side in ``table``, and so many of these looked. The
        visits of other sides stay as they are, and so does what is told of the shows themselves."""
        people = self.people
        mine = [n for n in self.shuffled() if side_of(people[n]) in table]
        lookers = [n for n in mine if "sign" in people[n].places.looks]
        waiting = [n for n in mine if "sign" not in people[n].places.looks]
        fixed = [people[n] for n in {*range(len(people))} - {*self.free}]
        owners = list[tuple[int, str, bool]]()
        left = dict[str, int]()
        for side, (visits, looked) in table.items():
            known = [one for one in fixed if side_of(one) == side]
            looked -= sum(value_of(one, f"clip {side}") is not None for one in known)
            left[side] = visits - len(known) - looked
            if not 0 <= looked <= len(lookers) or left[side] < 0:
                return None
            owners += [(lookers.pop(), side, True) for _ in range(looked)]
        waiting = lookers + waiting  # those who did not look come last, and are the first to be taken
        for side in filter(None, left):
            owners += [(waiting.pop(), side, False) for _ in range(left[side])]
        owners += [(n, "", False) for n in waiting]
        shows = {
            side: [shown for n in mine if (shown := people[n].shown) and side_of(people[n]) == side]
            for side in table
        }
        changes = []
        for n, side, looks in owners:
            clip, _, held = side.partition(" ")
            made = Shown(clip, held == "True", looked_s=0.0, first=False, seconds=0.0)
            shown = shows[side].pop() if shows[side] else made
            looked_s = min(10.0, 0.8 * people[n].places.looks["sign"]) if looks else 0.0
            changes.append((n, replace(people[n], shown=replace(shown, looked_s=looked_s) if side else None)))
        return self._settled(self.changed(*changes))

    def pass_on(self, zone: str, *, longer: bool) -> list[Person] | None:
        """Let another visit have been in a zone, with all that the first one did there; ``longer``: in addition to what
        it did before."""
        for giver in self.mixed():
            one = self.people[giver]
            if zone not in one.places.stays:
                continue
            for taker in self.mixed():
                other = self.people[taker]
                room_s = other.elsewhere_s - least_elsewhere(other)
                stay_s = one.places.stays[zone]
                if zone in other.places.stays or (room_s < stay_s and not longer):
                    continue
                giving, taking = without(one, zone), with_stay_of(other, zone, one)
                if longer:
                    giving = replace(giving, dwell_s=max(0.6, one.dwell_s - stay_s))
                    taking = replace(taking, dwell_s=other.dwell_s + stay_s)
                return self._settled(self.changed((giver, giving), (taker, taking)))
        return None

    def rezone(self, old: str, new: str) -> list[Person] | None:
        """Let one visit have been in another zone instead, for as long."""
        for index in self.mixed():
            one = self.people[index]
            if old in one.places.stays and new not in one.places.stays:
                moved = with_stay(without(one, old), new, one.places.stays[old])
                return self._settled(self.changed((index, moved)))
        return None
